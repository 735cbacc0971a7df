// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
)

// maxElements is how many rounds a loop over a constant table has at most.
const maxElements = 64

// genericFor is for ... in pairs(t) or ipairs(t) over a constant table. Its
// rounds are written out.
func (c *compiler) genericFor(p *path, st *ast.GenericForStmt) (ps []*path) {
	call, ok := st.Exprs[0].(*ast.FuncCallExpr)
	if len(st.Exprs) != 1 || !ok || call.Func == nil || len(call.Args) != 1 {
		c.exit(p, st, false, "a loop over something that is not a constant table; loops over numbers run in the kernel")
		return nil
	}
	for _, r := range c.fixed(p, []ast.Expr{call.Func, call.Args[0]}) {
		f, x := r.values[0], r.values[1]
		t, ok := x.lua.(*lua.LTable)
		if f.kind != isObject || f.name != "pairs" && f.name != "ipairs" || !ok || x.kind != isTable && x.name != "pv.ports" {
			c.exit(r.path, st, false, "a loop over something that is not a constant table; loops over numbers run in the kernel")
			continue
		}
		if x.kind == isTable {
			if !plain(t) {
				c.exit(r.path, st, false, "table %s has a metatable", x.name)
				continue
			}
			if line := c.effects.changedAny(t); line > 0 {
				c.changes(r.path, st, x.name, line)
				continue
			}
		}
		ps = append(ps, c.each(r.path, st, c.program.Members(t), f.name == "ipairs")...)
	}
	return ps
}

// each writes out the rounds of a loop over a table.
func (c *compiler) each(p *path, st *ast.GenericForStmt, t *lua.LTable, array bool) []*path {
	var list [][2]lua.LValue
	for k, i := lua.LValue(lua.LNil), 1; ; i++ {
		var v lua.LValue
		if array {
			k, v = lua.LNumber(i), t.RawGetInt(i)
		} else {
			k, v = t.Next(k)
		}
		if k == lua.LNil || v == lua.LNil {
			break
		}
		list = append(list, [2]lua.LValue{k, v})
	}
	if len(list) > maxElements {
		c.exit(p, st, false, "a loop over a table of %d elements, more than %d", len(list), maxElements)
		return nil
	}
	ps, breaks := c.inLoop(1, func() []*path {
		ps := []*path{p}
		for _, item := range list {
			for _, p := range ps {
				for i, sym := range c.program.Scopes.Loops[st] {
					p.vars[sym] = nothing
					if i < 2 {
						p.vars[sym] = c.constantValue(item[i], "")
					}
				}
			}
			ps = c.stmts(ps, st.Stmts)
		}
		return ps
	})
	return append(ps, breaks...)
}
