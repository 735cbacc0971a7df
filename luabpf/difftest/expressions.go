// SPDX-License-Identifier: GPL-3.0-or-later

package difftest

import (
	"fmt"
	"slices"
	"strings"

	"pvlua/packet"
)

// fieldsOf are the fields of the table, by header and by what they hold.
func fieldsOf(h packet.HeaderID, kinds ...packet.Kind) (list []*packet.Field) {
	for _, f := range packet.Headers[h].Fields {
		if slices.Contains(kinds, f.Kind) {
			list = append(list, f)
		}
	}
	return list
}

// optional reports whether a field may be absent where its header is there.
func optional(f *packet.Field) bool { return f.Locate != packet.Fixed && f.Locate != packet.Trailing }

// header chooses a header and gives how to write it; false if none can be seen.
func (g *generator) header() (packet.HeaderID, string, bool) {
	if !g.packets {
		return 0, "", false
	}
	var h packet.HeaderID
	switch {
	case len(g.headers) > 0 && (g.careful || !g.one(8)):
		h = pick(g, g.headers)
	case g.careful && !g.one(20):
		return 0, "", false
	default:
		h = pick(g, headerNames)
	}
	if g.one(4) {
		return h, "pkt." + h.String(), true
	}
	return h, h.String(), true
}

// field makes a reading of a field, false if there is none to read.
func (g *generator) field(kinds ...packet.Kind) (name string, f *packet.Field, ok bool) {
	h, name, ok := g.header()
	if !ok {
		return "", nil, false
	}
	list := fieldsOf(h, kinds...)
	if len(list) == 0 {
		return "", nil, false
	}
	f = pick(g, list)
	return name + "." + f.Name, f, true
}

// constant makes a number.
func (g *generator) constant() *node {
	if g.exotic && g.one(10) {
		return makeNode(number, pick(g, []string{"0.5", "1e300", "(-0.25)", "1e15"}))
	}
	n := g.edge()
	switch {
	case g.one(12):
		return makeNode(number, pick(g, []string{"k1", "k2"}))
	case n < 0:
		return makeNode(number, fmt.Sprintf("(%d)", n))
	case g.one(2):
		return makeNode(number, fmt.Sprintf("%#x", n))
	}
	return makeNode(number, fmt.Sprint(n))
}

// number makes an expression that gives a number.
func (g *generator) number() *node {
	g.depth++
	defer func() { g.depth-- }()
	if g.depth > 7 {
		if len(g.numbers) > 0 && g.one(2) {
			return makeNode(number, pick(g, g.numbers))
		}
		return g.constant()
	}
	switch g.IntN(22) {
	case 0, 1:
		return g.constant()
	case 2, 3, 4:
		if len(g.numbers) > 0 {
			return makeNode(number, pick(g, g.numbers))
		}
	case 5, 6, 7, 8, 9:
		if name, f, ok := g.field(packet.Uint, packet.MAC, packet.IPv4); ok {
			if optional(f) && (g.careful || g.one(2)) {
				return makeNode(number, "("+name+" or $)", g.constant())
			}
			return makeNode(number, name)
		}
	case 10, 11:
		if (g.pure || g.careful) && g.one(3) {
			return makeNode(number, "(($ % 65536) * ($ % 65536))", g.number(), g.number())
		}
		if g.pure || g.careful && !g.one(8) {
			return makeNode(number, "($ "+pick(g, []string{"+", "-"})+" $)", g.number(), g.number())
		}
		return makeNode(number, "($ "+pick(g, []string{"+", "-", "+", "-", "*"})+" $)", g.number(), g.number())
	case 12:
		if g.one(2) {
			return makeNode(number, "($ % $)", g.number(), g.divisor())
		}
		return makeNode(number, "math.floor($ / $)", g.number(), g.divisor())
	case 13, 14:
		return g.bits()
	case 15:
		return makeNode(number, "($ and $ or $)", g.condition(), g.number(), g.number())
	case 16:
		if c := g.call(1); c != nil {
			return c
		}
	case 17:
		return g.raw()
	case 18:
		return g.lookup()
	case 19:
		switch g.IntN(4) {
		case 0:
			return makeNode(number, "(-$)", g.number())
		case 1:
			return makeNode(number, "math."+pick(g, []string{"max", "min"})+"($, $)", g.number(), g.number())
		case 2:
			return makeNode(number, "math."+pick(g, []string{"abs", "floor", "ceil"})+"($)", g.number())
		}
		return makeNode(number, "($ or $)", g.number(), g.number())
	case 20:
		if g.packets {
			return makeNode(number, pick(g, []string{"me.ip", "me.mac", "me.index", "#pkt", "#pkt", "pv.ports[2].mac"}))
		}
	case 21:
		if g.exotic {
			return makeNode(number, pick(g, []string{"last", "#tostring($)", "($ / $)", "($ ^ 2)", "tonumber($)"}), g.number(), g.number())
		}
	}
	return g.constant()
}

// divisor makes a number to divide by, on most occasions not 0.
func (g *generator) divisor() *node {
	if g.careful || g.one(2) {
		return makeNode(number, fmt.Sprint(pick(g, []int{1, 2, 3, 7, 8, 10, 16, 255, 256, 65535, 65536, 1 << 31, 1 << 32})))
	}
	return g.number()
}

// bits makes a call of bit32.
func (g *generator) bits() *node {
	switch g.IntN(6) {
	case 0, 1:
		return makeNode(number, "bit32."+pick(g, []string{"band", "bor", "bxor"})+"($, $)", g.number(), g.number())
	case 2:
		return makeNode(number, "bit32.bnot($)", g.number())
	case 3:
		shift := makeNode(number, fmt.Sprint(pick(g, []int{0, 1, 4, 8, 16, 24, 31, 32, 33, -1, -8})))
		if g.one(3) {
			shift = makeNode(number, "($ % 40)", g.number())
			if !g.pure {
				shift = g.number()
			}
		}
		return makeNode(number, "bit32."+pick(g, []string{"lshift", "rshift", "arshift", "lrotate", "rrotate"})+"($, $)", g.number(), shift)
	case 4:
		at := g.IntN(32)
		return makeNode(number, fmt.Sprintf("bit32.extract($, %d, %d)", at, 1+g.IntN(32-at)), g.number())
	}
	at := g.IntN(32)
	return makeNode(number, fmt.Sprintf("bit32.replace($, $, %d, %d)", at, 1+g.IntN(32-at)), g.number(), g.number())
}

// call makes a call of a helper that gives results, nil if there is none.
func (g *generator) call(results int) *node {
	var fit []helper
	for _, h := range g.helpers {
		if h.results >= results && (g.packets || !h.packet) {
			fit = append(fit, h)
		}
	}
	if len(fit) == 0 {
		return nil
	}
	h := pick(g, fit)
	var args []string
	if h.packet {
		args = []string{"pkt"}
	}
	var kids []*node
	for range h.params {
		args, kids = append(args, "$"), append(kids, g.number())
	}
	k := number
	if results == 0 {
		k = statement
	}
	return makeNode(k, h.name+"("+strings.Join(args, ", ")+")", kids...)
}

// offset makes the place of an access to raw bytes.
func (g *generator) offset(size int) *node {
	switch {
	case !g.careful && g.one(3), g.one(8):
		limit := pick(g, []int{8, 14, 15, 32, 60})
		if g.careful && !g.one(8) {
			limit = 15 - size
		}
		return makeNode(number, fmt.Sprintf("($ %% %d)", limit), g.number())
	case !g.careful && g.one(3):
		return g.number()
	case !g.careful && g.one(3), g.one(30):
		return makeNode(number, fmt.Sprintf("(#pkt - %d)", size+g.IntN(3)-1+g.IntN(2)))
	}
	return makeNode(number, fmt.Sprint(g.IntN(15-size)))
}

// raw makes a reading of raw bytes.
func (g *generator) raw() *node {
	if !g.packets {
		return g.constant()
	}
	size := pick(g, []int{1, 2, 4})
	return makeNode(number, fmt.Sprintf("pkt:u%d($)", 8*size), g.offset(size))
}

// key makes the key of map number i, or a value of it.
func (g *generator) key(i int, value bool) *node {
	of := Maps[i].Shape.Key
	if value {
		of = Maps[i].Shape.Value
	}
	if of.String() == "ip6" {
		return g.text()
	}
	if g.careful || !g.one(6) {
		return makeNode(number, "bit32.band($, "+pick(g, []string{"3", "15", "255"})+")", g.number())
	}
	return g.number()
}

// lookup makes a number from a map, a counter or a table.
func (g *generator) lookup() *node {
	which := g.IntN(6)
	if g.pure {
		which = 5
	} else if which == 0 && !g.exotic || which == 3 && g.careful && !g.one(4) {
		which = 1
	}
	switch which {
	case 0:
		return makeNode(number, pick(g, Counters)+":get()")
	case 1, 2:
		i := pick(g, []int{0, 1, 3})
		return makeNode(number, "("+Maps[i].Name+":get($) or $)", g.key(i, false), g.constant())
	case 3:
		i, n := pick(g, []int{0, 1, 3}), pick(g, []int64{1, 2, 255})
		if g.one(3) {
			return makeNode(number, "("+Maps[i].Name+":add($) or $)", g.key(i, false), g.constant())
		}
		if !g.careful || g.one(4) {
			n = pick(g, []int64{-1, 65535, 1 << 31, 1<<32 - 1, 1 << 52})
		}
		return makeNode(number, "("+Maps[i].Name+":add($, $) or $)", g.key(i, false), makeNode(number, fmt.Sprint(n)), g.constant())
	}
	return makeNode(number, "(t1[$] or $)", g.number(), g.constant())
}

// text makes a string of 16 bytes.
func (g *generator) text() *node {
	switch g.IntN(4) {
	case 0:
		if len(g.texts) > 0 {
			return makeNode(text, pick(g, g.texts))
		}
	case 1, 2:
		if name, f, ok := g.field(packet.IPv6); ok {
			if optional(f) && (g.careful || g.one(2)) {
				return makeNode(text, "("+name+" or a1)")
			}
			return makeNode(text, name)
		}
	case 3:
		if g.one(2) {
			return makeNode(text, "(m3:get($) or $)", g.key(2, false), g.text())
		}
	}
	return makeNode(text, pick(g, []string{"a1", `pv.ip6"2001:db8::1"`, `pv.ip6"fe80::2"`, `pv.ip6"::"`}))
}

// comparisons of numbers.
var comparisons = []string{"==", "~=", "<", "<=", ">", ">="}

// condition makes an expression that is looked at for truth.
func (g *generator) condition() *node {
	g.depth++
	defer func() { g.depth-- }()
	if g.depth > 7 {
		return makeNode(condition, pick(g, []string{"true", "false", "nil"}))
	}
	which := g.IntN(14)
	if g.pure {
		which %= 11
	}
	switch which {
	case 0, 1, 2, 3:
		return makeNode(condition, "$ "+pick(g, comparisons)+" $", g.number(), g.number())
	case 4:
		// What was looked at is near what it is compared with.
		n := g.number()
		return makeNode(condition, "$ "+pick(g, comparisons)+" $", n, makeNode(number, "($ "+pick(g, []string{"+", "-"})+" "+pick(g, []string{"0", "1"})+")", n))
	case 5:
		return makeNode(condition, "not $", makeNode(condition, "($)", g.condition()))
	case 6:
		return makeNode(condition, "($ "+pick(g, []string{"and", "or"})+" $)", g.condition(), g.condition())
	case 7, 8:
		if g.packets {
			h := pick(g, headerNames)
			return makeNode(condition, pick(g, []string{"", "pkt.", "not "})+h.String())
		}
	case 9:
		if name, _, ok := g.field(packet.Bool); ok {
			return makeNode(condition, name)
		}
	case 10:
		if len(g.bools) > 0 {
			return makeNode(condition, pick(g, g.bools))
		}
	case 11:
		return makeNode(condition, "$ "+pick(g, []string{"==", "~="})+" $", g.text(), g.text())
	case 12:
		switch g.IntN(5) {
		case 0:
			return makeNode(condition, "t2[$]", g.text())
		case 1:
			return makeNode(condition, "t1[$]", g.number())
		case 2:
			i := g.IntN(len(Maps))
			return makeNode(condition, Maps[i].Name+":get($)", g.key(i, false))
		case 3:
			i := g.IntN(len(Maps))
			return makeNode(condition, Maps[i].Name+":"+pick(g, []string{"insert", "set"})+"($, $)", g.key(i, false), g.key(i, true))
		}
		i := g.IntN(len(Maps))
		return makeNode(condition, Maps[i].Name+":delete($)", g.key(i, false))
	case 13:
		if g.packets {
			if g.one(2) {
				return makeNode(condition, "me:owns($)", g.number())
			}
			return makeNode(condition, pick(g, []string{"me == pv.ports[1]", "me.up", "me == pv.ports.right", "pv.ports[3]"}))
		}
	}
	return makeNode(condition, "$ "+pick(g, comparisons)+" $", g.number(), g.constant())
}
