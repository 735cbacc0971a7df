// SPDX-License-Identifier: GPL-3.0-or-later

package opt

import (
	"math/bits"

	"pvlua/luabpf/ir"
)

// Set is a set of registers.
type Set []uint64

func newSet(f *ir.Func) Set { return make(Set, (len(f.Regs)+63)/64) }

// Has reports whether a register is in a set.
func (s Set) Has(r ir.Reg) bool { return s[r/64]>>(r%64)&1 != 0 }

func (s Set) add(r ir.Reg)    { s[r/64] |= 1 << (r % 64) }
func (s Set) remove(r ir.Reg) { s[r/64] &^= 1 << (r % 64) }

// unite takes in another set.
func (s Set) unite(o Set) {
	for i, w := range o {
		s[i] |= w
	}
}

// meets reports whether two sets have a member in common.
func (s Set) meets(o Set) bool {
	for i, w := range o {
		if s[i]&w != 0 {
			return true
		}
	}
	return false
}

// each calls f with the members until it gives false.
func (s Set) each(f func(ir.Reg) bool) {
	for i, w := range s {
		for ; w != 0; w &= w - 1 {
			if !f(ir.Reg(64*i + bits.TrailingZeros64(w))) {
				return
			}
		}
	}
}

// LiveIn says, by block, which registers' values are needed at its beginning. An
// instruction of which no result is needed needs nothing itself.
func LiveIn(f *ir.Func) []Set {
	in := make([]Set, len(f.Blocks))
	for i := range in {
		in[i] = newSet(f)
	}
	live := newSet(f)
	for again := true; again; {
		again = false
		for i := len(f.Blocks) - 1; i >= 0; i-- {
			backwards(f.Blocks[i], in, live, func(int) {})
			for w := range live {
				if live[w] != in[i][w] {
					again = true
				}
			}
			copy(in[i], live)
		}
	}
	return in
}

// backwards goes through a block from its end, with what is needed at the
// beginnings of blocks, and fills live with what is needed at its own. It calls
// drop with the instructions whose results are not needed.
func backwards(b *ir.Block, in []Set, live Set, drop func(i int)) {
	clear(live)
	t := &b.Term
	if t.Kind <= ir.Guard {
		live.unite(in[t.Then.ID])
		if t.Kind != ir.Jump {
			live.unite(in[t.Else.ID])
		}
	}
	t.Operands(live.add)
	for i := len(b.Instrs) - 1; i >= 0; i-- {
		instr := &b.Instrs[i]
		if removable(instr) {
			used := live.Has(instr.Dst)
			for _, r := range instr.Res {
				used = used || live.Has(r)
			}
			if !used {
				drop(i)
				continue
			}
		}
		instr.Operands(nil, live.remove)
		instr.Operands(live.add, nil)
	}
}
