// SPDX-License-Identifier: GPL-3.0-or-later

package opt

import "pvlua/luabpf/ir"

// dead removes instructions that only set registers that nobody reads later.
// Lookups in maps stay: they touch entries.
func dead(f *ir.Func) (changed bool) {
	in, live := LiveIn(f), newSet(f)
	for _, b := range f.Blocks {
		gone := map[int]bool{}
		backwards(b, in, live, func(i int) { gone[i] = true })
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
