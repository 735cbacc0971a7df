// SPDX-License-Identifier: GPL-3.0-or-later

package bpf

import "pvlua/luabpf/ir"

// tracked reports whether the verifier derives a limit of what an operation
// gives, as limit does (adjust_scalar_min_max_vals in kernel/bpf/verifier.c).
func tracked(op ir.Op) bool {
	switch op {
	case ir.Const, ir.Move, ir.Add, ir.And, ir.Shl, ir.Shr, ir.Load, ir.Set:
		return true
	}
	return false
}

// onlyFolded gives the registers that hold sums of which only the folded value
// is used, so that sums of longer words do as well: 2^16 is 1 modulo 0xffff,
// and only 0 folds to 0.
func onlyFolded(f *ir.Func, limits []uint64) []bool {
	folded := make([]bool, len(f.Regs))
	for r := range folded {
		folded[r] = f.Regs[r] == ir.Number
	}
	// Words of 32 bits make a sum at most 2^16 times as large; it must not wrap.
	small := func(r ir.Reg, imm int64) bool {
		if r == ir.None {
			return uint64(imm) < 1<<40
		}
		return limits[r] < 1<<40
	}
	for changed := true; changed; {
		changed = false
		spoil := func(r ir.Reg) {
			if folded[r] {
				folded[r], changed = false, true
			}
		}
		for _, b := range f.Blocks {
			for i := range b.Instrs {
				in := &b.Instrs[i]
				switch {
				case in.Op == ir.Fold:
				case in.Op == ir.Move && folded[in.Dst]:
				case in.Op == ir.Add && folded[in.Dst] && small(in.A, 0) && small(in.B, in.Imm):
				default:
					in.Operands(spoil, nil)
				}
			}
			b.Term.Operands(spoil)
		}
	}
	return folded
}

// wideSums gives those of the registers that are only folded which a Sum, then
// of longer words, goes into.
func wideSums(f *ir.Func, folded []bool) []bool {
	wide := make([]bool, len(f.Regs))
	for changed := true; changed; {
		changed = false
		for _, b := range f.Blocks {
			for i := range b.Instrs {
				in := &b.Instrs[i]
				from := in.Op == ir.Sum
				if in.Op == ir.Move || in.Op == ir.Add {
					in.Operands(func(r ir.Reg) { from = from || wide[r] }, nil)
				}
				if from && folded[in.Dst] && !wide[in.Dst] {
					wide[in.Dst], changed = true, true
				}
			}
		}
	}
	return wide
}
