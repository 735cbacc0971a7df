// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"pvlua/luabpf/ir"
	"pvlua/packet"
)

// chain is what the extension headers of an IPv6 packet say, in registers; they
// are None, and stand for 0, where it has none for certain.
type chain struct {
	proto    ir.Reg // what the last one names
	fragment ir.Reg // offset of the first Fragment header, or 0
	parted   ir.Reg // 1 if the packet is a fragment
	later    ir.Reg // 1 if it is not the first one
	cut      ir.Reg // 1 if the chain is not in order
	routing  ir.Reg // offset of a Routing header with segments left, or 0
}

var noChain = chain{ir.None, ir.None, ir.None, ir.None, ir.None, ir.None}

// Extension headers (packet/walk_ip6.go).
const (
	extHopByHop   = 0
	extRouting    = 43
	extFragment   = 44
	extAH         = 51
	lowExtensions = 1<<extHopByHop | 1<<extRouting | 1<<extFragment | 1<<extAH | 1<<60 // those below 64
	maxExtensions = 8
)

var highExtensions = []int64{135, 139, 140}

// isExtension parts a path by whether a protocol number is that of an extension
// header.
func (c *compiler) isExtension(p *path, proto ir.Reg) (yes, no *path) {
	low, high := c.branch(p, ir.LT, proto, ir.None, 64)
	bit := c.binary(low, ir.And, c.binaryReg(low, ir.Shr, c.constant(low, lowExtensions), proto), 1)
	yes, no = c.branch(low, ir.NE, bit, ir.None, 0)
	for _, n := range highExtensions {
		var is *path
		is, high = c.branch(high, ir.EQ, proto, ir.None, n)
		yes = c.rejoin(yes, is)
	}
	return yes, c.rejoin(no, high)
}

// ip6 is present for IPv6 in a packet with eth.
func (c *compiler) ip6(p *path) (yes, no []*path) {
	is, not := c.typed(p, rawIP6)
	if is == nil {
		return nil, some(not.lacks(1 << packet.IP6))
	}
	in, bad := c.network(is, ip6Len)
	if in != nil {
		first := c.load(in, in.pkt.walk.l3, 1, packet.IP6)
		var other *path
		in, other = c.branch(in, ir.EQ, c.binary(in, ir.Shr, first, 4), ir.None, 6)
		bad = c.rejoin(bad, other)
	}
	return some(in.found(packet.IP6)), append(some(not.lacks(1<<packet.IP6)), some(bad.lacks(networks|transports))...)
}

// above6 is present for a header over IPv6.
func (c *compiler) above6(p *path, h packet.HeaderID) (yes, no []*path) {
	p = c.walkExtensions(p, protocols[h])
	is, not := c.is(p, p.pkt.walk.proto, protocols[h])
	if is == nil {
		return nil, some(not.lacks(1 << h))
	}
	in, short := c.transport(is, h)
	return some(in.found(h)), append(some(not.lacks(1<<h)), some(short.lacks(transports))...)
}

// walkExtensions walks the extension headers. Packets whose next header is hot
// pass by at once.
func (c *compiler) walkExtensions(p *path, hot int64) *path {
	if p.pkt.walk.chained {
		return p
	}
	p, _ = c.headerAt(p, packet.IP6)
	w := &p.pkt.walk
	next := c.load(p, w.l3.plus(6), 1, packet.IP6)
	payload := c.loadHost(p, w.l3.plus(4), 2, packet.IP6)
	start := w.l3.plus(ip6Len)
	if start.num != ir.None {
		start = place{ir.None, 0, c.offset(p, start)}
	}
	e := newExtensions(c)
	is, other := c.branch(p, ir.EQ, next, ir.None, hot)
	has, none := c.isExtension(other, next)
	plain := c.rejoin(is, none)
	e.none(c, plain, next, start)
	c.assignReg(plain, e.above, next)

	done, cut := e.walk(c, has, next, start)
	c.assignReg(done, e.above, e.proto)
	c.setConst(cut, e.above, noProtocol)
	p = c.rejoin(plain, done, cut)
	w = &p.pkt.walk
	w.chained, w.proto, w.ext = true, e.above, e.chain
	w.l4 = place{ir.None, 0, e.off}
	// The room is from the header's end on, which the payload length counts from.
	w.room = c.binaryReg(p, ir.Sub, payload, c.binaryReg(p, ir.Sub, e.off, c.offset(p, start)))
	return p
}

// noProtocol is walk.proto where nothing can be above an IPv6 packet's extension
// headers, as in fragments after the first.
const noProtocol = 0x100

// extensions are the registers of the loop over extension headers.
type extensions struct {
	off, count, above ir.Reg
	chain
}

func newExtensions(c *compiler) *extensions {
	n := func() ir.Reg { return c.f.NewReg(ir.Number) }
	return &extensions{n(), n(), n(), chain{n(), n(), n(), n(), n(), n()}}
}

// none sets the registers for a packet without extension headers.
func (e *extensions) none(c *compiler, p *path, next ir.Reg, start place) {
	c.assignReg(p, e.proto, next)
	if start.num == ir.None {
		c.setConst(p, e.off, int64(start.off))
	} else {
		c.assignReg(p, e.off, start.num)
	}
	for _, r := range []ir.Reg{e.fragment, e.parted, e.later, e.cut, e.routing} {
		c.setConst(p, r, 0)
	}
}

// walk steps over extension headers, of which there is at least one. cut are
// the packets that end it early: with fragments after the first, or in disorder.
func (e *extensions) walk(c *compiler, p *path, next ir.Reg, start place) (done, cut *path) {
	payload := c.loadHost(p, p.pkt.walk.l3.plus(4), 2, packet.IP6)
	end := c.f.NewReg(ir.Number)
	c.assignReg(p, end, c.binaryReg(p, ir.Add, c.offset(p, start), payload))
	long, short := c.branch(p, ir.GT, end, c.packetLen(p), 0)
	c.assignReg(long, end, long.pkt.length)
	p = c.rejoin(long, short)
	e.none(c, p, next, start)
	c.setConst(p, e.count, 0)

	head := c.f.NewBlock()
	c.jump(p, head)
	p.block = head
	p, bad := c.branch(p, ir.LT, e.count, ir.None, maxExtensions)
	hop, p := c.branch(p, ir.EQ, e.proto, ir.None, extHopByHop)
	hop, other := c.branch(hop, ir.EQ, e.count, ir.None, 0)
	bad, p = c.rejoin(bad, other), c.rejoin(hop, p)
	p, other = c.branch(p, ir.LE, c.binary(p, ir.Add, e.off, 8), end, 0)
	bad = c.rejoin(bad, other)
	at := place{c.emit(p, ir.Instr{Op: ir.Ptr, A: e.off, B: ir.None}), 0, e.off}
	p, other = c.within(p, at, 8)
	bad = c.rejoin(bad, other)

	p, n := e.length(c, p, at)
	p, other = c.branch(p, ir.LE, c.binaryReg(p, ir.Add, e.off, n), end, 0)
	bad = c.rejoin(bad, other)
	p = e.route(c, p, at)
	c.assignReg(p, e.proto, c.emit(p, ir.Instr{Op: ir.Load, Size: 1, A: at.ptr, B: ir.None}))
	c.assignReg(p, e.off, c.binaryReg(p, ir.Add, e.off, n))
	later, p := c.branch(p, ir.NE, e.later, ir.None, 0)
	c.assignReg(p, e.count, c.binary(p, ir.Add, e.count, 1))
	more, done := c.isExtension(p, e.proto)
	c.jump(more, head)

	c.setConst(bad, e.cut, 1)
	cut = c.rejoin(bad, later)
	return done, cut
}

// length gives the length of an extension header in bytes, and takes in what a
// Fragment header says.
func (e *extensions) length(c *compiler, p *path, at place) (*path, ir.Reg) {
	n := c.f.NewReg(ir.Number)
	isFragment, p := c.branch(p, ir.EQ, e.proto, ir.None, extFragment)
	isAH, p := c.branch(p, ir.EQ, e.proto, ir.None, extAH)
	units := func(p *path, shift int64) *path {
		size := c.emit(p, ir.Instr{Op: ir.Load, Size: 1, A: at.ptr, B: ir.None, Off: 1})
		c.assignReg(p, n, c.binary(p, ir.Add, c.binary(p, ir.Shl, size, shift), 8))
		return p
	}
	c.setConst(isFragment, n, 8)
	word := c.emit(isFragment, ir.Instr{Op: ir.Load, Size: 2, A: at.ptr, B: ir.None, Off: 2})
	set, isFragment := c.branch(isFragment, ir.NE, c.binary(isFragment, ir.And, word, raw16(0xfff9)), ir.None, 0)
	c.setConst(set, e.parted, 1)
	isFragment = c.rejoin(set, isFragment)
	set, isFragment = c.branch(isFragment, ir.NE, c.binary(isFragment, ir.And, word, raw16(0xfff8)), ir.None, 0)
	c.setConst(set, e.later, 1)
	isFragment = c.rejoin(set, isFragment)
	set, isFragment = c.branch(isFragment, ir.EQ, e.fragment, ir.None, 0)
	c.assignReg(set, e.fragment, e.off)
	isFragment = c.rejoin(set, isFragment)
	return c.rejoin(isFragment, units(isAH, 2), units(p, 3)), n
}

// route notes a Routing header with segments left.
func (e *extensions) route(c *compiler, p *path, at place) *path {
	is, p := c.branch(p, ir.EQ, e.proto, ir.None, extRouting)
	const segmentsLeft = 3
	left := c.emit(is, ir.Instr{Op: ir.Load, Size: 1, A: at.ptr, B: ir.None, Off: segmentsLeft})
	set, is := c.branch(is, ir.NE, left, ir.None, 0)
	c.assignReg(set, e.routing, e.off)
	return c.rejoin(set, is, p)
}
