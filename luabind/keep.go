// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"github.com/yuin/gopher-lua/ast"

	"pvlua/analysis"
)

// The objects that show the packet in hand and its headers are used again for
// the next packet, unless the script kept one of them; then the kept ones are
// dead for ever and new ones are made. So every place where a value gets out of
// the registers of the functions that run must note views: values assigned to
// globals, to variables of outer functions and to table elements, keys
// included; and functions that capture variables.
//
// A value that is read from such a place has been noted when it was put
// there. Hence only some expressions can give a view that is not noted, and
// the analysis here finds them. By that argument the chunk itself, which runs
// outside of callbacks or with nothing but a module's name, has none at all.

// analyse works out scopes.mayHold: from "no" everywhere upwards, until
// nothing changes.
func (sc *scopes) analyse() {
	for _, sym := range sc.Symbols {
		sc.mayHold[sym] = sym.Unknown && sym.Fn.Outer != nil
	}
	for changed := true; changed; {
		changed = false
		for _, sym := range sc.Symbols {
			if sc.mayHold[sym] {
				continue
			}
			for _, v := range sym.Values {
				if sc.mayView(v, sym.Fn) {
					sc.mayHold[sym], changed = true, true
					break
				}
			}
		}
	}
}

// mayView reports whether an expression in function fn may give a view that is
// not noted as kept.
func (sc *scopes) mayView(e ast.Expr, fn *analysis.Function) bool {
	if fn.Outer == nil {
		return false
	}
	switch e := e.(type) {
	case *ast.IdentExpr:
		sym := sc.Uses[e]
		return sym != nil && sym.Fn == fn && sc.mayHold[sym]
	case *ast.Comma3Expr, *ast.FuncCallExpr:
		return true
	case *ast.AttrGetExpr:
		if key, ok := e.Key.(*ast.StringExpr); ok {
			p := sc.declared[key.Value]
			return isHeaderName(key.Value) || p != nil && p.header
		}
		// An __index function may give its own arguments back.
		return sc.mayView(e.Object, fn) || sc.mayView(e.Key, fn)
	case *ast.LogicalOpExpr:
		// What "and" gives of its left side is nil or false.
		return sc.mayView(e.Rhs, fn) || e.Operator == "or" && sc.mayView(e.Lhs, fn)
	case *ast.ArithmeticOpExpr:
		return sc.operatorMayView(e.Lhs, e.Rhs, fn)
	case *ast.StringConcatOpExpr:
		return sc.operatorMayView(e.Lhs, e.Rhs, fn)
	}
	// Constants, tables, functions, booleans; and the operators of one
	// operand, which views do not have.
	return false
}

// operatorMayView is mayView for an operator of two operands: the metamethod
// of a table may give its other operand back.
func (sc *scopes) operatorMayView(a, b ast.Expr, fn *analysis.Function) bool {
	return sc.mayView(a, fn) && mayBeTable(b) || mayBeTable(a) && sc.mayView(b, fn)
}

// mayBeTable reports whether an expression may give a table.
func mayBeTable(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.NumberExpr, *ast.StringExpr, *ast.NilExpr, *ast.TrueExpr, *ast.FalseExpr,
		*ast.RelationalOpExpr, *ast.UnaryNotOpExpr, *ast.FunctionExpr:
		return false
	case *ast.ArithmeticOpExpr:
		return mayBeTable(e.Lhs) || mayBeTable(e.Rhs)
	case *ast.StringConcatOpExpr:
		return mayBeTable(e.Lhs) || mayBeTable(e.Rhs)
	}
	return true
}

// mustKeepAll reports whether making function f, in whose scope it stands,
// must note all views: whether it captures a variable that may hold one.
func (sc *scopes) mustKeepAll(f *ast.FunctionExpr) bool {
	for sym := range sc.Functions[f].Free {
		if sc.mayHold[sym] {
			return true
		}
	}
	return false
}

// onlyTable reports whether an expression is a local variable that holds
// nothing but tables made in its function, so that it is no object of ours.
func (sc *scopes) onlyTable(e ast.Expr) bool {
	id, ok := e.(*ast.IdentExpr)
	if !ok {
		return false
	}
	sym := sc.Uses[id]
	if sym == nil || sym.Unknown || len(sym.Values) == 0 || sym.Assigned != len(sym.Values)-1 {
		return false
	}
	for _, v := range sym.Values {
		if _, ok := v.(*ast.TableExpr); !ok {
			return false
		}
	}
	return true
}
