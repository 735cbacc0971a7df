// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"encoding/binary"

	"pvlua/luabpf/ir"
	"pvlua/packet"
)

// walk is how far the walk of the headers has come on a path, which is that of
// packet.Layout.Walk: what it takes and refuses, and in which order, must be
// kept as there. Each step is made when somebody first asks for what it finds.
type walk struct {
	has, not uint16 // bit h: it is known that header h is, or is not, there

	// After the link layer, if it is known:
	linked bool
	typ    ir.Reg // the ethertype that counts, as loaded
	l3     place  // where the header after it begins

	// With ip:
	ihl   ir.Reg // length of its header in bytes
	room  ir.Reg // with l4: how many bytes from there on belong to the IP packet
	first bool   // it is no later fragment

	// With ip6, once its extension headers have been walked:
	chained bool
	ext     chain

	// With ip and first, or ip6 and chained:
	proto ir.Reg // upper-layer protocol
	l4    place  // what begins after the IP header and its extension headers
}

var unwalked = walk{
	typ: ir.None, ihl: ir.None, room: ir.None, proto: ir.None, ext: noChain,
	l3: place{ir.None, 0, ir.None}, l4: place{ir.None, 0, ir.None},
}

// The groups of headers of which a packet has at most one.
const (
	networks   = 1<<packet.ARP | 1<<packet.IP | 1<<packet.IP6
	transports = 1<<packet.ICMP | 1<<packet.ICMP6 | 1<<packet.TCP | 1<<packet.UDP
	tags       = 1<<packet.VLAN | 1<<packet.VLAN2
	all        = 1<<packet.NumHeaders - 1
)

// found notes that there is a header, and what follows from that.
func (p *path) found(h packet.HeaderID) *path {
	if p == nil {
		return nil
	}
	w := &p.pkt.walk
	w.has |= 1 << h
	switch {
	case 1<<h&networks != 0:
		w.not |= networks &^ (1 << h)
		switch h {
		case packet.ARP:
			w.not |= transports
		case packet.IP:
			w.not |= 1 << packet.ICMP6
		case packet.IP6:
			w.not |= 1 << packet.ICMP
		}
	case 1<<h&transports != 0:
		w.not |= transports &^ (1 << h)
	}
	return p
}

// lacks notes that some headers are not there.
func (p *path) lacks(headers uint16) *path {
	if p != nil {
		p.pkt.walk.not |= headers
	}
	return p
}

// intersect keeps of w what o knows as well. What is above IP may be known
// where IP's own place is not.
func (w *walk) intersect(o *walk) {
	w.has &= o.has
	w.not &= o.not
	if !w.linked || !o.linked || w.typ != o.typ || !w.l3.intersect(o.l3) {
		w.linked, w.typ, w.l3 = false, unwalked.typ, unwalked.l3
	}
	if w.ihl != o.ihl {
		w.ihl = ir.None
	}
	w.first = w.first && o.first
	if w.proto != o.proto {
		w.proto = ir.None
	}
	if w.room != o.room || !w.l4.intersect(o.l4) {
		w.l4, w.room = unwalked.l4, ir.None
	}
	if !o.chained || w.ext != o.ext || w.room == ir.None {
		w.chained, w.ext = false, noChain
	}
}

// intersect keeps of a place what o has as well, and reports whether it is
// still known.
func (pl *place) intersect(o place) bool {
	if pl.ptr != o.ptr {
		pl.ptr = ir.None
	}
	return pl.num == o.num && pl.off == o.off && (pl.ptr != ir.None || pl.num != ir.None)
}

// raw16 gives what a load has of two bytes of the packet that are n.
func raw16(n uint16) int64 {
	return int64(binary.LittleEndian.Uint16(binary.BigEndian.AppendUint16(nil, n)))
}

// present parts a path by whether the packet has a header.
func (c *compiler) present(p *path, h packet.HeaderID) (yes, no []*path) {
	switch w := &p.pkt.walk; {
	case w.has>>h&1 != 0:
		return some(p), nil
	case w.not>>h&1 != 0:
		return nil, some(p)
	case h == packet.Eth:
		in, out := c.within(p, c.at(p, 0), ethLen)
		return some(in.found(h)), some(out.lacks(all))
	case w.has>>packet.Eth&1 == 0:
		return c.presentAbove(p, packet.Eth, h)
	case h == packet.VLAN:
		return c.tag(p)
	case h == packet.VLAN2:
		return c.tag2(p)
	case h == packet.ARP:
		return c.arp(p)
	case h == packet.IP:
		return c.ip(p)
	case h == packet.IP6:
		return c.ip6(p)
	case w.has>>packet.IP&1 != 0:
		return c.above(p, h)
	case w.has>>packet.IP6&1 != 0:
		return c.above6(p, h)
	case h == packet.ICMP6 || w.not>>packet.IP&1 != 0:
		return c.presentAbove(p, packet.IP6, h)
	}
	return c.presentAbove(p, packet.IP, h)
}

// presentAbove is present for a header that can only be there above others, of
// which first is the one to look for now.
func (c *compiler) presentAbove(p *path, first, h packet.HeaderID) (yes, no []*path) {
	on, off := c.present(p, first)
	for _, p := range on {
		y, n := c.present(p, h)
		yes, no = append(yes, y...), append(no, n...)
	}
	for _, p := range off {
		if (h == packet.TCP || h == packet.UDP) && p.pkt.walk.not>>packet.IP6&1 == 0 {
			y, n := c.present(p, h)
			yes, no = append(yes, y...), append(no, n...)
			continue
		}
		no = append(no, p.lacks(1<<h))
	}
	return yes, no
}

// is parts a path by whether a register holds a number. Either path is nil if
// that is known.
func (c *compiler) is(p *path, r ir.Reg, n int64) (yes, no *path) {
	if s, ok := p.spans[r]; ok {
		switch {
		case n < s.lo || n > s.hi:
			return nil, p
		case s.lo == s.hi:
			return p, nil
		}
	}
	yes, no = c.branch(p, ir.EQ, r, ir.None, n)
	yes.spans[r] = span{n, n}
	return yes, no
}

// atLeast parts a path by whether a register holds, as a signed number, n or
// more. Either path is nil if that is known.
func (c *compiler) atLeast(p *path, r ir.Reg, n int64) (yes, no *path) {
	s, ok := p.spans[r]
	if !ok {
		s = span{-maxWhole, maxWhole}
	}
	switch {
	case s.lo >= n:
		return p, nil
	case s.hi < n:
		return nil, p
	}
	yes, no = c.branch(p, ir.SGE, r, ir.None, n)
	yes.spans[r], no.spans[r] = span{n, s.hi}, span{s.lo, n - 1}
	return yes, no
}

// some makes a list of a path, or of none.
func some(p *path) []*path {
	if p == nil {
		return nil
	}
	return []*path{p}
}
