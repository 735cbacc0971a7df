// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"slices"

	"pvlua/luabpf/ir"
	"pvlua/packet"
)

// Fields that are not at a fixed place (packet/options.go).

// option is what a path knows of the first option of a kind: that there is none,
// or where it is.
type option struct {
	header packet.HeaderID // icmp6, tcp, or ip6 for its Fragment header
	kind   uint8
	place  // absent has no pointer
}

// fragmentOption is the kind of the Fragment header.
const fragmentOption = extFragment

// option gives what is known of an option.
func (l *layout) option(h packet.HeaderID, kind uint8) (at place, known bool) {
	i := slices.IndexFunc(l.options, func(o option) bool { return o.header == h && o.kind == kind })
	if i < 0 {
		return place{}, false
	}
	return l.options[i].place, true
}

// noteOption notes where an option is, or that there is none.
func (p *path) noteOption(h packet.HeaderID, kind uint8, at place) *path {
	if p != nil {
		p.pkt.options = append(p.pkt.options, option{h, kind, at})
	}
	return p
}

// forgetOptions drops what is known of the options of a header.
func (l *layout) forgetOptions(h packet.HeaderID) {
	l.options = slices.DeleteFunc(l.options, func(o option) bool { return o.header == h })
}

// noOption is the place of an option that there is not.
var noOption = place{ir.None, 0, ir.None}

// find parts a path by whether there is an option, which it looks for unless
// that is known. Either path is nil if so.
func (c *compiler) find(p *path, h packet.HeaderID, kind uint8) (found, none *path, at place) {
	if at, known := p.pkt.option(h, kind); known {
		if at == noOption {
			return nil, p, at
		}
		return p, nil, at
	}
	switch h {
	case packet.ICMP6:
		found, none, at = c.ndOption(p, kind)
	case packet.TCP:
		found, none, at = c.tcpOption(p, kind)
	default:
		found, none, at = c.fragment(p)
	}
	return found.noteOption(h, kind, at), none.noteOption(h, kind, noOption), at
}

// inOption finds a field of an option or of the Fragment header.
func (c *compiler) inOption(p *path, f *packet.Field) (spots []spot) {
	kind := f.Option
	if f.Locate == packet.Fragment {
		kind = fragmentOption
	}
	found, none, at := c.find(p, f.Header, kind)
	if found != nil {
		spots = append(spots, spot{found, at.plus(f.Plan().Off), false})
	}
	if none != nil {
		spots = append(spots, spot{path: none, absent: true})
	}
	return spots
}

// fragment finds the first IPv6 Fragment header.
func (c *compiler) fragment(p *path) (found, none *path, at place) {
	p = c.walkExtensions(p, protocols[packet.UDP])
	off := p.pkt.walk.ext.fragment
	found, none = c.branch(p, ir.NE, off, ir.None, 0)
	at = place{c.emit(found, ir.Instr{Op: ir.Ptr, A: off, B: ir.None}), 0, off}
	found, short := c.within(found, at, 8)
	c.impossible(short)
	return found, none, at
}

// upperProtocol reads ip6.proto.
func (c *compiler) upperProtocol(p *path) []result {
	p = c.walkExtensions(p, protocols[packet.UDP])
	in, cut := c.is(p, p.pkt.walk.ext.cut, 0)
	var out []result
	if in != nil {
		out = append(out, result{in, ranged(in.pkt.walk.ext.proto, 0, 255)})
	}
	if cut != nil {
		out = append(out, result{cut, nothing})
	}
	return out
}

// A search goes through options one after another. Its registers are set anew
// for each of them.
type search struct {
	off, end ir.Reg // of the option at hand, and of all, from the packet's start
	head     *ir.Block
	at       ir.Reg // pointer to the option
}

// begin starts a search on a path.
func (c *compiler) begin(p *path, off, end ir.Reg) *search {
	s := &search{off: c.f.NewReg(ir.Number), end: end, head: c.f.NewBlock()}
	c.assignReg(p, s.off, off)
	c.jump(p, s.head)
	p.block = s.head
	return s
}

// next goes on n bytes further.
func (s *search) next(c *compiler, p *path, n ir.Reg, imm int64) {
	c.assignReg(p, s.off, c.emit(p, ir.Instr{Op: ir.Add, A: s.off, B: n, Imm: imm}))
	c.jump(p, s.head)
}

// have parts a path by whether n bytes of the option are there.
func (s *search) have(c *compiler, p *path, n int) (in, out *path) {
	in, out = c.branch(p, ir.LE, c.binary(p, ir.Add, s.off, int64(n)), s.end, 0)
	s.at = c.emit(in, ir.Instr{Op: ir.Ptr, A: s.off, B: ir.None})
	in, short := c.within(in, place{s.at, 0, s.off}, n)
	c.impossible(short)
	return in, out
}

// read gives a byte of the option.
func (s *search) read(c *compiler, p *path, i int32) ir.Reg {
	return c.emit(p, ir.Instr{Op: ir.Load, Size: 1, A: s.at, B: ir.None, Off: i})
}

// ndFirst is where the options of ICMPv6 messages begin, by their type.
var ndFirst = []struct{ typ, first int64 }{{135, 24}, {136, 24}, {133, 8}, {134, 16}, {137, 40}}

// sameOptions reports whether the options of an ICMPv6 message, whose type a
// register has, are in the same place when another type is assigned.
func (p *path) sameOptions(old ir.Reg, v value) bool {
	s, ok := p.spans[old]
	return ok && s.lo == s.hi && v.known && firstOption(s.lo) == firstOption(v.n)
}

func firstOption(typ int64) int64 {
	for _, m := range ndFirst {
		if m.typ == typ {
			return m.first
		}
	}
	return 0
}

// ndOption looks in an ICMPv6 message for the first link-layer address option
// of a type.
func (c *compiler) ndOption(p *path, kind uint8) (found, none *path, at place) {
	const maxOptions = 32
	p, l4 := c.headerAt(p, packet.ICMP6)
	typ := c.load(p, l4, 1, packet.ICMP6)
	off := c.f.NewReg(ir.Number)
	var has *path
	none = p
	for _, m := range ndFirst {
		if none == nil {
			break
		}
		var is *path
		if is, none = c.is(none, typ, m.typ); is != nil {
			c.setConst(is, off, m.first)
			has = c.rejoin(has, is)
		}
	}
	if has == nil {
		return nil, none, noOption
	}
	p, end := c.netEnd(c.roomKnown(has))
	count := c.f.NewReg(ir.Number)
	c.setConst(p, count, 0)
	s := c.begin(p, c.binaryReg(p, ir.Add, off, c.offset(p, p.pkt.walk.l4)), end)
	p, over := c.branch(p, ir.LT, count, ir.None, maxOptions)
	none = c.rejoin(none, over)
	p, over = s.have(c, p, 8)
	none = c.rejoin(none, over)
	is, units := s.read(c, p, 0), s.read(c, p, 1)
	p, over = c.branch(p, ir.NE, units, ir.None, 0)
	none = c.rejoin(none, over)
	one, more := c.branch(p, ir.EQ, units, ir.None, 1)
	found, other := c.branch(one, ir.EQ, is, ir.None, int64(kind))
	more = c.rejoin(more, other)
	c.assignReg(more, count, c.binary(more, ir.Add, count, 1))
	s.next(c, more, c.binary(more, ir.Shl, units, 3), 0)
	return found, none, place{s.at, 0, s.off}
}

// netEnd gives where the IP packet ends in the frame, of which it is known how
// long its payload is.
func (c *compiler) netEnd(p *path) (*path, ir.Reg) {
	w := &p.pkt.walk
	end := c.f.NewReg(ir.Number)
	c.assignReg(p, end, c.binaryReg(p, ir.Add, c.offset(p, w.l4), w.room))
	long, short := c.branch(p, ir.GT, end, c.packetLen(p), 0)
	c.assignReg(long, end, long.pkt.length)
	return c.rejoin(long, short), end
}

// tcpOptionLens are the lengths that options with fields must have.
var tcpOptionLens = map[uint8]int64{2: 4, 3: 3, 4: 2, 8: 10}

// tcpOption looks for the first TCP option of a kind that has its proper length.
func (c *compiler) tcpOption(p *path, kind uint8) (found, none *path, at place) {
	const end, nop = 0, 1
	p, header := c.headerAt(p, packet.TCP)
	l4 := c.offset(p, p.pkt.walk.l4)
	n := c.binary(p, ir.Shl, c.binary(p, ir.Shr, c.load(p, header.plus(12), 1, packet.TCP), 4), 2)
	s := c.begin(p, c.binary(p, ir.Add, l4, tcpLen), c.binaryReg(p, ir.Add, l4, n))
	p, none = s.have(c, p, 1)
	is := s.read(c, p, 0)
	over, p := c.branch(p, ir.EQ, is, ir.None, end)
	none = c.rejoin(none, over)
	skip, p := c.branch(p, ir.EQ, is, ir.None, nop)
	s.next(c, skip, ir.None, 1)

	p, over = s.have(c, p, 2)
	none = c.rejoin(none, over)
	size := s.read(c, p, 1)
	p, over = c.branch(p, ir.GE, size, ir.None, 2)
	none = c.rejoin(none, over)
	p, over = c.branch(p, ir.LE, c.binaryReg(p, ir.Add, s.off, size), s.end, 0)
	none = c.rejoin(none, over)
	found, more := c.branch(p, ir.EQ, is, ir.None, int64(kind))
	found, other := c.branch(found, ir.EQ, size, ir.None, tcpOptionLens[kind])
	more = c.rejoin(more, other)
	s.next(c, more, size, 0)
	found, over = s.have(c, found, int(tcpOptionLens[kind]))
	c.impossible(over)
	return found, none, place{s.at, 0, s.off}
}
