// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"github.com/yuin/gopher-lua/ast"
)

// stmts lowers statements one after another, and gives the paths that come to
// their end.
func (c *compiler) stmts(ps []*path, list []ast.Stmt) []*path {
	for _, st := range list {
		if len(ps) == 0 {
			break // what follows is not reached
		}
		var next []*path
		for _, p := range ps {
			next = append(next, c.stmt(p, st)...)
		}
		ps = c.join(next, c.where.end[st])
	}
	return ps
}

func (c *compiler) stmt(p *path, st ast.Stmt) []*path {
	c.line = line(st)
	c.lines[st.Line()] = true
	switch st := st.(type) {
	case *ast.LocalAssignStmt:
		return c.local(p, st)
	case *ast.AssignStmt:
		return c.assignment(p, st)
	case *ast.FuncCallStmt:
		var ps []*path
		for _, r := range c.values(p, st.Expr, true) {
			ps = append(ps, r.path)
		}
		return ps
	case *ast.DoBlockStmt:
		return c.stmts([]*path{p}, st.Stmts)
	case *ast.IfStmt:
		return c.branches(p, st)
	case *ast.ReturnStmt:
		for _, r := range c.list(p, st.Exprs) {
			r.at = st
			c.top().returns = append(c.top().returns, r)
		}
		return nil
	case *ast.BreakStmt:
		loops := c.top().loops
		l := loops[len(loops)-1]
		l.breaks = append(l.breaks, p)
		return nil
	case *ast.NumberForStmt:
		return c.numberFor(p, st)
	case *ast.WhileStmt:
		return c.while(p, st)
	case *ast.RepeatStmt:
		return c.repeat(p, st)
	case *ast.GenericForStmt:
		return c.genericFor(p, st)
	case *ast.FuncDefStmt:
		c.exit(p, st, false, "a function is given a name that outlives the packet; write local function")
		return nil
	}
	c.exit(p, st, false, "goto needs Lua; write if, while or for")
	return nil
}

// local is a declaration. A single function is in the scope of its own name.
func (c *compiler) local(p *path, st *ast.LocalAssignStmt) (ps []*path) {
	for _, r := range c.list(p, st.Exprs) {
		for i, sym := range c.program.Scopes.Declares[st] {
			r.vars[sym] = nothing
			if i < len(r.values) {
				r.vars[sym] = r.values[i]
			}
		}
		ps = append(ps, r.path)
	}
	return ps
}

// branches is if. Paths join before a branch, so that it is lowered once.
func (c *compiler) branches(p *path, st *ast.IfStmt) []*path {
	yes, no := c.cond(p, st.Condition)
	ps := c.block(yes, st.Then, c.where.end[st.Condition])
	return append(ps, c.block(no, st.Else, c.where.end[st.Condition])...)
}

// block lowers statements after paths have joined at a place.
func (c *compiler) block(ps []*path, list []ast.Stmt, place int) []*path {
	if len(list) == 0 {
		return ps
	}
	return c.stmts(c.join(ps, place), list)
}
