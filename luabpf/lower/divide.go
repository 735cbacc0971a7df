// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"math"

	"github.com/yuin/gopher-lua/ast"

	"pvlua/luabpf/ir"
)

// positive exits where a divisor is not above 0, and gives the path on which it
// is. Negative divisors are of no use to handlers.
func (c *compiler) positive(p *path, e ast.Expr, b value) *path {
	if s := p.span(b); s.hi <= 0 {
		c.exit(p, e, false, "a divisor that is not above 0")
		return nil
	}
	return c.unless(p, e, ir.SLT, b, whole(1), "a divisor that is not above 0")
}

// modulo is %, which has the sign of the divisor.
func (c *compiler) modulo(p *path, e ast.Expr, a, b value) []result {
	if p = c.positive(p, e, b); p == nil {
		return nil
	}
	sa, sb := p.span(a), p.span(b)
	if sa.lo >= 0 && sa.hi < sb.lo {
		return one(p, a)
	}
	if b.known && b.n&(b.n-1) == 0 {
		return one(p, ranged(c.op(p, ir.And, a, whole(b.n-1)), 0, b.n-1)) // of negative ones too
	}
	if sa.lo >= 0 {
		return one(p, ranged(c.op(p, ir.Mod, a, b), 0, min(sa.hi, sb.hi-1)))
	}
	// (a % b + b) % b, with the remainder that cuts off towards 0.
	yes, no := c.test(p, ir.SLT, a, whole(0))
	var all []result
	for _, p := range yes {
		rest := c.op(p, ir.Mod, ranged(c.op(p, ir.Sub, whole(0), a), 0, maxWhole), b)
		y, n := c.test(p, ir.EQ, ranged(rest, 0, sb.hi-1), whole(0))
		for _, p := range y {
			all = append(all, result{p, whole(0)})
		}
		for _, p := range n {
			all = append(all, result{p, ranged(c.op(p, ir.Sub, b, ranged(rest, 1, sb.hi-1)), 1, sb.hi-1)})
		}
	}
	for _, p := range no {
		all = append(all, result{p, ranged(c.op(p, ir.Mod, a, b), 0, sb.hi-1)})
	}
	return c.joinValues(all, e)
}

// quotient is /, where it is exact. A remainder makes a fraction, which exits.
func (c *compiler) quotient(p *path, e *ast.ArithmeticOpExpr, a, b value) []result {
	if b.known && b.n > 0 && p.span(a).lo >= 0 {
		if b.n == 1 {
			return one(p, a)
		}
		rest := c.op(p, ir.Mod, a, b)
		if p = c.unless(p, e, ir.NE, ranged(rest, 0, b.n-1), whole(0), "operator / gives a fraction; write math.floor(a / b)"); p == nil {
			return nil
		}
		return one(p, ranged(c.op(p, ir.Div, a, b), p.span(a).lo/b.n, p.span(a).hi/b.n))
	}
	return c.exit(p, e, false, "operator / may give a fraction; write math.floor(a / b)")
}

// floorQuotient is math.floor(a / b). Of whole numbers below 2^52 the double
// nearest to the quotient has the same floor as the quotient.
func (c *compiler) floorQuotient(p *path, e *ast.ArithmeticOpExpr) (all []result) {
	for _, l := range c.expr(p, e.Lhs) {
		for _, r := range c.expr(l.path, e.Rhs) {
			c.line = line(e)
			all = append(all, c.floorDivide(r.path, e, l.value, r.value)...)
		}
	}
	return all
}

func (c *compiler) floorDivide(p *path, e *ast.ArithmeticOpExpr, a, b value) []result {
	if a.kind != isNumber || b.kind != isNumber || a.known && b.known {
		var all []result
		for _, r := range c.operate(p, e, a, b) {
			all = append(all, c.floor(r.path, r.value, e)...)
		}
		return all
	}
	const limit = 1<<52 - 1
	if p = c.positive(p, e, b); p == nil {
		return nil
	}
	for _, v := range []value{a, b} {
		if p = c.unless(p, e, ir.SGT, v, whole(limit), "a quotient of numbers beyond 2^52"); p == nil {
			return nil
		}
	}
	if p = c.unless(p, e, ir.SLT, a, whole(-limit), "a quotient of numbers beyond -2^52"); p == nil {
		return nil
	}
	if b.known && b.n == 1 {
		return one(p, a)
	}
	// The floor of a negative quotient is that of its opposite upwards:
	// -floor((-a + b - 1) / b).
	var all []result
	negative, positive := c.test(p, ir.SLT, a, whole(0))
	for _, p := range negative {
		sa, sb := p.span(a), p.span(b)
		up := c.op(p, ir.Add, ranged(c.op(p, ir.Sub, b, a), 1-sa.hi, sb.hi-sa.lo), whole(-1))
		r := c.op(p, ir.Sub, whole(0), ranged(c.op(p, ir.Div, ranged(up, 0, sb.hi-sa.lo), b), 0, maxWhole))
		all = append(all, result{p, ranged(r, -((sb.lo - 1 - sa.lo) / sb.lo), -1)})
	}
	for _, p := range positive {
		sa, sb := p.span(a), p.span(b)
		all = append(all, result{p, ranged(c.op(p, ir.Div, a, b), sa.lo/sb.hi, sa.hi/sb.lo)})
	}
	return c.joinValues(all, e)
}

// floor is math.floor of a value.
func (c *compiler) floor(p *path, v value, e ast.Expr) []result {
	switch v.kind {
	case isNumber:
		return one(p, v)
	case isFraction:
		return one(p, number(math.Floor(v.f)))
	}
	return c.fails(p, e, "math.floor of %s", c.describe(v))
}
