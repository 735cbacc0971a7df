// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"github.com/yuin/gopher-lua/ast"

	"pvlua/analysis"
	"pvlua/luabpf/ir"
)

// Lua's numbers are doubles. As 64-bit integers they are the same as long as
// they are whole and within -2^53..2^53. Each register's range is known; where
// a result could leave that range, a test exits.

// arithmetic lowers an operator of two numbers.
func (c *compiler) arithmetic(p *path, e *ast.ArithmeticOpExpr) (all []result) {
	for _, l := range c.expr(p, e.Lhs) {
		for _, r := range c.expr(l.path, e.Rhs) {
			c.line = line(e)
			all = append(all, c.operate(r.path, e, l.value, r.value)...)
		}
	}
	return c.joinValues(all, e)
}

// operate is an operator of two values.
func (c *compiler) operate(p *path, e *ast.ArithmeticOpExpr, a, b value) []result {
	for _, v := range []value{a, b} {
		if v.kind != isNumber && v.kind != isFraction {
			return c.fails(p, e, "arithmetic on %s", c.describe(v))
		}
	}
	if a.known && b.known {
		return one(p, number(analysis.Arithmetic(e.Operator, a.float(), b.float())))
	}
	if a.kind == isFraction || b.kind == isFraction {
		return c.exit(p, e, false, "arithmetic with a fraction")
	}
	switch e.Operator {
	case "+", "-":
		return c.sum(p, e, a, b)
	case "*":
		return c.product(p, e, a, b)
	case "%":
		return c.modulo(p, e, a, b)
	case "/":
		return c.quotient(p, e, a, b)
	}
	return c.power(p, e, a, b)
}

// float gives a known number.
func (v value) float() float64 {
	if v.kind == isFraction {
		return v.f
	}
	return float64(v.n)
}

// exact exits where a number is beyond the range in which integers are
// doubles.
func (c *compiler) exact(p *path, e ast.Expr, r ir.Reg, lo, hi int64) []result {
	v := ranged(r, lo, hi)
	if hi > maxWhole {
		p = c.unless(p, e, ir.SGT, v, whole(maxWhole), "a number beyond 2^53")
	}
	if p != nil && lo < -maxWhole {
		p = c.unless(p, e, ir.SLT, v, whole(-maxWhole), "a number beyond -2^53")
	}
	if p == nil {
		return nil
	}
	return one(p, ranged(r, max(lo, -maxWhole), min(hi, maxWhole)))
}

// unless exits where a condition holds, which is rare unless it is certain, and
// gives the path on which it does not; nil if there is none.
func (c *compiler) unless(p *path, at ast.PositionHolder, cond ir.Cond, a, b value, format string, args ...any) *path {
	yes, no := c.test(p, cond, a, b)
	for _, p := range yes {
		c.exit(p, at, len(no) > 0, format, args...)
	}
	if len(no) == 0 {
		return nil
	}
	return no[0]
}

// op adds an operation on two numbers.
func (c *compiler) op(p *path, op ir.Op, a, b value) ir.Reg {
	if a.known && b.known {
		a = ranged(c.constant(p, a.n), a.n, a.n)
	}
	switch {
	case b.known:
		return c.binary(p, op, a.reg, b.n)
	case a.known && (op == ir.Add || op == ir.Mul || op == ir.And || op == ir.Or || op == ir.Xor):
		return c.binary(p, op, b.reg, a.n)
	case a.known && op == ir.Sub:
		return c.emit(p, ir.Instr{Op: ir.Sub, A: ir.None, B: b.reg, Imm: a.n})
	case a.known:
		return c.binaryReg(p, op, c.constant(p, a.n), b.reg)
	}
	return c.binaryReg(p, op, a.reg, b.reg)
}

// sum is + and -. Sums of two numbers within 2^53 fit 64 bits.
func (c *compiler) sum(p *path, e *ast.ArithmeticOpExpr, a, b value) []result {
	sa, sb := p.span(a), p.span(b)
	if e.Operator == "+" {
		if a.known && a.n == 0 {
			return one(p, b)
		}
		if b.known && b.n == 0 {
			return one(p, a)
		}
		return c.exact(p, e, c.op(p, ir.Add, a, b), sa.lo+sb.lo, sa.hi+sb.hi)
	}
	if b.known && b.n == 0 {
		return one(p, a)
	}
	return c.exact(p, e, c.op(p, ir.Sub, a, b), sa.lo-sb.hi, sa.hi-sb.lo)
}

// minus is the unary operator.
func (c *compiler) minus(p *path, e *ast.UnaryMinusOpExpr) (all []result) {
	for _, x := range c.expr(p, e.Expr) {
		v, p := x.value, x.path
		switch {
		case v.kind == isFraction, v.kind == isNumber && v.known:
			all = append(all, result{p, number(-v.float())})
		case v.kind == isNumber:
			s := p.span(v)
			all = append(all, result{p, ranged(c.op(p, ir.Sub, whole(0), v), -s.hi, -s.lo)})
		default:
			all = append(all, c.fails(p, e, "arithmetic on %s", c.describe(v))...)
		}
	}
	return all
}

// product is *. Factors that could make more than 64 bits exit before.
func (c *compiler) product(p *path, e *ast.ArithmeticOpExpr, a, b value) []result {
	if a.known {
		a, b = b, a
	}
	sa, sb := p.span(a), p.span(b)
	if b.known && b.n == 0 {
		return one(p, whole(0))
	}
	magnitude := func(s span) int64 { return max(s.hi, -s.lo) }
	// Limits to the factors, so that each product is below 2^62.
	limit := func(other span) int64 { return int64(1<<62) / max(magnitude(other), 1) }
	if m := limit(sb); magnitude(sa) > m {
		if !b.known {
			m = min(m, 1<<31)
			if magnitude(sb) > 1<<31 {
				if p = c.bounded(p, e, b, 1<<31); p == nil {
					return nil
				}
				sb = p.span(b)
			}
		}
		if magnitude(sa) > m {
			if p = c.bounded(p, e, a, m); p == nil {
				return nil
			}
			sa = p.span(a)
		}
	}
	x := []int64{sa.lo * sb.lo, sa.lo * sb.hi, sa.hi * sb.lo, sa.hi * sb.hi}
	lo, hi := x[0], x[0]
	for _, n := range x {
		lo, hi = min(lo, n), max(hi, n)
	}
	return c.exact(p, e, c.op(p, ir.Mul, a, b), lo, hi)
}

// bounded exits where a number is beyond -m..m.
func (c *compiler) bounded(p *path, e ast.Expr, v value, m int64) *path {
	if p.span(v).hi > m {
		p = c.unless(p, e, ir.SGT, v, whole(m), "a product that may be beyond 2^53")
	}
	if p != nil && p.span(v).lo < -m {
		p = c.unless(p, e, ir.SLT, v, whole(-m), "a product that may be beyond -2^53")
	}
	return p
}

// power is ^ of a known 2, as in 2^n.
func (c *compiler) power(p *path, e *ast.ArithmeticOpExpr, a, b value) []result {
	if b.known && b.n == 2 {
		return c.product(p, e, a, a)
	}
	if !a.known || a.n != 2 {
		return c.exit(p, e, false, "operator ^ of these numbers needs Lua; write products")
	}
	if p = c.unless(p, e, ir.SLT, b, whole(0), "a power of a negative number"); p == nil {
		return nil
	}
	if p = c.unless(p, e, ir.SGT, b, whole(53), "a power beyond 2^53"); p == nil {
		return nil
	}
	s := p.span(b)
	return one(p, ranged(c.op(p, ir.Shl, whole(1), b), 1<<s.lo, 1<<s.hi))
}
