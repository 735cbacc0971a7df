// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"math"

	"github.com/yuin/gopher-lua/ast"

	"pvlua/analysis"
	"pvlua/luabind"
)

// positions number the places of a program in the order of its text. A
// variable is taken to be in use up to the last place that reads it, or, if a
// loop that it was not made in reads it, up to the end of the loop.
type positions struct {
	*analysis.Scopes
	next       int
	start, end map[ast.PositionHolder]int // of statements and expressions
	last       map[*analysis.Symbol]int   // the last use
	made       map[*analysis.Symbol]int
	order      map[*analysis.Symbol]int // in which they are declared
	used       []*analysis.Symbol       // in the order of the uses
	fn         *analysis.Function
}

// locate finds the positions of a program.
func locate(p *luabind.Program) *positions {
	w := &positions{
		Scopes: p.Scopes,
		start:  make(map[ast.PositionHolder]int), end: make(map[ast.PositionHolder]int),
		last: make(map[*analysis.Symbol]int), made: make(map[*analysis.Symbol]int), order: make(map[*analysis.Symbol]int),
		fn: p.Scopes.Chunk,
	}
	for i, sym := range p.Scopes.Symbols {
		w.order[sym] = i
	}
	w.stmts(p.Chunk)
	return w
}

// step counts one place.
func (w *positions) step() int {
	w.next++
	return w.next
}

func (w *positions) stmts(list []ast.Stmt) {
	for _, st := range list {
		w.stmt(st)
	}
}

func (w *positions) stmt(st ast.Stmt) {
	w.start[st] = w.step()
	before := len(w.used)
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
	case *ast.NumberForStmt:
		w.parts(st)
		w.made[w.Counters[st]] = w.start[st] + 1
	case *ast.GenericForStmt:
		w.parts(st)
		for _, sym := range w.Loops[st] {
			w.made[sym] = w.start[st] + 1
		}
	default:
		w.parts(st)
	}
	w.end[st] = w.step()
	switch st.(type) {
	case *ast.WhileStmt, *ast.RepeatStmt, *ast.NumberForStmt, *ast.GenericForStmt:
		for _, sym := range w.used[before:] {
			if w.made[sym] <= w.start[st] {
				w.last[sym] = max(w.last[sym], w.end[st])
			}
		}
	}
	if st, ok := st.(*ast.NumberForStmt); ok {
		w.last[w.Counters[st]] = w.end[st] // the loop itself uses it
	}
	if st, ok := st.(*ast.LocalAssignStmt); ok {
		for _, sym := range w.Declares[st] {
			w.made[sym] = w.start[st]
		}
	}
}

// parts numbers what a statement is made of.
func (w *positions) parts(st ast.Stmt) { analysis.EachPart(st, w.expr, w.stmts) }

// target numbers what the left side of an assignment is made of.
func (w *positions) target(e ast.Expr) {
	w.start[e] = w.step()
	if _, ok := e.(*ast.IdentExpr); !ok {
		analysis.EachChild(e, w.expr)
	}
	w.end[e] = w.step()
}

func (w *positions) expr(e ast.Expr) {
	if e == nil {
		return
	}
	w.start[e] = w.step()
	switch e := e.(type) {
	case *ast.IdentExpr:
		if sym := w.Uses[e]; sym != nil {
			w.last[sym] = max(w.last[sym], w.step())
			if sym.Fn != w.fn {
				w.last[sym] = math.MaxInt // whenever the function is called
			}
			w.used = append(w.used, sym)
		}
	case *ast.FunctionExpr:
		outer := w.fn
		w.fn = w.Functions[e]
		w.stmts(e.Stmts)
		w.fn = outer
	default:
		analysis.EachChild(e, w.expr)
	}
	w.end[e] = w.step()
}

// live reports whether the value of a variable still matters at a place of the
// function that is being lowered.
func (c *compiler) live(sym *analysis.Symbol, place int) bool {
	for i := len(c.calls) - 1; i >= 0; i-- {
		call := c.calls[i]
		if call.fn != sym.Fn {
			continue
		}
		if i < len(c.calls)-1 {
			place = c.calls[i+1].place
		}
		return c.where.last[sym] > place
	}
	return false
}
