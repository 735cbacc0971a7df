// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"pvlua/luabpf/ir"
	"pvlua/packet"
)

// routed parts a path with a header above IP by whether a source route has hops
// left, so that the destination is not the one in the pseudo-header. routed is
// nil if that can't be.
func (c *compiler) routed(p *path) (direct, routed *path) {
	if p.pkt.walk.has>>packet.IP&1 != 0 {
		return c.routed4(p)
	}
	p = c.roomKnown(p)
	return c.branch(p, ir.EQ, p.pkt.walk.ext.routing, ir.None, 0)
}

// routed4 looks for a route with hops left among the IPv4 options (RFC 791
// section 3.1), as packet.Layout.Walk does.
func (c *compiler) routed4(p *path) (direct, routed *path) {
	const end, nop, loose, strict = 0, 1, 131, 137
	p, ihl := c.ipLen(p)
	plain, p := c.branch(p, ir.EQ, ihl, ir.None, ipLen)
	start := c.offset(p, p.pkt.walk.l3)
	off, stop := c.f.NewReg(ir.Number), c.binaryReg(p, ir.Add, start, ihl)
	c.assignReg(p, off, c.binary(p, ir.Add, start, ipLen))

	head := c.f.NewBlock()
	c.jump(p, head)
	p.block = head
	p, over := c.branch(p, ir.LT, off, stop, 0)
	at := c.emit(p, ir.Instr{Op: ir.Ptr, A: off, B: ir.None})
	read := func(p *path, i int32) ir.Reg {
		return c.emit(p, ir.Instr{Op: ir.Load, Size: 1, A: at, B: ir.None, Off: i})
	}
	p, out := c.guard(p, at, 1)
	c.impossible(out)
	kind := read(p, 0)
	isEnd, p := c.branch(p, ir.EQ, kind, ir.None, end)
	over = c.rejoin(over, isEnd)
	isNop, p := c.branch(p, ir.EQ, kind, ir.None, nop)
	c.assignReg(isNop, off, c.binary(isNop, ir.Add, off, 1))
	c.jump(isNop, head)

	p, short := c.branch(p, ir.LE, c.binary(p, ir.Add, off, 2), stop, 0)
	over = c.rejoin(over, short)
	p, out = c.guard(p, at, 2)
	c.impossible(out)
	n := read(p, 1)
	p, short = c.branch(p, ir.GE, n, ir.None, 2)
	over = c.rejoin(over, short)
	next := c.binaryReg(p, ir.Add, off, n)
	p, short = c.branch(p, ir.LE, next, stop, 0)
	over = c.rejoin(over, short)

	isLoose, p := c.branch(p, ir.EQ, kind, ir.None, loose)
	isStrict, other := c.branch(p, ir.EQ, kind, ir.None, strict)
	route, short := c.branch(c.rejoin(isLoose, isStrict), ir.GE, n, ir.None, 7)
	other = c.rejoin(other, short)
	route, out = c.guard(route, at, 3)
	c.impossible(out)
	routed, done := c.branch(route, ir.LE, read(route, 2), c.binary(route, ir.Sub, n, 3), 0)
	other = c.rejoin(other, done)
	c.assignReg(other, off, next)
	c.jump(other, head)
	return c.rejoin(plain, over), routed
}
