// SPDX-License-Identifier: GPL-3.0-or-later

package opt

import (
	"math"
	"math/bits"

	"pvlua/luabpf/ir"
)

// NoLimit is the limit of a register of which nothing is known.
const NoLimit = math.MaxUint64

// Limits gives, for each register, a number that its value, taken as unsigned,
// never exceeds, as follows from the instructions that set it; if tracked is not
// nil, only from those that it accepts.
func Limits(f *ir.Func, tracked func(*ir.Instr) bool) []uint64 {
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
						l[r] = NoLimit
					}
				}
				in.Operands(nil, func(r ir.Reg) {
					if tracked != nil && !tracked(in) {
						set(r, NoLimit)
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

// limit gives the greatest value that an instruction leaves in r.
func limit(in *ir.Instr, r ir.Reg, l []uint64) uint64 {
	if in.Op == ir.TableGet || in.Op >= ir.MapGet && in.Op <= ir.MapDelete {
		if r == in.Dst {
			return 2
		}
		return NoLimit
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
	return NoLimit
}
