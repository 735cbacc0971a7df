// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"strconv"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
)

// libraries are the globals whose functions have names that properties have as
// well, such as string.len; they hold no objects of ours.
var libraries = map[string]bool{
	"_G": true, "bit32": true, "coroutine": true, "math": true, "os": true, "pv": true, "string": true, "table": true,
}

// attr rewrites an index operation: a member of pv becomes a constant, and
// reading a property becomes a call. Not to do so is never wrong, only slower.
func (r *rewriter) attr(e *ast.AttrGetExpr) ast.Expr {
	if c := r.module(e); c != nil {
		return c
	}
	p := r.property(e)
	what := r.what(e.Object)
	e.Object = r.expr(e.Object)
	if p == nil {
		e.Key = r.key(e.Key, false)
		return e
	}
	g := &getter{s: r.s, prop: p, what: what}
	return r.call(e, "get "+p.name+" of "+what, g.call, true, single(e.Object))
}

// callExpr rewrites a call. One of a method that objects of ours have becomes a
// call of a Go function, which spares two look-ups.
func (r *rewriter) callExpr(e *ast.FuncCallExpr) {
	if e.Func != nil {
		e.Func = r.expr(e.Func)
		r.exprs(e.Args)
		return
	}
	c := r.s.newCaller(e.Method, r.what(e.Receiver))
	e.Receiver = r.expr(e.Receiver)
	r.exprs(e.Args)
	if c == nil {
		return
	}
	e.Func = r.constant(e, "call "+c.name+" of "+c.what, func() lua.LValue { return r.s.L.NewFunction(c.call) })
	if len(e.Args) == 0 {
		single(e.Receiver)
	}
	e.Args = append([]ast.Expr{e.Receiver}, e.Args...)
	e.Receiver, e.Method = nil, ""
}

// property gives the property that an index operation may be about, nil if it
// is about none.
func (r *rewriter) property(e *ast.AttrGetExpr) *property {
	key, ok := e.Key.(*ast.StringExpr)
	if !ok || r.onlyTable(e.Object) {
		return nil
	}
	if id, ok := e.Object.(*ast.IdentExpr); ok && r.Uses[id] == nil && libraries[id.Value] {
		return nil
	}
	return r.s.property(key.Value)
}

// what names an expression that is indexed, for error messages: "local 'udp'".
// It is empty for one that has no name.
func (r *rewriter) what(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.IdentExpr:
		sym := r.Uses[e]
		switch {
		case sym == nil:
			return "global '" + e.Value + "'"
		case sym.Fn == r.fn:
			return "local '" + e.Value + "'"
		}
		return "upvalue '" + e.Value + "'"
	case *ast.AttrGetExpr:
		if key, ok := e.Key.(*ast.StringExpr); ok {
			return "field '" + key.Value + "'"
		}
	}
	return ""
}

// module gives the constant that a member of the module pv is, nil if e is not
// one for certain.
func (r *rewriter) module(e *ast.AttrGetExpr) ast.Expr {
	key, ok := e.Key.(*ast.StringExpr)
	if !ok || !r.isModule(e.Object) || r.Reads["setfenv"] {
		return nil
	}
	switch v := r.s.pv.RawGetString(key.Value).(type) {
	case lua.LNumber:
		n := &ast.NumberExpr{Value: strconv.FormatFloat(float64(v), 'g', -1, 64)}
		n.SetLine(e.Line())
		return n
	case *lua.LFunction, *lua.LTable:
		return r.constant(e, "pv."+key.Value, func() lua.LValue { return v })
	}
	return nil
}
