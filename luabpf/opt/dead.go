// SPDX-License-Identifier: GPL-3.0-or-later

package opt

import (
	"slices"

	"pvlua/luabpf/ir"
)

// dead removes instructions that only set registers that nobody reads later.
// Lookups in maps stay: they touch entries.
func dead(f *ir.Func) (changed bool) {
	in := LiveIn(f)
	for _, b := range f.Blocks {
		gone := map[int]bool{}
		backwards(b, in, func(i int) { gone[i] = true })
		if len(gone) == 0 {
			continue
		}
		var kept []ir.Instr
		for i := range b.Instrs {
			if !gone[i] {
				kept = append(kept, b.Instrs[i])
			}
		}
		b.Instrs, changed = kept, true
	}
	return changed
}

// LiveIn says, by block, which registers' values are needed at its beginning.
func LiveIn(f *ir.Func) [][]bool {
	in := make([][]bool, len(f.Blocks))
	for i := range in {
		in[i] = make([]bool, len(f.Regs))
	}
	for again := true; again; {
		again = false
		for i := len(f.Blocks) - 1; i >= 0; i-- {
			live := backwards(f.Blocks[i], in, func(int) {})
			if !slices.Equal(live, in[i]) {
				in[i], again = live, true
			}
		}
	}
	return in
}

// backwards goes through a block from its end, with what is needed at the
// beginnings of blocks, and gives what is needed at its own. It calls drop with
// the instructions whose results are not needed, and passes them over.
func backwards(b *ir.Block, in [][]bool, drop func(i int)) []bool {
	live := make([]bool, len(in[b.ID]))
	for _, s := range successors(b) {
		for r, l := range in[s.ID] {
			live[r] = live[r] || l
		}
	}
	b.Term.Operands(func(r ir.Reg) { live[r] = true })
	for i := len(b.Instrs) - 1; i >= 0; i-- {
		instr := &b.Instrs[i]
		if removable(instr) {
			used := false
			instr.Operands(nil, func(r ir.Reg) { used = used || live[r] })
			if !used {
				drop(i)
				continue
			}
		}
		instr.Operands(nil, func(r ir.Reg) { live[r] = false })
		instr.Operands(func(r ir.Reg) { live[r] = true }, nil)
	}
	return live
}

// removable reports whether an instruction does nothing but set registers.
func removable(in *ir.Instr) bool {
	switch in.Op {
	case ir.Store, ir.Adjust, ir.CountAdd, ir.MapGet, ir.MapSet, ir.MapInsert, ir.MapAdd, ir.MapDelete:
		return false
	}
	return true
}
