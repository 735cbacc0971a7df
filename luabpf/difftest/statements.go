// SPDX-License-Identifier: GPL-3.0-or-later

package difftest

import (
	"fmt"
	"slices"
	"strings"

	"pvlua/packet"
)

// statement makes a statement.
func (g *generator) statement() *node {
	n := 24
	if g.depth > 4 {
		n = 14
	}
	switch g.IntN(n) {
	case 0, 1, 2:
		return g.local()
	case 3, 4:
		return g.assign()
	case 5, 6, 7, 8:
		return g.fields()
	case 9:
		if g.packets {
			size := pick(g, []int{1, 2, 4})
			return makeNode(statement, fmt.Sprintf("pkt:set_u%d($, $)", 8*size), g.offset(size), g.fitting(8*size))
		}
	case 10:
		if !g.pure {
			return g.count()
		}
	case 11:
		if !g.pure {
			return g.keep()
		}
	case 12:
		if g.exotic {
			return g.strange()
		}
	case 13:
		return g.leave()
	case 14, 15, 16, 17, 18:
		return g.branch()
	case 19:
		return g.loop()
	case 20:
		if c := g.call(0); c != nil {
			return c
		}
	case 21:
		switch {
		case g.packets && (!g.careful || g.one(8)):
			return g.whole()
		case g.packets && g.one(3):
			return makeNode(statement, "pkt:fix_checksums()")
		}
	case 22:
		return makeNode(statement, "do\n$end", g.inside(1+g.IntN(2)))
	}
	return g.local()
}

// local declares variables.
func (g *generator) local() *node {
	switch g.IntN(8) {
	case 0:
		c := g.condition()
		name := g.name("b")
		g.bools = append(g.bools, name)
		return makeNode(statement, "local "+name+" = $", c)
	case 1:
		if g.pure {
			break
		}
		t := g.text()
		name := g.name("s")
		g.texts = append(g.texts, name)
		return makeNode(statement, "local "+name+" = $", t)
	case 2:
		if c := g.call(2); c != nil {
			a, b := g.name("n"), g.name("n")
			g.numbers = append(g.numbers, a, b)
			return makeNode(statement, "local "+a+", "+b+" = $", c)
		}
	case 3:
		x, y := g.number(), g.number()
		a, b := g.name("n"), g.name("n")
		g.numbers = append(g.numbers, a, b)
		return makeNode(statement, "local "+a+", "+b+" = $, $", x, y)
	}
	x := g.number()
	name := g.name("n")
	g.numbers = append(g.numbers, name)
	return makeNode(statement, "local "+name+" = $", x)
}

// assign assigns to variables.
func (g *generator) assign() *node {
	var free []string
	for _, n := range g.numbers {
		if !slices.Contains(g.fixed, n) {
			free = append(free, n)
		}
	}
	if len(free) == 0 {
		return g.local()
	}
	a, b := pick(g, free), pick(g, free)
	switch {
	case g.one(6) && len(g.bools) > 0:
		return makeNode(statement, pick(g, g.bools)+" = $", g.condition())
	case g.one(6) && len(g.texts) > 0:
		return makeNode(statement, pick(g, g.texts)+" = $", g.text())
	case a != b && g.one(3):
		if c := g.call(2); c != nil && g.one(2) {
			return makeNode(statement, a+", "+b+" = $", c)
		}
		return makeNode(statement, a+", "+b+" = $, $", g.number(), g.number())
	}
	return makeNode(statement, a+" = $", g.number())
}

// fitting makes a number of so many bits, or, seldom, any.
func (g *generator) fitting(bits int) *node {
	switch {
	case !g.careful && g.one(8):
		return g.number()
	case g.one(2):
		return makeNode(number, fmt.Sprint(g.edge()&(1<<bits-1)))
	case bits < 32:
		return makeNode(number, fmt.Sprintf("($ %% %d)", int64(1)<<bits), g.number())
	}
	return makeNode(number, "bit32.band($, 0xffffffff)", g.number())
}

// value makes what can be assigned to a field.
func (g *generator) value(f *packet.Field) *node {
	switch f.Kind {
	case packet.Bool:
		return makeNode(condition, "($) and true or false", g.condition())
	case packet.IPv6:
		return g.text()
	}
	// A field of the same sort, as in an exchange.
	if name, other, ok := g.field(f.Kind); ok && other.Width <= f.Width && g.one(2) {
		if optional(other) {
			return makeNode(number, "("+name+" or $)", g.fitting(int(f.Width)))
		}
		return makeNode(number, name)
	}
	return g.fitting(int(f.Width))
}

// writable makes a field that can be assigned.
func (g *generator) writable() (name string, f *packet.Field, ok bool) {
	for range 5 {
		name, f, ok = g.field(packet.Uint, packet.Bool, packet.MAC, packet.IPv4, packet.IPv6)
		if ok && f.Structural && !g.one(20) {
			continue
		}
		if ok && !f.ReadOnly && !(optional(f) && g.careful) {
			return name, f, true
		}
	}
	return "", nil, false
}

// fields assigns to fields: one, several, or an exchange of two.
func (g *generator) fields() *node {
	name, f, ok := g.writable()
	if !ok {
		return g.assign()
	}
	switch g.IntN(4) {
	case 0: // an exchange
		h, _, _ := strings.Cut(strings.TrimPrefix(name, "pkt."), ".")
		for _, pair := range []string{"eth dst src", "ip dst src", "ip6 src dst", "udp sport dport", "tcp dport sport", "arp sha tha", "arp spa tpa"} {
			if p := strings.Fields(pair); p[0] == h {
				a, b := h+"."+p[1], h+"."+p[2]
				return makeNode(statement, a+", "+b+" = $, $", makeNode(number, b), makeNode(number, a))
			}
		}
	case 1:
		if name2, f2, ok := g.writable(); ok {
			return makeNode(statement, name+", "+name2+" = $, $", g.value(f), g.value(f2))
		}
	}
	return makeNode(statement, name+" = $", g.value(f))
}

// count adds to a counter.
func (g *generator) count() *node {
	c := pick(g, Counters)
	switch {
	case g.one(2):
		return makeNode(statement, c+":add()")
	case g.careful && !g.one(8):
		return makeNode(statement, c+":add($ % 65536)", g.number())
	}
	return makeNode(statement, c+":add($)", g.number())
}

// keep changes a map.
func (g *generator) keep() *node {
	i := g.IntN(len(Maps))
	m := Maps[i].Name
	switch g.IntN(4) {
	case 0:
		return makeNode(statement, m+":delete($)", g.key(i, false))
	case 1:
		return makeNode(statement, m+":insert($, $)", g.key(i, false), g.key(i, true))
	}
	return makeNode(statement, m+":set($, $)", g.key(i, false), g.key(i, true))
}

// strange makes what only Lua can do.
func (g *generator) strange() *node {
	switch g.IntN(4) {
	case 0:
		return makeNode(statement, "last = $", g.number())
	case 1:
		return makeNode(statement, "local _ = ('x'):rep($ % 5)", g.number())
	case 2:
		return makeNode(statement, "pcall(function() last = $ end)", g.number())
	}
	return makeNode(statement, "t1[5] = $", g.number())
}

// leave ends the function, the loop, or nothing.
func (g *generator) leave() *node {
	switch {
	case g.main && g.one(3):
		return makeNode(statement, "if $ then return $ end", g.condition(), g.verdict())
	case g.loops > 0:
		return makeNode(statement, "if $ then break end", g.condition())
	case !g.main && g.one(2):
		return makeNode(statement, "if $ then $ end", g.condition(), g.results(g.gives))
	}
	return g.local()
}

// possible reports whether a packet that has the headers that are known can
// have this one as well.
func (g *generator) possible(h packet.HeaderID) bool {
	layer := func(h packet.HeaderID) int {
		switch h {
		case packet.ARP, packet.IP, packet.IP6:
			return 3
		case packet.ICMP, packet.ICMP6, packet.TCP, packet.UDP:
			return 4
		}
		return 0
	}
	for _, k := range g.headers {
		if k != h && (layer(k) > 0 && layer(k) == layer(h) || k == packet.ARP && layer(h) == 4 || h == packet.ARP && layer(k) == 4 ||
			k == packet.IP && h == packet.ICMP6 || k == packet.ICMP6 && h == packet.IP || k == packet.IP6 && h == packet.ICMP || k == packet.ICMP && h == packet.IP6) {
			return false
		}
	}
	return true
}

// branch makes an if, often one that looks whether headers are there.
func (g *generator) branch() *node {
	var cond *node
	var know []packet.HeaderID
	if g.packets && !g.one(3) {
		first := pick(g, headerNames)
		for range 5 {
			if g.possible(first) {
				break
			}
			first = pick(g, headerNames)
		}
		know = append(know, first)
		below := map[packet.HeaderID][]packet.HeaderID{
			packet.UDP: {packet.IP}, packet.TCP: {packet.IP}, packet.ICMP: {packet.IP}, packet.ICMP6: {packet.IP6}, packet.VLAN2: {packet.VLAN},
		}[first]
		if text := first.String(); g.one(2) {
			for _, h := range below {
				know = append(know, h)
				text += " and " + h.String()
			}
			cond = makeNode(condition, text)
			if g.one(2) {
				old := g.scope
				g.headers = append(slices.Clip(g.headers), know...)
				cond = makeNode(condition, text+" and $", g.condition())
				g.scope = old
			}
		} else {
			cond = makeNode(condition, text)
		}
	} else {
		cond = g.condition()
	}
	then := g.inside(1+g.IntN(4), know...)
	if g.main && g.one(3) {
		then.kids = append(slices.Clip(then.kids), makeNode(statement, "return $", g.verdict()))
	}
	switch g.IntN(4) {
	case 0:
		return makeNode(statement, "if $ then\n$else\n$end", cond, then, g.inside(1+g.IntN(3)))
	case 1:
		return makeNode(statement, "if $ then\n$elseif $ then\n$end", cond, then, g.condition(), g.inside(1+g.IntN(2)))
	}
	return makeNode(statement, "if $ then\n$end", cond, then)
}

// loop makes a loop that ends soon.
func (g *generator) loop() *node {
	old := g.scope
	defer func() { g.scope = old; g.loops-- }()
	g.loops++
	i := g.name("i")
	switch g.IntN(5) {
	case 0, 1, 2:
		bounds := []*node{makeNode(number, fmt.Sprint(g.IntN(3))), makeNode(number, fmt.Sprint(g.IntN(5)))}
		if g.one(8) {
			bounds[1] = makeNode(number, "bit32.band($, 3)", g.number())
		}
		head := "for " + i + " = $, $"
		if g.one(4) {
			head = "for " + i + " = $, $, " + pick(g, []string{"2", "1", "2", "3", "-1"})
		}
		g.numbers, g.fixed = append(slices.Clip(g.numbers), i), append(slices.Clip(g.fixed), i)
		return makeNode(statement, head+" do\n$end", bounds[0], bounds[1], g.inside(1+g.IntN(3)))
	case 3:
		g.numbers, g.fixed = append(slices.Clip(g.numbers), i), append(slices.Clip(g.fixed), i)
		return makeNode(statement, "local "+i+" = 0\nwhile "+i+" < $ do\n  "+i+" = "+i+" + 1\n$end", makeNode(number, fmt.Sprint(1+g.IntN(4))), g.inside(1+g.IntN(3)))
	}
	g.numbers, g.fixed = append(slices.Clip(g.numbers), i), append(slices.Clip(g.fixed), i)
	return makeNode(statement, "local "+i+" = 0\nrepeat\n  "+i+" = "+i+" + 1\n$until "+i+" > $ or $", g.inside(1+g.IntN(2)), makeNode(number, fmt.Sprint(g.IntN(4))), g.condition())
}

// whole does something to the packet as a whole.
func (g *generator) whole() *node {
	switch g.IntN(5) {
	case 0:
		return makeNode(statement, "pkt:fix_checksums()")
	case 1:
		return makeNode(statement, fmt.Sprintf("pkt:push(%d)", pick(g, []int{0, 1, 4, 8, 14, 20})))
	case 2:
		return makeNode(statement, fmt.Sprintf("pkt:pull(%d)", pick(g, []int{0, 1, 4, 14, 20})))
	case 3:
		return makeNode(statement, "pkt:reply()")
	}
	return makeNode(statement, pick(g, []string{"pkt:resize(60)", "pkt:resize(#pkt + 4)", "if #pkt > 40 then pkt:resize(40) end", "pkt:resize(14 + $ % 64)"}), g.number())
}
