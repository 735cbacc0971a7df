// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
)

// A call is followed into the function that its name stands for when the front
// is made. Where the name could come to stand for another one, a global above
// all, the front looks whether it still does.

// call makes the statements of a function of the script in the place of its
// call, or the call of a method that changes the packet; nil if it is not simple.
func (b *builder) call(p *path, call *ast.FuncCallExpr, ret result) stage {
	if call.Func == nil {
		return b.wholeCall(p, call, ret)
	}
	callee, still := b.callee(p, call)
	if callee == nil || len(call.Args) > len(callee.text.Params) {
		return nil
	}
	args := make([]value, len(call.Args))
	for i, e := range call.Args {
		if args[i] = b.expr(p, e); !args[i].bindable() {
			return nil
		}
	}
	caller := p
	back := func(p *path, values []value) stage {
		q := *p
		q.at, q.leave, q.places, q.loops = caller.at, caller.leave, caller.places, caller.loops
		return ret(&q, values)
	}
	q := *p
	q.at = callee
	made := b.bind(&q, callee.text.Params, args, func(p *path) stage {
		return b.stmts(p, callee.text.Expr.Stmts, back, func(p *path) stage { return back(p, nil) })
	})
	if still != nil {
		return &branch{still, made, giveUp{}}
	}
	return made
}

// callee gives the function of the script that a call calls, nil if it is none
// that can be followed; and the condition that it is still that one, nil if that
// is certain.
func (b *builder) callee(p *path, call *ast.FuncCallExpr) (in *instance, still func(*pass) bool) {
	id, ok := call.Func.(*ast.IdentExpr)
	if !ok {
		return nil, nil
	}
	var v lua.LValue
	sym := b.scopes.Uses[id]
	_, local := p.env[sym]
	if sym == nil {
		v = b.s.L.G.Global.RawGetString(id.Value)
	} else if uv := p.at.upvalue(sym); uv != nil && !local {
		v = uv.Value()
	}
	fn, ok := v.(*lua.LFunction)
	if !ok || fn.IsG {
		return nil, nil
	}
	text := b.program.Function(fn)
	if text == nil || !text.Takes(call) {
		return nil, nil
	}
	for around := p.at; around != nil; around = around.caller {
		if around.text == text {
			return nil, nil // it calls itself
		}
	}
	if b.left--; b.left < 0 {
		return nil, nil
	}
	b.code += len(fn.Proto.Code)
	if sym == nil || !sym.Fixed() {
		now := b.variable(p, id)
		still = func(c *pass) bool { return now.any(c) == v }
	}
	return &instance{fn: fn, text: text, caller: p.at}, still
}

// shortCall makes the value of a call of a function that consists of nothing
// but a return statement.
func (b *builder) shortCall(p *path, call *ast.FuncCallExpr) value {
	callee, still := b.callee(p, call)
	if callee == nil || len(callee.text.Expr.Stmts) != 1 || len(call.Args) != len(callee.text.Params) {
		return value{}
	}
	st, ok := callee.text.Expr.Stmts[0].(*ast.ReturnStmt)
	if !ok || len(st.Exprs) != 1 {
		return value{}
	}
	q := p.fork()
	q.at = callee
	for i, e := range call.Args {
		// An argument that has to be worked out is worked out once, before.
		v := b.expr(p, e)
		if !v.bindable() || v.constant == nil && v.form != formHeader && v.form != formPacket && !v.steady {
			return value{}
		}
		q.env[callee.text.Params[i]] = v
	}
	return b.expr(q, st.Exprs[0]).onlyIf(still)
}

// onlyIf makes a value that is bad unless a condition holds; nil is one that
// always does.
func (v value) onlyIf(cond func(*pass) bool) value {
	if cond == nil || !v.valid() {
		return v
	}
	check := func(c *pass) {
		if !cond(c) {
			c.bad = true
		}
	}
	var out value
	switch v.form {
	case formNumber:
		out = numberValue(func(c *pass) uint64 { check(c); return v.n(c) })
	case formFloat:
		out = floatValue(func(c *pass) float64 { check(c); return v.x(c) })
	case formBool:
		out = boolValue(func(c *pass) bool { check(c); return v.truth(c) })
	case formTruth:
		out = value{form: formTruth, truth: func(c *pass) bool { check(c); return v.truth(c) }}
	default:
		if !v.plain() {
			return value{}
		}
		out = anyValue(func(c *pass) lua.LValue { check(c); return v.any(c) })
	}
	if v.optional {
		return value{}
	}
	return out
}
