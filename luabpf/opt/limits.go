// SPDX-License-Identifier: GPL-3.0-or-later

package opt

import (
	"math"
	"math/bits"

	"pvlua/luabpf/ir"
)

// NoLimit is the limit of a register of which nothing is known.
const NoLimit = math.MaxUint64

// span is from where to where a number is, taken as unsigned, both included.
type span struct{ lo, hi uint64 }

// any64 is any number.
var any64 = span{0, NoLimit}

// Limits gives, for each register, a number that its value, taken as unsigned,
// never exceeds, as follows from the instructions that set it; if tracked is not
// nil, only from those that it accepts.
func Limits(f *ir.Func, tracked func(*ir.Instr) bool) []uint64 {
	all := spans(f, tracked)
	l := make([]uint64, len(all))
	for r, s := range all {
		l[r] = s.hi
	}
	return l
}

// spans gives, for each register, between which numbers its value is.
func spans(f *ir.Func, tracked func(*ir.Instr) bool) []span {
	all := make([]span, len(f.Regs))
	known := make([]bool, len(f.Regs))
	// Registers that change around a loop would take long to settle: after some
	// rounds they may be any number.
	const patience = 8
	for round := 0; ; round++ {
		changed := false
		for _, b := range f.Blocks {
			for i := range b.Instrs {
				in := &b.Instrs[i]
				in.Operands(nil, func(r ir.Reg) {
					s := any64
					if tracked == nil || tracked(in) {
						s = result(in, r, all)
					}
					if old := all[r]; known[r] {
						if s = (span{min(s.lo, old.lo), max(s.hi, old.hi)}); s == old {
							return
						}
						if round > patience {
							s = any64
						}
					}
					all[r], known[r], changed = s, true, true
				})
			}
		}
		if !changed {
			return all
		}
	}
}

// result gives between which numbers the one is that an instruction leaves in r.
func result(in *ir.Instr, r ir.Reg, all []span) span {
	if in.Op == ir.TableGet || in.Op >= ir.MapGet && in.Op <= ir.MapDelete {
		if r == in.Dst {
			return span{0, 2}
		}
		return any64
	}
	of := func(r ir.Reg) span {
		if r == ir.None {
			return span{uint64(in.Imm), uint64(in.Imm)}
		}
		return all[r]
	}
	bytes := func(n uint8) span { return span{0, NoLimit >> (64 - 8*n)} }
	switch in.Op {
	case ir.Const:
		return span{uint64(in.Imm), uint64(in.Imm)}
	case ir.Move:
		return all[in.A]
	case ir.Add:
		a, b := all[in.A], of(in.B)
		if hi, carry := bits.Add64(a.hi, b.hi, 0); carry == 0 {
			return span{a.lo + b.lo, hi}
		}
	case ir.Sub:
		if a, b := of(in.A), of(in.B); a.lo >= b.hi {
			return span{a.lo - b.hi, a.hi - b.lo}
		}
	case ir.Mul:
		a, b := all[in.A], of(in.B)
		if high, hi := bits.Mul64(a.hi, b.hi); high == 0 {
			return span{a.lo * b.lo, hi}
		}
	case ir.Div:
		a, b := all[in.A], of(in.B)
		return span{a.lo / max(b.hi, 1), a.hi / max(b.lo, 1)}
	case ir.Mod:
		a, b := all[in.A], of(in.B)
		return span{0, min(a.hi, max(b.hi, 1)-1)}
	case ir.And:
		return span{0, min(all[in.A].hi, of(in.B).hi)}
	case ir.Or:
		a, b := all[in.A], of(in.B)
		return span{max(a.lo, b.lo), ones(a.hi | b.hi)}
	case ir.Xor:
		return span{0, ones(all[in.A].hi | of(in.B).hi)}
	case ir.Shl:
		if a := all[in.A]; in.B == ir.None && a.hi <= NoLimit>>in.Imm {
			return span{a.lo << in.Imm, a.hi << in.Imm}
		}
	case ir.Shr:
		if a := all[in.A]; in.B == ir.None {
			return span{a.lo >> in.Imm, a.hi >> in.Imm}
		}
		return span{0, all[in.A].hi}
	case ir.Sar:
		if a := all[in.A]; a.hi <= math.MaxInt64 {
			return span{0, a.hi}
		}
	case ir.Swap, ir.Load:
		return bytes(in.Size)
	case ir.Set, ir.Adjust:
		return span{0, 1}
	case ir.Fold, ir.Len:
		return span{0, 0xffff}
	case ir.Sum:
		return span{0, 0xffff * 0x8000}
	}
	return any64
}

// ones gives the number of all bits that numbers up to n have.
func ones(n uint64) uint64 { return NoLimit >> bits.LeadingZeros64(n) }
