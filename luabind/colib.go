// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	lua "github.com/yuin/gopher-lua"
)

// threadCost is what making a coroutine takes from the quota: its registers
// and call frames are about 100 KB.
const threadCost = 1000

// coroutineFunctions are those of the coroutine library that are replaced. A
// coroutine counts on the quota of the callback that runs it, and values that
// go into or out of one are kept, because it may last longer than the callback.
func (s *State) coroutineFunctions() map[string]lua.LGFunction {
	library := s.L.GetGlobal("coroutine").(*lua.LTable)
	original := func(name string) lua.LGFunction {
		return library.RawGetString(name).(*lua.LFunction).GFunction
	}
	create, resume := original("create"), original("resume")
	newThread := func(L *lua.LState) *lua.LState {
		s.quota.spend(L, threadCost)
		create(L)
		th := L.CheckThread(L.GetTop())
		// The context that gopher-lua derives for it would never fire.
		th.SetContext(s.quota)
		return th
	}
	return map[string]lua.LGFunction{
		"create": func(L *lua.LState) int {
			newThread(L)
			return 1
		},
		"resume": func(L *lua.LState) int {
			s.keep(L)
			return resume(L)
		},
		"wrap": func(L *lua.LState) int {
			th := newThread(L)
			L.Push(L.NewFunction(func(L *lua.LState) int {
				s.keep(L)
				L.Insert(th, 1)
				return unwrap(L, resume(L))
			}))
			return 1
		},
		"yield": s.yield,
	}
}

// unwrap takes the n results of resume and gives those of a wrapped
// coroutine: it passes an error on.
func unwrap(L *lua.LState, n int) int {
	first := L.GetTop() - n + 1
	if L.Get(first) == lua.LTrue {
		return n - 1
	}
	L.Error(L.Get(first+1), 0)
	return 0
}

// yield is coroutine.yield(...). It refuses where gopher-lua would lose its
// way: below a Go function that called Lua, such as pcall.
func (s *State) yield(L *lua.LState) int {
	if L.Parent == nil {
		L.RaiseError("attempt to yield from outside a coroutine")
	}
	for level := 1; ; level++ {
		dbg, ok := L.GetStack(level)
		if !ok {
			break
		}
		if _, err := L.GetInfo("S", dbg, lua.LNil); err == nil && dbg.What == "G" {
			L.RaiseError("attempt to yield across a function of the library (pcall, table.sort, string.gsub, ...)")
		}
	}
	s.keep(L)
	return -1
}
