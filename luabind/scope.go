// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"github.com/yuin/gopher-lua/ast"

	"pvlua/analysis"
)

// scopes is what a chunk's names mean, and what may be a view.
type scopes struct {
	*analysis.Scopes
	declared map[string]*property      // what State.names has
	mayHold  map[*analysis.Symbol]bool // variables that may hold a view not noted as kept; see keep.go
}

// resolve works out the scopes of a chunk.
func resolve(chunk []ast.Stmt) *scopes {
	return &scopes{Scopes: analysis.Resolve(chunk), mayHold: make(map[*analysis.Symbol]bool)}
}

// localFunction gives the line of a function that is assigned to a local
// variable of a name, 0 if there is none.
func (sc *scopes) localFunction(name string) int {
	for _, sym := range sc.Symbols {
		if sym.Name != name {
			continue
		}
		for _, v := range sym.Values {
			if f, ok := v.(*ast.FunctionExpr); ok {
				return f.Line()
			}
		}
	}
	return 0
}

// isModule reports whether an expression is certain to be the module pv, which
// no script can assign.
func (sc *scopes) isModule(e ast.Expr) bool { return sc.IsModule(e, "pv") }
