// SPDX-License-Identifier: GPL-3.0-or-later

package opt

import (
	"slices"

	"pvlua/luabpf/ir"
)

// dead removes instructions that only set registers that nobody reads later.
// Lookups in maps stay: they touch entries.
func dead(f *ir.Func) (changed bool) {
	in := make([][]bool, len(f.Blocks))
	for i := range in {
		in[i] = make([]bool, len(f.Regs))
	}
	// back goes through a block backwards; drop says which to take out.
	back := func(b *ir.Block, drop func(i int)) []bool {
		live := make([]bool, len(f.Regs))
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
	for again := true; again; {
		again = false
		for i := len(f.Blocks) - 1; i >= 0; i-- {
			live := back(f.Blocks[i], func(int) {})
			if !slices.Equal(live, in[i]) {
				in[i], again = live, true
			}
		}
	}
	for _, b := range f.Blocks {
		gone := map[int]bool{}
		back(b, func(i int) { gone[i] = true })
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

// removable reports whether an instruction does nothing but set registers.
func removable(in *ir.Instr) bool {
	switch in.Op {
	case ir.Store, ir.Adjust, ir.CountAdd, ir.MapGet, ir.MapSet, ir.MapInsert, ir.MapAdd, ir.MapDelete:
		return false
	}
	return true
}
