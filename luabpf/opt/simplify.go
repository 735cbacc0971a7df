// SPDX-License-Identifier: GPL-3.0-or-later

package opt

import (
	"math/bits"

	"pvlua/luabpf/ir"
)

// simplify replaces an instruction by one that does less.
func (v *valuer) simplify(in *ir.Instr) {
	constant := func(n int64) {
		*in = ir.Instr{Op: ir.Const, Dst: in.Dst, A: ir.None, B: ir.None, Imm: n, Line: in.Line}
	}
	copied := func(r ir.Reg) { *in = ir.Instr{Op: ir.Move, Dst: in.Dst, A: r, B: ir.None, Line: in.Line} }
	switch in.Op {
	case ir.Move:
		if n, ok := v.constant(in.A); ok {
			constant(n)
		}
		return
	case ir.Set:
		if outcome, ok := v.compare(&in.Cond, &in.A, &in.B, &in.Imm); ok {
			n := int64(0)
			if outcome {
				n = 1
			}
			constant(n)
		}
		return
	case ir.Swap, ir.Fold:
		if n, ok := v.constant(in.A); ok {
			constant(int64(evaluate(in, uint64(n), 0)))
			return
		}
		if in.Op == ir.Fold && v.span(in.A).hi <= 0xffff {
			copied(in.A)
			return
		}
		if from, ok := v.maker(in.A); ok && in.Op == ir.Swap && from.Op == ir.Swap && from.Size == in.Size {
			copied(from.A)
		}
		return
	}
	if in.Op < ir.Add || in.Op > ir.Sar {
		return
	}
	if in.A == ir.None { // Imm - B
		if n, ok := v.constant(in.B); ok {
			constant(in.Imm - n)
		}
		return
	}
	if in.B != ir.None {
		switch {
		case in.A != in.B:
			v.swappedOperands(in)
		case in.Op == ir.Sub, in.Op == ir.Xor:
			constant(0)
		case in.Op == ir.And, in.Op == ir.Or:
			copied(in.A)
		}
		return
	}
	if n, ok := v.constant(in.A); ok {
		constant(int64(evaluate(in, uint64(n), uint64(in.Imm))))
		return
	}
	if in.Op == ir.Sub {
		in.Op, in.Imm = ir.Add, -in.Imm
	}
	v.combine(in)
	n, s := uint64(in.Imm), v.span(in.A)
	may := ones(s.hi) // the bits of A that are perhaps set
	power := n != 0 && n&(n-1) == 0
	switch in.Op {
	case ir.Add, ir.Or, ir.Xor, ir.Shl, ir.Shr, ir.Sar:
		if n == 0 {
			copied(in.A)
		} else if in.Op == ir.Shr && s.hi>>n == 0 {
			constant(0)
		} else if in.Op == ir.Sar && s.hi>>63 == 0 {
			in.Op = ir.Shr
		}
	case ir.Mul:
		switch {
		case n == 0:
			constant(0)
		case n == 1:
			copied(in.A)
		case power:
			in.Op, in.Imm = ir.Shl, int64(bits.TrailingZeros64(n))
		}
	case ir.Div:
		switch {
		case s.hi < n:
			constant(0)
		case power:
			in.Op, in.Imm = ir.Shr, int64(bits.TrailingZeros64(n))
			if n == 1 {
				copied(in.A)
			}
		}
	case ir.Mod:
		switch {
		case s.hi < n:
			copied(in.A)
		case power:
			in.Op, in.Imm = ir.And, int64(n-1)
			if n == 1 {
				constant(0)
			}
		}
	case ir.And:
		switch {
		case may&n == 0:
			constant(0)
		case may&^n == 0:
			copied(in.A)
		}
	}
	if in.Op >= ir.And && in.Op <= ir.Shr && in.B == ir.None {
		v.swappedOperand(in)
	}
}

// combine makes one operation with a constant of two that follow each other.
func (v *valuer) combine(in *ir.Instr) {
	from, ok := v.maker(in.A)
	if !ok || from.Op != in.Op || from.B != ir.None || from.A == ir.None {
		return
	}
	switch in.Op {
	case ir.Add:
		in.Imm += from.Imm
	case ir.And:
		in.Imm &= from.Imm
	case ir.Or:
		in.Imm |= from.Imm
	case ir.Xor:
		in.Imm ^= from.Imm
	default:
		return
	}
	in.A = from.A
}

// evaluate computes an operation on constants.
func evaluate(in *ir.Instr, a, b uint64) uint64 {
	switch in.Op {
	case ir.Add:
		return a + b
	case ir.Sub:
		return a - b
	case ir.Mul:
		return a * b
	case ir.Div:
		return a / b
	case ir.Mod:
		return a % b
	case ir.And:
		return a & b
	case ir.Or:
		return a | b
	case ir.Xor:
		return a ^ b
	case ir.Shl:
		return a << b
	case ir.Shr:
		return a >> b
	case ir.Sar:
		return uint64(int64(a) >> b)
	case ir.Swap:
		return swapped(a, in.Size)
	}
	for a > 0xffff { // Fold
		a = a>>16 + a&0xffff
	}
	return a
}
