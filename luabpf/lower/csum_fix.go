// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"github.com/yuin/gopher-lua/ast"

	"pvlua/luabpf/ir"
	"pvlua/packet"
)

// fixChecksums is pkt:fix_checksums(): packet.FixChecksums.
func (c *compiler) fixChecksums(p *path, at ast.PositionHolder) []result {
	if !c.changing(p, at) {
		return nil
	}
	p = c.settle(p)
	var ends []*path
	ip, rest := c.present(p, packet.IP)
	for _, p := range ip {
		rest = append(rest, c.fixIP(p))
	}
	for _, h := range [...]packet.HeaderID{packet.UDP, packet.TCP, packet.ICMP6, packet.ICMP} {
		var off []*path
		for _, p := range rest {
			yes, no := c.present(p, h)
			off = append(off, no...)
			for _, p := range yes {
				for _, p := range c.overNetworks(p) {
					ends = append(ends, c.fixAbove(p, h))
				}
			}
		}
		rest = off
	}
	var out []result
	for _, p := range append(ends, rest...) {
		out = append(out, result{p, nothing})
	}
	return out
}

// sumOf adds up n bytes from a place on.
func (c *compiler) sumOf(p *path, at place, n ir.Reg, imm int64) ir.Reg {
	if n != ir.None {
		n = c.atMost(p, n)
	}
	return c.emit(p, ir.Instr{Op: ir.Sum, A: at.ptr, B: n, Off: at.off, Imm: imm})
}

// write stores the checksum of a sum that holds the old one as well.
func (c *compiler) writeSum(p *path, h packet.HeaderID, at place, sum ir.Reg) *path {
	sum = c.binaryReg(p, ir.Sub, sum, c.load(p, at, 2, h))
	now := c.binary(p, ir.Xor, c.emit(p, ir.Instr{Op: ir.Fold, A: sum, B: ir.None}), 0xffff)
	if h == packet.UDP {
		p, now = c.orOnes(p, now)
	}
	c.store(p, at, 2, h, now, 0)
	return p
}

func (c *compiler) fixIP(p *path) *path {
	p, ihl := c.ipLen(p)
	l3 := p.pkt.walk.l3
	return c.writeSum(p, packet.IP, l3.plus(10), c.sumOf(p, l3, ihl, 0))
}

// fixAbove computes the checksum of a header above IP, if all that it covers is
// there, anew. UDP's zero over IPv4 stays.
func (c *compiler) fixAbove(p *path, h packet.HeaderID) *path {
	over4 := p.pkt.walk.has>>packet.IP&1 != 0
	p, at := c.headerAt(p, h)
	p = c.roomKnown(p)
	var left []*path // as it is
	keep := func(p *path) {
		if p != nil {
			left = append(left, p)
		}
	}
	length := p.pkt.walk.room
	if h == packet.UDP {
		if over4 {
			var zero *path
			zero, p = c.branch(p, ir.EQ, c.load(p, at.plus(sumAt[h]), 2, h), ir.None, 0)
			keep(zero)
		}
		p, length = c.udpLength(p, at, over4)
	}
	fixed := int64(icmpLen)
	if h == packet.TCP {
		fixed = tcpLen
	}
	p, short := c.branch(p, ir.SGE, length, ir.None, fixed)
	keep(short)
	p, end := c.netEnd(p)
	p, short = c.branch(p, ir.LE, c.binaryReg(p, ir.Add, c.offset(p, p.pkt.walk.l4), length), end, 0)
	keep(short)
	p, parted := c.unparted(p, over4)
	keep(parted)
	sum := c.sumOf(p, at, length, 0)
	if h != packet.ICMP {
		var unknown *path
		var pseudo ir.Reg
		p, unknown, pseudo = c.pseudo(p, over4, h, length)
		keep(unknown)
		sum = c.binaryReg(p, ir.Add, sum, pseudo)
	}
	p = c.writeSum(p, h, at.plus(sumAt[h]), sum)
	return c.rejoin(append(left, p)...)
}

// udpLength gives the length of a datagram: its own, or over IPv6 that of the
// rest of the packet for 0 (RFC 2675 section 4).
func (c *compiler) udpLength(p *path, at place, over4 bool) (*path, ir.Reg) {
	own := c.loadHost(p, at.plus(4), 2, packet.UDP)
	if over4 {
		return p, own
	}
	length := c.f.NewReg(ir.Number)
	c.assignReg(p, length, own)
	zero, some := c.branch(p, ir.EQ, own, ir.None, 0)
	c.assignReg(zero, length, zero.pkt.walk.room)
	return c.rejoin(some, zero), length
}

// unparted parts a path by whether the packet is no fragment.
func (c *compiler) unparted(p *path, over4 bool) (yes, no *path) {
	if !over4 {
		p = c.roomKnown(p) // which is forgotten where a header had to be looked for again
		return c.branch(p, ir.EQ, p.pkt.walk.ext.parted, ir.None, 0)
	}
	fragment := raw16(0x3fff) // more fragments, and the offset
	p, at := c.headerAt(p, packet.IP)
	return c.branch(p, ir.EQ, c.binary(p, ir.And, c.load(p, at.plus(6), 2, packet.IP), fragment), ir.None, 0)
}

// pseudo adds up the pseudo-header. unknown is where its destination can't be
// told, as under a source route of unknown kind.
func (c *compiler) pseudo(p *path, over4 bool, h packet.HeaderID, length ir.Reg) (in, unknown *path, sum ir.Reg) {
	sum = c.f.NewReg(ir.Number)
	begin := func(p *path, at place, n int64) ir.Reg {
		s := c.sumOf(p, at, ir.None, n)
		s = c.binaryReg(p, ir.Add, s, c.swap(p, c.atMost(p, length), 2))
		return c.binary(p, ir.Add, s, protocols[h]<<8)
	}
	direct, routed, route := c.routed(p)
	off, size := 8, int64(16)
	network := packet.IP6
	if over4 {
		off, size, network = 12, 4, packet.IP
	}
	direct, at := c.headerAt(direct, network)
	c.assignReg(direct, sum, begin(direct, at.plus(off), 2*size))
	routed, at = c.headerAt(routed, network)
	s := begin(routed, at.plus(off), size)
	routed, unknown, final := c.finalDst(routed, route)
	c.assignReg(routed, sum, c.binaryReg(routed, ir.Add, s, c.sumOf(routed, final, ir.None, size)))
	return c.rejoin(direct, routed), unknown, sum
}
