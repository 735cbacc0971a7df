// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"maps"
	"slices"

	"pvlua/luabpf/ir"
	"pvlua/packet"
)

// layout is what a path knows of the packet. Registers in it have been assigned
// once, where the path came by, and are not assigned again.
type layout struct {
	base   ir.Reg         // points to the packet's start; None while nothing asked for it
	length ir.Reg         // ir.Len, None while it has not been asked for
	proven map[ir.Reg]int // bytes that guards have found from each pointer on
	// The packet is known to have at least least bytes, and fewer than below, if
	// that is not 0.
	least, below int
	loads        []loaded
	walk         walk
	// options are what is known of options and the Fragment header.
	options []option
	sums    sums
	// whole: the packet does not need its checksum computed, or it does not matter.
	whole bool
	// resized: the script has changed the packet's length.
	resized bool
}

// place is where something is in the packet: off bytes from a pointer.
type place struct {
	ptr ir.Reg // None while no pointer has been made
	off int32
	num ir.Reg // how far ptr is from the packet's start; None: ptr is the base
}

// loaded is a number that has been read from the packet, or written to it.
type loaded struct {
	ptr     ir.Reg
	off     int32
	size    uint8
	header  packet.HeaderID // that the bytes are in; anyHeader: not known
	reg     ir.Reg          // in the order of the machine; None for imm, which was stored
	imm     int64
	swapped bool // or in the other one
}

// anyHeader is where raw access goes to.
const anyHeader packet.HeaderID = packet.NumHeaders

// newLayout knows nothing.
func newLayout() *layout {
	return &layout{base: ir.None, length: ir.None, proven: make(map[ir.Reg]int), walk: unwalked}
}

// clone makes a copy that can change apart.
func (l *layout) clone() *layout {
	q := *l
	q.proven, q.loads, q.options = maps.Clone(l.proven), slices.Clone(l.loads), slices.Clone(l.options)
	q.sums = l.sums.clone()
	return &q
}

// intersect keeps of l what o knows as well.
func (l *layout) intersect(o *layout) {
	if l.base != o.base {
		l.base = ir.None
	}
	if l.length != o.length {
		l.length = ir.None
	}
	if l.below == 0 || o.below == 0 {
		l.below = 0
	} else {
		l.below = max(l.below, o.below)
	}
	l.least = min(l.least, o.least)
	for r, n := range l.proven {
		if n = min(n, o.proven[r]); n > 0 {
			l.proven[r] = n
		} else {
			delete(l.proven, r)
		}
	}
	l.loads = slices.DeleteFunc(l.loads, func(e loaded) bool { return !slices.Contains(o.loads, e) })
	l.options = slices.DeleteFunc(l.options, func(e option) bool { return !slices.Contains(o.options, e) })
	l.walk.intersect(&o.walk)
	l.resized = l.resized || o.resized
	l.whole = l.whole && o.whole
}

// at gives the place at a constant offset.
func (c *compiler) at(p *path, off int) place {
	if p.pkt.base == ir.None {
		p.pkt.base = c.emit(p, ir.Instr{Op: ir.Ptr, A: ir.None, B: ir.None})
	}
	return place{p.pkt.base, int32(off), ir.None}
}

// plus gives a place that is n bytes further.
func (pl place) plus(n int) place {
	pl.off += int32(n)
	return pl
}

// offset gives how far a place is from the packet's start.
func (c *compiler) offset(p *path, pl place) ir.Reg {
	switch {
	case pl.num == ir.None:
		return c.constant(p, int64(pl.off))
	case pl.off == 0:
		return pl.num
	}
	return c.binary(p, ir.Add, pl.num, int64(pl.off))
}

// pointed gives a place with a pointer.
func (c *compiler) pointed(p *path, pl place) place {
	if pl.ptr == ir.None {
		pl.ptr = c.emit(p, ir.Instr{Op: ir.Ptr, A: pl.num, B: ir.None})
	}
	return pl
}

// within parts a path by whether n bytes at a place, which has a pointer, are
// in the packet. Either path is nil if that is impossible.
func (c *compiler) within(p *path, pl place, n int) (in, out *path) {
	n += int(pl.off)
	l := p.pkt
	switch {
	case l.proven[pl.ptr] >= n && n > 0:
		return p, nil
	case pl.ptr == l.base && l.below > 0 && n >= l.below:
		return nil, p
	}
	certain := pl.ptr == l.base && n <= p.leastLen()
	in, out = c.guard(p, pl.ptr, n)
	in.pkt.proven[pl.ptr] = max(n, in.pkt.proven[pl.ptr])
	in.pkt.least = max(in.pkt.least, l.begins(pl.ptr)+n)
	if certain {
		c.impossible(out)
		return in, nil
	}
	if pl.ptr == out.pkt.base && (out.pkt.below == 0 || n < out.pkt.below) {
		out.pkt.below = n
	}
	return in, out
}

// leastLen gives how many bytes the packet has at least.
func (p *path) leastLen() int {
	if s, ok := p.spans[p.pkt.length]; ok && p.pkt.length != ir.None {
		return max(p.pkt.least, int(min(s.lo, maxPacket)))
	}
	return p.pkt.least
}

// begins gives the least number of bytes that are before where a pointer points.
func (l *layout) begins(ptr ir.Reg) int {
	switch {
	case ptr == l.walk.l3.ptr && ptr != l.base:
		return ethLen
	case ptr == l.walk.l4.ptr && ptr != l.base:
		return ethLen + ipLen
	}
	return 0
}

// load reads size bytes at a place that is within the packet, in the order of
// the machine. header says what they are in.
func (c *compiler) load(p *path, pl place, size uint8, header packet.HeaderID) ir.Reg {
	for i, e := range p.pkt.loads {
		if e.ptr == pl.ptr && e.off == pl.off && e.size == size && !e.swapped {
			if e.reg == ir.None {
				e.reg = c.constant(p, e.imm)
				p.spans[e.reg] = span{e.imm, e.imm}
				p.pkt.loads[i] = loaded{pl.ptr, pl.off, size, e.header, e.reg, 0, false}
			}
			return e.reg
		}
	}
	r := c.emit(p, ir.Instr{Op: ir.Load, Size: size, A: pl.ptr, B: ir.None, Off: pl.off})
	p.pkt.loads = append(p.pkt.loads, loaded{pl.ptr, pl.off, size, header, r, 0, false})
	return r
}

// store writes the low size bytes of a register, or of imm where it is None, at
// a place that is within the packet. The path has been told that it changes.
func (c *compiler) store(p *path, pl place, size uint8, header packet.HeaderID, reg ir.Reg, imm int64) {
	c.remember(p, pl, size)
	p.block.Instrs = append(p.block.Instrs, ir.Instr{Op: ir.Store, Size: size, A: pl.ptr, B: reg, Off: pl.off, Imm: imm, Dst: ir.None, Line: c.line})
	p.pkt.loads = slices.DeleteFunc(p.pkt.loads, func(e loaded) bool {
		if e.ptr != pl.ptr {
			return e.header == anyHeader || header == anyHeader || e.header == header
		}
		return e.off < pl.off+int32(size) && pl.off < e.off+int32(e.size)
	})
	p.pkt.loads = append(p.pkt.loads, loaded{pl.ptr, pl.off, size, header, reg, imm, false})
}

// storeBeyond is store for bytes that are not in the fixed part of their header,
// but in an option or an extension header. It leaves what was loaded from there.
func (c *compiler) storeBeyond(p *path, pl place, size uint8, header packet.HeaderID, reg ir.Reg, imm int64) {
	own := c.headerPlace(p, header)
	fixed := own.off + int32(minLens[header])
	kept := slices.DeleteFunc(slices.Clone(p.pkt.loads), func(e loaded) bool {
		return e.header != header || e.ptr == pl.ptr || e.ptr != own.ptr || e.off+int32(e.size) > fixed
	})
	c.store(p, pl, size, header, reg, imm)
	p.pkt.loads = append(p.pkt.loads, kept...)
}

// packetLen gives the packet's length.
func (c *compiler) packetLen(p *path) ir.Reg {
	if p.pkt.length == ir.None {
		p.pkt.length = c.emit(p, ir.Instr{Op: ir.Len, A: ir.None, B: ir.None})
	}
	return p.pkt.length
}

// rejoin has paths, which are forks of one, go on as one that knows what they
// all know. nil if there is none.
func (c *compiler) rejoin(paths ...*path) *path {
	paths = slices.DeleteFunc(paths, func(p *path) bool { return p == nil })
	if len(paths) < 2 {
		return slices.Concat(paths, []*path{nil})[0]
	}
	b := c.f.NewBlock()
	for i, p := range paths {
		c.jump(p, b)
		paths[0].undoLike(p)
		if i > 0 {
			paths[0].pkt.intersect(p.pkt)
			paths[0].widen(p)
		}
	}
	paths[0].block = b
	return paths[0]
}

// widen makes the ranges of registers that p knows hold for o as well.
func (p *path) widen(o *path) {
	for r, s := range p.spans {
		t, ok := o.spans[r]
		if !ok {
			delete(p.spans, r)
			continue
		}
		p.spans[r] = span{min(s.lo, t.lo), max(s.hi, t.hi)}
	}
}

// impossible ends a path that no packet takes: the verifier of the kernel
// wants bounds tested again that have been lost where paths met.
func (c *compiler) impossible(p *path) {
	if p != nil {
		p.block.Term = ir.Term{Kind: ir.Return, Verdict: ir.Drop, A: ir.None, B: ir.None, Line: c.line}
	}
}
