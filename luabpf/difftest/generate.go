// SPDX-License-Identifier: GPL-3.0-or-later

package difftest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"pvlua/packet"
	"pvlua/state"
)

// Maps are what the scripts declare: name and shape. They are small, so that
// they become full.
var Maps = []struct {
	Name  string
	Shape state.Shape
}{
	{"m1", state.Shape{Max: 8, Key: state.U32, Value: state.U32}},
	{"m2", state.Shape{Max: 8, Key: state.IP6, Value: state.U16}},
	{"m3", state.Shape{Max: 8, Key: state.U16, Value: state.IP6}},
	{"m4", state.Shape{Max: 8, Key: state.U64, Value: state.U64}},
}

// Counters are the counters that they declare.
var Counters = []string{"c1", "c2"}

// generator makes a script. Mostly what it makes runs without error; now and
// then it forgets to look whether a header is there, or computes something out
// of range, for errors must be the same as well.
type generator struct {
	*rand.Rand
	names int
	scope
	helpers []helper
	depth   int
	loops   int
	packets bool // pkt and its headers can be seen
	main    bool // in on_packet itself
	gives   int  // results of the helper in the making
	careful bool // this script makes few errors
	exotic  bool // this script has things that no compiler takes
	pure    bool // only what every Lua 5.1 has, and bit32, on whole numbers that stay below 2^53
}

// scope is what is known at a place.
type scope struct {
	numbers, bools, texts []string // variables
	fixed                 []string // those that a loop needs
	headers               []packet.HeaderID
}

// helper is a local function of the script.
type helper struct {
	name    string
	params  int // numbers
	packet  bool
	results int
}

// script makes a script from a source of randomness.
func script(rng *rand.Rand) *node {
	g := &generator{Rand: rng, careful: rng.IntN(8) > 0, exotic: rng.IntN(10) == 0}
	top := []*node{makeNode(statement, `local pv = require "pv"`)}
	for _, c := range Counters {
		top = append(top, makeNode(statement, fmt.Sprintf("local %s = pv.counter %q", c, c)))
	}
	for _, m := range Maps {
		top = append(top, makeNode(statement, fmt.Sprintf("local %s = pv.map{name = %q, max = %d, key = %q, value = %q}", m.Name, m.Name, m.Shape.Max, m.Shape.Key, m.Shape.Value)))
	}
	var entries []string
	for _, k := range slices.Compact(slices.Sorted(slices.Values([]int64{g.edge(), g.edge(), g.edge(), 7, 53, 0x0a000004, 0x0a000005}))) {
		entries = append(entries, fmt.Sprintf("[%d] = %d", k, g.edge()))
	}
	top = append(top,
		makeNode(statement, "local t1 = {"+strings.Join(entries, ", ")+"}"),
		makeNode(statement, `local t2 = {[pv.ip6"2001:db8::1"] = 1, [pv.ip6"2001:db8::2"] = true, [pv.ip6"fe80::2"] = 0}`),
		makeNode(statement, fmt.Sprintf("local k1, k2, a1 = %d, %d, pv.ip6%q", g.edge(), g.edge(), "2001:db8::2")),
		makeNode(statement, "local last = 0"))
	for range g.IntN(4) {
		top = append(top, g.helper())
	}
	return makeNode(block, "", append(top, g.handler())...)
}

// function makes a function of two numbers, compute, that uses nothing of ours
// but bit32.
func function(rng *rand.Rand) *node {
	g := &generator{Rand: rng, careful: true, pure: true}
	top := []*node{
		makeNode(statement, "local t1 = {[0] = 3, [1] = 0, [7] = 1, [53] = 2147483648}"),
		makeNode(statement, fmt.Sprintf("local k1, k2 = %d, %d", g.edge(), g.edge())),
	}
	for range g.IntN(3) {
		top = append(top, g.helper())
	}
	g.packets, g.gives = false, 1
	g.numbers = []string{"a", "b"}
	body := g.statements(1 + g.IntN(8))
	body.kids = append(body.kids, g.results(1))
	return makeNode(block, "", append(top, makeNode(statement, "local function compute(a, b)\n$end", body))...)
}

// edges are numbers at which something changes.
var edges = []int64{0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 14, 17, 20, 31, 32, 33, 34, 53, 64, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000,
	1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 32, 1<<48 - 1, 1 << 48, 1<<53 - 1, 1 << 53, -1, -2, -7, -128, -1 << 31, -1 << 53, 0x0a000004, 0x0a000005, 0x020000000002, 0x0800, 0x86dd, 0x8100}

func (g *generator) edge() int64 {
	if g.IntN(5) == 0 {
		return g.Int64N(1 << g.IntN(34))
	}
	n := edges[g.IntN(len(edges))]
	for g.pure && (n >= 1<<48 || n <= -1<<48) {
		n = edges[g.IntN(len(edges))]
	}
	return n
}

// name gives a new name.
func (g *generator) name(prefix string) string {
	g.names++
	return fmt.Sprintf("%s%d", prefix, g.names)
}

// one reports true once in n times.
func (g *generator) one(n int) bool { return g.IntN(n) == 0 }

// pick gives one of a list.
func pick[T any](g *generator, list []T) T { return list[g.IntN(len(list))] }

// inside makes a block in which more may be known and declared.
func (g *generator) inside(n int, know ...packet.HeaderID) *node {
	old := g.scope
	g.scope.numbers = slices.Clip(g.numbers)
	g.scope.bools = slices.Clip(g.bools)
	g.scope.texts = slices.Clip(g.texts)
	g.scope.fixed = slices.Clip(g.fixed)
	g.scope.headers = append(slices.Clip(g.headers), know...)
	g.depth++
	b := g.statements(n)
	g.depth--
	g.scope = old
	return b
}

// statements makes a block in the scope that there is.
func (g *generator) statements(n int) *node {
	var list []*node
	for range n {
		list = append(list, g.statement())
	}
	return makeNode(block, "", list...)
}

// headerNames are the local variables for headers in on_packet.
var headerNames = []packet.HeaderID{packet.Eth, packet.VLAN, packet.VLAN2, packet.ARP, packet.IP, packet.IP6, packet.ICMP, packet.ICMP6, packet.TCP, packet.UDP}

// headerLocals makes the declaration of the headers that a block names.
func headerLocals(body *node) *node {
	words := strings.FieldsFunc(body.String(), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	names, values := []string{"eth"}, []string{"pkt.eth"}
	for _, h := range headerNames[1:] {
		if slices.Contains(words, h.String()) {
			names, values = append(names, h.String()), append(values, "pkt."+h.String())
		}
	}
	return makeNode(statement, "local "+strings.Join(names, ", ")+" = "+strings.Join(values, ", "))
}

// handler makes on_packet.
func (g *generator) handler() *node {
	g.packets, g.main = true, true
	me := makeNode(statement, "local me = pkt.port")
	old := g.scope
	if g.careful {
		g.headers = []packet.HeaderID{packet.Eth}
	}
	body := g.statements(2 + g.IntN(10))
	if !g.one(6) {
		body.kids = append(body.kids, makeNode(statement, "return $", g.verdict()))
	}
	g.scope = old
	first := []*node{headerLocals(body), me}
	if g.careful && !g.one(4) {
		first = append(first, makeNode(statement, "if not eth then return end"))
	}
	body.kids = append(first, body.kids...)
	return makeNode(statement, "function on_packet(pkt)\n$end", body)
}

// helper makes a local function.
func (g *generator) helper() *node {
	h := helper{name: g.name("f"), params: g.IntN(3), packet: !g.pure && g.one(2), results: g.IntN(3)}
	old := g.scope
	g.scope = scope{}
	g.packets, g.main = h.packet, false
	var params []string
	if h.packet {
		params = []string{"pkt"}
	}
	for range h.params {
		p := g.name("n")
		params, g.numbers = append(params, p), append(g.numbers, p)
	}
	g.depth++
	var list []*node
	if h.packet {
		list = append(list, makeNode(statement, "local me = pkt.port"))
		if g.careful {
			list = append(list, makeNode(statement, "if not eth then return 0, 0 end"))
			g.headers = []packet.HeaderID{packet.Eth}
		}
	}
	g.gives = h.results
	list = append(list, g.statements(g.IntN(4)).kids...)
	list = append(list, g.results(h.results))
	if h.packet {
		list = append([]*node{headerLocals(makeNode(block, "", list...))}, list...)
	}
	g.depth--
	g.helpers = append(g.helpers, h)
	g.scope = old
	return makeNode(statement, "local function "+h.name+"("+strings.Join(params, ", ")+")\n$end", makeNode(block, "", list...))
}

// results makes the return of a helper.
func (g *generator) results(n int) *node {
	var kids []*node
	for range n {
		kids = append(kids, g.number())
	}
	if n == 0 {
		return makeNode(statement, "return")
	}
	return makeNode(statement, "return "+strings.TrimSuffix(strings.Repeat("$, ", n), ", "), kids...)
}

// verdict makes what on_packet returns: never 0, nor what is none, but once
// in a while.
func (g *generator) verdict() *node {
	switch {
	case g.one(8):
		return makeNode(verdict, "pkt:reply()")
	case g.one(12) && len(g.headers) > 1:
		return makeNode(verdict, "($ and pv.TX or pv.DROP)", g.condition())
	case g.one(60):
		return makeNode(verdict, pick(g, []string{"5", "true", "{}", "'x'"}))
	}
	return makeNode(verdict, pick(g, []string{"pv.TX", "pv.TX", "pv.TX", "pv.DROP", "pv.DROP", "pv.PASS", "nil", "pv.ports[2]", "pv.ports.right", "me", "1", "pv.ports[1]"}))
}
