// SPDX-License-Identifier: GPL-3.0-or-later

package opt

import "pvlua/luabpf/ir"

// swappedOperand lets an operation with a constant on a swapped number be one on
// the number as it was: swapped afterwards, if it must be, which it need not for
// comparisons with constants and for stores of what was swapped twice. One byte
// of a number is found where it was.
func (v *valuer) swappedOperand(in *ir.Instr) {
	swap, ok := v.maker(in.A)
	if !ok || swap.Op != ir.Swap {
		return
	}
	top := int64(8 * (swap.Size - 1))
	switch {
	case in.Op == ir.Shr && in.Imm == top:
		in.Op, in.A, in.Imm = ir.And, swap.A, 0xff
	case in.Op == ir.And && in.Imm == 0xff:
		in.Op, in.A, in.Imm = ir.Shr, swap.A, top
	case in.Op <= ir.Xor && v.uses[in.A] == 1 && uint64(in.Imm)>>top>>8 == 0:
		v.swapAfter(in, swap.Size, ir.Instr{Op: in.Op, A: swap.A, B: ir.None, Imm: int64(swapped(uint64(in.Imm), swap.Size))})
	}
}

// swappedOperands does the same for operations on two swapped numbers.
func (v *valuer) swappedOperands(in *ir.Instr) {
	a, ok := v.maker(in.A)
	b, also := v.maker(in.B)
	if in.Op < ir.And || in.Op > ir.Xor || !ok || !also || a.Op != ir.Swap || b.Op != ir.Swap || a.Size != b.Size ||
		v.uses[in.A] != 1 || v.uses[in.B] != 1 {
		return
	}
	v.swapAfter(in, a.Size, ir.Instr{Op: in.Op, A: a.A, B: b.A})
}

// swapAfter adds an operation and makes of in the swap of its result.
func (v *valuer) swapAfter(in *ir.Instr, size uint8, first ir.Instr) {
	first.Dst, first.Line = v.f.NewReg(ir.Number), in.Line
	v.once, v.uses = append(v.once, true), append(v.uses, 1)
	v.spans = append(v.spans, span{0, NoLimit >> (64 - 8*size)})
	v.reuse(&first)
	v.emit(first)
	*in = ir.Instr{Op: ir.Swap, Dst: in.Dst, A: first.Dst, B: ir.None, Size: size, Line: in.Line}
	v.changed = true
}
