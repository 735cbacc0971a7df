// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"fmt"

	"github.com/yuin/gopher-lua/ast"

	"pvlua/analysis"
)

// Warning is something in a script that is allowed but probably not meant.
type Warning struct {
	Script string // the file, as in ScriptError
	Line   int    // from 1
	Msg    string
}

// String gives "scripts/echo.lua:12: message".
func (w Warning) String() string { return fmt.Sprintf("%s:%d: %s", w.Script, w.Line, w.Msg) }

// linter looks through a chunk before it is rewritten. It refuses misspelt
// names of headers, fields, methods, members of pv, library functions and
// callbacks where it is certain what they are names of; elsewhere they are
// errors when they are first used. It collects warnings about globals.
type linter struct {
	*scopes
	s      *State
	script string
	fn     *analysis.Function // that it is in
	guard  int                // how many functions around are called by pcall
	err    *ScriptError

	main    bool // the chunk is the script, not a module
	foreign bool // it requires modules that are no libraries
	shapes  map[*analysis.Symbol]*shapeOf
	callers map[*analysis.Symbol]*callers
	args    map[*analysis.Symbol]parameter
	items   map[*analysis.Symbol]*ast.GenericForStmt // the second variables of loops
	packets map[*ast.FunctionExpr]bool               // functions that get a packet first
	tested  map[string]bool                          // members of libraries that the chunk asks for without calling
	outside map[string]int                           // globals that it assigns outside of functions, with the line
	lines   map[*analysis.Symbol]int                 // where local variables are declared
	names   map[*ast.FunctionExpr]*analysis.Symbol   // local functions by what they are
	judged  map[string]bool                          // globals that it has judged
}

// lint checks a chunk. The error is a *ScriptError. It must run before the
// chunk is rewritten.
func (s *State) lint(script string, chunk []ast.Stmt, sc *scopes) error {
	if sc.Reads["setfenv"] || sc.Reads["getfenv"] {
		return nil // then no name is certain to be what it looks like
	}
	l := &linter{
		scopes: sc, s: s, script: script, fn: sc.Chunk, main: script == s.cfg.Script,
		shapes:  make(map[*analysis.Symbol]*shapeOf),
		callers: make(map[*analysis.Symbol]*callers),
		args:    make(map[*analysis.Symbol]parameter),
		items:   make(map[*analysis.Symbol]*ast.GenericForStmt),
		packets: make(map[*ast.FunctionExpr]bool),
		tested:  make(map[string]bool),
		outside: make(map[string]int),
		lines:   make(map[*analysis.Symbol]int),
		judged:  make(map[string]bool),
	}
	l.foreign = s.lints.collect(s, chunk, sc)
	l.survey(chunk)
	l.stmts(chunk)
	if l.err != nil {
		return l.err
	}
	return nil
}

// refuse makes the error of the chunk, the first one that is found, unless
// pcall would catch it: a script may ask in that way what there is.
func (l *linter) refuse(at ast.PositionHolder, msg string) {
	if l.err == nil && l.guard == 0 {
		l.err = &ScriptError{Script: l.script, Line: at.Line(), Msg: msg}
	}
}

func (l *linter) stmts(list []ast.Stmt) {
	for _, st := range list {
		l.stmt(st)
	}
}

// stmt checks a statement and all that is in it, in the order of the source.
func (l *linter) stmt(st ast.Stmt) {
	switch st := st.(type) {
	case *ast.AssignStmt:
		for i, lhs := range st.Lhs {
			id, ok := lhs.(*ast.IdentExpr)
			if !ok {
				l.assigned(lhs.(*ast.AttrGetExpr))
				continue
			}
			l.assignsGlobal(id)
			if i < len(st.Rhs) {
				if f, ok := st.Rhs[i].(*ast.FunctionExpr); ok {
					l.defines(id, f)
				}
			}
		}
		l.exprs(st.Rhs)
	case *ast.FuncDefStmt:
		switch name := st.Name.Func.(type) {
		case nil:
			l.expr(st.Name.Receiver)
		case *ast.IdentExpr:
			l.assignsGlobal(name)
			l.defines(name, st.Func)
		default:
			l.assigned(name.(*ast.AttrGetExpr))
		}
		l.expr(st.Func)
	default:
		analysis.EachPart(st, l.expr, l.stmts)
	}
}

func (l *linter) exprs(list []ast.Expr) {
	for _, e := range list {
		l.expr(e)
	}
}

// expr checks an expression and all that is in it.
func (l *linter) expr(e ast.Expr) {
	switch e := e.(type) {
	case nil:
	case *ast.IdentExpr:
		l.readsGlobal(e)
	case *ast.FunctionExpr:
		outer := l.fn
		l.fn = l.Functions[e]
		l.stmts(e.Stmts)
		l.fn = outer
	case *ast.FuncCallExpr:
		l.call(e)
	case *ast.AttrGetExpr:
		l.member(e)
		analysis.EachChild(e, l.expr)
	default:
		analysis.EachChild(e, l.expr)
	}
}

// assigned checks the left side of an assignment.
func (l *linter) assigned(e *ast.AttrGetExpr) {
	if !l.isModule(e.Object) { // which is read-only altogether
		l.member(e)
	}
	analysis.EachChild(e, l.expr)
}

// call checks a call and its parts.
func (l *linter) call(e *ast.FuncCallExpr) {
	if e.Func == nil {
		l.method(e)
	} else if attr, ok := e.Func.(*ast.AttrGetExpr); ok {
		l.libraryCall(attr)
		l.options(e)
	}
	guards := l.isProtected(e)
	if guards {
		l.guard++
	}
	analysis.EachChild(e, l.expr)
	if guards {
		l.guard--
	}
}

// isProtected reports whether a call is one of pcall or xpcall.
func (l *linter) isProtected(e *ast.FuncCallExpr) bool {
	id, ok := e.Func.(*ast.IdentExpr)
	return ok && l.Uses[id] == nil && (id.Value == "pcall" || id.Value == "xpcall")
}
