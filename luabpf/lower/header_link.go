// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"pvlua/luabpf/ir"
	"pvlua/packet"
)

// Lengths of the headers' fixed parts, in bytes.
const (
	ethLen  = 14
	vlanLen = 4
	arpLen  = 28
	ipLen   = 20
	ip6Len  = 40
	icmpLen = 8
	tcpLen  = 20
	udpLen  = 8
)

// Ethertypes (IANA), as loads give them.
var (
	rawIP   = raw16(0x0800)
	rawARP  = raw16(0x0806)
	rawVLAN = raw16(0x8100)
	rawQinQ = raw16(0x88a8)
	rawIP6  = raw16(0x86dd)
)

// isTag parts a path by whether an ethertype, as loaded, is that of a tag.
func (c *compiler) isTag(p *path, typ ir.Reg) (yes, no *path) {
	yes, no = c.is(p, typ, rawVLAN)
	if no == nil {
		return yes, nil
	}
	other, no := c.is(no, typ, rawQinQ)
	return c.rejoin(yes, other), no
}

// typeAt gives the ethertype that ends at an offset.
func (c *compiler) typeAt(p *path, end int) ir.Reg { return c.load(p, c.at(p, end-2), 2, anyLink) }

// anyLink is the part of the packet that eth and the tags are in.
const anyLink = packet.Eth

// tag is present for the outermost VLAN tag of a packet with eth.
func (c *compiler) tag(p *path) (yes, no []*path) {
	if p.pkt.walk.linked {
		return c.tagged(p, packet.VLAN, ethLen+vlanLen)
	}
	is, not := c.isTag(p, c.typeAt(p, ethLen))
	if is == nil {
		return nil, some(not.lacks(tags))
	}
	in, out := c.within(is, c.at(is, ethLen), vlanLen)
	return some(in.found(packet.VLAN)), append(some(not.lacks(tags)), some(out.lacks(all&^1))...)
}

// tag2 is present for the tag after it.
func (c *compiler) tag2(p *path) (yes, no []*path) {
	if p.pkt.walk.linked {
		return c.tagged(p, packet.VLAN2, ethLen+2*vlanLen)
	}
	on, no := c.present(p, packet.VLAN)
	for _, p := range on {
		is, not := c.isTag(p, c.typeAt(p, ethLen+vlanLen))
		no = append(no, some(not.lacks(1<<packet.VLAN2))...)
		if is == nil {
			continue
		}
		in, out := c.within(is, c.at(is, ethLen+vlanLen), vlanLen)
		yes = append(yes, some(in.found(packet.VLAN2))...)
		no = append(no, some(out.lacks(all&^(1|1<<packet.VLAN)))...)
	}
	return yes, no
}

// tagged is present for a tag where it is known where the tags end.
func (c *compiler) tagged(p *path, h packet.HeaderID, end int) (yes, no []*path) {
	l3 := p.pkt.walk.l3
	if l3.num == ir.None {
		if int(l3.off) >= end {
			return some(p.found(h)), nil
		}
		return nil, some(p.lacks(1 << h))
	}
	is, not := c.branch(p, ir.GE, l3.num, ir.None, int64(end))
	return some(is.found(h)), some(not.lacks(1 << h))
}

// link finds out what follows the link layer of a packet with eth. Without
// tags, or with as many as are known, that is at a constant offset; where the
// script has not asked for tags, a register has it.
func (c *compiler) link(p *path) *path {
	w := &p.pkt.walk
	end := 0
	switch {
	case w.linked:
		return p
	case w.not>>packet.VLAN&1 != 0:
		end = ethLen
	case w.has>>packet.VLAN&1 != 0 && w.not>>packet.VLAN2&1 != 0:
		end = ethLen + vlanLen
	case w.has>>packet.VLAN2&1 != 0:
		end = ethLen + 2*vlanLen
	}
	if end > 0 {
		typ := c.typeAt(p, end)
		w.linked, w.typ, w.l3 = true, typ, c.at(p, end)
		return p
	}
	l := c.newLinking()
	plain, tagged := l.untag(c, p)
	return c.rejoin(plain, tagged)
}

// typed parts a path with eth by whether a type, as loaded, follows the link
// layer. Without tags, as most are, one comparison sees a packet that it does.
func (c *compiler) typed(p *path, raw int64) (is, not *path) {
	if w := &p.pkt.walk; w.linked || (w.has|w.not)&tags != 0 {
		p = c.link(p)
		return c.is(p, p.pkt.walk.typ, raw)
	}
	l := c.newLinking()
	first := c.typeAt(p, ethLen)
	is, p = c.is(p, first, raw)
	is = l.set(c, is, first, ethLen)
	if is != nil {
		is.spans[l.typ] = span{raw, raw}
	}
	if p == nil {
		return is, nil
	}
	plain, tagged := l.untag(c, p)
	if tagged == nil {
		return is, plain
	}
	also, other := c.is(tagged, l.typ, raw)
	return c.rejoin(is, also), c.rejoin(plain, other)
}

// linking is registers for the type after the link layer, and for where that
// ends.
type linking struct{ typ, off ir.Reg }

func (c *compiler) newLinking() linking {
	return linking{c.f.NewReg(ir.Number), c.f.NewReg(ir.Number)}
}

// set notes on a path, if there is one, which type comes where. A type that is
// None is that of no header.
func (l linking) set(c *compiler, p *path, typ ir.Reg, off int64) *path {
	if p == nil {
		return nil
	}
	if typ == ir.None {
		c.setConst(p, l.typ, 0xffff)
	} else {
		c.assignReg(p, l.typ, typ)
	}
	c.setConst(p, l.off, off)
	w := &p.pkt.walk
	w.linked, w.typ, w.l3 = true, l.typ, place{ir.None, 0, l.off}
	return p
}

// untag takes up to two tags. It gives the path on which there is none, and the
// others; either may be nil.
func (l linking) untag(c *compiler, p *path) (plain, tagged *path) {
	if p.pkt.walk.has>>packet.VLAN&1 == 0 {
		first := c.typeAt(p, ethLen)
		is, not := c.isTag(p, first)
		plain = l.set(c, not, first, ethLen)
		if is == nil {
			return plain, nil
		}
		var out *path
		p, out = c.within(is, c.at(is, ethLen), vlanLen)
		tagged = l.set(c, out, ir.None, ethLen)
	}
	if p == nil {
		return plain, tagged
	}
	second := c.typeAt(p, ethLen+vlanLen)
	is, not := c.isTag(p, second)
	tagged = c.rejoin(tagged, l.set(c, not, second, ethLen+vlanLen))
	if is == nil {
		return plain, tagged
	}
	in, out := c.within(is, c.at(is, ethLen+vlanLen), vlanLen)
	tagged = c.rejoin(tagged, l.set(c, out, ir.None, ethLen+vlanLen))
	if in != nil {
		in = l.set(c, in, c.typeAt(in, ethLen+2*vlanLen), ethLen+2*vlanLen)
	}
	return plain, c.rejoin(tagged, in)
}

// arp is present for ARP: IPv4 over Ethernet only.
func (c *compiler) arp(p *path) (yes, no []*path) {
	is, not := c.typed(p, rawARP)
	if is == nil {
		return nil, some(not.lacks(1 << packet.ARP))
	}
	in, short := c.network(is, arpLen)
	l3 := place{}
	if in != nil {
		l3 = in.pkt.walk.l3
		var other *path
		const words = 0x0008_0100 // htype 1, ptype 0x0800
		in, other = c.branch(in, ir.EQ, c.load(in, l3, 4, packet.ARP), ir.None, words)
		short = c.rejoin(short, other)
		const lengths = 0x0406 // hlen 6, plen 4
		in, other = c.branch(in, ir.EQ, c.load(in, l3.plus(4), 2, packet.ARP), ir.None, lengths)
		short = c.rejoin(short, other)
	}
	return some(in.found(packet.ARP)), append(some(not.lacks(1<<packet.ARP)), some(short.lacks(networks|transports))...)
}

// network makes ready the place after the link layer, and parts a path by
// whether there are n bytes.
func (c *compiler) network(p *path, n int) (in, out *path) {
	w := &p.pkt.walk
	w.l3 = c.pointed(p, w.l3)
	return c.within(p, w.l3, n)
}
