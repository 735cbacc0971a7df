// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"pvlua/luabpf/ir"
	"pvlua/packet"
)

// Fields that are not at a fixed place (packet/options.go).

// inFragment finds a field of the first IPv6 Fragment header.
func (c *compiler) inFragment(p *path, f *packet.Field) []spot {
	p, cut := c.walkExtensions(p, protocols[packet.UDP])
	out := []spot{}
	for _, p := range [...]*path{p, cut} {
		if p == nil {
			continue
		}
		at := p.pkt.walk.ext.fragment
		is, not := c.branch(p, ir.NE, at, ir.None, 0)
		pl := place{c.emit(is, ir.Instr{Op: ir.Ptr, A: at, B: ir.None}), 0, at}
		in, short := c.within(is, pl, 8)
		c.impossible(short)
		out = append(out, spot{in, pl.plus(f.Plan().Off), false}, spot{path: not, absent: true})
	}
	return out
}

// upperProtocol reads ip6.proto.
func (c *compiler) upperProtocol(p *path) (out []result) {
	p, cut := c.walkExtensions(p, protocols[packet.UDP])
	for _, p := range [...]*path{p, cut} {
		if p == nil {
			continue
		}
		no, yes := c.branch(p, ir.NE, p.pkt.walk.ext.cut, ir.None, 0)
		out = append(out, result{yes, ranged(yes.pkt.walk.proto, 0, 255)}, result{no, nothing})
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

// ndOption looks in an ICMPv6 message for the first link-layer address option
// of a type, or of either type. found has it at the pointer of the search.
func (c *compiler) ndOption(p *path, types ...int64) (found, none *path, s *search) {
	const maxOptions = 32
	p, at := c.headerAt(p, packet.ICMP6)
	typ := c.load(p, at, 1, packet.ICMP6)
	off := c.f.NewReg(ir.Number)
	var has *path
	none = p
	for _, m := range [...]struct{ typ, first int64 }{{135, 24}, {136, 24}, {133, 8}, {134, 16}, {137, 40}} {
		var is *path
		is, none = c.branch(none, ir.EQ, typ, ir.None, m.typ)
		c.setConst(is, off, m.first)
		has = c.rejoin(has, is)
	}
	p, end := c.netEnd(c.roomKnown(has))
	count := c.f.NewReg(ir.Number)
	c.setConst(p, count, 0)
	s = c.begin(p, c.binaryReg(p, ir.Add, off, c.offset(p, p.pkt.walk.l4)), end)
	p, over := c.branch(p, ir.LT, count, ir.None, maxOptions)
	none = c.rejoin(none, over)
	p, over = s.have(c, p, 8)
	none = c.rejoin(none, over)
	kind, units := s.read(c, p, 0), s.read(c, p, 1)
	p, over = c.branch(p, ir.NE, units, ir.None, 0)
	none = c.rejoin(none, over)
	one, more := c.branch(p, ir.EQ, units, ir.None, 1)
	for _, t := range types {
		var is *path
		is, one = c.branch(one, ir.EQ, kind, ir.None, t)
		found = c.rejoin(found, is)
	}
	more = c.rejoin(more, one)
	c.assignReg(more, count, c.binary(more, ir.Add, count, 1))
	s.next(c, more, c.binary(more, ir.Shl, units, 3), 0)
	return found, none, s
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
func (c *compiler) tcpOption(p *path, kind uint8) (found, none *path, s *search) {
	const end, nop = 0, 1
	p, at := c.headerAt(p, packet.TCP)
	l4 := c.offset(p, p.pkt.walk.l4)
	n := c.binary(p, ir.Shl, c.binary(p, ir.Shr, c.load(p, at.plus(12), 1, packet.TCP), 4), 2)
	s = c.begin(p, c.binary(p, ir.Add, l4, tcpLen), c.binaryReg(p, ir.Add, l4, n))
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
	return found, none, s
}

// inOption finds a field of an ND or TCP option.
func (c *compiler) inOption(p *path, f *packet.Field) []spot {
	var found, none *path
	var s *search
	if f.Locate == packet.NDOption {
		found, none, s = c.ndOption(p, int64(f.Option))
	} else {
		found, none, s = c.tcpOption(p, f.Option)
	}
	return []spot{{found, place{s.at, int32(f.Plan().Off), s.off}, false}, {path: none, absent: true}}
}
