// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	lua "github.com/yuin/gopher-lua"
)

// The patterns of Lua 5.1 (manual section 5.4.1), matched by backtracking.
// Every step is counted, because a pattern such as ".-.-.-x" takes time that
// grows with a power of the subject's length.

const (
	maxCaptures  = 32  // as in PUC Lua
	maxRecursion = 200 // nested captures and repetitions under way
)

// captureLen has what a capture's length can be besides a length.
const (
	captureOpen     = -1 // its end has not been found yet
	capturePosition = -2 // () captures a position
)

// capture is a part of the subject.
type capture struct{ from, len int }

// matcher matches one pattern against one subject.
type matcher struct {
	subject, pattern string
	captures         [maxCaptures]capture
	level            int // captures in use
	depth            int // calls of match under way

	L     *lua.LState // raises the errors
	quota *quota      // pays for the steps
}

// spend pays for steps; it does not return when the quota is used up.
func (m *matcher) spend(steps int) { m.quota.spend(m.L, steps) }

// fail raises the error of a malformed pattern.
func (m *matcher) fail(msg string) { m.L.RaiseError("%s", msg) }

// match matches the pattern from p against the subject from s. It gives where
// the match ends, -1 if there is none.
func (m *matcher) match(s, p int) int {
	m.depth++
	if m.depth > maxRecursion {
		m.fail("pattern too complex")
	}
	s = m.matchHere(s, p)
	m.depth--
	return s
}

// matchHere is match without the bound on recursion.
func (m *matcher) matchHere(s, p int) int {
	for p < len(m.pattern) {
		m.spend(1)
		switch c := m.pattern[p]; {
		case c == '(':
			if p+1 < len(m.pattern) && m.pattern[p+1] == ')' {
				return m.startCapture(s, p+2, capturePosition)
			}
			return m.startCapture(s, p+1, captureOpen)
		case c == ')':
			return m.endCapture(s, p+1)
		case c == '$' && p+1 == len(m.pattern):
			if s == len(m.subject) {
				return s
			}
			return -1
		case c == '%' && p+1 < len(m.pattern) && m.pattern[p+1] == 'b':
			if s = m.balanced(s, p+2); s < 0 {
				return -1
			}
			p += 4
			continue
		case c == '%' && p+1 < len(m.pattern) && m.pattern[p+1] == 'f':
			end, ok := m.frontier(s, p+2)
			if !ok {
				return -1
			}
			p = end
			continue
		case c == '%' && p+1 < len(m.pattern) && isDigit(m.pattern[p+1]):
			if s = m.back(s, m.pattern[p+1]); s < 0 {
				return -1
			}
			p += 2
			continue
		}
		end := m.classEnd(p)
		var suffix byte
		if end < len(m.pattern) {
			suffix = m.pattern[end]
		}
		switch suffix {
		case '?':
			if m.single(s, p, end) {
				if r := m.match(s+1, end+1); r >= 0 {
					return r
				}
			}
			p = end + 1
		case '*':
			return m.longest(s, p, end)
		case '+':
			if !m.single(s, p, end) {
				return -1
			}
			return m.longest(s+1, p, end)
		case '-':
			return m.shortest(s, p, end)
		default:
			if !m.single(s, p, end) {
				return -1
			}
			s, p = s+1, end
		}
	}
	return s
}

// classEnd gives where the single character class at p ends.
func (m *matcher) classEnd(p int) int {
	c := m.pattern[p]
	p++
	switch c {
	case '%':
		if p == len(m.pattern) {
			m.fail("malformed pattern (ends with '%')")
		}
		return p + 1
	case '[':
		if p < len(m.pattern) && m.pattern[p] == '^' {
			p++
		}
		for first := true; ; first = false {
			if p >= len(m.pattern) {
				m.fail("malformed pattern (missing ']')")
			}
			c := m.pattern[p]
			p++
			if c == '%' {
				p++ // an escaped ] among others
			} else if c == ']' && !first {
				return p
			}
		}
	}
	return p
}

// single reports whether the class at p..end matches the byte at s.
func (m *matcher) single(s, p, end int) bool {
	if s >= len(m.subject) {
		return false
	}
	c := m.subject[s]
	switch m.pattern[p] {
	case '.':
		return true
	case '%':
		return inClass(c, m.pattern[p+1])
	case '[':
		m.spend((end - p) / 8)
		return m.inSet(c, p, end-1)
	}
	return m.pattern[p] == c
}

// inSet reports whether the set from [ at p to ] at last contains c.
func (m *matcher) inSet(c byte, p, last int) bool {
	is := true
	p++
	if m.pattern[p] == '^' {
		is = false
		p++
	}
	for ; p < last; p++ {
		switch {
		case m.pattern[p] == '%':
			p++
			if p < len(m.pattern) && inClass(c, m.pattern[p]) {
				return is
			}
		case p+2 < last && m.pattern[p+1] == '-':
			if m.pattern[p] <= c && c <= m.pattern[p+2] {
				return is
			}
			p += 2
		case m.pattern[p] == c:
			return is
		}
	}
	return !is
}

// inClass reports whether %class contains c. The classes are those of the C
// locale; an upper-case letter is the complement of its class.
func inClass(c, class byte) bool {
	var in bool
	switch lower(class) {
	case 'a':
		in = isLetter(c)
	case 'c':
		in = c < ' ' || c == 0x7f
	case 'd':
		in = isDigit(c)
	case 'l':
		in = 'a' <= c && c <= 'z'
	case 'p':
		in = '!' <= c && c <= '~' && !isLetter(c) && !isDigit(c)
	case 's':
		in = c == ' ' || '\t' <= c && c <= '\r'
	case 'u':
		in = 'A' <= c && c <= 'Z'
	case 'w':
		in = isLetter(c) || isDigit(c)
	case 'x':
		in = isDigit(c) || 'a' <= lower(c) && lower(c) <= 'f'
	case 'z':
		in = c == 0
	default:
		return class == c
	}
	return in != (class < 'a')
}

func isLetter(c byte) bool { return 'a' <= lower(c) && lower(c) <= 'z' }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }

// longest matches class* and then the rest, trying the longest first.
func (m *matcher) longest(s, p, end int) int {
	n := 0
	for m.single(s+n, p, end) {
		n++
	}
	m.spend(n)
	for ; n >= 0; n-- {
		if r := m.match(s+n, end+1); r >= 0 {
			return r
		}
	}
	return -1
}

// shortest matches class- and then the rest, trying the shortest first.
func (m *matcher) shortest(s, p, end int) int {
	for {
		if r := m.match(s, end+1); r >= 0 {
			return r
		}
		if !m.single(s, p, end) {
			return -1
		}
		s++
	}
}

// startCapture begins a capture and matches the rest.
func (m *matcher) startCapture(s, p, length int) int {
	if m.level >= maxCaptures {
		m.fail("too many captures")
	}
	m.captures[m.level] = capture{s, length}
	m.level++
	r := m.match(s, p)
	if r < 0 {
		m.level--
	}
	return r
}

// endCapture ends the innermost capture that is open and matches the rest.
func (m *matcher) endCapture(s, p int) int {
	i := m.level - 1
	for i >= 0 && m.captures[i].len != captureOpen {
		i--
	}
	if i < 0 {
		m.fail("invalid pattern capture")
	}
	m.captures[i].len = s - m.captures[i].from
	r := m.match(s, p)
	if r < 0 {
		m.captures[i].len = captureOpen
	}
	return r
}

// balanced matches %bxy, of which p is at x.
func (m *matcher) balanced(s, p int) int {
	if p+1 >= len(m.pattern) {
		m.fail("unbalanced pattern")
	}
	open, closing := m.pattern[p], m.pattern[p+1]
	if s >= len(m.subject) || m.subject[s] != open {
		return -1
	}
	depth := 1
	for i := s + 1; i < len(m.subject); i++ {
		m.spend(1)
		switch m.subject[i] {
		case closing:
			if depth--; depth == 0 {
				return i + 1
			}
		case open:
			depth++
		}
	}
	return -1
}

// frontier matches %f[set], of which p is at [: the byte before s is not in
// the set and the one at s is. The ends of the subject count as \0.
func (m *matcher) frontier(s, p int) (end int, ok bool) {
	if p >= len(m.pattern) || m.pattern[p] != '[' {
		m.fail("missing '[' after '%f' in pattern")
	}
	end = m.classEnd(p)
	var before, at byte
	if s > 0 {
		before = m.subject[s-1]
	}
	if s < len(m.subject) {
		at = m.subject[s]
	}
	return end, !m.inSet(before, p, end-1) && m.inSet(at, p, end-1)
}

// back matches %1 to %9: what a capture has matched, again.
func (m *matcher) back(s int, digit byte) int {
	i := int(digit) - '1'
	if i < 0 || i >= m.level || m.captures[i].len == captureOpen {
		m.fail("invalid capture index")
	}
	c := m.captures[i]
	n := max(c.len, 0)
	m.spend(n / 8)
	if len(m.subject)-s < n || m.subject[s:s+n] != m.subject[c.from:c.from+n] {
		return -1
	}
	return s + n
}
