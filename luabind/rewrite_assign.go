// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"fmt"
	"strings"

	"github.com/yuin/gopher-lua/ast"

	"pvlua/analysis"
)

// assign rewrites an assignment to something that exists already.
func (r *rewriter) assign(st *ast.AssignStmt) ast.Stmt {
	properties := 0
	for _, lhs := range st.Lhs {
		switch lhs := lhs.(type) {
		case *ast.IdentExpr:
			r.checkGlobal(lhs)
		case *ast.AttrGetExpr:
			if r.property(lhs) != nil {
				properties++
			}
		}
	}
	if properties == len(st.Lhs) {
		return r.assignProperties(st)
	}
	if len(st.Lhs) > 1 {
		return r.assignByParts(st)
	}
	if id, ok := st.Lhs[0].(*ast.IdentExpr); ok && r.isLocal(id) {
		return r.assignLocal(st)
	}
	return r.assignInPlace(st)
}

// isLocal reports whether a name is a local variable of the function at hand.
func (r *rewriter) isLocal(id *ast.IdentExpr) bool {
	sym := r.Uses[id]
	return sym != nil && sym.Fn == r.fn
}

// assignProperties rewrites a.b, c.d = x, y to a call that takes the objects
// and the values: setter(a, c, x, y).
func (r *rewriter) assignProperties(st *ast.AssignStmt) ast.Stmt {
	if call := r.fuseCopies(st); call != nil {
		return r.callStmt(st, call)
	}
	a := &setter{s: r.s}
	var args []ast.Expr
	for _, lhs := range st.Lhs {
		lhs := lhs.(*ast.AttrGetExpr)
		a.props = append(a.props, r.property(lhs))
		a.whats = append(a.whats, r.what(lhs.Object))
		args = append(args, r.expr(lhs.Object))
	}
	r.exprs(st.Rhs)
	args = append(args, st.Rhs...)
	return r.callStmt(st, r.call(st, a.key(), a.call, false, args...))
}

// key names the setter among all Go values of a chunk.
func (a *setter) key() string {
	var b strings.Builder
	b.WriteString("set")
	for i, p := range a.props {
		fmt.Fprintf(&b, " %s of %s", p.name, a.whats[i])
	}
	return b.String()
}

// assignLocal rewrites an assignment to one local variable. gopher-lua works
// out "and" and "or" in the variable itself, although they may use it: it
// makes 10 of v = (9 or 2) and v+1 when v is 3. And a call cut to one value, as
// in v = (f()), it works out in the registers from v on when v is the last
// parameter; so such a call must not be cut.
func (r *rewriter) assignLocal(st *ast.AssignStmt) ast.Stmt {
	_, logical := st.Rhs[0].(*ast.LogicalOpExpr)
	r.exprs(st.Rhs)
	call, isCall := st.Rhs[0].(*ast.FuncCallExpr)
	switch {
	case isCall && len(st.Rhs) == 1:
		call.AdjustRet = false
		return st
	case isCall, logical:
		b := newBlock(st)
		value := b.locals(st, []string{"(value)"}, st.Rhs)
		b.Stmts = append(b.Stmts, assignOne(st, st.Lhs[0], value[0]))
		return b.DoBlockStmt
	}
	return st
}

// assignInPlace rewrites an assignment to one global, variable of an outer
// function, or element of a table, where the value is kept.
func (r *rewriter) assignInPlace(st *ast.AssignStmt) ast.Stmt {
	if lhs, ok := st.Lhs[0].(*ast.AttrGetExpr); ok {
		lhs.Object = r.object(lhs.Object)
		lhs.Key = r.key(lhs.Key, true)
	}
	if lhs, ok := st.Lhs[0].(*ast.AttrGetExpr); ok && isNil(st.Rhs) && !r.isHandlerName(lhs) {
		return r.callStmt(st, r.call(st, "remove", r.s.remove, false, lhs.Object, single(lhs.Key)))
	}
	for i, e := range st.Rhs {
		st.Rhs[i] = r.keep(e, i < len(st.Rhs)-1)
	}
	if !r.isHandlerName(st.Lhs[0]) {
		return st
	}
	b := newBlock(st)
	b.Stmts = append(b.Stmts, r.handlerNote(st), st)
	return b.DoBlockStmt
}

// isNil reports whether an assignment has nothing but nil on its right side.
func isNil(rhs []ast.Expr) bool {
	_, ok := rhs[0].(*ast.NilExpr)
	return ok && len(rhs) == 1
}

// assignByParts rewrites an assignment to several things:
//
//	do
//	  local objects and keys
//	  local values
//	  assignments from last to first
//	end
//
// gopher-lua assigns to local variables before it has worked out all values, so
// that a, b = b, a gives a and b the same one; and when elements of tables are
// assigned together with variables, it takes values from the wrong registers
// (its issues 315 and 440).
func (r *rewriter) assignByParts(st *ast.AssignStmt) ast.Stmt {
	b := newBlock(st)
	var names []string
	var parts []ast.Expr
	for i, lhs := range st.Lhs {
		lhs, ok := lhs.(*ast.AttrGetExpr)
		if !ok {
			continue
		}
		names = append(names, fmt.Sprintf("(object %d)", i+1))
		parts = append(parts, r.expr(lhs.Object))
		if _, ok := lhs.Key.(*ast.StringExpr); !ok {
			names = append(names, fmt.Sprintf("(key %d)", i+1))
			parts = append(parts, r.key(lhs.Key, true))
		}
	}
	if len(parts) > 0 {
		parts = b.locals(st, names, parts)
	}
	may := r.valuesMayView(st)
	names = nil
	for i := range st.Lhs {
		names = append(names, fmt.Sprintf("(value %d)", i+1))
	}
	r.exprs(st.Rhs)
	values := b.locals(st, names, st.Rhs)

	for i := len(st.Lhs) - 1; i >= 0; i-- {
		value := values[i]
		switch lhs := st.Lhs[i].(type) {
		case *ast.IdentExpr:
			if may[i] && !r.isLocal(lhs) {
				value = r.kept(value, true)
			}
			b.Stmts = append(b.Stmts, assignOne(st, lhs, value))
		case *ast.AttrGetExpr:
			key := lhs.Key
			if _, ok := key.(*ast.StringExpr); !ok {
				key, parts = parts[len(parts)-1], parts[:len(parts)-1]
			}
			var object ast.Expr
			object, parts = parts[len(parts)-1], parts[:len(parts)-1]
			if p := r.property(lhs); p != nil {
				a := &setter{s: r.s, props: []*property{p}, whats: []string{r.what(lhs.Object)}}
				b.Stmts = append(b.Stmts, r.callStmt(st, r.call(st, a.key(), a.call, false, object, value)))
				continue
			}
			if may[i] {
				value = r.kept(value, true)
			}
			element := &ast.AttrGetExpr{Object: object, Key: key}
			element.SetLine(lhs.Line())
			b.Stmts = append(b.Stmts, assignOne(st, element, value))
		}
		if r.isHandlerName(st.Lhs[i]) {
			b.Stmts = append(b.Stmts, r.handlerNote(st))
		}
	}
	return b.DoBlockStmt
}

// valuesMayView says for each left side whether what it gets may be a view.
func (r *rewriter) valuesMayView(st *ast.AssignStmt) []bool {
	may := make([]bool, len(st.Lhs))
	for i := range may {
		last := len(st.Rhs) - 1
		may[i] = i <= last && r.mayView(st.Rhs[i], r.fn) || i > last && analysis.IsMulti(st.Rhs[last])
	}
	return may
}

// assignOne makes an assignment of one value.
func assignOne(at ast.PositionHolder, lhs, value ast.Expr) ast.Stmt {
	st := &ast.AssignStmt{Lhs: []ast.Expr{lhs}, Rhs: []ast.Expr{value}}
	st.SetLine(at.Line())
	st.SetLastLine(at.LastLine())
	return st
}

// isHandlerName reports whether a left side is the global on_packet, or may be
// it by another way.
func (r *rewriter) isHandlerName(lhs ast.Expr) bool {
	switch lhs := lhs.(type) {
	case *ast.IdentExpr:
		return lhs.Value == "on_packet" && r.Uses[lhs] == nil
	case *ast.AttrGetExpr:
		key, ok := lhs.Key.(*ast.StringExpr)
		return ok && key.Value == "on_packet"
	}
	return false
}

// handlerNote makes the statement that notes a new on_packet.
func (r *rewriter) handlerNote(at ast.PositionHolder) ast.Stmt {
	return r.callStmt(at, r.call(at, "newHandler", r.s.noteHandler, false))
}

// noteHandler puts that statement before a function definition if it may be
// one of on_packet.
func (r *rewriter) noteHandler(out []ast.Stmt, lhs ast.Expr, st ast.Stmt) []ast.Stmt {
	if lhs != nil && r.isHandlerName(lhs) {
		out = append(out, r.handlerNote(st))
	}
	return out
}

// checkGlobal refuses assignments to the global pv.
func (r *rewriter) checkGlobal(id *ast.IdentExpr) {
	if id.Value == "pv" && r.Uses[id] == nil && r.err == nil {
		r.err = &ScriptError{Script: r.script, Line: id.Line(), Msg: `the global pv is pvlua's module and can't be assigned; write local pv = require "pv"`}
	}
}
