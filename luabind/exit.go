// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"fmt"

	lua "github.com/yuin/gopher-lua"
)

// An ExitHost is a Host that can end the run.
type ExitHost interface {
	// Exit has the run end in order, with an exit status from 0 to 255: what
	// was received is handled, on_stop is called. If it is called more than
	// once, the first status counts. Exit returns at once.
	Exit(status int)
}

// EarlyExit is the error of Load when the script does not want to run: it was
// asked for its help, or called pv.exit while it was loaded. It is no failure.
type EarlyExit struct {
	Status int    // the exit status that it wants
	Output string // to be printed to standard output
}

// Error says what happened to those who do not expect it.
func (e *EarlyExit) Error() string {
	return fmt.Sprintf("the script ended with exit status %d while it was loaded", e.Status)
}

// exit is pv.exit([status]).
func (s *State) exit(L *lua.LState) int {
	status := uint64(0)
	if v := L.Get(1); v != lua.LNil {
		var ok bool
		if status, ok = wholeNumber(v); !ok || status > 255 {
			L.RaiseError("pv.exit: the exit status is %s; expected a whole number from 0 to 255", describe(v))
		}
	}
	if !s.out.loaded {
		if s.out.early == nil {
			s.out.early = &EarlyExit{Status: int(status)}
		}
		// Ends the main chunk, and even if it catches this error Load fails.
		L.RaiseError("pv.exit ends the script")
	}
	host, ok := s.cfg.Host.(ExitHost)
	if !ok {
		L.RaiseError("pv.exit: this run can't be ended by its script")
	}
	s.out.exited = true
	host.Exit(int(status))
	return 0
}
