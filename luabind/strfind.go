// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// specials are the bytes that make a pattern more than a plain string.
const specials = "^$*+?.([%-"

// newMatcher makes a matcher and reports whether the pattern is anchored.
func (s *State) newMatcher(L *lua.LState, subject, pattern string) (m *matcher, anchored bool) {
	rest, anchored := strings.CutPrefix(pattern, "^")
	return &matcher{subject: subject, pattern: rest, L: L, quota: s.quota}, anchored
}

// at matches at one place, with no captures from before.
func (m *matcher) at(s int) (end int) {
	m.level, m.depth = 0, 0
	return m.match(s, 0)
}

// search finds the first match at init or later.
func (m *matcher) search(init int, anchored bool) (from, to int, ok bool) {
	for s := init; s <= len(m.subject); s++ {
		if end := m.at(s); end >= 0 {
			return s, end, true
		}
		if anchored {
			break
		}
	}
	return 0, 0, false
}

// value gives capture i of a match from:to; without captures, capture 0 is the
// whole match.
func (m *matcher) value(s *State, i, from, to int) lua.LValue {
	if i >= m.level {
		if i > 0 {
			m.fail("invalid capture index")
		}
		return lua.LString(m.subject[from:to])
	}
	c := m.captures[i]
	switch c.len {
	case capturePosition:
		return s.values.number(uint64(c.from + 1))
	case captureOpen:
		m.fail("unfinished capture")
	}
	return lua.LString(m.subject[c.from : c.from+c.len])
}

// push pushes the captures of a match, or the whole match if there are none
// and whole is set, and counts them.
func (m *matcher) push(s *State, from, to int, whole bool) int {
	n := m.level
	if n == 0 && whole {
		n = 1
	}
	for i := range n {
		m.L.Push(m.value(s, i, from, to))
	}
	return n
}

// checkInit gives the position that argument n says, from 0, by default the
// beginning.
func checkInit(L *lua.LState, n int, subject string) int {
	init := optInt(L, n, 1)
	if init < 0 {
		return max(len(subject)+init, 0)
	}
	return min(max(init-1, 0), len(subject))
}

// stringFind is string.find(s, pattern [, init [, plain]]).
func (s *State) stringFind(L *lua.LState) int {
	subject, pattern := L.CheckString(1), L.CheckString(2)
	init := checkInit(L, 3, subject)
	if lua.LVAsBool(L.Get(4)) || !strings.ContainsAny(pattern, specials) {
		s.quota.spendBytes(L, len(subject)-init+len(pattern))
		i := strings.Index(subject[init:], pattern)
		if i < 0 {
			L.Push(lua.LNil)
			return 1
		}
		L.Push(s.values.number(uint64(init + i + 1)))
		L.Push(s.values.number(uint64(init + i + len(pattern))))
		return 2
	}
	m, anchored := s.newMatcher(L, subject, pattern)
	from, to, ok := m.search(init, anchored)
	if !ok {
		L.Push(lua.LNil)
		return 1
	}
	L.Push(s.values.number(uint64(from + 1)))
	L.Push(s.values.number(uint64(to)))
	return 2 + m.push(s, from, to, false)
}

// stringMatch is string.match(s, pattern [, init]).
func (s *State) stringMatch(L *lua.LState) int {
	subject, pattern := L.CheckString(1), L.CheckString(2)
	m, anchored := s.newMatcher(L, subject, pattern)
	if from, to, ok := m.search(checkInit(L, 3, subject), anchored); ok {
		return m.push(s, from, to, true)
	}
	L.Push(lua.LNil)
	return 1
}

// stringGmatch is string.gmatch(s, pattern). As in Lua 5.1, ^ has no meaning
// in it.
func (s *State) stringGmatch(L *lua.LState) int {
	subject, pattern := L.CheckString(1), L.CheckString(2)
	pos := 0
	L.Push(L.NewFunction(func(L *lua.LState) int {
		m := &matcher{subject: subject, pattern: pattern, L: L, quota: s.quota}
		from, to, ok := m.search(pos, false)
		if !ok {
			pos = len(subject) + 1
			L.Push(lua.LNil)
			return 1
		}
		pos = to
		if to == from {
			pos++
		}
		return m.push(s, from, to, true)
	}))
	return 1
}

// stringGsub is string.gsub(s, pattern, replacement [, n]).
func (s *State) stringGsub(L *lua.LState) int {
	subject, pattern := L.CheckString(1), L.CheckString(2)
	repl := L.Get(3)
	switch repl.Type() {
	case lua.LTNumber, lua.LTString, lua.LTTable, lua.LTFunction:
	default:
		L.ArgError(3, "string/function/table expected, got "+repl.Type().String())
	}
	limit := optInt(L, 4, len(subject)+1)
	m, anchored := s.newMatcher(L, subject, pattern)
	var out []byte
	pos, count := 0, 0
	for count < limit {
		end := m.at(pos)
		if end >= 0 {
			count++
			out = s.appendReplacement(out, m, repl, pos, end)
		}
		switch {
		case end > pos:
			pos = end
		case pos < len(subject):
			out = append(out, subject[pos])
			pos++
		default:
			pos++
		}
		if len(out) > maxString {
			s.quota.checkString(L, len(out))
		}
		if pos > len(subject) || anchored {
			break
		}
	}
	if pos < len(subject) {
		out = append(out, subject[pos:]...)
	}
	s.quota.checkString(L, len(out))
	L.Push(lua.LString(out))
	L.Push(s.values.number(uint64(count)))
	return 2
}

// appendReplacement appends what gsub puts in the place of the match from:to.
func (s *State) appendReplacement(out []byte, m *matcher, repl lua.LValue, from, to int) []byte {
	L := m.L
	var v lua.LValue
	switch repl := repl.(type) {
	case *lua.LTable:
		v = L.GetTable(repl, m.value(s, 0, from, to))
	case *lua.LFunction:
		L.Push(repl)
		n := m.push(s, from, to, true)
		L.Call(n, 1)
		v = L.Get(-1)
		L.Pop(1)
	default:
		return s.appendTemplate(out, m, lua.LVAsString(repl), from, to)
	}
	switch {
	case !lua.LVAsBool(v):
		return append(out, m.subject[from:to]...)
	case !lua.LVCanConvToString(v):
		L.RaiseError("invalid replacement value (a %s)", v.Type().String())
	}
	s.quota.spendBytes(L, len(v.String()))
	return appendText(out, v)
}

// appendTemplate appends a replacement string, in which %0 to %9 stand for
// captures and %% for %.
func (s *State) appendTemplate(out []byte, m *matcher, template string, from, to int) []byte {
	s.quota.spendBytes(m.L, len(template))
	for i := 0; i < len(template); i++ {
		c := template[i]
		if c != '%' || i+1 == len(template) {
			out = append(out, c)
			continue
		}
		i++
		switch c := template[i]; {
		case c == '0':
			out = append(out, m.subject[from:to]...)
		case isDigit(c):
			v := m.value(s, int(c-'1'), from, to)
			s.quota.spendBytes(m.L, len(v.String()))
			out = appendText(out, v)
		default:
			out = append(out, c)
		}
	}
	return out
}
