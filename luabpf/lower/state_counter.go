// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"slices"

	"github.com/yuin/gopher-lua/ast"

	"pvlua/luabpf/ir"
	"pvlua/state"
)

// counterMethod is counter:name(args...).
func (c *compiler) counterMethod(p *path, o *state.Counter, name string, args []value, at ast.PositionHolder) []result {
	if name != "add" {
		return c.exit(p, at, false, "counter:%s: what counters hold is spread over the processors; the kernel can only add to it", name)
	}
	v := arg(args, 0)
	switch v.kind {
	case isNil:
		v = whole(1)
	case isNumber:
	default:
		return c.fails(p, at, "add: what is added is no whole number")
	}
	c.addTo(p, c.counterNumber(c.program.CounterName(o)), v)
	return one(p, nothing)
}

// counterNumber gives the number of a counter in the function.
func (c *compiler) counterNumber(name string) int {
	i := slices.Index(c.f.Counters, ir.Counter{Name: name})
	if i < 0 {
		i = len(c.f.Counters)
		c.f.Counters = append(c.f.Counters, ir.Counter{Name: name})
	}
	return i
}

// addTo has the path add a number to a counter when it ends.
func (c *compiler) addTo(p *path, counter int, v value) {
	i := slices.IndexFunc(p.counts, func(n count) bool { return n.counter == counter })
	if i < 0 {
		i = len(p.counts)
		p.counts = append(p.counts, count{counter: counter, reg: ir.None, line: int(c.line)})
	}
	n := &p.counts[i]
	switch {
	case v.known:
		n.n += v.n
	case n.reg == ir.None:
		n.reg = v.reg
	default:
		n.reg = c.binaryReg(p, ir.Add, n.reg, v.reg)
	}
}
