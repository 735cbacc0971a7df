// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"bytes"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"

	"pvlua/analysis"
)

// compare makes the value of a comparison; false if that is not simple.
func (b *builder) compare(p *path, e *ast.RelationalOpExpr) (v value, ok bool) {
	x, y := b.expr(p, e.Lhs), b.expr(p, e.Rhs)
	if !x.valid() || !y.valid() {
		return value{}, false
	}
	var cond func(*pass) bool
	switch e.Operator {
	case "==":
		cond = equal(x, y)
	case "~=":
		if same := equal(x, y); same != nil {
			cond = func(c *pass) bool { return !same(c) }
		}
	default:
		cond = ordered(e.Operator, x, y)
	}
	if cond == nil {
		return value{}, false
	}
	return boolValue(cond), true
}

// equal makes the condition x == y, nil if that is not simple.
func equal(x, y value) func(*pass) bool {
	if x.constant != nil || x.isNumber() && y.form == formAny {
		x, y = y, x
	}
	if x.form == formHeader || x.form == formPacket {
		return headerEqual(x, y)
	}
	if y.form == formHeader || y.form == formPacket {
		return headerEqual(y, x)
	}
	if !x.plain() || !y.plain() {
		return nil
	}
	both := func(f form) bool { return x.form == f && y.form == f && !x.optional && !y.optional }
	switch {
	case both(formNumber) && y.constant != nil:
		k := y.n(nil)
		return func(c *pass) bool { return x.n(c) == k }
	case both(formNumber):
		return func(c *pass) bool { return x.n(c) == y.n(c) }
	case x.isNumber() && y.isNumber():
		return func(c *pass) bool { return x.x(c) == y.x(c) }
	case both(formBytes):
		return func(c *pass) bool { return bytes.Equal(x.bytes(c), y.bytes(c)) }
	case both(formPort):
		return func(c *pass) bool { return x.port(c) == y.port(c) }
	case x.form == formAny && y.isNumber():
		return func(c *pass) bool {
			n, ok := x.any(c).(lua.LNumber)
			return float64(n) == y.x(c) && ok
		}
	}
	return func(c *pass) bool { return c.same(x.any(c), y.any(c)) }
}

// headerEqual makes the condition header == y, where y is a value of another
// form: it holds if both are nil.
func headerEqual(header, y value) func(*pass) bool {
	switch {
	case y.any == nil:
		return nil
	case header.form == formPacket:
		return func(c *pass) bool { y.any(c); return false }
	}
	return func(c *pass) bool { v := y.any(c); return v == lua.LNil && !header.truth(c) }
}

// same reports whether two values are equal. It is bad to ask it of objects
// that may have a word in that.
func (c *pass) same(a, b lua.LValue) bool {
	if a == b {
		return true
	}
	switch a := a.(type) {
	case *lua.LTable:
		if b, ok := b.(*lua.LTable); ok && (a.Metatable != lua.LNil || b.Metatable != lua.LNil) {
			c.bad = true
		}
	case *lua.LUserData:
		if _, ok := b.(*lua.LUserData); ok && objectOf(a) == nil {
			c.bad = true
		}
	}
	return false
}

// ordered makes the conditions < and so on, nil if they are not simple.
func ordered(operator string, x, y value) func(*pass) bool {
	if x.x == nil || y.x == nil {
		return nil
	}
	if x.form == formNumber && y.form == formNumber {
		if y.constant != nil {
			return orderedConstant(operator, x, y.n(nil))
		}
		switch operator {
		case "<":
			return func(c *pass) bool { return x.n(c) < y.n(c) }
		case "<=":
			return func(c *pass) bool { return x.n(c) <= y.n(c) }
		case ">":
			return func(c *pass) bool { return x.n(c) > y.n(c) }
		}
		return func(c *pass) bool { return x.n(c) >= y.n(c) }
	}
	return func(c *pass) bool { a := x.x(c); return analysis.Compare(operator, a, y.x(c)) }
}

// orderedConstant makes them for a constant on the right.
func orderedConstant(operator string, x value, k uint64) func(*pass) bool {
	read := x.n
	switch operator {
	case "<":
		return func(c *pass) bool { return read(c) < k }
	case "<=":
		return func(c *pass) bool { return read(c) <= k }
	case ">":
		return func(c *pass) bool { return read(c) > k }
	}
	return func(c *pass) bool { return read(c) >= k }
}
