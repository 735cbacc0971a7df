// SPDX-License-Identifier: GPL-3.0-or-later

package bpf

import (
	"math"
	"math/bits"

	"pvlua/luabpf/ir"
)

// noLimit is the limit of a register of which nothing is known.
const noLimit = math.MaxUint64

// limits gives, for each register, a number that its value, taken as unsigned,
// never exceeds, as follows from the instructions that set it; of those only
// that the kernel's verifier understands too, if so asked.
func limits(f *ir.Func, verifier bool) []uint64 {
	l := make([]uint64, len(f.Regs))
	known := make([]bool, len(f.Regs))
	// Registers that may grow around a loop would take long to settle: after
	// some rounds they have no limit.
	const patience = 8
	for round := 0; ; round++ {
		changed := false
		for _, b := range f.Blocks {
			for i := range b.Instrs {
				in := &b.Instrs[i]
				set := func(r ir.Reg, max uint64) {
					if known[r] && max <= l[r] {
						return
					}
					known[r], changed = true, true
					if l[r] = max; round > patience {
						l[r] = noLimit
					}
				}
				in.Operands(nil, func(r ir.Reg) {
					if verifier && !tracked(in.Op) {
						set(r, noLimit)
						return
					}
					set(r, limit(in, r, l))
				})
			}
		}
		if !changed {
			return l
		}
	}
}

// tracked reports whether the verifier derives a limit of what an operation
// gives, as limit does (adjust_scalar_min_max_vals in kernel/bpf/verifier.c).
func tracked(op ir.Op) bool {
	switch op {
	case ir.Const, ir.Move, ir.Add, ir.And, ir.Shl, ir.Shr, ir.Load, ir.Set:
		return true
	}
	return false
}

// limit gives the greatest value that an instruction leaves in r.
func limit(in *ir.Instr, r ir.Reg, l []uint64) uint64 {
	if in.Op == ir.TableGet || in.Op >= ir.MapGet && in.Op <= ir.MapDelete {
		if r == in.Dst {
			return 2
		}
		return noLimit
	}
	of := func(r ir.Reg) uint64 {
		if r == ir.None {
			return uint64(in.Imm)
		}
		return l[r]
	}
	bytes := func(n uint8) uint64 { return math.MaxUint64 >> (64 - 8*n) }
	switch in.Op {
	case ir.Const:
		return uint64(in.Imm)
	case ir.Move:
		return l[in.A]
	case ir.Add:
		if sum, carry := bits.Add64(l[in.A], of(in.B), 0); carry == 0 {
			return sum
		}
	case ir.Mul:
		if high, low := bits.Mul64(l[in.A], of(in.B)); high == 0 {
			return low
		}
	case ir.Div:
		if in.B == ir.None && in.Imm != 0 {
			return l[in.A] / uint64(in.Imm)
		}
		return l[in.A]
	case ir.Mod:
		if m := of(in.B); m != 0 {
			return min(l[in.A], m-1)
		}
		return l[in.A]
	case ir.And:
		return min(l[in.A], of(in.B))
	case ir.Or, ir.Xor:
		return math.MaxUint64 >> bits.LeadingZeros64(l[in.A]|of(in.B))
	case ir.Shl:
		if in.B == ir.None && l[in.A] <= uint64(math.MaxUint64)>>in.Imm {
			return l[in.A] << in.Imm
		}
	case ir.Shr:
		if in.B == ir.None {
			return l[in.A] >> in.Imm
		}
		return l[in.A]
	case ir.Sar:
		if l[in.A] <= math.MaxInt64 {
			if in.B == ir.None {
				return l[in.A] >> in.Imm
			}
			return l[in.A]
		}
	case ir.Swap, ir.Load:
		return bytes(in.Size)
	case ir.Set, ir.Adjust:
		return 1
	case ir.Fold, ir.Len:
		return 0xffff
	case ir.Sum:
		return 0xffff * 0x8000
	}
	return noLimit
}

// fixedPointers gives, for the pointers that are at the same offset wherever
// they are set, that offset, and -1 for other registers.
func fixedPointers(f *ir.Func) []int64 {
	const unknown = -2
	at := make([]int64, len(f.Regs))
	for r := range at {
		if at[r] = unknown; f.Regs[r] != ir.Pointer {
			at[r] = -1
		}
	}
	for changed := true; changed; {
		changed = false
		for _, b := range f.Blocks {
			for i := range b.Instrs {
				in := &b.Instrs[i]
				if in.Op != ir.Ptr && in.Op != ir.Move || f.Regs[in.Dst] != ir.Pointer {
					continue
				}
				to := int64(-1)
				switch {
				case in.Op == ir.Move:
					to = at[in.A]
				case in.A == ir.None:
					to = in.Imm
				}
				if to == unknown || at[in.Dst] == to || at[in.Dst] == -1 {
					continue
				}
				if at[in.Dst] != unknown {
					to = -1
				}
				at[in.Dst], changed = to, true
			}
		}
	}
	for r := range at {
		if at[r] == unknown {
			at[r] = -1
		}
	}
	return at
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
