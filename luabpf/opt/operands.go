// SPDX-License-Identifier: GPL-3.0-or-later

package opt

import "pvlua/luabpf/ir"

// operands replaces the operands of an instruction by what they are copies of,
// or by constants where the form has room for one.
func (v *valuer) operands(in *ir.Instr) {
	read := map[ir.Reg]bool{}
	in.Operands(func(r ir.Reg) { read[r] = true }, nil)
	same := func(r *ir.Reg) {
		if *r != ir.None && read[*r] {
			*r = v.same(*r)
		}
	}
	for i := range in.Args {
		same(&in.Args[i])
	}
	binary := in.Op >= ir.Add && in.Op <= ir.Sar || in.Op == ir.Set
	switch {
	case binary:
		same(&in.A)
		same(&in.B)
		v.binary(in)
	case in.Op == ir.Load, in.Op == ir.Swap, in.Op == ir.Fold, in.Op == ir.Move:
		same(&in.A)
	case in.Op == ir.Ptr, in.Op == ir.CountAdd, in.Op == ir.Adjust:
		same(&in.A)
		if n, ok := v.constant(in.A); ok && (in.Op == ir.CountAdd || n >= 0 && n <= maxOffset) {
			in.A, in.Imm = ir.None, n
		}
	case in.Op == ir.Store, in.Op == ir.Sum:
		same(&in.A)
		same(&in.B)
		if n, ok := v.constant(in.B); ok && (in.Op == ir.Store || n >= 0 && n <= maxOffset) {
			in.B, in.Imm = ir.None, n
		}
	case in.Op == ir.TableGet && len(in.Args) == 0:
		same(&in.A)
	}
}

// binary puts a constant into its place, which is that of B, but in a
// difference.
func (v *valuer) binary(in *ir.Instr) {
	if in.A != ir.None && in.B != ir.None {
		if n, ok := v.constant(in.A); ok {
			switch {
			case commutes(in.Op):
				in.A, in.B, in.Imm = in.B, ir.None, n
			case in.Op == ir.Set:
				in.A, in.B, in.Imm, in.Cond = in.B, ir.None, n, in.Cond.Turned()
			case in.Op == ir.Sub:
				if _, both := v.constant(in.B); !both {
					in.A, in.Imm = ir.None, n
				}
			}
		}
	}
	if in.A == ir.None || in.B == ir.None {
		return
	}
	n, ok := v.constant(in.B)
	switch in.Op {
	case ir.Div, ir.Mod:
		ok = ok && n != 0
	case ir.Shl, ir.Shr, ir.Sar:
		ok = ok && n >= 0 && n <= 63
	}
	if ok {
		in.B, in.Imm = ir.None, n
	}
}

// term writes the end of a block anew.
func (v *valuer) term(b *ir.Block) {
	t := &b.Term
	switch t.Kind {
	case ir.Guard:
		if p := v.same(t.A); p != t.A {
			t.A, v.changed = p, true
		}
	case ir.Branch:
		before := *t
		t.A = v.same(t.A)
		if t.B != ir.None {
			t.B = v.same(t.B)
		}
		if outcome, ok := v.compare(&t.Cond, &t.A, &t.B, &t.Imm); ok {
			if outcome {
				jump(b, t.Then)
			} else {
				jump(b, t.Else)
			}
		}
		v.changed = v.changed || before != *t
	}
}
