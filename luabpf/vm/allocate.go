// SPDX-License-Identifier: GPL-3.0-or-later

package vm

import (
	"fmt"
	"math/bits"
	"slices"

	"pvlua/luabpf/ir"
)

// maxRegs is how many registers a Program has: as many as a byte can name, so
// that an access needs no check of its bounds.
const maxRegs = 256

// span is where in the row of blocks a register of the Func is needed: from
// its first assignment to its last use, loops around it included. Instruction i
// reads at 2*i and assigns at 2*i+1.
type span struct {
	reg         ir.Reg
	first, last int
}

// allocate gives each register of a Func one of a Program, the same one to
// several that are not needed at the same time (linear scan: Poletto and
// Sarkar, ACM TOPLAS 21:5, 1999).
func allocate(f *ir.Func, blocks []*ir.Block) ([]uint8, error) {
	spans := spansOf(f, blocks)
	slices.SortFunc(spans, func(a, b span) int { return a.first - b.first })
	slots := make([]uint8, len(f.Regs))
	var busy [maxRegs]int // until when, exclusive
	for _, s := range spans {
		slot := 0
		for slot < maxRegs && busy[slot] > s.first {
			slot++
		}
		if slot == maxRegs {
			return nil, fmt.Errorf("vm: %s needs more than %d values at the same time", f.Name, maxRegs)
		}
		slots[s.reg], busy[slot] = uint8(slot), s.last+1
	}
	return slots, nil
}

// spansOf gives the span of each register that is used.
func spansOf(f *ir.Func, blocks []*ir.Block) []span {
	all := make([]span, len(f.Regs))
	for i := range all {
		all[i] = span{ir.Reg(i), -1, -1}
	}
	extend := func(r ir.Reg, at int) {
		s := &all[r]
		if s.first < 0 || at < s.first {
			s.first = at
		}
		s.last = max(s.last, at)
	}
	in := liveAtStart(f, blocks)
	n := 0
	for _, b := range blocks {
		for r := range in[b.ID].all() {
			extend(r, 2*n)
		}
		for i := range b.Instrs {
			b.Instrs[i].Operands(func(r ir.Reg) { extend(r, 2*n) }, func(r ir.Reg) { extend(r, 2*n+1) })
			n++
		}
		b.Term.Operands(func(r ir.Reg) { extend(r, 2*n) })
		n++
		for _, next := range successors(b) {
			for r := range in[next.ID].all() {
				extend(r, 2*n-1)
			}
		}
	}
	return slices.DeleteFunc(all, func(s span) bool { return s.first < 0 })
}

// liveAtStart gives the registers whose values are needed at the start of each
// block.
func liveAtStart(f *ir.Func, blocks []*ir.Block) []set {
	in := make([]set, len(f.Blocks))
	for i := range in {
		in[i] = newSet(len(f.Regs))
	}
	live := newSet(len(f.Regs))
	for changed := true; changed; {
		changed = false
		for _, b := range slices.Backward(blocks) {
			clear(live)
			for _, next := range successors(b) {
				live.union(in[next.ID])
			}
			b.Term.Operands(live.add)
			for i := len(b.Instrs) - 1; i >= 0; i-- {
				b.Instrs[i].Operands(nil, live.remove)
				b.Instrs[i].Operands(live.add, nil)
			}
			changed = in[b.ID].union(live) || changed
		}
	}
	return in
}

// set is a set of registers, a bit each.
type set []uint64

func newSet(n int) set { return make(set, (n+63)/64) }

func (s set) add(r ir.Reg)    { s[r/64] |= 1 << (r % 64) }
func (s set) remove(r ir.Reg) { s[r/64] &^= 1 << (r % 64) }

// union adds the members of o, and reports whether there were new ones.
func (s set) union(o set) (changed bool) {
	for i, w := range o {
		if w&^s[i] != 0 {
			s[i] |= w
			changed = true
		}
	}
	return changed
}

// all gives the members.
func (s set) all() func(yield func(ir.Reg) bool) {
	return func(yield func(ir.Reg) bool) {
		for i, w := range s {
			for ; w != 0; w &= w - 1 {
				if !yield(ir.Reg(64*i + bits.TrailingZeros64(w))) {
					return
				}
			}
		}
	}
}
