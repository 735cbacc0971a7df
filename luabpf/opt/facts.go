// SPDX-License-Identifier: GPL-3.0-or-later

package opt

import (
	"maps"
	"math"

	"pvlua/luabpf/ir"
)

// expr is what an instruction computes, without where it puts it.
type expr struct {
	op   ir.Op
	size uint8
	cond ir.Cond
	a, b ir.Reg
	off  int32
	imm  int64
}

// facts is what holds at a place on all paths to it.
//
// Registers that are set once never lose what is known of them; facts about
// others are forgotten when those are set again.
type facts struct {
	consts map[ir.Reg]int64
	copies map[ir.Reg]ir.Reg
	made   map[ir.Reg]ir.Instr // the instruction that computed it, from operands that are still the same
	avail  map[expr]ir.Reg     // that have what has been computed
	spans  map[ir.Reg]span     // what branches have found out
}

func newFacts() *facts {
	return &facts{map[ir.Reg]int64{}, map[ir.Reg]ir.Reg{}, map[ir.Reg]ir.Instr{}, map[expr]ir.Reg{}, map[ir.Reg]span{}}
}

func (k *facts) clone() *facts {
	return &facts{maps.Clone(k.consts), maps.Clone(k.copies), maps.Clone(k.made), maps.Clone(k.avail), maps.Clone(k.spans)}
}

// meet keeps what holds on another path too.
func (k *facts) meet(o *facts) {
	keep(k.consts, o.consts)
	keep(k.copies, o.copies)
	keep(k.avail, o.avail)
	maps.DeleteFunc(k.made, func(r ir.Reg, in ir.Instr) bool {
		other, ok := o.made[r]
		return !ok || exprOf(&other) != exprOf(&in)
	})
	maps.DeleteFunc(k.spans, func(r ir.Reg, s span) bool {
		other, ok := o.spans[r]
		if ok {
			k.spans[r] = span{min(s.lo, other.lo), max(s.hi, other.hi)}
		}
		return !ok
	})
}

func keep[K, V comparable](m, o map[K]V) {
	maps.DeleteFunc(m, func(key K, v V) bool {
		other, ok := o[key]
		return !ok || other != v
	})
}

// exprOf gives what an instruction computes; operands whose order does not
// matter are put in one.
func exprOf(in *ir.Instr) expr {
	e := expr{op: in.Op, a: ir.None, b: ir.None}
	switch in.Op {
	case ir.Const:
		e.imm = in.Imm
	case ir.Swap, ir.Fold, ir.Move:
		e.a, e.size = in.A, in.Size
	case ir.Ptr:
		if e.a = in.A; e.a == ir.None {
			e.imm = in.Imm
		}
	case ir.Load:
		e.a, e.off, e.size = in.A, in.Off, in.Size
	case ir.Len:
	default: // two operands
		e.a, e.b, e.off, e.cond = in.A, in.B, in.Off, in.Cond
		if e.a == ir.None || e.b == ir.None {
			e.imm = in.Imm
		}
		if commutes(in.Op) && e.b != ir.None && e.a > e.b {
			e.a, e.b = e.b, e.a
		}
	}
	return e
}

// commutes reports whether the order of an operation's operands does not matter.
func commutes(op ir.Op) bool {
	switch op {
	case ir.Add, ir.Mul, ir.And, ir.Or, ir.Xor:
		return true
	}
	return false
}

// forget drops what is known of a register that is about to be set again.
func (k *facts) forget(r ir.Reg) {
	delete(k.consts, r)
	delete(k.copies, r)
	delete(k.made, r)
	delete(k.spans, r)
	maps.DeleteFunc(k.copies, func(_, from ir.Reg) bool { return from == r })
	maps.DeleteFunc(k.avail, func(e expr, in ir.Reg) bool { return in == r || e.a == r || e.b == r })
	maps.DeleteFunc(k.made, func(_ ir.Reg, in ir.Instr) bool {
		e := exprOf(&in)
		return e.a == r || e.b == r
	})
}

// lasting keeps what nothing can change: what is known of registers that are set
// once, but by reading the packet.
func (k *facts) lasting(once []bool) {
	fixed := func(e expr) bool {
		return (e.a == ir.None || once[e.a]) && (e.b == ir.None || once[e.b]) &&
			e.op != ir.Load && e.op != ir.Sum && e.op != ir.Len && e.op != ir.Ptr
	}
	maps.DeleteFunc(k.consts, func(r ir.Reg, _ int64) bool { return !once[r] })
	maps.DeleteFunc(k.copies, func(r, from ir.Reg) bool { return !once[r] || !once[from] })
	maps.DeleteFunc(k.made, func(r ir.Reg, in ir.Instr) bool { return !once[r] || !fixed(exprOf(&in)) })
	maps.DeleteFunc(k.avail, func(e expr, r ir.Reg) bool { return !once[r] || !fixed(e) })
	maps.DeleteFunc(k.spans, func(r ir.Reg, _ span) bool { return !once[r] })
}

// stored drops the loads and sums that a Store may have changed. Two different
// pointers may be to the same place.
func (k *facts) stored(in *ir.Instr) {
	lost := func(e expr) bool {
		switch e.op {
		case ir.Sum:
			return true
		case ir.Load:
			return e.a != in.A || e.off < in.Off+int32(in.Size) && in.Off < e.off+int32(e.size)
		}
		return false
	}
	maps.DeleteFunc(k.avail, func(e expr, _ ir.Reg) bool { return lost(e) })
	maps.DeleteFunc(k.made, func(_ ir.Reg, in ir.Instr) bool { return lost(exprOf(&in)) })
}

// resized drops what depends on where the packet begins and ends.
func (k *facts) resized() {
	lost := func(op ir.Op) bool { return op == ir.Sum || op == ir.Load || op == ir.Len || op == ir.Ptr }
	maps.DeleteFunc(k.avail, func(e expr, _ ir.Reg) bool { return lost(e.op) })
	maps.DeleteFunc(k.made, func(_ ir.Reg, in ir.Instr) bool { return lost(in.Op) })
}

// narrow notes that a comparison of a register with a constant had an outcome.
func (k *facts) narrow(r ir.Reg, s span, c ir.Cond, n uint64) {
	const top = math.MaxInt64
	if c >= ir.SLT {
		switch {
		case s.hi <= top && n <= top: // the sign does not matter
			c = [...]ir.Cond{ir.LT, ir.LE, ir.GT, ir.GE}[c-ir.SLT]
		case n <= top && (c == ir.SGT || c == ir.SGE): // not below 0
			s.hi = min(s.hi, top)
			c = [...]ir.Cond{ir.GT, ir.GE}[c-ir.SGT]
		case n == math.MaxUint64 && c == ir.SGT: // above -1
			c, n = ir.LE, top
		default:
			return
		}
	}
	switch c {
	case ir.EQ:
		s = span{n, n}
		k.consts[r] = int64(n)
	case ir.NE:
		if n == s.lo && s.lo < s.hi {
			s.lo++
		} else if n == s.hi && s.lo < s.hi {
			s.hi--
		}
	case ir.LT:
		if n > 0 {
			s.hi = min(s.hi, n-1)
		}
	case ir.LE:
		s.hi = min(s.hi, n)
	case ir.GT:
		if n < math.MaxUint64 {
			s.lo = max(s.lo, n+1)
		}
	case ir.GE:
		s.lo = max(s.lo, n)
	}
	if s.lo <= s.hi { // otherwise nothing comes here
		k.spans[r] = s
	}
}
