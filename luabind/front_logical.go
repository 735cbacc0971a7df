// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"

	"pvlua/packet"
)

// logical makes the value of "and" and "or".
func (b *builder) logical(p *path, e *ast.LogicalOpExpr) value {
	x, y := b.expr(p, e.Lhs), b.expr(p, e.Rhs)
	if !x.valid() || !y.valid() {
		return value{}
	}
	and := e.Operator == "and"
	truth := func(c *pass) bool { return x.truth(c) || y.truth(c) }
	if and {
		truth = func(c *pass) bool { return x.truth(c) && y.truth(c) }
	}
	switch {
	case x.form == formHeader && y.form == formHeader && !and:
		return headerValue(append(append([]packet.HeaderID(nil), x.headers...), y.headers...)...)
	case x.form == formBool && y.form == formBool && !x.optional && !y.optional:
		return boolValue(truth)
	}
	if x.and != nil && !and {
		if v := choice(x.and, y); v.valid() {
			return v
		}
	}
	v := value{form: formTruth, truth: truth}
	if x.any != nil && y.any != nil || x.form == formHeader && and && y.any != nil {
		v = anyValue(func(c *pass) lua.LValue {
			switch {
			case x.truth(c) == and:
				return y.any(c)
			case x.any == nil: // a header, which is not there
				return lua.LNil
			}
			return x.any(c)
		})
		v.truth = truth
	}
	if and {
		v.and = &[2]value{x, y}
	}
	return v
}

// choice makes the value of cond and x or y, where x is never nil or false, and
// of the form of y; the zero value if it is not like that.
func choice(and *[2]value, y value) value {
	cond, x := and[0], and[1]
	if x.form != y.form || x.optional || y.optional {
		return value{}
	}
	switch x.form {
	case formNumber:
		return numberValue(func(c *pass) uint64 {
			if cond.truth(c) {
				return x.n(c)
			}
			return y.n(c)
		})
	case formPort:
		return portValue(func(c *pass) *port {
			if cond.truth(c) {
				return x.port(c)
			}
			return y.port(c)
		})
	}
	return value{}
}
