// SPDX-License-Identifier: GPL-3.0-or-later

package opt

import (
	"math"
	"math/bits"

	"pvlua/luabpf/ir"
)

// decide tells the outcome of a comparison, if it is known.
func (v *valuer) decide(c ir.Cond, a, b ir.Reg, imm int64) (outcome, ok bool) {
	x, y := v.span(a), span{uint64(imm), uint64(imm)}
	if b != ir.None {
		if a == b {
			return c.Holds(0, 0), true
		}
		y = v.span(b)
	}
	if c >= ir.SLT { // by sign: if neither span has both, it can be told
		if x.lo > math.MaxInt64 != (x.hi > math.MaxInt64) || y.lo > math.MaxInt64 != (y.hi > math.MaxInt64) {
			return false, false
		}
	}
	// An order of two numbers is decided by the ends that are nearest to each
	// other; being equal, by that they are only one, or never.
	switch c {
	case ir.EQ, ir.NE:
		switch {
		case x.lo == x.hi && x == y:
			return c == ir.EQ, true
		case x.hi < y.lo || y.hi < x.lo:
			return c == ir.NE, true
		}
		return false, false
	}
	first, second := c.Holds(x.lo, y.hi), c.Holds(x.hi, y.lo)
	return first, first == second
}

// compare writes a comparison anew, or tells its outcome.
func (v *valuer) compare(c *ir.Cond, a, b *ir.Reg, imm *int64) (outcome, ok bool) {
	if *b != ir.None {
		if n, known := v.constant(*b); known {
			*b, *imm = ir.None, n
		} else if n, known := v.constant(*a); known {
			*a, *b, *imm, *c = *b, ir.None, n, c.Turned()
		}
	}
	for range 4 {
		if outcome, ok = v.decide(*c, *a, *b, *imm); ok || !v.through(c, a, b, imm) {
			break
		}
	}
	return outcome, ok
}

// through replaces a comparison by one of what its operands were made from.
func (v *valuer) through(c *ir.Cond, a, b *ir.Reg, imm *int64) bool {
	in, ok := v.maker(*a)
	if !ok || *c != ir.EQ && *c != ir.NE {
		return false
	}
	if *b != ir.None { // two swapped fields are equal as they are
		other, ok := v.maker(*b)
		if !ok || in.Op != ir.Swap || other.Op != ir.Swap || in.Size != other.Size {
			return false
		}
		*a, *b = in.A, other.A
		return true
	}
	switch {
	case in.Op == ir.Swap && uint64(*imm)>>(8*in.Size-1)>>1 == 0:
		*a, *imm = in.A, int64(swapped(uint64(*imm), in.Size))
	case in.Op == ir.Set && (*imm == 0 || *imm == 1):
		if *imm == 0 == (*c == ir.EQ) {
			in.Cond = in.Cond.Not()
		}
		*c, *a, *b, *imm = in.Cond, in.A, in.B, in.Imm
	case in.Op == ir.Xor && in.B == ir.None:
		*a, *imm = in.A, *imm^in.Imm
	case (in.Op == ir.Xor || in.Op == ir.Sub) && *imm == 0 && in.A != ir.None && in.B != ir.None:
		*a, *b = in.A, in.B
	case in.Op == ir.Add && in.B == ir.None:
		*a, *imm = in.A, *imm-in.Imm
	default:
		return false
	}
	return true
}

// swapped reverses the low bytes of a number of that many.
func swapped(n uint64, size uint8) uint64 { return bits.ReverseBytes64(n) >> (64 - 8*size) }
