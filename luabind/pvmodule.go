// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"context"
	"log/slog"

	lua "github.com/yuin/gopher-lua"

	"pvlua/packet"
)

// moduleEntries are the members of the module pv.
func moduleEntries() []Entry {
	function := func(name, signature, doc string, f func(*State, *lua.LState) int) Entry {
		return Entry{Kind: Function, Of: "pv", Name: name, Signature: "pv." + name + signature, Doc: doc, make: method(f)}
	}
	value := func(name, doc string) Entry {
		return Entry{Kind: Value, Of: "pv", Name: name, Signature: "pv." + name, Doc: doc}
	}
	return []Entry{
		value("PASS", "The verdict that the kernel's own stack gets the packet, 2. Returning nothing means the same."),
		value("DROP", "The verdict that the packet is dropped, 1."),
		value("TX", "The verdict that the packet goes back out of the port it came in on, 3."),
		value("ports", "The ports by number, from 1, and by name: pv.ports[1], pv.ports.veth1. It is read-only."),
		value("args", "The script's arguments, those after -- on the command line: an array of strings. Those that pv.arg declares are taken out."),
		function("log", "([level,] ...)", `Writes its arguments to the log, at level "debug", "info" (the default), "warn" or "error".`, (*State).log),
		function("now", "() -> number", "The time in seconds since 1970. When packets come from a file it is theirs.", (*State).now),
		function("every", "(seconds, f) -> timer", "Calls f() again and again, the first time after the interval.", (*State).every),
		function("after", "(seconds, f) -> timer", "Calls f() once.", (*State).after),
		function("ip", "(text) -> number", `The number of an IPv4 address: pv.ip"10.0.0.1".`, (*State).parseIP),
		function("ip_str", "(number) -> string", "The text of an IPv4 address.", (*State).formatIP),
		function("ip6", "(text) -> string", `The 16 bytes of an IPv6 address: pv.ip6"2001:db8::1".`, (*State).parseIP6),
		function("ip6_str", "(string) -> string", "The text of an IPv6 address (RFC 5952).", (*State).formatIP6),
		function("mac", "(text) -> number", `The number of an Ethernet address: pv.mac"02:00:00:00:00:01".`, (*State).parseMAC),
		function("mac_str", "(number) -> string", "The text of an Ethernet address.", (*State).formatMAC),
	}
}

// openModule makes the module pv. It is a frozen table, in the global pv and
// for require "pv".
func (s *State) openModule() {
	L := s.L
	pv := L.NewTable()
	pv.RawSetString("PASS", lua.LNumber(Pass))
	pv.RawSetString("DROP", lua.LNumber(Drop))
	pv.RawSetString("TX", lua.LNumber(TX))
	for name, fn := range s.functionsOf("pv") {
		pv.RawSetString(name, fn)
	}
	pv.RawSetString("args", s.argsTable())
	pv.RawSetString("worker", lua.LNumber(s.cfg.Worker+1))
	pv.RawSetString("workers", lua.LNumber(s.cfg.Workers))
	ports := L.NewTable()
	for _, p := range s.ports {
		ports.Append(p.ud)
		ports.RawSetString(p.Name, p.ud)
	}
	pv.RawSetString("ports", s.freeze(ports, "pv.ports", nil))
	s.pv = pv
	L.SetGlobal("pv", s.freeze(pv, "pv", func(name string) string {
		var names []string
		for _, e := range API {
			if e.Of == "pv" {
				names = append(names, e.Name)
			}
		}
		return nearest(name, names)
	}))
}

// freeze makes a read-only table that shows the elements of t. It is an empty
// one whose metatable refers to t; pairs, ipairs, next, unpack and rawget, as
// scripts have them, look through it. If near is set, reading what is not there
// is an error, with the name that near finds as a suggestion.
func (s *State) freeze(t *lua.LTable, name string, near func(string) string) *lua.LTable {
	L := s.L
	if near != nil {
		missing := L.NewTable()
		missing.RawSetString("__index", L.NewFunction(func(L *lua.LState) int {
			msg := name + " has no member " + describe(L.Get(2))
			if n := near(L.Get(2).String()); n != "" {
				msg += "; did you mean '" + n + "'?"
			}
			L.RaiseError("%s", msg)
			return 0
		}))
		t.Metatable = missing
	}
	mt := L.NewTable()
	mt.RawSetString("__index", t)
	mt.RawSetString("__newindex", L.NewFunction(func(L *lua.LState) int {
		L.RaiseError("%s is read-only: %s can't be assigned", name, describe(L.Get(2)))
		return 0
	}))
	mt.RawSetString("__len", L.NewFunction(func(L *lua.LState) int {
		L.Push(s.values.number(uint64(tableLength(t))))
		return 1
	}))
	mt.RawSetString("__metatable", lua.LString(name))
	frozen := L.NewTable()
	frozen.Metatable = mt
	s.frozen[frozen] = t
	return frozen
}

// logLevels are the names that pv.log takes.
var logLevels = map[lua.LValue]slog.Level{
	lua.LString("debug"): slog.LevelDebug,
	lua.LString("info"):  slog.LevelInfo,
	lua.LString("warn"):  slog.LevelWarn,
	lua.LString("error"): slog.LevelError,
}

// log is pv.log([level,] ...). A level alone is a message.
func (s *State) log(L *lua.LState) int {
	first, level := 1, slog.LevelInfo
	if l, ok := logLevels[L.Get(1)]; ok && L.GetTop() > 1 {
		first, level = 2, l
	}
	if !s.cfg.Log.Enabled(context.Background(), level) {
		return 0
	}
	var msg []byte
	for i := first; i <= L.GetTop(); i++ {
		if i > first {
			msg = append(msg, ' ')
		}
		msg = append(msg, L.ToStringMeta(L.Get(i)).String()...)
	}
	s.quota.spendBytes(L, len(msg))
	at := L.Where(1)
	s.cfg.Log.Log(context.Background(), level, string(msg), "at", at[:max(len(at)-1, 0)])
	return 0
}

// now is pv.now().
func (s *State) now(L *lua.LState) int {
	t := s.cfg.Host.Now()
	L.Push(lua.LNumber(float64(t.Unix()) + float64(t.Nanosecond())/1e9))
	return 1
}

// parseIP is pv.ip(text).
func (s *State) parseIP(L *lua.LState) int {
	a, err := packet.ParseIP4(checkText(L, "pv.ip", "an IPv4 address"))
	if err != nil {
		L.RaiseError("pv.ip: %s", err.Error())
	}
	L.Push(s.values.number(uint64(a)))
	return 1
}

// checkText gives the text of an address, the argument of function fn.
func checkText(L *lua.LState, fn, what string) string {
	text, ok := L.Get(1).(lua.LString)
	if !ok {
		L.RaiseError("%s: got %s; expected the text of %s", fn, describe(L.Get(1)), what)
	}
	return string(text)
}

// formatIP is pv.ip_str(number).
func (s *State) formatIP(L *lua.LState) int {
	n := checkAddress(L, "pv.ip_str", "IPv4", 1<<32-1)
	L.Push(lua.LString(packet.AppendIP4(nil, uint32(n))))
	return 1
}

// parseIP6 is pv.ip6(text).
func (s *State) parseIP6(L *lua.LState) int {
	a, err := packet.ParseIP6(checkText(L, "pv.ip6", "an IPv6 address"))
	if err != nil {
		L.RaiseError("pv.ip6: %s", err.Error())
	}
	L.Push(s.values.bytes16(a[:]))
	return 1
}

// formatIP6 is pv.ip6_str(string).
func (s *State) formatIP6(L *lua.LState) int {
	str, ok := L.Get(1).(lua.LString)
	if !ok || len(str) != 16 {
		L.RaiseError("pv.ip6_str: got %s; expected the 16 bytes of an IPv6 address", describe(L.Get(1)))
	}
	copy(s.scratch[:], str)
	L.Push(lua.LString(packet.AppendIP6(nil, s.scratch)))
	return 1
}

// parseMAC is pv.mac(text).
func (s *State) parseMAC(L *lua.LState) int {
	a, err := packet.ParseMAC(checkText(L, "pv.mac", "an Ethernet address"))
	if err != nil {
		L.RaiseError("pv.mac: %s", err.Error())
	}
	L.Push(s.values.number(a))
	return 1
}

// formatMAC is pv.mac_str(number).
func (s *State) formatMAC(L *lua.LState) int {
	n := checkAddress(L, "pv.mac_str", "Ethernet", 1<<48-1)
	L.Push(lua.LString(packet.AppendMAC(nil, n)))
	return 1
}

// checkAddress gives argument 1, the number of an address.
func checkAddress(L *lua.LState, fn, what string, limit uint64) uint64 {
	n, ok := wholeNumber(L.Get(1))
	if !ok || n > limit {
		L.RaiseError("%s: got %s; expected the number of an %s address", fn, describe(L.Get(1)), what)
	}
	return n
}
