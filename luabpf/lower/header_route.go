// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"pvlua/luabpf/ir"
	"pvlua/packet"
)

// routed parts a path with a header above IP by whether a source route has hops
// left, so that the destination is not the one in the pseudo-header. The route
// begins at a number of bytes from the packet's start.
func (c *compiler) routed(p *path) (direct, routed *path, route ir.Reg) {
	if p.pkt.walk.has>>packet.IP&1 != 0 {
		return c.routed4(p)
	}
	p = c.roomKnown(p)
	route = p.pkt.walk.ext.routing
	direct, routed = c.branch(p, ir.EQ, route, ir.None, 0)
	return direct, routed, route
}

// finalDst finds the destination in the pseudo-header of a packet with a source
// route (packet/checksum_packet.go). unknown is where the route does not tell.
func (c *compiler) finalDst(p *path, route ir.Reg) (in, unknown *path, dst place) {
	const fixed = 8 // of a Routing header; of an option as well, for user space looks that far
	end := c.binary(p, ir.Add, route, fixed)
	p, unknown = c.branch(p, ir.LE, end, c.packetLen(p), 0)
	at := place{c.emit(p, ir.Instr{Op: ir.Ptr, A: route, B: ir.None}), 0, route}
	p, out := c.within(p, at, fixed)
	c.impossible(out)
	read := func(p *path, i int) ir.Reg { return c.load(p, at.plus(i), 1, anyHeader) }
	from := c.f.NewReg(ir.Number)
	if p.pkt.walk.has>>packet.IP&1 != 0 {
		c.assignReg(p, from, c.binary(p, ir.Sub, c.binaryReg(p, ir.Add, route, read(p, 1)), 4))
		return p, unknown, place{c.emit(p, ir.Instr{Op: ir.Ptr, A: from, B: ir.None}), 0, from}
	}
	const list, mobile, segments = 0, 2, 4 // RFC 2460 section 4.4, RFC 6275 section 6.4, RFC 8754 section 2
	kind := read(p, 2)
	isList, p := c.branch(p, ir.EQ, kind, ir.None, list)
	isMobile, p := c.branch(p, ir.EQ, kind, ir.None, mobile)
	isList = c.rejoin(isList, isMobile)
	units := c.binary(isList, ir.And, read(isList, 1), 0xfe)
	isList, none := c.branch(isList, ir.NE, units, ir.None, 0)
	c.assignReg(isList, from, c.binary(isList, ir.Sub, c.binaryReg(isList, ir.Add, end, c.binary(isList, ir.Shl, units, 3)), 16))
	isSegments, p := c.branch(p, ir.EQ, kind, ir.None, segments)
	c.assignReg(isSegments, from, end)
	unknown = c.rejoin(unknown, none, p)

	p = c.rejoin(isList, isSegments)
	p, short := c.branch(p, ir.LE, c.binary(p, ir.Add, from, 16), c.packetLen(p), 0)
	return p, c.rejoin(unknown, short), place{c.emit(p, ir.Instr{Op: ir.Ptr, A: from, B: ir.None}), 0, from}
}

// routed4 looks for a route with hops left among the IPv4 options (RFC 791
// section 3.1), as packet.Layout.Walk does.
func (c *compiler) routed4(p *path) (direct, routed *path, route ir.Reg) {
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
	list, short := c.branch(c.rejoin(isLoose, isStrict), ir.GE, n, ir.None, 7)
	other = c.rejoin(other, short)
	list, out = c.guard(list, at, 3)
	c.impossible(out)
	routed, done := c.branch(list, ir.LE, read(list, 2), c.binary(list, ir.Sub, n, 3), 0)
	other = c.rejoin(other, done)
	c.assignReg(other, off, next)
	c.jump(other, head)
	return c.rejoin(plain, over), routed, off
}
