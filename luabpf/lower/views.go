// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"github.com/yuin/gopher-lua/ast"

	"pvlua/analysis"
)

// views finds expressions that never give a table of the script's, so that an
// assignment to what they give, as in eth.dst = 5, changes none: the packet,
// and what is read from it, handed on by variables and to functions.
type views struct {
	*analysis.Scopes
	packet *analysis.Symbol // the parameter of on_packet; nil if the script may call that itself
	params map[*analysis.Symbol]param
	busy   map[*analysis.Symbol]bool
}

// param is a parameter of a function all of whose calls are known.
type param struct {
	callee *analysis.Callee
	index  int
}

func newViews(sc *analysis.Scopes, chunk []ast.Stmt, handler *ast.FunctionExpr) *views {
	v := &views{Scopes: sc, params: make(map[*analysis.Symbol]param), busy: make(map[*analysis.Symbol]bool)}
	for _, sym := range sc.Symbols {
		if callee := sc.CalleeOf(sym); callee != nil && !callee.Escapes && callee.Fn.Self == nil {
			for i, p := range callee.Fn.Params {
				v.params[p] = param{callee, i}
			}
		}
	}
	for _, st := range chunk {
		def, ok := st.(*ast.FuncDefStmt)
		if !ok || def.Func != handler || def.Name.Func == nil || sc.Reads["on_packet"] || len(handler.ParList.Names) == 0 {
			continue
		}
		// So it has no other name than the global one, which nobody reads.
		if id, ok := def.Name.Func.(*ast.IdentExpr); ok && sc.Uses[id] == nil {
			v.packet = sc.Functions[handler].Params[0]
		}
	}
	return v
}

// noTable reports whether an expression never gives a table.
func (v *views) noTable(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.NilExpr, *ast.TrueExpr, *ast.FalseExpr, *ast.NumberExpr, *ast.StringExpr, *ast.RelationalOpExpr, *ast.UnaryNotOpExpr:
		return true
	case *ast.IdentExpr:
		return v.variable(v.Uses[e])
	case *ast.AttrGetExpr:
		return v.noTable(e.Object) // what is read from a packet, a header or a port is none
	case *ast.FuncCallExpr:
		return e.Func == nil && v.noTable(e.Receiver)
	case *ast.LogicalOpExpr:
		return v.noTable(e.Lhs) && v.noTable(e.Rhs)
	}
	return false
}

// variable reports whether a variable never holds a table.
func (v *views) variable(sym *analysis.Symbol) bool {
	switch {
	case sym == nil || sym.ChangedInside || sym.Fn == v.Chunk:
		return false
	case v.busy[sym]:
		return true // unless another of its values is one
	}
	v.busy[sym] = true
	defer delete(v.busy, sym)
	for _, e := range sym.Values {
		if !v.noTable(e) {
			return false
		}
	}
	p, known := v.params[sym]
	switch {
	case !sym.Unknown || sym == v.packet:
		return true
	case !known:
		return false
	}
	for _, call := range p.callee.Calls {
		switch n := len(call.Args); {
		case p.index < n-1, p.index == n-1 && !analysis.IsMulti(call.Args[n-1]):
			if !v.noTable(call.Args[p.index]) {
				return false
			}
		case n > 0 && analysis.IsMulti(call.Args[n-1]):
			return false
		}
	}
	return true
}
