// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"pvlua/luabpf/ir"
	"pvlua/packet"
)

// The upper-layer protocols (IANA) that have headers, over either IP.
var protocols = map[packet.HeaderID]int64{packet.ICMP: 1, packet.TCP: 6, packet.UDP: 17, packet.ICMP6: 58}

// minLens are the lengths of the headers' fixed parts.
var minLens = [packet.NumHeaders]int{
	packet.Eth: ethLen, packet.VLAN: vlanLen, packet.VLAN2: vlanLen, packet.ARP: arpLen, packet.IP: ipLen, packet.IP6: ip6Len,
	packet.ICMP: icmpLen, packet.ICMP6: icmpLen, packet.TCP: tcpLen, packet.UDP: udpLen,
}

// swap gives a number of size bytes in the other byte order.
func (c *compiler) swap(p *path, r ir.Reg, size uint8) ir.Reg {
	if size == 1 {
		return r
	}
	return c.emit(p, ir.Instr{Op: ir.Swap, Size: size, A: r, B: ir.None})
}

// ip is present for IPv4 in a packet with eth.
func (c *compiler) ip(p *path) (yes, no []*path) {
	is, not := c.typed(p, rawIP)
	if is == nil {
		return nil, some(not.lacks(1 << packet.IP))
	}
	in, bad := c.network(is, ipLen)
	if in != nil {
		var other *path
		in, other = c.headerLen(in)
		bad = c.rejoin(bad, other)
		total := c.loadHost(in, in.pkt.walk.l3.plus(2), 2, packet.IP)
		in, other = c.branch(in, ir.GE, total, in.pkt.walk.ihl, 0)
		bad = c.rejoin(bad, other)
	}
	return some(in.found(packet.IP)), append(some(not.lacks(1<<packet.IP)), some(bad.lacks(networks|transports))...)
}

// headerLen works out the length of an IPv4 header; bad is where it or the
// version can't be, or the frame ends before the header does. Without options,
// as most are, one comparison sees all that is right.
func (c *compiler) headerLen(p *path) (in, bad *path) {
	l3 := p.pkt.walk.l3
	ihl := c.f.NewReg(ir.Number)
	first := c.load(p, l3, 1, packet.IP)
	const plain = 0x45
	is, in := c.branch(p, ir.EQ, first, ir.None, plain)
	c.setConst(is, ihl, ipLen)

	in, bad = c.branch(in, ir.EQ, c.binary(in, ir.Shr, first, 4), ir.None, 4)
	n := c.binary(in, ir.Shl, c.binary(in, ir.And, first, 15), 2)
	in, other := c.branch(in, ir.GE, n, ir.None, ipLen)
	bad = c.rejoin(bad, other)
	end := c.emit(in, ir.Instr{Op: ir.Ptr, A: c.binaryReg(in, ir.Add, c.offset(in, l3), n), B: ir.None})
	in, other = c.guard(in, end, 0)
	bad = c.rejoin(bad, other)
	c.assignReg(in, ihl, n)

	in = c.rejoin(is, in)
	in.pkt.walk.ihl = ihl
	return in, bad
}

// ipLen gives the register with the length of the IPv4 header.
func (c *compiler) ipLen(p *path) (*path, ir.Reg) {
	p, at := c.headerAt(p, packet.IP)
	if p.pkt.walk.ihl == ir.None {
		p.pkt.walk.ihl = c.binary(p, ir.Shl, c.binary(p, ir.And, c.load(p, at, 1, packet.IP), 15), 2)
	}
	return p, p.pkt.walk.ihl
}

// above is present for a header over IPv4.
func (c *compiler) above(p *path, h packet.HeaderID) (yes, no []*path) {
	p, at := c.headerAt(p, packet.IP)
	p, later := c.notLater(p, at)
	w := &p.pkt.walk
	if w.proto == ir.None {
		w.proto = c.load(p, at.plus(9), 1, packet.IP)
	}
	is, not := c.is(p, w.proto, protocols[h])
	if is == nil {
		return nil, append(some(not.lacks(1<<h)), some(later.lacks(transports))...)
	}
	is = c.segment(is)
	in, short := c.transport(is, h)
	none := c.rejoin(later.lacks(transports), short.lacks(transports))
	return some(in.found(h)), append(some(not.lacks(1<<h)), some(none)...)
}

// notLater parts a path with ip by whether the packet is no fragment or the
// first one; later is nil if that is known.
func (c *compiler) notLater(p *path, at place) (first, later *path) {
	w := &p.pkt.walk
	if w.first {
		return p, nil
	}
	fragOffset := raw16(0x1fff)
	word := c.load(p, at.plus(6), 2, packet.IP)
	first, later = c.branch(p, ir.EQ, c.binary(p, ir.And, word, fragOffset), ir.None, 0)
	first.pkt.walk.first = true
	return first, later
}

// segment works out where the payload of a packet with ip begins, and how long
// it is by the total length.
func (c *compiler) segment(p *path) *path {
	if p.pkt.walk.room != ir.None {
		return p
	}
	p, ihl := c.ipLen(p)
	w := &p.pkt.walk
	total := c.loadHost(p, w.l3.plus(2), 2, packet.IP)
	w.room = c.binaryReg(p, ir.Sub, total, ihl)
	w.l4 = place{ir.None, 0, c.binaryReg(p, ir.Add, c.offset(p, w.l3), ihl)}
	return p
}

// roomKnown sees to it that it is known how long the payload of the IP packet is.
func (c *compiler) roomKnown(p *path) *path {
	if p.pkt.walk.has>>packet.IP&1 != 0 {
		return c.segment(p)
	}
	if p.pkt.walk.room == ir.None || !p.pkt.walk.chained { // the room may be known from where paths with ip and ip6 met
		p.pkt.walk.chained = false
		return c.walkExtensions(p, protocols[packet.ICMP6])
	}
	return p
}

// transport parts a path by whether the header that should be above IP is
// whole.
func (c *compiler) transport(p *path, h packet.HeaderID) (in, short *path) {
	w := &p.pkt.walk
	n := minLens[h]
	in, short = c.atLeast(p, w.room, int64(n))
	if in == nil {
		return nil, short
	}
	w = &in.pkt.walk
	w.l4 = c.pointed(in, w.l4)
	in, other := c.within(in, w.l4, n)
	short = c.rejoin(short, other)
	if in == nil || h != packet.TCP {
		return in, short
	}
	in, other = c.dataOffset(in)
	return in, c.rejoin(short, other)
}

// dataOffset parts a path by whether a TCP header is as long as it says.
func (c *compiler) dataOffset(p *path) (in, bad *path) {
	w := &p.pkt.walk
	n := c.binary(p, ir.Shl, c.binary(p, ir.Shr, c.load(p, w.l4.plus(12), 1, packet.TCP), 4), 2)
	in, bad = c.branch(p, ir.GE, n, ir.None, tcpLen)
	in, other := c.branch(in, ir.LE, n, in.pkt.walk.room, 0)
	bad = c.rejoin(bad, other)
	end := c.binaryReg(in, ir.Add, c.offset(in, in.pkt.walk.l4), n)
	in, other = c.branch(in, ir.LE, end, c.packetLen(in), 0)
	return in, c.rejoin(bad, other)
}
