// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"fmt"
	"strings"

	"github.com/yuin/gopher-lua/ast"

	"pvlua/analysis"
)

// fusion collects the arguments of a call that stands for several accesses. It
// is only for expressions whose order makes no difference: an object that is
// used twice is one argument, and properties are read after all arguments.
type fusion struct {
	r    *rewriter
	args []ast.Expr
	of   map[*analysis.Symbol]int // the argument that a variable is, from 1
	key  strings.Builder          // names the function among all Go values of a chunk
}

func (r *rewriter) newFusion(what string) *fusion {
	f := &fusion{r: r, of: make(map[*analysis.Symbol]int)}
	f.key.WriteString(what)
	return f
}

// steady reports whether an expression is a variable that no function called
// in the midst of a statement can change.
func (r *rewriter) steady(e ast.Expr) bool {
	id, ok := e.(*ast.IdentExpr)
	if !ok {
		return false
	}
	sym := r.Uses[id]
	return sym != nil && (sym.Assigned == 0 || sym.Fn == r.fn && !sym.ChangedInside)
}

// readable reports whether an expression reads a property of a steady object.
func (r *rewriter) readable(e ast.Expr) bool {
	attr, ok := e.(*ast.AttrGetExpr)
	return ok && r.steady(attr.Object) && !r.isModule(attr.Object) && r.property(attr) != nil
}

// simple reports whether an expression is a constant or a steady variable.
func (r *rewriter) simple(e ast.Expr) bool {
	switch e.(type) {
	case *ast.NumberExpr, *ast.StringExpr, *ast.TrueExpr, *ast.FalseExpr, *ast.NilExpr:
		return true
	}
	return r.steady(e)
}

// arg adds an argument and gives its number. A steady variable is added once.
func (f *fusion) arg(e ast.Expr) int {
	var sym *analysis.Symbol
	if f.r.steady(e) {
		sym = f.r.Uses[e.(*ast.IdentExpr)]
		if n := f.of[sym]; n != 0 {
			return n
		}
	}
	f.args = append(f.args, e)
	if sym != nil {
		f.of[sym] = len(f.args)
	}
	return len(f.args)
}

// place adds the object of a property.
func (f *fusion) place(e *ast.AttrGetExpr) place {
	p := place{arg: f.arg(e.Object), prop: f.r.property(e), what: f.r.what(e.Object)}
	fmt.Fprintf(&f.key, " %s of %d %s", p.prop.name, p.arg, p.what)
	return p
}

// value adds a value that is readable or simple.
func (f *fusion) value(e ast.Expr) place {
	if attr, ok := e.(*ast.AttrGetExpr); ok {
		return f.place(attr)
	}
	p := place{arg: f.arg(e)}
	fmt.Fprintf(&f.key, " %d", p.arg)
	return p
}

// fuseReads rewrites the values of local a, b = x.p, y.q into one call, nil if
// they are not like that.
func (r *rewriter) fuseReads(st *ast.LocalAssignStmt) []ast.Expr {
	if len(st.Exprs) < 2 || len(st.Exprs) != len(st.Names) {
		return nil
	}
	for _, e := range st.Exprs {
		if !r.readable(e) {
			return nil
		}
	}
	f := r.newFusion("fetch")
	g := &fetcher{s: r.s}
	for _, e := range st.Exprs {
		g.places = append(g.places, f.place(e.(*ast.AttrGetExpr)))
	}
	return []ast.Expr{r.call(st, f.key.String(), g.call, false, f.args...)}
}

// fuseCopies rewrites an assignment to properties whose values are readable or
// simple into one call, nil if it is not like that.
func (r *rewriter) fuseCopies(st *ast.AssignStmt) *ast.FuncCallExpr {
	n := len(st.Lhs)
	if n > maxFused || len(st.Rhs) != n {
		return nil
	}
	for i := range n {
		if !r.steady(st.Lhs[i].(*ast.AttrGetExpr).Object) || !r.readable(st.Rhs[i]) && !r.simple(st.Rhs[i]) {
			return nil
		}
	}
	f := r.newFusion("copy")
	c := &copier{s: r.s}
	for i := range n {
		c.to = append(c.to, f.place(st.Lhs[i].(*ast.AttrGetExpr)))
	}
	f.key.WriteString(" from")
	for i := range n {
		c.from = append(c.from, f.value(st.Rhs[i]))
	}
	return r.call(st, f.key.String(), c.call, false, f.args...)
}
