// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"

	"pvlua/analysis"
)

// rewriter rewrites the syntax tree of one chunk, in place, as the package
// comment says.
type rewriter struct {
	*scopes
	s      *State
	script string
	fn     *analysis.Function // that it is in
	err    error

	marker      string // how the string constants begin that stand for Go values
	patches     []lua.LValue
	patchNumber map[string]int // in patches, by key
}

// newRewriter resolves the names of a chunk and makes a rewriter for it.
func newRewriter(s *State, script string, chunk []ast.Stmt) *rewriter {
	sc := resolve(chunk)
	s.lints.collect(s, chunk, sc) // which names are those of declared headers
	sc.declared = s.names
	sc.analyse()
	return &rewriter{
		scopes:      sc,
		s:           s,
		script:      script,
		fn:          sc.Chunk,
		marker:      chooseMarker(sc.Strings),
		patchNumber: make(map[string]int),
	}
}

// stmts rewrites a list of statements. Every statement becomes one or more.
func (r *rewriter) stmts(list []ast.Stmt) []ast.Stmt {
	out := make([]ast.Stmt, 0, len(list))
	for _, st := range list {
		out = r.stmt(out, st)
	}
	return out
}

// stmt rewrites st and appends the result to out.
func (r *rewriter) stmt(out []ast.Stmt, st ast.Stmt) []ast.Stmt {
	switch st := st.(type) {
	case *ast.AssignStmt:
		return append(out, r.assign(st))
	case *ast.LocalAssignStmt:
		return r.local(out, st)
	case *ast.FuncCallStmt:
		st.Expr = r.expr(st.Expr)
	case *ast.DoBlockStmt:
		st.Stmts = r.stmts(st.Stmts)
	case *ast.WhileStmt:
		st.Condition = r.expr(st.Condition)
		st.Stmts = r.stmts(st.Stmts)
	case *ast.RepeatStmt:
		st.Stmts = r.stmts(st.Stmts)
		st.Condition = r.expr(st.Condition)
	case *ast.IfStmt:
		st.Condition = r.expr(st.Condition)
		st.Then = r.stmts(st.Then)
		st.Else = r.stmts(st.Else)
	case *ast.NumberForStmt:
		st.Init = r.expr(st.Init)
		st.Limit = r.expr(st.Limit)
		if st.Step != nil {
			st.Step = r.expr(st.Step)
		}
		st.Stmts = r.stmts(st.Stmts)
	case *ast.GenericForStmt:
		return append(out, r.genericFor(st))
	case *ast.FuncDefStmt:
		return r.funcDef(out, st)
	case *ast.ReturnStmt:
		r.exprs(st.Exprs)
	}
	return append(out, st)
}

// local rewrites a declaration. A single function stays one, because
// gopher-lua then puts it in the scope of its own name.
func (r *rewriter) local(out []ast.Stmt, st *ast.LocalAssignStmt) []ast.Stmt {
	if len(st.Names) == 1 && len(st.Exprs) == 1 {
		if f, ok := st.Exprs[0].(*ast.FunctionExpr); ok {
			if r.mustKeepAll(f) {
				out = append(out, r.keepAll(st))
			}
			r.function(f)
			return append(out, st)
		}
	}
	if fused := r.fuseReads(st); fused != nil {
		st.Exprs = fused
	} else {
		r.exprs(st.Exprs)
	}
	return append(out, st)
}

// funcDef rewrites function a.b.c() and function a.b:c().
func (r *rewriter) funcDef(out []ast.Stmt, st *ast.FuncDefStmt) []ast.Stmt {
	if r.mustKeepAll(st.Func) {
		out = append(out, r.keepAll(st))
	}
	switch lhs := st.Name.Func.(type) {
	case nil:
		st.Name.Receiver = r.object(st.Name.Receiver)
	case *ast.AttrGetExpr:
		lhs.Object = r.object(lhs.Object)
	case *ast.IdentExpr:
		r.checkGlobal(lhs)
	}
	out = r.noteHandler(out, st.Name.Func, st)
	r.function(st.Func)
	return append(out, st)
}

// function rewrites the body of a function.
func (r *rewriter) function(f *ast.FunctionExpr) {
	outer := r.fn
	r.fn = r.Functions[f]
	f.Stmts = r.stmts(f.Stmts)
	r.fn = outer
}

// exprs rewrites the expressions of a list.
func (r *rewriter) exprs(list []ast.Expr) {
	for i, e := range list {
		list[i] = r.expr(e)
	}
}

// expr rewrites an expression. The result gives as many values as e does.
func (r *rewriter) expr(e ast.Expr) ast.Expr {
	switch e := e.(type) {
	case *ast.AttrGetExpr:
		return r.attr(e)
	case *ast.FunctionExpr:
		all := r.mustKeepAll(e)
		r.function(e)
		if all {
			return r.call(e, "keepAll", r.s.keepAll, true, e)
		}
	case *ast.TableExpr:
		r.table(e)
	case *ast.FuncCallExpr:
		r.callExpr(e)
	case *ast.LogicalOpExpr:
		e.Lhs, e.Rhs = r.expr(e.Lhs), r.expr(e.Rhs)
	case *ast.RelationalOpExpr:
		e.Lhs, e.Rhs = r.expr(e.Lhs), r.expr(e.Rhs)
	case *ast.ArithmeticOpExpr:
		e.Lhs, e.Rhs = r.expr(e.Lhs), r.expr(e.Rhs)
	case *ast.StringConcatOpExpr:
		return r.concat(e)
	case *ast.UnaryMinusOpExpr:
		e.Expr = r.expr(e.Expr)
	case *ast.UnaryNotOpExpr:
		e.Expr = r.expr(e.Expr)
	case *ast.UnaryLenOpExpr:
		e.Expr = r.expr(e.Expr)
		return r.call(e, "length", r.s.length, true, single(e.Expr))
	}
	return e
}

// table rewrites a table constructor: what goes into a table is kept.
func (r *rewriter) table(e *ast.TableExpr) {
	for i, f := range e.Fields {
		if f.Key != nil {
			f.Key = r.key(f.Key, true)
		}
		f.Value = r.keep(f.Value, f.Key != nil || i < len(e.Fields)-1)
	}
}

// concat rewrites a chain of .. operators to one call, which has bounds.
func (r *rewriter) concat(e *ast.StringConcatOpExpr) ast.Expr {
	var args []ast.Expr
	var last ast.Expr = e
	for {
		c, ok := last.(*ast.StringConcatOpExpr)
		if !ok {
			break
		}
		args = append(args, r.expr(c.Lhs))
		last = c.Rhs
	}
	args = append(args, single(r.expr(last)))
	return r.call(e, "concat", r.s.concat, true, args...)
}

// keep rewrites an expression whose value is about to be stored: if it may be a
// view, the result notes that it is kept. only says that the first value is
// all that is stored.
func (r *rewriter) keep(e ast.Expr, only bool) ast.Expr {
	if !r.mayView(e, r.fn) {
		return r.expr(e)
	}
	return r.kept(r.expr(e), only)
}

// object rewrites what an assignment indexes. gopher-lua takes the number of a
// constant there for that of a register.
func (r *rewriter) object(e ast.Expr) ast.Expr {
	e = r.expr(e)
	if _, ok := e.(ast.ConstExpr); ok {
		return r.kept(e, true)
	}
	return e
}

// key rewrites the key of an index operation, which may be one that stores.
func (r *rewriter) key(e ast.Expr, stores bool) ast.Expr {
	stores = stores && r.mayView(e, r.fn)
	e = r.expr(e)
	if c, ok := e.(*ast.StringExpr); stores || ok && strings.HasPrefix(c.Value, r.marker) {
		return r.kept(e, true)
	}
	return e
}

// kept wraps an expression that has been rewritten into a call of keep.
func (r *rewriter) kept(e ast.Expr, only bool) ast.Expr {
	return r.call(e, "keep", r.s.keep, only || !analysis.IsMulti(e), e)
}

// keepAll makes the statement that notes all views as kept.
func (r *rewriter) keepAll(at ast.PositionHolder) ast.Stmt {
	return r.callStmt(at, r.call(at, "keepAll", r.s.keepAll, false))
}

// call makes a call of a Go function. key names the function among all that
// the chunk uses. only says that the call gives one value.
func (r *rewriter) call(at ast.PositionHolder, key string, fn lua.LGFunction, only bool, args ...ast.Expr) *ast.FuncCallExpr {
	e := &ast.FuncCallExpr{
		Func: r.constant(at, key, func() lua.LValue { return r.s.L.NewFunction(fn) }),
		Args: args, AdjustRet: only,
	}
	e.SetLine(at.Line())
	e.SetLastLine(at.LastLine())
	return e
}

// callStmt makes a statement of a call.
func (r *rewriter) callStmt(at ast.PositionHolder, call *ast.FuncCallExpr) ast.Stmt {
	st := &ast.FuncCallStmt{Expr: call}
	st.SetLine(at.Line())
	st.SetLastLine(at.LastLine())
	return st
}

// single makes an expression give one value at the end of a list as well.
func single(e ast.Expr) ast.Expr {
	switch e := e.(type) {
	case *ast.FuncCallExpr:
		e.AdjustRet = true
	case *ast.Comma3Expr:
		e.AdjustRet = true
	}
	return e
}

// genericFor rewrites a for loop over an iterator. gopher-lua leaves the
// state and control values unset when fewer than three values are given, or
// when they come from a call that is not alone (its issue 514).
func (r *rewriter) genericFor(st *ast.GenericForStmt) ast.Stmt {
	r.exprs(st.Exprs)
	st.Stmts = r.stmts(st.Stmts)
	n := len(st.Exprs)
	switch {
	case n == 1 && analysis.IsMulti(st.Exprs[0]), n == 3 && !analysis.IsMulti(st.Exprs[2]):
		return st
	case n < 3 && !analysis.IsMulti(st.Exprs[n-1]):
		for len(st.Exprs) < 3 {
			e := &ast.NilExpr{}
			e.SetLine(st.Line())
			st.Exprs = append(st.Exprs, e)
		}
		return st
	}
	b := newBlock(st)
	st.Exprs = b.locals(st, []string{"(iterator)", "(state)", "(control)"}, st.Exprs)
	b.Stmts = append(b.Stmts, st)
	return b.DoBlockStmt
}

// block is a do block under construction.
type block struct{ *ast.DoBlockStmt }

func newBlock(at ast.PositionHolder) block {
	b := block{&ast.DoBlockStmt{}}
	b.SetLine(at.Line())
	b.SetLastLine(at.LastLine())
	return b
}

// locals adds a declaration and gives expressions for the variables. Their
// names are ones that no script can write.
func (b block) locals(at ast.PositionHolder, names []string, values []ast.Expr) []ast.Expr {
	st := &ast.LocalAssignStmt{Names: names, Exprs: values}
	st.SetLine(at.Line())
	b.Stmts = append(b.Stmts, st)
	ids := make([]ast.Expr, len(names))
	for i, name := range names {
		ids[i] = ident(at, name)
	}
	return ids
}

// ident makes an expression of a variable's name.
func ident(at ast.PositionHolder, name string) *ast.IdentExpr {
	id := &ast.IdentExpr{Value: name}
	id.SetLine(at.Line())
	return id
}
