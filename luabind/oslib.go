// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	lua "github.com/yuin/gopher-lua"
)

// openOS leaves of the os library what has to do with time. What depends on
// the environment is not there, so that a script does the same with the same
// arguments everywhere; nor what changes files or processes. The time of day is
// that of the host, which is virtual when packets come from a file.
func (s *State) openOS() {
	L := s.L
	all := L.GetGlobal("os").(*lua.LTable)
	date := all.RawGetString("date").(*lua.LFunction).GFunction
	time := all.RawGetString("time").(*lua.LFunction).GFunction

	os := L.NewTable()
	for _, name := range []string{"clock", "difftime"} {
		os.RawSetString(name, all.RawGetString(name))
	}
	os.RawSetString("time", L.NewFunction(func(L *lua.LState) int {
		if L.Get(1) == lua.LNil {
			L.Push(lua.LNumber(s.cfg.Host.Now().Unix()))
			return 1
		}
		return time(L)
	}))
	os.RawSetString("date", L.NewFunction(func(L *lua.LState) int {
		format := L.OptString(1, "%c")
		at := lua.LValue(lua.LNumber(s.cfg.Host.Now().Unix()))
		if L.Get(2) != lua.LNil {
			at = L.CheckNumber(2)
		}
		L.SetTop(0)
		L.Push(lua.LString(format))
		L.Push(at)
		s.quota.checkString(L, 32*len(format))
		return date(L)
	}))
	L.SetGlobal("os", os)
}
