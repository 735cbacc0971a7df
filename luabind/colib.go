// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"strings"

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
		s.quota.guardLoop(th)
		return th
	}
	return map[string]lua.LGFunction{
		"create": func(L *lua.LState) int {
			newThread(L)
			return 1
		},
		"resume": func(L *lua.LState) int {
			s.keep(L)
			n := resume(L)
			if n == 2 && L.Get(-2) == lua.LFalse {
				s.passOn(L, L.Get(-1))
			}
			return n
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
	}
}

// yieldSource makes coroutine.yield of the Go function. gopher-lua does not
// fill up the results of a Go function that yields when resume gives it fewer
// than are wanted; here it wants as many as there are.
const yieldSource = `local yield, all = ... return function(...) return all(yield(...)) end`

// openYield puts it into the library.
func (s *State) openYield() {
	chunk, err := s.L.Load(strings.NewReader(yieldSource), internalChunk)
	if err != nil {
		panic(err)
	}
	s.L.Push(chunk)
	s.L.Push(s.L.NewFunction(s.yield))
	s.L.Push(s.L.NewFunction(func(L *lua.LState) int { return L.GetTop() }))
	s.L.Call(2, 1)
	s.L.GetGlobal("coroutine").(*lua.LTable).RawSetString("yield", s.L.Get(-1))
	s.L.Pop(1)
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
	const caller = 3 // as a level of L.Error: past this function and yieldSource
	if L.Parent == nil {
		L.Error(lua.LString("attempt to yield from outside a coroutine"), caller)
	}
	for level := 2; ; level++ {
		dbg, ok := L.GetStack(level)
		if !ok {
			break
		}
		if _, err := L.GetInfo("S", dbg, lua.LNil); err == nil && dbg.What == "G" {
			L.Error(lua.LString("attempt to yield across a function of the library (pcall, table.sort, string.gsub, ...)"), caller)
		}
	}
	s.keep(L)
	return -1
}
