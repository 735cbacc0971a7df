// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"github.com/yuin/gopher-lua/ast"

	lua "github.com/yuin/gopher-lua"

	"pvlua/analysis"
)

// lints is what the checks of a state's script and modules share.
type lints struct {
	protocols map[string]bool // headers that they declare
	anyName   bool            // they may declare others
	scanned   map[string]bool // modules that have been looked through
	loaded    bool            // the script's main chunk has run
	doubts    []doubt
	warnings  []Warning
}

// mayDeclare reports whether the script or a module may declare a header of
// this name.
func (ls *lints) mayDeclare(name string) bool { return ls.anyName || ls.protocols[name] }

// collect takes the names of the protocols that a chunk declares, and those of
// the modules that it requires, which are not loaded yet. It reports whether
// there are modules that are no libraries.
func (ls *lints) collect(s *State, chunk []ast.Stmt, sc *scopes) (foreign bool) {
	c := &collector{scopes: sc, s: s, lints: ls}
	c.stmts(chunk)
	return c.foreign
}

// collector walks a chunk for collect. It takes every call of something.proto
// for a declaration, so it may find too many names but not too few.
type collector struct {
	*scopes
	*lints
	s       *State
	foreign bool
}

func (c *collector) stmts(list []ast.Stmt) {
	for _, st := range list {
		switch st := st.(type) {
		case *ast.AssignStmt:
			for _, e := range st.Lhs {
				c.expr(e)
			}
			for _, e := range st.Rhs {
				c.expr(e)
			}
		case *ast.FuncDefStmt:
			c.expr(st.Func)
		default:
			analysis.EachPart(st, c.expr, c.stmts)
		}
	}
}

func (c *collector) expr(e ast.Expr) {
	switch e := e.(type) {
	case nil:
	case *ast.FunctionExpr:
		c.stmts(e.Stmts)
	case *ast.FuncCallExpr:
		c.call(e)
	case *ast.AttrGetExpr:
		if c.isModule(e.Object) && isString(e.Key, "proto") {
			c.anyName = true // not called here but perhaps elsewhere
		}
		analysis.EachChild(e, c.expr)
	case *ast.IdentExpr:
		if e.Value == "require" && c.Uses[e] == nil {
			c.foreign, c.anyName = true, true // as in pcall(require, name)
		}
	default:
		analysis.EachChild(e, c.expr)
	}
}

// call looks at a call and its parts.
func (c *collector) call(e *ast.FuncCallExpr) {
	switch callee := e.Func.(type) {
	case *ast.AttrGetExpr:
		if isString(callee.Key, "proto") {
			c.declaration(e)
			c.expr(callee.Object)
		} else {
			c.expr(callee)
		}
	case *ast.IdentExpr:
		if callee.Value == "require" && c.Uses[callee] == nil {
			c.require(e)
		}
	case nil:
		c.expr(e.Receiver)
	default:
		c.expr(callee)
	}
	for _, arg := range e.Args {
		c.expr(arg)
	}
}

// declaration takes the name in pv.proto{name = "myproto", ...}.
func (c *collector) declaration(e *ast.FuncCallExpr) {
	if len(e.Args) == 1 {
		if t, ok := e.Args[0].(*ast.TableExpr); ok {
			for _, f := range t.Fields {
				if name, ok := f.Value.(*ast.StringExpr); ok && f.Key != nil && isString(f.Key, "name") {
					c.protocols[name.Value] = true
					c.s.expectHeader(name.Value, t)
					return
				}
			}
		}
	}
	c.anyName = true
}

// require looks through the module in require "module".
func (c *collector) require(e *ast.FuncCallExpr) {
	var name string
	if len(e.Args) == 1 {
		if arg, ok := e.Args[0].(*ast.StringExpr); ok {
			name = arg.Value
		}
	}
	if name == "" {
		c.foreign, c.anyName = true, true
		return
	}
	if _, ok := c.s.modules.values[name]; ok && libraries[name] {
		return
	}
	c.foreign = true
	if c.scanned[name] || !validModule(name) {
		return
	}
	c.scanned[name] = true
	path, source, err := c.s.findModule(name)
	if err != nil {
		return // the script learns of it when it gets there
	}
	chunk, err := parseChunk(path, source)
	if err != nil {
		return
	}
	c.collect(c.s, chunk, resolve(chunk))
}

// newLints makes the empty one.
func newLints() *lints {
	return &lints{protocols: make(map[string]bool), scanned: make(map[string]bool)}
}

// settleDoubts makes warnings of the doubts that still hold now that the script
// has been loaded, and logs them.
func (s *State) settleDoubts() {
	ls := s.lints
	for _, d := range ls.doubts {
		if s.L.G.Global.RawGetString(d.global) != lua.LNil {
			continue
		}
		ls.warnings = append(ls.warnings, d.Warning)
		if s.cfg.Sources.first(d.Warning) {
			s.cfg.Log.Warn(d.String())
		}
	}
	ls.doubts = nil
}

// Warnings gives what Load, and require since then, found in the script and
// its modules that is allowed but probably not meant.
func (s *State) Warnings() []Warning { return s.lints.warnings }
