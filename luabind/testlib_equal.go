// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"pvlua/packet"
)

// testEqual is test.equal(got, want [, what]).
func (s *State) testEqual(L *lua.LState) int {
	if L.GetTop() < 2 {
		L.RaiseError("test.equal: it takes two values, what there is and what there should be")
	}
	c := &comparison{s: s, L: L, verdicts: s.testing.mentionsVerdict(L.Where(1))}
	if problem := c.compare(L.Get(1), L.Get(2), ""); problem != "" {
		if what := L.Get(3); what != lua.LNil {
			problem = L.ToStringMeta(what).String() + ": " + problem
		}
		L.RaiseError("%s", problem)
	}
	return 0
}

// comparison is one call of test.equal.
type comparison struct {
	s    *State
	L    *lua.LState
	busy []*lua.LTable // of got, that are being compared, outermost first
	// verdicts: the values are probably verdicts.
	verdicts bool
}

// verdictWords are what a line has that is about verdicts.
var verdictWords = []string{"pv.PASS", "pv.DROP", "pv.TX", "verdict"}

// mentionsVerdict reports whether a line of the tests, given as L.Where does, is
// about a verdict: 2 may also be a number of packets.
func (t *testState) mentionsVerdict(where string) bool {
	number, ok := strings.CutPrefix(strings.TrimSuffix(where, ":"), t.file+":")
	n, err := strconv.Atoi(number)
	if !ok || err != nil || n < 1 || n > len(t.lines) {
		return false
	}
	return slices.ContainsFunc(verdictWords, func(w string) bool { return strings.Contains(t.lines[n-1], w) })
}

// maxDepth bounds how deep tables are compared.
const maxDepth = 100

// compare says how two values differ, "" if they do not. The path is what leads
// to them from the arguments, such as [2].name.
func (c *comparison) compare(got, want lua.LValue, path string) string {
	at := ""
	if path != "" {
		at = "at " + path + ": "
	}
	a, aPacket := c.packet(got)
	b, bPacket := c.packet(want)
	if aPacket && bPacket {
		c.s.quota.spendBytes(c.L, len(a)+len(b))
		if bytes.Equal(a, b) {
			return ""
		}
		return at + "the packets differ\n" + strings.TrimSuffix(string(c.s.protocols.AppendDifference(nil, a, b)), "\n")
	}
	ta, aTable := got.(*lua.LTable)
	tb, bTable := want.(*lua.LTable)
	if aTable && bTable {
		return c.tables(ta, tb, path)
	}
	if got == want {
		return ""
	}
	x, aText := got.(lua.LString)
	y, bText := want.(lua.LString)
	if aText && bText {
		return at + differingStrings(string(x), string(y))
	}
	return at + "got " + c.shown(got) + ", want " + c.shown(want)
}

// packet gives the bytes of a packet.
func (c *comparison) packet(v lua.LValue) ([]byte, bool) {
	if _, ok := v.(*lua.LUserData); !ok {
		return nil, false
	}
	return packetBytes(c.L, v)
}

// tables says how two tables differ, in the order of their keys.
func (c *comparison) tables(a, b *lua.LTable, path string) string {
	if a == b || slices.Contains(c.busy, a) {
		return ""
	}
	if len(c.busy) >= maxDepth {
		return "the tables are nested too deep to compare"
	}
	c.busy = append(c.busy, a)
	defer func() { c.busy = c.busy[:len(c.busy)-1] }()
	a, b = c.thawed(a), c.thawed(b)
	var keys []lua.LValue
	for _, t := range []*lua.LTable{a, b} {
		t.ForEach(func(k, _ lua.LValue) {
			if t == a || a.RawGet(k) == lua.LNil {
				keys = append(keys, k)
			}
		})
	}
	c.s.quota.spend(c.L, len(keys))
	slices.SortStableFunc(keys, compareKeys)
	for _, k := range keys {
		if problem := c.compare(a.RawGet(k), b.RawGet(k), path+step(k)); problem != "" {
			return problem
		}
	}
	return ""
}

// thawed gives the table that a read-only one shows.
func (c *comparison) thawed(t *lua.LTable) *lua.LTable {
	if shown := c.s.frozen[t]; shown != nil {
		return shown
	}
	return t
}

// compareKeys orders keys: numbers first, then by their texts.
func compareKeys(a, b lua.LValue) int {
	x, aNumber := a.(lua.LNumber)
	y, bNumber := b.(lua.LNumber)
	switch {
	case aNumber && bNumber && x < y:
		return -1
	case aNumber && bNumber:
		return 1
	case aNumber:
		return -1
	case bNumber:
		return 1
	}
	return strings.Compare(a.String(), b.String())
}

// step writes how a key is used in a path.
func step(key lua.LValue) string {
	name, ok := key.(lua.LString)
	if ok && validModule(string(name)) && !strings.ContainsAny(string(name), ".-") {
		return "." + string(name)
	}
	return "[" + describe(key) + "]"
}

// shown writes a value for a message.
func (c *comparison) shown(v lua.LValue) string {
	text := describe(v)
	if o := objectOf(v); o != nil && o.kind == kindPort {
		return "port " + o.port.Name
	}
	if name := verdictName(v); name != "" && c.verdicts {
		return text + " (" + name + ")"
	}
	if n, ok := wholeNumber(v); ok && n > 65535 {
		return fmt.Sprintf("%s (0x%x)", text, n)
	}
	return text
}

// verdictName names what can be a verdict.
func verdictName(v lua.LValue) string {
	switch v {
	case lua.LNumber(Drop):
		return "pv.DROP"
	case lua.LNumber(Pass):
		return "pv.PASS"
	case lua.LNumber(TX):
		return "pv.TX"
	}
	return ""
}

// differingStrings says how two strings differ.
func differingStrings(got, want string) string {
	if len(got) <= 60 && len(want) <= 60 && !strings.ContainsAny(got+want, "\n") && printable(got) && printable(want) {
		return "got " + quote(got) + ", want " + quote(want)
	}
	at := 0
	for at < len(got) && at < len(want) && got[at] == want[at] {
		at++
	}
	msg := fmt.Sprintf("the strings, of %d and %d bytes, differ from byte %d on", len(got), len(want), at)
	return msg + "\n" + strings.TrimSuffix(string(packet.AppendByteDifference(nil, []byte(got), []byte(want))), "\n")
}

// printable reports whether a string has only printable ASCII.
func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}
