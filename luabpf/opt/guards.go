// SPDX-License-Identifier: GPL-3.0-or-later

package opt

import (
	"math"

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
	f     *ir.Func
	entry [][]reach // by block and register; nil for blocks that nothing leads to
	now   []reach
}

// NewReaches finds out what is known of pointers.
func NewReaches(f *ir.Func) *Reaches {
	r := &Reaches{f: f, entry: make([][]reach, len(f.Blocks))}
	fresh := func() []reach {
		all := make([]reach, len(f.Regs))
		for i := range all {
			all[i] = unknown
		}
		return all
	}
	r.entry[0] = fresh()
	for work := []*ir.Block{f.Blocks[0]}; len(work) > 0; {
		b := work[0]
		work = work[1:]
		r.Begin(b)
		for i := range b.Instrs {
			r.Pass(&b.Instrs[i])
		}
		for i, to := range successors(b) {
			now := append([]reach(nil), r.now...)
			if t := &b.Term; t.Kind == ir.Guard && t.Then != t.Else {
				if i == 0 {
					now[t.A].within = max(now[t.A].within, t.Imm)
				} else {
					now[t.A].beyond = min(now[t.A].beyond, t.Imm)
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
	r.now = append(r.now[:0], r.entry[b.ID]...)
	return r.entry[b.ID] != nil
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
		if r.f.Regs[d] != ir.Pointer {
			return
		}
		if r.now[d] = unknown; in.Op == ir.Move {
			r.now[d] = r.now[in.A]
		}
	})
}

// Within gives how many bytes from a pointer on are known to be within the
// packet.
func (r *Reaches) Within(p ir.Reg) int64 { return r.now[p].within }

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
		switch known := r.now[t.A]; {
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
