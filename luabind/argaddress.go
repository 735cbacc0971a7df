// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"fmt"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"pvlua/packet"
)

// addressSorts are the types of arguments that are addresses. They are texts on
// the command line and in default=, and values as in packets for the script.
var addressSorts = map[string]addressSort{
	"ip":  {"ADDRESS", "an IPv4 address such as 10.0.0.1", parseIP4Value},
	"ip6": {"ADDRESS", "an IPv6 address such as 2001:db8::1", parseIP6Value},
	"address": {"ADDRESS", "an IPv4 or IPv6 address such as 10.0.0.1 or 2001:db8::1", func(text string) (lua.LValue, error) {
		if strings.Contains(text, ":") {
			return parseIP6Value(text)
		}
		return parseIP4Value(text)
	}},
	"mac": {"MAC", "an Ethernet address such as 02:00:00:00:00:01", func(text string) (lua.LValue, error) {
		n, err := packet.ParseMAC(text)
		return lua.LNumber(n), err
	}},
}

type addressSort struct {
	placeholder, expects string
	parse                func(text string) (lua.LValue, error)
}

func parseIP4Value(text string) (lua.LValue, error) {
	n, err := packet.ParseIP4(text)
	return lua.LNumber(n), err
}

func parseIP6Value(text string) (lua.LValue, error) {
	b, err := packet.ParseIP6(text)
	return lua.LString(b[:]), err
}

// value makes a value of the text of an address.
func (s addressSort) value(name, text string) (lua.LValue, error) {
	v, err := s.parse(text)
	if err != nil {
		return lua.LNil, fmt.Errorf("--%s is %s; expected %s", name, describe(lua.LString(text)), s.expects)
	}
	return v, nil
}

// address completes the declaration of an argument that is an address.
func (a *argument) address(L *lua.LState, sort addressSort) {
	if len(a.choices) > 0 {
		L.RaiseError("pv.arg: --%s is an address and can't have choices", a.name)
	}
	if a.fallback == lua.LNil {
		return
	}
	text, ok := a.fallback.(lua.LString)
	v, err := sort.value(a.name, string(text))
	if !ok || err != nil {
		L.RaiseError("pv.arg: the default of --%s is %s; expected the text of %s", a.name, describe(a.fallback), sort.expects)
	}
	a.fallback, a.shown = v, string(text)
}
