// SPDX-License-Identifier: GPL-3.0-or-later

package analysis

import (
	"github.com/yuin/gopher-lua/ast"
)

// EachChild calls f with the expressions that e is made of, in the order of
// their evaluation. A function is made of none.
func EachChild(e ast.Expr, f func(ast.Expr)) {
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

// IsMulti reports whether an expression at the end of a list stands for all
// the values that it gives.
func IsMulti(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.FuncCallExpr:
		return !e.AdjustRet
	case *ast.Comma3Expr:
		return !e.AdjustRet
	}
	return false
}

// EachPart calls f with the expressions of a statement that is neither an
// assignment nor the definition of a function with a name, and block with the
// blocks in it, in the order of the source.
func EachPart(st ast.Stmt, f func(ast.Expr), block func([]ast.Stmt)) {
	list := func(exprs []ast.Expr) {
		for _, e := range exprs {
			f(e)
		}
	}
	switch st := st.(type) {
	case *ast.LocalAssignStmt:
		list(st.Exprs)
	case *ast.FuncCallStmt:
		f(st.Expr)
	case *ast.DoBlockStmt:
		block(st.Stmts)
	case *ast.WhileStmt:
		f(st.Condition)
		block(st.Stmts)
	case *ast.RepeatStmt:
		block(st.Stmts)
		f(st.Condition)
	case *ast.IfStmt:
		f(st.Condition)
		block(st.Then)
		block(st.Else)
	case *ast.NumberForStmt:
		f(st.Init)
		f(st.Limit)
		if st.Step != nil {
			f(st.Step)
		}
		block(st.Stmts)
	case *ast.GenericForStmt:
		list(st.Exprs)
		block(st.Stmts)
	case *ast.ReturnStmt:
		list(st.Exprs)
	}
}
