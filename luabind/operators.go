// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"strconv"

	lua "github.com/yuin/gopher-lua"
)

// The functions here are what the rewriter puts into a script.

// keep notes that its arguments are stored, and gives them back.
func (s *State) keep(L *lua.LState) int {
	n := L.GetTop()
	if s.hand.pkt != nil && !s.kept {
		for i := 1; i <= n; i++ {
			s.noteKept(L.Get(i))
		}
	}
	return n
}

// keepAll notes that anything may be stored, and gives its arguments back.
func (s *State) keepAll(L *lua.LState) int {
	s.noteKeptAll()
	return L.GetTop()
}

// noteHandler notes that the global on_packet is about to change.
func (s *State) noteHandler(*lua.LState) int {
	s.handlerChanged = true
	return 0
}

// length is the operator #.
func (s *State) length(L *lua.LState) int {
	L.Push(s.lengthOf(L, L.Get(1)))
	return 1
}

// lengthOf gives the length of a value, with its __len if it has one.
func (s *State) lengthOf(L *lua.LState, v lua.LValue) lua.LValue {
	switch v := v.(type) {
	case lua.LString:
		return s.values.number(uint64(len(v)))
	case *lua.LUserData:
		if o := objectOf(v); o != nil && o.kind == kindPacket {
			if o.frame.stale {
				o.frame.prepare(L, o)
			}
			return s.values.number(uint64(len(o.frame.b)))
		}
	case *lua.LTable:
		if v.Metatable == lua.LNil {
			return s.values.number(uint64(tableLength(v)))
		}
	}
	if fn := L.GetMetaField(v, "__len"); fn != lua.LNil {
		L.Push(fn)
		L.Push(v)
		L.Call(1, 1)
		n := L.Get(-1)
		L.Pop(1)
		return n
	}
	t, ok := v.(*lua.LTable)
	if !ok {
		L.RaiseError("attempt to get the length of %s", describe(v))
	}
	return s.values.number(uint64(tableLength(t)))
}

// concat is a chain of .. operators, which binds to the right.
func (s *State) concat(L *lua.LState) int {
	n := L.GetTop()
	for i := n; i >= 1; i-- {
		if !lua.LVCanConvToString(L.Get(i)) {
			L.Push(s.concatMeta(L, n))
			return 1
		}
	}
	L.Push(s.join(L, 1, n))
	return 1
}

// join concatenates the arguments from..to, which are strings and numbers.
func (s *State) join(L *lua.LState, from, to int) lua.LValue {
	size := 0
	for i := from; i <= to; i++ {
		if str, ok := L.Get(i).(lua.LString); ok {
			size += len(str)
		} else {
			size += 24 // a number, at most
		}
	}
	s.quota.checkString(L, size)
	buf := make([]byte, 0, size)
	for i := from; i <= to; i++ {
		buf = appendText(buf, L.Get(i))
	}
	return lua.LString(buf)
}

// appendText appends a string or number as tostring gives it.
func appendText(buf []byte, v lua.LValue) []byte {
	if x, ok := v.(lua.LNumber); ok {
		if n := int64(x); lua.LNumber(n) == x {
			return strconv.AppendInt(buf, n, 10)
		}
	}
	return append(buf, v.String()...)
}

// concatMeta is concat of n arguments among which some have a metamethod.
func (s *State) concatMeta(L *lua.LState, n int) lua.LValue {
	result := L.Get(n)
	for i := n - 1; i >= 1; i-- {
		left := L.Get(i)
		if lua.LVCanConvToString(left) && lua.LVCanConvToString(result) {
			L.Push(left)
			L.Push(result)
			top := L.GetTop()
			result = s.join(L, top-1, top)
			L.Pop(2)
			continue
		}
		fn := L.GetMetaField(left, "__concat")
		if fn == lua.LNil {
			fn = L.GetMetaField(result, "__concat")
		}
		if fn == lua.LNil {
			bad := left
			if lua.LVCanConvToString(left) {
				bad = result
			}
			L.RaiseError("attempt to concatenate %s", describe(bad))
		}
		L.Push(fn)
		L.Push(left)
		L.Push(result)
		L.Call(2, 1)
		result = L.Get(-1)
		L.Pop(1)
	}
	return result
}
