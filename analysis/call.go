// SPDX-License-Identifier: GPL-3.0-or-later

package analysis

import (
	"github.com/yuin/gopher-lua/ast"
)

// Callee is a function that a local variable holds for its whole life, so that
// calls by the variable's name are certain to be calls of it.
type Callee struct {
	Sym   *Symbol
	Fn    *Function
	Calls []*ast.FuncCallExpr // by that name, in the order of the source
	// Escapes says that the name is used otherwise than in a call, so that
	// there may be other calls.
	Escapes bool
	// Recursive says that it calls itself by its name, or by way of others
	// that are called by theirs. One that is not recursive may still be called
	// while it runs by something unknown, if it escapes.
	Recursive bool
}

// calls is who calls whom, by names.
type calls struct {
	callees map[*Symbol]*Callee
	from    map[*Function][]*Callee // what a function's own statements call
}

// Callee gives the function that a call is certain to call, nil if that is not
// known: only functions of local variables that are assigned once are.
func (sc *Scopes) Callee(call *ast.FuncCallExpr) *Callee {
	id, ok := call.Func.(*ast.IdentExpr)
	if !ok {
		return nil
	}
	return sc.CalleeOf(sc.Uses[id])
}

// CalleeOf gives the function that a variable holds for its whole life, nil if
// it is not certain to be one. sym may be nil.
func (sc *Scopes) CalleeOf(sym *Symbol) *Callee {
	if sc.calls == nil {
		sc.findCalls()
	}
	return sc.calls.callees[sym]
}

// Inlinable reports whether a call can be replaced by the body of its callee,
// with the parameters as variables that are given the arguments in order (nil
// for those left out; those too many are worked out as well): the callee is
// certain, does not lead to itself, takes no "...", has no goto, and makes no
// functions. What remains for the caller to see to are its return statements,
// and that names in the body mean the same where it goes.
func (sc *Scopes) Inlinable(call *ast.FuncCallExpr) bool {
	c := sc.Callee(call)
	return c != nil && !c.Recursive && c.Fn.Takes(call)
}

// Takes reports whether a call of the function, which is known to be one, can be
// replaced by its body as Inlinable says. That it may lead to itself is not
// looked at.
func (fn *Function) Takes(call *ast.FuncCallExpr) bool {
	if fn.Expr == nil || fn.Expr.ParList.HasVargs || len(fn.Inner) > 0 || hasGoto(fn.Expr.Stmts) {
		return false
	}
	n := len(call.Args)
	return n == 0 || !IsMulti(call.Args[n-1]) || n > len(fn.Params)
}

// findCalls makes the call graph.
func (sc *Scopes) findCalls() {
	c := &calls{callees: make(map[*Symbol]*Callee), from: make(map[*Function][]*Callee)}
	sc.calls = c
	for _, sym := range sc.Symbols {
		if f, ok := sym.Initial().(*ast.FunctionExpr); ok {
			c.callees[sym] = &Callee{Sym: sym, Fn: sc.Functions[f]}
		}
	}
	called := make(map[*ast.IdentExpr]bool)
	note := func(fn *Function, e ast.Expr) {
		call, ok := e.(*ast.FuncCallExpr)
		if !ok {
			return
		}
		if id, ok := call.Func.(*ast.IdentExpr); ok {
			if callee := c.callees[sc.Uses[id]]; callee != nil {
				called[id] = true
				callee.Calls = append(callee.Calls, call)
				c.from[fn] = append(c.from[fn], callee)
			}
		}
	}
	sc.Walk(note)
	for id, sym := range sc.Uses {
		if callee := c.callees[sym]; callee != nil && !called[id] {
			callee.Escapes = true
		}
	}
	for _, callee := range c.callees {
		callee.Recursive = c.reaches(callee.Fn, callee, make(map[*Function]bool))
	}
}

// reaches reports whether function fn, or a function inside, calls target,
// directly or by way of others.
func (c *calls) reaches(fn *Function, target *Callee, seen map[*Function]bool) bool {
	if seen[fn] {
		return false
	}
	seen[fn] = true
	for _, callee := range c.from[fn] {
		if callee == target || c.reaches(callee.Fn, target, seen) {
			return true
		}
	}
	for _, inner := range fn.Inner {
		if c.reaches(inner, target, seen) {
			return true
		}
	}
	return false
}

// hasGoto reports whether there is a goto or a label in a function's statements.
func hasGoto(stmts []ast.Stmt) bool {
	found := false
	for _, st := range stmts {
		switch st.(type) {
		case *ast.GotoStmt, *ast.LabelStmt:
			return true
		}
		EachPart(st, func(ast.Expr) {}, func(block []ast.Stmt) { found = found || hasGoto(block) })
	}
	return found
}
