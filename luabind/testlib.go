// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"net/netip"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// testEntries are the members of the global test, which only tests have.
func testEntries() []Entry {
	function := func(name, signature, doc string, f func(*State, *lua.LState) int) Entry {
		return Entry{Kind: Function, Of: "test", Name: name, Signature: "test." + name + signature, Doc: doc, make: method(f)}
	}
	return []Entry{
		function("handle", "(packet or string [, port]) -> verdict, packet", "Gives on_packet a copy of a packet, as if it had come in on a port (pv.ports[1]), and returns the verdict and the packet as the handler left it. An error of the handler is raised.", (*State).testHandle),
		function("equal", "(got, want [, what])", "Fails unless both are the same: numbers, strings, booleans, tables by their contents, packets by their bytes.", (*State).testEqual),
		function("fails", "(f [, pattern]) -> string", "Calls f(), and fails unless that raises an error in whose message the pattern is found. Gives the message.", (*State).testFails),
		function("sent", "([port]) -> table", "The packets that the script has sent by port:send since the last call, an array; pkt.port says by which.", (*State).testSent),
		function("advance", "(seconds)", "Lets time pass, and runs the timers and paced calls that are due meanwhile. An error of theirs is raised.", (*State).testAdvance),
		function("log", "() -> table", "The lines that the script has printed and logged since the last call, an array.", (*State).testLog),
		function("golden", "(file, packets)", "Fails unless a capture beside the tests has these packets, an array or a single one. pvlua test --update writes it.", (*State).testGolden),
		function("ports", "(n or list)", "Gives the script n ports, or those of a list: {{name=, mac=, ip=, ip6=, mtu=, queues=, up=}, ...}. It is loaded anew.", (*State).testPorts),
		function("args", "(list)", `Gives the script arguments, {"--word", "cat"} or {word = "cat"}. It is loaded anew.`, (*State).testArgs),
		function("receive", "(data [, address, port [, own_port]]) -> boolean", "Hands a datagram to the script's socket, the one at own_port if there are several, as if it came from there. false if no socket takes it.", (*State).testReceive),
		function("datagrams", "() -> table", "What the script's sockets have sent since the last call, an array of {data=, address=, port=, own_port=}.", (*State).testDatagrams),
		function("exited", "() -> number or nil", "The status that the script has called pv.exit with, if it has.", (*State).testExited),
	}
}

// openTest makes the global test.
func (s *State) openTest() {
	test := s.L.NewTable()
	var names []string
	for name, fn := range s.functionsOf("test") {
		test.RawSetString(name, fn)
		names = append(names, name)
	}
	frozen := s.freeze(test, "test", func(name string) string { return Nearest(name, names) })
	mt := frozen.Metatable.(*lua.LTable)
	readOnly := mt.RawGetString("__newindex").(*lua.LFunction)
	// test.args = {...} is another way to write test.args{...}.
	mt.RawSetString("__newindex", s.L.NewFunction(func(L *lua.LState) int {
		v := L.Get(3)
		switch L.Get(2) {
		case lua.LString("args"):
			L.SetTop(0)
			L.Push(v)
			return s.testArgs(L)
		case lua.LString("ports"):
			L.SetTop(0)
			L.Push(v)
			return s.testPorts(L)
		}
		return readOnly.GFunction(L)
	}))
	s.L.SetGlobal("test", frozen)
}

// testSent is test.sent([port]).
func (s *State) testSent(L *lua.LState) int {
	s.inTest(L, "test.sent", func() {})
	port := -1
	if L.Get(1) != lua.LNil {
		port = s.testPort(L, "test.sent", L.Get(1)).Index
	}
	list := L.NewTable()
	for _, f := range s.testing.host.Sent(port) {
		list.Append(s.viewOf(newOwned(f.Data, f.Port), kindPacket))
	}
	L.Push(list)
	return 1
}

// testLog is test.log().
func (s *State) testLog(L *lua.LState) int {
	s.inTest(L, "test.log", func() {})
	list := L.NewTable()
	for _, line := range s.testing.host.Lines() {
		list.Append(lua.LString(line))
	}
	L.Push(list)
	return 1
}

// testExited is test.exited().
func (s *State) testExited(L *lua.LState) int {
	s.inTest(L, "test.exited", func() {})
	if status, exited := s.testing.host.ExitStatus(); exited {
		L.Push(lua.LNumber(status))
	} else {
		L.Push(lua.LNil)
	}
	return 1
}

// testGolden is test.golden(file, packets).
func (s *State) testGolden(L *lua.LState) int {
	s.inTest(L, "test.golden", func() {})
	file, ok := L.Get(1).(lua.LString)
	if !ok {
		L.RaiseError("test.golden: the name of the file is %s; expected a string such as \"answers.pcap\"", describe(L.Get(1)))
	}
	var packets [][]byte
	if b, ok := packetBytes(L, L.Get(2)); ok {
		packets = append(packets, b)
	} else if t, ok := L.Get(2).(*lua.LTable); ok {
		for i := 1; i <= tableLength(t); i++ {
			b, ok := packetBytes(L, t.RawGetInt(i))
			if !ok {
				L.RaiseError("test.golden: element %d is %s; expected a packet or a string with its bytes", i, describe(t.RawGetInt(i)))
			}
			packets = append(packets, b)
		}
	} else {
		L.RaiseError("test.golden: got %s; expected an array of packets, such as test.sent() gives", describe(L.Get(2)))
	}
	if err := s.testing.host.Golden(string(file), packets, &s.protocols); err != nil {
		L.RaiseError("test.golden: %s", err.Error())
	}
	return 0
}

// testFails is test.fails(f [, pattern]).
func (s *State) testFails(L *lua.LState) int {
	fn, ok := L.Get(1).(*lua.LFunction)
	if !ok {
		L.RaiseError("test.fails: got %s; expected a function that is to fail", describe(L.Get(1)))
	}
	var pattern lua.LString
	if v := L.Get(2); v != lua.LNil {
		if pattern, ok = v.(lua.LString); !ok {
			L.RaiseError("test.fails: the pattern is %s; expected a string", describe(v))
		}
	}
	L.SetTop(0)
	L.Push(fn)
	s.protected(L, 0, nil)
	if t := s.testing; t.renew != nil || t.broken != nil {
		L.Error(L.Get(2), 0) // it is not what was to fail
	}
	if L.Get(1) != lua.LFalse {
		L.RaiseError("test.fails: no error was raised")
	}
	msg := L.ToStringMeta(L.Get(2)).String()
	m, anchored := s.newMatcher(L, msg, string(pattern))
	if _, _, found := m.search(0, anchored); !found {
		L.RaiseError("test.fails: the error does not match %s:\n%s", quote(string(pattern)), msg)
	}
	L.Push(lua.LString(msg))
	return 1
}

// testAdvance is test.advance(seconds).
func (s *State) testAdvance(L *lua.LState) int {
	seconds, ok := L.Get(1).(lua.LNumber)
	if !ok || !(seconds >= 0) || seconds > maxInterval {
		L.RaiseError("test.advance: got %s; expected seconds, 0 to 1e9", describe(L.Get(1)))
	}
	var err error
	s.inTest(L, "test.advance", func() {
		err = s.passTime(time.Duration(float64(seconds) * float64(time.Second)))
	})
	if err != nil {
		L.Error(lua.LString(err.Error()), 0)
	}
	return 0
}

// turnTime is how long a turn of the loop takes in a test when the only thing
// to do is timers: one that sets itself again without delay fires a million
// times per second, not for ever.
const turnTime = time.Microsecond

// passTime runs the timers that are due within a time, each at its own, until
// one fails.
func (s *State) passTime(d time.Duration) error {
	host := s.testing.host
	until := host.Now().Add(d)
	for turned := (time.Time{}); ; turned = host.Now() {
		at, ok := s.NextTimer()
		if !ok {
			break
		}
		if at.Before(host.Now()) {
			at = host.Now()
		}
		if !at.After(turned) {
			at = turned.Add(turnTime)
		}
		if at.After(until) {
			break
		}
		host.SetTime(at)
		if errs := s.RunTimers(at); len(errs) > 0 {
			return errs[0]
		}
	}
	host.SetTime(until)
	return nil
}

// testReceive is test.receive(data [, address, port [, own_port]]).
func (s *State) testReceive(L *lua.LState) int {
	data, ok := L.Get(1).(lua.LString)
	if !ok {
		L.RaiseError("test.receive: got %s; expected a string, the data of a datagram", describe(L.Get(1)))
	}
	var from netip.AddrPort
	if L.Get(2) != lua.LNil || L.Get(3) != lua.LNil {
		from = checkAddrPort(L, "test.receive", L.Get(2), L.Get(3))
	}
	own := uint64(0)
	if v := L.Get(4); v != lua.LNil {
		if own, ok = wholeNumber(v); !ok || own > 65535 {
			L.RaiseError("test.receive: the socket's own port is %s; expected 1 to 65535", describe(v))
		}
	}
	var taken bool
	var err error
	s.inTest(L, "test.receive", func() {
		taken, err = s.testing.host.Deliver([]byte(data), from, uint16(own))
	})
	if err != nil {
		L.Error(lua.LString(err.Error()), 0)
	}
	L.Push(boolean(taken))
	return 1
}

// testDatagrams is test.datagrams().
func (s *State) testDatagrams(L *lua.LState) int {
	s.inTest(L, "test.datagrams", func() {})
	list := L.NewTable()
	for _, d := range s.testing.host.Datagrams() {
		t := L.NewTable()
		t.RawSetString("data", lua.LString(d.Data))
		s.pushAddress(L, d.To)
		t.RawSetString("address", L.Get(-2))
		t.RawSetString("port", L.Get(-1))
		L.Pop(2)
		t.RawSetString("own_port", lua.LNumber(d.From.Port()))
		list.Append(t)
	}
	L.Push(list)
	return 1
}
