// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"errors"

	"pvlua/packet"
)

// Declarations gives the headers that a script declares, in the order of their
// declarations. It runs the script's main chunk as Load does, but opens no
// sockets, and the script need not have an on_packet. An error of the script is
// a *ScriptError.
func Declarations(c Config) ([]*packet.Protocol, error) {
	c, source, err := c.normal()
	if err != nil {
		return nil, err
	}
	s := newState(c)
	defer s.Close()
	s.out.asked = true
	fn, err := s.compile(c.Script, source)
	if err != nil {
		return nil, err
	}
	err = s.endMain(source, s.protectedCall(fn))
	if early := (*EarlyExit)(nil); err != nil && (!errors.As(err, &early) || early.Output != "") {
		return nil, err
	}
	return s.Protocols(), nil
}
