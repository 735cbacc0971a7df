// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"github.com/yuin/gopher-lua/ast"

	"pvlua/luabpf/ir"
)

// cond lowers an expression as a condition: the paths on which it is true, as
// Lua has it, and the others.
func (c *compiler) cond(p *path, e ast.Expr) (yes, no []*path) {
	c.line = line(e)
	c.lines[e.Line()] = true
	switch e := e.(type) {
	case *ast.UnaryNotOpExpr:
		no, yes = c.cond(p, e.Expr)
		return yes, no
	case *ast.LogicalOpExpr:
		yes, no = c.cond(p, e.Lhs)
		if e.Operator == "and" {
			more := c.join(yes, c.where.start[e.Rhs])
			yes = nil
			for _, p := range more {
				y, n := c.cond(p, e.Rhs)
				yes, no = append(yes, y...), append(no, n...)
			}
			return yes, no
		}
		more := c.join(no, c.where.start[e.Rhs])
		no = nil
		for _, p := range more {
			y, n := c.cond(p, e.Rhs)
			yes, no = append(yes, y...), append(no, n...)
		}
		return yes, no
	case *ast.RelationalOpExpr:
		for _, l := range c.expr(p, e.Lhs) {
			for _, r := range c.expr(l.path, e.Rhs) {
				c.line = line(e)
				y, n := c.relation(r.path, e, l.value, r.value)
				yes, no = append(yes, y...), append(no, n...)
			}
		}
		return yes, no
	}
	for _, r := range c.expr(p, e) {
		y, n := c.truth(r.path, r.value)
		yes, no = append(yes, y...), append(no, n...)
	}
	return yes, no
}

// truth parts a path by whether a value counts as true: all but nil and false.
func (c *compiler) truth(p *path, v value) (yes, no []*path) {
	switch {
	case v.kind == isNil:
		return nil, []*path{p}
	case v.kind != isBool:
		return []*path{p}, nil
	}
	return c.test(p, ir.NE, v, whole(0))
}

// test parts a path by a comparison of two numbers, or booleans as 0 and 1.
// What is already known is not tested.
func (c *compiler) test(p *path, cond ir.Cond, a, b value) (yes, no []*path) {
	if a.known && !b.known {
		a, b, cond = b, a, cond.Turned()
	}
	sa, sb := p.span(a), p.span(b)
	if holds, certain := decide(cond, sa, sb); certain {
		if holds {
			return []*path{p}, nil
		}
		return nil, []*path{p}
	}
	if sa.lo >= 0 && sb.lo >= 0 {
		cond = unsigned(cond)
	}
	var y, n *path
	if b.known {
		y, n = c.branch(p, cond, a.reg, ir.None, b.n)
	} else {
		y, n = c.branch(p, cond, a.reg, b.reg, 0)
	}
	y.learn(cond, a, b)
	n.learn(cond.Not(), a, b)
	return []*path{y}, []*path{n}
}

// signed and unsigned give the condition for numbers of either sign, and for
// those that are not negative.
func unsigned(c ir.Cond) ir.Cond {
	if c >= ir.SLT {
		return c - ir.SLT + ir.LT
	}
	return c
}

func signed(c ir.Cond) ir.Cond {
	if c >= ir.LT && c <= ir.GE {
		return c - ir.LT + ir.SLT
	}
	return c
}

// decide says whether a condition holds of all numbers of two ranges.
func decide(cond ir.Cond, a, b span) (holds, certain bool) {
	switch signed(cond) {
	case ir.EQ:
		if a.lo == a.hi && a == b {
			return true, true
		}
		return false, a.hi < b.lo || b.hi < a.lo
	case ir.NE:
		holds, certain = decide(ir.EQ, a, b)
		return !holds, certain
	case ir.SLT:
		return a.hi < b.lo, a.hi < b.lo || a.lo >= b.hi
	case ir.SLE:
		return a.hi <= b.lo, a.hi <= b.lo || a.lo > b.hi
	case ir.SGT:
		return a.lo > b.hi, a.lo > b.hi || a.hi <= b.lo
	}
	return a.lo >= b.hi, a.lo >= b.hi || a.hi < b.lo
}

// learn narrows two numbers of which a condition holds.
func (p *path) learn(cond ir.Cond, a, b value) {
	sa, sb := p.span(a), p.span(b)
	na, nb := sa, sb
	switch signed(cond) {
	case ir.EQ:
		na = span{max(sa.lo, sb.lo), min(sa.hi, sb.hi)}
		nb = na
	case ir.NE:
		if sb.lo == sb.hi {
			na = sa.without(sb.lo)
		}
		if sa.lo == sa.hi {
			nb = sb.without(sa.lo)
		}
	case ir.SLT:
		na.hi, nb.lo = min(sa.hi, sb.hi-1), max(sb.lo, sa.lo+1)
	case ir.SLE:
		na.hi, nb.lo = min(sa.hi, sb.hi), max(sb.lo, sa.lo)
	case ir.SGT:
		na.lo, nb.hi = max(sa.lo, sb.lo+1), min(sb.hi, sa.hi-1)
	case ir.SGE:
		na.lo, nb.hi = max(sa.lo, sb.lo), min(sb.hi, sa.hi)
	}
	if !a.known {
		p.spans[a.reg] = na
	}
	if !b.known {
		p.spans[b.reg] = nb
	}
}

// without gives a range from whose end a number has been taken.
func (s span) without(n int64) span {
	if s.lo == n {
		s.lo++
	}
	if s.hi == n {
		s.hi--
	}
	return s
}

// relations are the conditions of Lua's operators.
var relations = map[string]ir.Cond{"==": ir.EQ, "~=": ir.NE, "<": ir.SLT, "<=": ir.SLE, ">": ir.SGT, ">=": ir.SGE}

// relation is a comparison of two values.
func (c *compiler) relation(p *path, e *ast.RelationalOpExpr, a, b value) (yes, no []*path) {
	cond := relations[e.Operator]
	if cond != ir.EQ && cond != ir.NE {
		return c.order(p, e, cond, a, b)
	}
	yes, no = c.equal(p, e, a, b)
	if cond == ir.NE {
		yes, no = no, yes
	}
	return yes, no
}

// order is a comparison by < and the like.
func (c *compiler) order(p *path, e *ast.RelationalOpExpr, cond ir.Cond, a, b value) (yes, no []*path) {
	holds := false
	switch {
	case a.kind == isNumber && b.kind == isNumber:
		return c.test(p, cond, a, b)
	case a.numeric() && b.numeric():
		return c.orderFraction(p, cond, a, b)
	case a.known && b.known && a.isString() && b.isString():
		switch cond {
		case ir.SLT:
			holds = a.text < b.text
		case ir.SLE:
			holds = a.text <= b.text
		case ir.SGT:
			holds = a.text > b.text
		default:
			holds = a.text >= b.text
		}
	case a.isString() && b.isString():
		c.exit(p, e, false, "strings are compared by %s", e.Operator)
		return nil, nil
	default:
		c.fails(p, e, "%s is compared with %s by %s, which is an error", c.describe(a), c.describe(b), e.Operator)
		return nil, nil
	}
	if holds {
		return []*path{p}, nil
	}
	return nil, []*path{p}
}

func (v value) numeric() bool { return v.kind == isNumber || v.kind == isFraction }

func (v value) isString() bool { return v.kind == isAddress || v.kind == isText }

// equal is a comparison by ==.
func (c *compiler) equal(p *path, e ast.Expr, a, b value) (yes, no []*path) {
	same := false
	switch {
	case a.kind != b.kind:
		// isAddress and isText are strings of different lengths; isFraction and
		// isNumber are different numbers.
	case a.kind == isNumber, a.kind == isBool:
		return c.test(p, ir.EQ, a, b)
	case a.kind == isAddress:
		return c.equalText(p, a, b)
	case a.kind == isNil, a.kind == isPacket:
		same = true
	case a.kind == isText:
		if a.length() == b.length() {
			return c.equalText(p, a, b)
		}
	case a.kind == isFraction:
		same = a.f == b.f
	case a.kind == isHeader:
		same = a.header == b.header
	case a.kind == isPort:
		same = a.n == b.n
	case a.kind == isFunc && (a.lua == nil || b.lua == nil):
		c.exit(p, e, false, "functions are compared")
		return nil, nil
	case a.lua != nil || b.lua != nil:
		same = a.lua == b.lua
	default:
		same = a.name == b.name
	}
	if same {
		return []*path{p}, nil
	}
	return nil, []*path{p}
}

// length is that of a string, in bytes.
func (v value) length() int64 {
	switch {
	case v.kind == isAddress:
		return 16
	case v.known:
		return int64(len(v.text))
	}
	return v.n
}

// equalText compares two strings of one length, which are known or in
// registers.
func (c *compiler) equalText(p *path, a, b value) (yes, no []*path) {
	if a.known {
		a, b = b, a
	}
	if a.known {
		if a.text == b.text {
			return []*path{p}, nil
		}
		return nil, []*path{p}
	}
	first, second := words(b.text)
	compare := func(p *path, a, b ir.Reg, imm int64) *path {
		y, n := c.branch(p, ir.EQ, a, b, imm)
		no = append(no, n)
		return y
	}
	if b.known {
		b.reg, b.reg2 = ir.None, ir.None
	}
	p = compare(p, a.reg, b.reg, first)
	if a.length() > 8 {
		p = compare(p, a.reg2, b.reg2, second)
	}
	return []*path{p}, no
}
