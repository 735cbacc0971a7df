// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"github.com/yuin/gopher-lua/ast"
)

// eachChild calls f with the expressions that e is made of, in the order of
// their evaluation. A function is made of none.
func eachChild(e ast.Expr, f func(ast.Expr)) {
	switch e := e.(type) {
	case *ast.AttrGetExpr:
		f(e.Object)
		f(e.Key)
	case *ast.TableExpr:
		for _, field := range e.Fields {
			if field.Key != nil {
				f(field.Key)
			}
			f(field.Value)
		}
	case *ast.FuncCallExpr:
		if e.Func != nil {
			f(e.Func)
		} else {
			f(e.Receiver)
		}
		for _, arg := range e.Args {
			f(arg)
		}
	case *ast.LogicalOpExpr:
		f(e.Lhs)
		f(e.Rhs)
	case *ast.RelationalOpExpr:
		f(e.Lhs)
		f(e.Rhs)
	case *ast.StringConcatOpExpr:
		f(e.Lhs)
		f(e.Rhs)
	case *ast.ArithmeticOpExpr:
		f(e.Lhs)
		f(e.Rhs)
	case *ast.UnaryMinusOpExpr:
		f(e.Expr)
	case *ast.UnaryNotOpExpr:
		f(e.Expr)
	case *ast.UnaryLenOpExpr:
		f(e.Expr)
	}
}

// isMulti reports whether an expression at the end of a list stands for all
// the values that it gives.
func isMulti(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.FuncCallExpr:
		return !e.AdjustRet
	case *ast.Comma3Expr:
		return !e.AdjustRet
	}
	return false
}
