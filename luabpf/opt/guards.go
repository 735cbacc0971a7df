// SPDX-License-Identifier: GPL-3.0-or-later

package opt

import (
	"math"
	"slices"

	"pvlua/luabpf/ir"
)

// reach is what all paths to a place have found out about the bytes from a
// pointer on.
type reach struct {
	within int64 // so many are within the packet
	beyond int64 // so many are not; math.MaxInt64 if that is not known
}

// unknown is the reach of a pointer about which nothing has been found out.
var unknown = reach{0, math.MaxInt64}

// Reaches is what is known of pointers at the beginnings of blocks, and then
// within one.
type Reaches struct {
	index []int     // by register: which of the pointers it is
	entry [][]reach // by block and pointer; nil for blocks that nothing leads to
	now   []reach
}

// NewReaches finds out what is known of pointers.
func NewReaches(f *ir.Func) *Reaches {
	r := &Reaches{index: make([]int, len(f.Regs)), entry: make([][]reach, len(f.Blocks))}
	for reg, kind := range f.Regs {
		r.index[reg] = -1
		if kind == ir.Pointer {
			r.index[reg] = len(r.entry[0])
			r.entry[0] = append(r.entry[0], unknown)
		}
	}
	if r.entry[0] == nil {
		r.entry[0] = []reach{}
	}
	for work := []*ir.Block{f.Blocks[0]}; len(work) > 0; {
		b := work[0]
		work = work[1:]
		r.Begin(b)
		for i := range b.Instrs {
			r.Pass(&b.Instrs[i])
		}
		for i, to := range successors(b) {
			now := append([]reach{}, r.now...)
			if t := &b.Term; t.Kind == ir.Guard && t.Then != t.Else {
				if p := &now[r.index[t.A]]; i == 0 {
					p.within = max(p.within, t.Imm)
				} else {
					p.beyond = min(p.beyond, t.Imm)
				}
			}
			if r.entry[to.ID] == nil {
				r.entry[to.ID] = now
				work = append(work, to)
				continue
			}
			lost := false
			for j, old := range r.entry[to.ID] {
				if less := (reach{min(old.within, now[j].within), max(old.beyond, now[j].beyond)}); less != old {
					r.entry[to.ID][j], lost = less, true
				}
			}
			if lost {
				work = append(work, to)
			}
		}
	}
	return r
}

// Begin goes to the beginning of a block; it reports whether anything leads
// there.
func (r *Reaches) Begin(b *ir.Block) bool {
	if r.entry[b.ID] == nil {
		r.now = slices.Repeat([]reach{unknown}, len(r.entry[0]))
		return false
	}
	r.now = append(r.now[:0], r.entry[b.ID]...)
	return true
}

// Pass goes past an instruction.
func (r *Reaches) Pass(in *ir.Instr) {
	if in.Op == ir.Adjust {
		for i := range r.now {
			r.now[i] = unknown
		}
		return
	}
	in.Operands(nil, func(d ir.Reg) {
		p := r.index[d]
		if p < 0 {
			return
		}
		if r.now[p] = unknown; in.Op == ir.Move {
			r.now[p] = r.now[r.index[in.A]]
		}
	})
}

// Within gives how many bytes from a pointer on are known to be within the
// packet.
func (r *Reaches) Within(p ir.Reg) int64 { return r.now[r.index[p]].within }

// guards makes jumps of guards whose outcome is known.
func guards(f *ir.Func) (changed bool) {
	r := NewReaches(f)
	for _, b := range f.Blocks {
		if b.Term.Kind != ir.Guard || !r.Begin(b) {
			continue
		}
		for i := range b.Instrs {
			r.Pass(&b.Instrs[i])
		}
		t := &b.Term
		switch known := r.now[r.index[t.A]]; {
		case t.Imm <= known.within && known.within > 0:
			jump(b, t.Then)
			changed = true
		case t.Imm >= known.beyond:
			jump(b, t.Else)
			changed = true
		}
	}
	return changed
}
