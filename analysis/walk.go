// SPDX-License-Identifier: GPL-3.0-or-later

package analysis

import (
	"github.com/yuin/gopher-lua/ast"
)

// Walk calls f with every expression of the chunk, before those it is made of
// and in the order of the source, with the function that it stands in. The
// names that assignments and definitions of functions give values to are not
// among them, but what a left side such as a[i].b is made of is.
func (sc *Scopes) Walk(f func(*Function, ast.Expr)) {
	w := walker{sc, sc.Chunk, f}
	w.stmts(sc.body)
}

// WalkFunction is Walk for the body of one function of the chunk, functions
// inside included.
func (sc *Scopes) WalkFunction(fn *Function, f func(*Function, ast.Expr)) {
	w := walker{sc, fn, f}
	if fn.Expr == nil {
		w.stmts(sc.body)
		return
	}
	w.stmts(fn.Expr.Stmts)
}

// walker is a walk under way.
type walker struct {
	*Scopes
	fn *Function
	f  func(*Function, ast.Expr)
}

func (w *walker) stmts(list []ast.Stmt) {
	for _, st := range list {
		switch st := st.(type) {
		case *ast.AssignStmt:
			for _, lhs := range st.Lhs {
				w.target(lhs)
			}
			for _, e := range st.Rhs {
				w.expr(e)
			}
		case *ast.FuncDefStmt:
			if st.Name.Func == nil {
				w.expr(st.Name.Receiver)
			} else {
				w.target(st.Name.Func)
			}
			w.expr(st.Func)
		default:
			EachPart(st, w.expr, w.stmts)
		}
	}
}

// target walks what the left side of an assignment is made of.
func (w *walker) target(e ast.Expr) {
	if _, ok := e.(*ast.IdentExpr); !ok {
		EachChild(e, w.expr)
	}
}

func (w *walker) expr(e ast.Expr) {
	if e == nil {
		return
	}
	w.f(w.fn, e)
	if f, ok := e.(*ast.FunctionExpr); ok {
		outer := w.fn
		w.fn = w.Functions[f]
		w.stmts(f.Stmts)
		w.fn = outer
		return
	}
	EachChild(e, w.expr)
}
