// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"fmt"
	"reflect"
	"slices"

	lua "github.com/yuin/gopher-lua"

	"pvlua/packet"
)

// maxTestPorts bounds the ports of a test.
const maxTestPorts = 64

// TestPort gives port number i, from 0, of tests that do not say more.
func TestPort(i int) Port {
	return Port{
		Index: i, Name: fmt.Sprintf("port%d", i+1), MAC: 0x020000000001 + uint64(i),
		IP:  []uint32{0x0a000001 + uint32(i+1)<<8}, // 10.0.1.1, 10.0.2.1
		IP6: [][16]byte{{0x20, 0x01, 0x0d, 0xb8, 0, byte(i + 1), 15: 1}},
		MTU: 1500, Queues: 1, Ifindex: i + 1, Up: true,
	}
}

// testPorts is test.ports(n or list).
func (s *State) testPorts(L *lua.LState) int {
	var ports []Port
	switch v := L.Get(1).(type) {
	case lua.LNumber:
		if n, ok := wholeNumber(v); ok && n >= 1 && n <= maxTestPorts {
			for i := range int(n) {
				ports = append(ports, TestPort(i))
			}
		}
	case *lua.LTable:
		for i := range min(tableLength(v), maxTestPorts+1) {
			ports = append(ports, describedPort(L, i, v.RawGetInt(i+1)))
		}
	}
	if len(ports) == 0 || len(ports) > maxTestPorts {
		L.RaiseError(`test.ports: got %s; expected a number of ports, 1 to %d, or a list such as {{name = "left", ip = "10.0.0.1"}, {name = "right"}}`, describe(L.Get(1)), maxTestPorts)
	}
	for i, p := range ports {
		if slices.ContainsFunc(ports[:i], func(o Port) bool { return o.Name == p.Name }) {
			L.RaiseError("test.ports: two ports are called %s", quote(p.Name))
		}
	}
	s.askFor(L, "test.ports", Setup{Ports: ports})
	return 0
}

// describedPort gives a port of which a table says something.
func describedPort(L *lua.LState, i int, v lua.LValue) Port {
	t, ok := v.(*lua.LTable)
	if !ok {
		L.RaiseError("test.ports: port %d is %s; expected a table, which may be empty", i+1, describe(v))
	}
	p := TestPort(i)
	t.ForEach(func(k, v lua.LValue) {
		ok := true
		switch k {
		case lua.LString("name"):
			p.Name = v.String()
			ok = v.Type() == lua.LTString && p.Name != ""
		case lua.LString("mac"):
			p.MAC, ok = macOf(v)
		case lua.LString("ip"):
			p.IP = nil
			ok = eachOf(v, func(v lua.LValue) bool {
				a, ok := ip4Of(v)
				p.IP = append(p.IP, a)
				return ok
			})
		case lua.LString("ip6"):
			p.IP6 = nil
			ok = eachOf(v, func(v lua.LValue) bool {
				a, ok := ip6Of(v)
				p.IP6 = append(p.IP6, a)
				return ok
			})
		case lua.LString("mtu"):
			p.MTU, ok = countOf(v, 65535)
		case lua.LString("queues"):
			p.Queues, ok = countOf(v, 1024)
		case lua.LString("up"):
			p.Up = v == lua.LTrue
			ok = v.Type() == lua.LTBool
		default:
			L.RaiseError("%s", unknownOption("test.ports", describe(k), k.String(), []string{"name", "mac", "ip", "ip6", "mtu", "queues", "up"}))
		}
		if !ok {
			L.RaiseError("test.ports: the %s of port %d is %s, which it can't be", k, i+1, describe(v))
		}
	})
	return p
}

// eachOf calls f with each element of a list, or with what is no list. An empty
// list, or false, is none.
func eachOf(v lua.LValue, f func(lua.LValue) bool) bool {
	if v == lua.LFalse {
		return true
	}
	t, ok := v.(*lua.LTable)
	if !ok {
		return f(v)
	}
	for i := 1; i <= tableLength(t); i++ {
		if !f(t.RawGetInt(i)) {
			return false
		}
	}
	return true
}

func macOf(v lua.LValue) (uint64, bool) {
	if text, ok := v.(lua.LString); ok {
		a, err := packet.ParseMAC(string(text))
		return a, err == nil
	}
	n, ok := wholeNumber(v)
	return n, ok && n < 1<<48
}

func ip4Of(v lua.LValue) (uint32, bool) {
	if text, ok := v.(lua.LString); ok {
		a, err := packet.ParseIP4(string(text))
		return a, err == nil
	}
	n, ok := wholeNumber(v)
	return uint32(n), ok && n < 1<<32
}

// ip6Of takes the text of an address, or its 16 bytes. The text of one that is
// 16 letters long is no likely row of bytes.
func ip6Of(v lua.LValue) (a [16]byte, ok bool) {
	text, ok := v.(lua.LString)
	if !ok {
		return a, false
	}
	if a, err := packet.ParseIP6(string(text)); err == nil {
		return a, true
	}
	return [16]byte([]byte(text + "                ")[:16]), len(text) == 16
}

func countOf(v lua.LValue, most uint64) (int, bool) {
	n, ok := wholeNumber(v)
	return int(n), ok && n >= 1 && n <= most
}

// testArgs is test.args(list).
func (s *State) testArgs(L *lua.LState) int {
	t, ok := L.Get(1).(*lua.LTable)
	if !ok || L.GetTop() > 1 {
		L.RaiseError(`test.args: got %s; expected a table, {"--word", "cat"} or {word = "cat"}`, describe(L.Get(1)))
	}
	var named, args []string
	t.ForEach(func(k, v lua.LValue) {
		switch v.(type) {
		case lua.LString, lua.LNumber, lua.LBool:
		default:
			L.RaiseError("test.args: an argument is %s; expected a string, a number or a boolean", describe(v))
		}
		if name, ok := k.(lua.LString); ok {
			named = append(named, fmt.Sprintf("--%s=%s", string(name), v))
		}
	})
	slices.Sort(named)
	for i := 1; i <= tableLength(t); i++ {
		args = append(args, t.RawGetInt(i).String())
	}
	s.askFor(L, "test.args", Setup{Args: append(named, args...), HasArgs: true})
	return 0
}

// askFor sees to it that the State has a setup: it does, or a new one is to be
// made.
func (s *State) askFor(L *lua.LState, fn string, want Setup) {
	t := s.testing
	switch {
	case L != s.L:
		L.RaiseError("%s can't be called in a coroutine", fn)
	case t.used:
		L.RaiseError("%s comes first in a test: the script is loaded anew with it, so nothing can have been done before", fn)
	case t.asked < len(t.setups):
		if !reflect.DeepEqual(t.setups[t.asked], want) {
			L.RaiseError("%s asks for something else each time that the test is run", fn)
		}
		t.asked++
		return
	case len(t.setups) >= maxSetups:
		L.RaiseError("%s was called %d times; once per test is enough", fn, maxSetups)
	}
	t.renew = &Renew{want}
	L.RaiseError("%s makes the test begin anew", fn)
}

// maxSetups bounds how often a test can ask for a setup.
const maxSetups = 16
