// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// stringFunctions are the string library, but for the pack functions. Unlike
// gopher-lua's they take strings as bytes, as Lua does: packets are no UTF-8.
func (s *State) stringFunctions() map[string]lua.LGFunction {
	return map[string]lua.LGFunction{
		"byte":    s.stringByte,
		"char":    s.stringChar,
		"find":    s.stringFind,
		"format":  s.stringFormat,
		"gfind":   s.stringGmatch,
		"gmatch":  s.stringGmatch,
		"gsub":    s.stringGsub,
		"len":     s.stringLen,
		"lower":   s.stringMap(lower),
		"match":   s.stringMatch,
		"rep":     s.stringRep,
		"reverse": s.stringReverse,
		"sub":     s.stringSub,
		"upper":   s.stringMap(upper),
	}
}

// checkInt gives argument n as a whole number; those beyond 2^53 are cut to it.
func checkInt(L *lua.LState, n int) int {
	const limit = 1 << 53
	x := float64(L.CheckNumber(n))
	if x != x {
		L.ArgError(n, "number has no integer representation")
	}
	return int(min(max(x, -limit), limit))
}

// optInt is checkInt for an argument that may be missing.
func optInt(L *lua.LState, n, byDefault int) int {
	if L.Get(n) == lua.LNil {
		return byDefault
	}
	return checkInt(L, n)
}

// stringRange gives the part from:to of a string of n bytes that Lua positions
// mean: they begin at 1, and negative ones count from the end.
func stringRange(n, first, last int) (from, to int) {
	if first < 0 {
		first = max(n+first+1, 1)
	} else if first == 0 {
		first = 1
	}
	if last < 0 {
		last = n + last + 1
	}
	last = min(last, n)
	if first > last {
		return 0, 0
	}
	return first - 1, last
}

// stringByte is string.byte(s [, first [, last]]).
func (s *State) stringByte(L *lua.LState) int {
	str := L.CheckString(1)
	first := optInt(L, 2, 1)
	from, to := stringRange(len(str), first, optInt(L, 3, first))
	if to-from >= maxResults {
		L.RaiseError("string slice too long")
	}
	for _, c := range []byte(str[from:to]) {
		L.Push(small[c])
	}
	return to - from
}

// stringChar is string.char(...).
func (s *State) stringChar(L *lua.LState) int {
	b := make([]byte, L.GetTop())
	for i := range b {
		n := L.CheckNumber(i + 1)
		if n < 0 || n >= 256 || n != n {
			L.ArgError(i+1, "value out of range")
		}
		b[i] = byte(n)
	}
	L.Push(lua.LString(b))
	return 1
}

// stringLen is string.len(s).
func (s *State) stringLen(L *lua.LState) int {
	L.Push(s.values.number(uint64(len(L.CheckString(1)))))
	return 1
}

// stringSub is string.sub(s, first [, last]).
func (s *State) stringSub(L *lua.LState) int {
	str := L.CheckString(1)
	from, to := stringRange(len(str), checkInt(L, 2), optInt(L, 3, -1))
	L.Push(lua.LString(str[from:to]))
	return 1
}

// stringRep is string.rep(s, n).
func (s *State) stringRep(L *lua.LState) int {
	str := L.CheckString(1)
	n := max(checkInt(L, 2), 0)
	if len(str) > 0 && n > maxString/len(str) {
		L.RaiseError("string.rep: the result would be longer than %d bytes", maxString)
	}
	s.quota.checkString(L, n*len(str))
	if len(str) == 0 {
		n = 0
	}
	L.Push(lua.LString(strings.Repeat(str, n)))
	return 1
}

// stringReverse is string.reverse(s).
func (s *State) stringReverse(L *lua.LState) int {
	str := L.CheckString(1)
	s.quota.spendBytes(L, len(str))
	b := make([]byte, len(str))
	for i := range b {
		b[i] = str[len(str)-1-i]
	}
	L.Push(lua.LString(b))
	return 1
}

// stringMap makes a function that changes each byte of a string.
func (s *State) stringMap(f func(byte) byte) lua.LGFunction {
	return func(L *lua.LState) int {
		b := []byte(L.CheckString(1))
		s.quota.spendBytes(L, len(b))
		for i, c := range b {
			b[i] = f(c)
		}
		L.Push(lua.LString(b))
		return 1
	}
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func upper(c byte) byte {
	if 'a' <= c && c <= 'z' {
		return c - ('a' - 'A')
	}
	return c
}
