// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"slices"

	"github.com/yuin/gopher-lua/ast"

	"pvlua/luabpf/ir"
	"pvlua/packet"
)

// field reads a field of a header.
func (c *compiler) field(p *path, h packet.HeaderID, f *packet.Field, at ast.PositionHolder) (out []result) {
	if f.Name == "checksum" {
		p = c.settle(p)
	}
	for _, p := range c.still(p, h, at) {
		if f.Locate == packet.Derived {
			out = append(out, c.upperProtocol(p)...)
			continue
		}
		for _, s := range c.spot(p, f) {
			switch {
			case f.Name == "sack_ok":
				out = append(out, result{s.path, boolean(!s.absent)})
			case s.absent:
				out = append(out, result{s.path, nothing})
			default:
				out = append(out, result{s.path, c.readField(s.path, f, s.place)})
			}
		}
	}
	return out
}

// still gives the paths on which a packet still has the header that there is a
// view of. It has, as long as the script changes nothing that headers are found
// by.
func (c *compiler) still(p *path, h packet.HeaderID, at ast.PositionHolder) []*path {
	yes, no := c.present(p, h)
	for _, p := range no {
		c.exit(p, at, true, "the packet has no %s header any more: it was changed since this one was looked up", h)
	}
	return yes
}

// spot is where a field's load begins, on a path, or that there is none.
type spot struct {
	*path
	place
	absent bool
}

// spot finds where a field of a header is that the packet has.
func (c *compiler) spot(p *path, f *packet.Field) []spot {
	off := f.Plan().Off
	switch f.Locate {
	case packet.Fixed:
		p, at := c.headerAt(p, f.Header)
		return []spot{{p, at.plus(off), false}}
	case packet.Advert, packet.Target:
		return c.inMessage(p, f)
	}
	return c.inOption(p, f)
}

// inMessage finds a field that only some ICMPv6 messages have.
func (c *compiler) inMessage(p *path, f *packet.Field) []spot {
	const solicitation, advertisement, redirect = 135, 136, 137
	p, at := c.headerAt(p, f.Header)
	typ := c.load(p, at, 1, f.Header)
	types := []int64{advertisement}
	if f.Locate == packet.Target {
		types = append(types, solicitation, redirect)
	}
	in, out := c.oneOf(p, typ, types)
	var spots []spot
	if in != nil {
		off, n := int(f.BitOffset/8), max(int(f.Width/8), 1)
		var short *path
		if in, short = c.inside(in, at, off+n); in != nil {
			spots = append(spots, spot{in, at.plus(off), false})
		}
		out = c.rejoin(out, short)
	}
	if out != nil {
		spots = append(spots, spot{path: out, absent: true})
	}
	return spots
}

// oneOf parts a path by whether a register holds one of some numbers. Either
// path is nil if that is known.
func (c *compiler) oneOf(p *path, r ir.Reg, list []int64) (in, out *path) {
	out = p
	for _, n := range list {
		if out == nil {
			break
		}
		var is *path
		is, out = c.is(out, r, n)
		in = c.rejoin(in, is)
	}
	return in, out
}

// inside parts a path by whether n bytes from the header above IP on belong to
// the IP packet and are in the frame. Those of its fixed part do.
func (c *compiler) inside(p *path, at place, n int) (in, out *path) {
	if n <= udpLen {
		return p, nil
	}
	p = c.roomKnown(p)
	in, out = c.atLeast(p, p.pkt.walk.room, int64(n))
	if in == nil {
		return nil, out
	}
	in, short := c.within(in, at, n)
	return in, c.rejoin(out, short)
}

// readField reads a field at a place that is within the packet.
func (c *compiler) readField(p *path, f *packet.Field, at place) value {
	plan := f.Plan()
	if f.Kind == packet.IPv6 {
		return address(c.load(p, at, 8, f.Header), c.load(p, at.plus(8), 8, f.Header))
	}
	n := c.loadHost(p, at, uint8(plan.Size), f.Header)
	if s, ok := p.spans[n]; ok && s.lo == s.hi && s.lo >= 0 {
		known := int64(uint64(s.lo) >> plan.Shift & plan.Mask)
		if f.Kind == packet.Bool {
			return boolean(known != 0)
		}
		return whole(known)
	}
	if plan.Shift > 0 {
		n = c.binary(p, ir.Shr, n, int64(plan.Shift))
	}
	if whole := uint64(1)<<(8*plan.Size-plan.Shift) - 1; plan.Mask != whole {
		n = c.binary(p, ir.And, n, int64(plan.Mask))
	}
	if f.Kind == packet.Bool {
		return flag(n)
	}
	return ranged(n, 0, int64(plan.Mask))
}

// loadHost is load for a number in host order.
func (c *compiler) loadHost(p *path, at place, size uint8, h packet.HeaderID) ir.Reg {
	raw := c.load(p, at, size, h)
	if size == 1 {
		return raw
	}
	if s, ok := p.spans[raw]; ok && s.lo == s.hi {
		n := rawConst(s.lo, size)
		r := c.constant(p, n)
		p.spans[r] = span{n, n}
		return r
	}
	e := loaded{at.ptr, at.off, size, h, raw, 0, true}
	i := slices.IndexFunc(p.pkt.loads, func(o loaded) bool { return o.ptr == e.ptr && o.off == e.off && o.size == e.size && o.swapped })
	if i >= 0 {
		return p.pkt.loads[i].reg
	}
	e.reg = c.swap(p, raw, size)
	if c.raw == nil {
		c.raw = make(map[ir.Reg]rawReg)
	}
	c.raw[e.reg] = rawReg{raw, size}
	p.pkt.loads = append(p.pkt.loads, e)
	return e.reg
}
