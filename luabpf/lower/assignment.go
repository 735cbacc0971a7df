// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"github.com/yuin/gopher-lua/ast"

	"pvlua/analysis"
)

// target is the left side of an assignment: a local variable, or object.key.
type target struct {
	at          ast.Expr
	sym         *analysis.Symbol
	object, key value
}

// assignment is an assignment to things that exist already. As in package
// luabind, the objects and keys on the left are worked out first, then the
// values, and then they are assigned from the last to the first.
func (c *compiler) assignment(p *path, st *ast.AssignStmt) (ps []*path) {
	var parts []ast.Expr
	for _, lhs := range st.Lhs {
		if attr, ok := lhs.(*ast.AttrGetExpr); ok {
			parts = append(parts, attr.Object, attr.Key)
		}
	}
	for _, left := range c.fixed(p, parts) {
		targets, reason, fault := c.targets(st.Lhs, left.values)
		if reason != "" {
			c.exit(left.path, st, fault && left.path.block != c.first, "%s", reason)
			continue
		}
		for _, right := range c.list(left.path, st.Rhs) {
			c.line = line(st)
			paths := []*path{right.path}
			for i := len(targets) - 1; i >= 0; i-- {
				v := nothing
				if i < len(right.values) {
					v = right.values[i]
				}
				paths = c.assignAll(paths, targets[i], v)
			}
			ps = append(ps, paths...)
		}
	}
	return ps
}

// fixed lowers expressions to one value each.
func (c *compiler) fixed(p *path, list []ast.Expr) []results {
	all := []results{{path: p}}
	for _, e := range list {
		var next []results
		for _, r := range all {
			for _, v := range c.expr(r.path, e) {
				next = append(next, results{v.path, append(r.values[:len(r.values):len(r.values)], v.value), e})
			}
		}
		all = next
	}
	return all
}

// targets makes the left sides of an assignment, or says why one of them can't
// be assigned here, and whether it is a fault of the script. parts are the
// objects and keys.
func (c *compiler) targets(lhs []ast.Expr, parts []value) (all []target, reason string, fault bool) {
	for _, e := range lhs {
		id, ok := e.(*ast.IdentExpr)
		if !ok {
			t := target{at: e, object: parts[0], key: parts[1]}
			parts = parts[2:]
			if reason = c.unassignable(t, e.(*ast.AttrGetExpr)); reason != "" {
				return nil, reason, !t.object.assignable()
			}
			all = append(all, t)
			continue
		}
		sym := c.program.Scopes.Uses[id]
		if sym == nil || sym.Fn == c.program.Scopes.Chunk {
			return nil, `assignment to "` + id.Value + `", which outlives the packet; use pv.counter or pv.map`, false
		}
		all = append(all, target{at: e, sym: sym})
	}
	return all, "", false
}

// assignable reports whether Lua can assign elements of a value.
func (v value) assignable() bool {
	return v.kind == isPacket || v.kind == isHeader || v.kind == isTable
}

// unassignable says why object.key can't be assigned.
func (c *compiler) unassignable(t target, e *ast.AttrGetExpr) string {
	_, named := t.key.asText()
	switch t.object.kind {
	case isPacket, isHeader:
		if !named {
			return "the name of a property is worked out at run time"
		}
		return ""
	case isTable:
		return "an element of table " + spelled(e.Object) + " is assigned, which outlives the packet; use pv.map"
	}
	return spelled(e.Object) + " is " + c.describe(t.object) + " here, of which nothing can be assigned"
}

// assignAll assigns a value to one thing on several paths.
func (c *compiler) assignAll(paths []*path, t target, v value) (ps []*path) {
	for _, p := range paths {
		if t.sym != nil {
			p.vars[t.sym] = v
			ps = append(ps, p)
			continue
		}
		ps = append(ps, c.assign(p, t.object, t.key.text, v, t.at)...)
	}
	return ps
}
