// SPDX-License-Identifier: GPL-3.0-or-later

package analysis

import (
	"github.com/yuin/gopher-lua/ast"
)

// IsModule reports whether an expression is certain to be a module of this
// name: the global, or a local variable that never holds anything but the
// global or what require gives for the name. It is for modules whose global can't
// be assigned. Programs with setfenv are not looked at.
func (sc *Scopes) IsModule(e ast.Expr, name string) bool {
	id, ok := e.(*ast.IdentExpr)
	if !ok {
		return false
	}
	sym := sc.Uses[id]
	if sym == nil {
		return id.Value == name
	}
	switch v := sym.Initial().(type) {
	case *ast.IdentExpr:
		return v.Value == name && sc.Uses[v] == nil
	case *ast.FuncCallExpr:
		return sc.isRequire(v, name)
	}
	return false
}

// isRequire reports whether a call is require of a module.
func (sc *Scopes) isRequire(call *ast.FuncCallExpr, name string) bool {
	id, ok := call.Func.(*ast.IdentExpr)
	if !ok || id.Value != "require" || sc.Uses[id] != nil || sc.Globals["require"] || len(call.Args) != 1 {
		return false
	}
	arg, ok := call.Args[0].(*ast.StringExpr)
	return ok && arg.Value == name
}

// Member parts the expression pv.name, where pv is certain to be the module of
// that name, and a call's callee likewise.
func (sc *Scopes) Member(e ast.Expr, module string) (name string, ok bool) {
	attr, ok := e.(*ast.AttrGetExpr)
	if !ok || !sc.IsModule(attr.Object, module) {
		return "", false
	}
	key, ok := attr.Key.(*ast.StringExpr)
	if !ok {
		return "", false
	}
	return key.Value, true
}
