// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"

	"pvlua/analysis"
	"pvlua/luabind"
)

// effects is what a script may change once it has been loaded: all else that
// it has then is constant. It is found without running anything: a function
// runs later unless it is certain to be called by the main chunk alone.
type effects struct {
	p     *luabind.Program
	later map[*analysis.Function]bool
	views *views

	// Each maps to a line that makes the change.
	handler   int // on_packet itself
	variables map[*analysis.Symbol]int
	globals   map[string]int
	tables    map[*lua.LTable]int // any element of it
	keys      map[lua.LValue]int  // this element of any table
	anything  int                 // any element of any table
	modules   int                 // other files, which may have any table
	libraries int                 // what the names of libraries mean
}

// findEffects finds the effects of a program.
func findEffects(p *luabind.Program) *effects {
	e := &effects{
		p: p, later: make(map[*analysis.Function]bool),
		variables: make(map[*analysis.Symbol]int), globals: make(map[string]int),
		tables: make(map[*lua.LTable]int), keys: make(map[lua.LValue]int),
	}
	e.views = newViews(p.Scopes, p.Chunk, p.Handler)
	e.findLater()
	e.function(p.Scopes.Chunk, p.Chunk)
	return e
}

// findLater finds the functions that may run after the script has been loaded.
func (e *effects) findLater() {
	sc := e.p.Scopes
	byName := make(map[*analysis.Function]*analysis.Callee)
	for _, sym := range sc.Symbols {
		if callee := sc.CalleeOf(sym); callee != nil && !callee.Escapes {
			byName[callee.Fn] = callee
		}
	}
	callers := make(map[*analysis.Function][]*analysis.Function)
	sc.Walk(func(fn *analysis.Function, x ast.Expr) {
		if call, ok := x.(*ast.FuncCallExpr); ok {
			if callee := sc.Callee(call); callee != nil {
				callers[callee.Fn] = append(callers[callee.Fn], fn)
			}
		}
	})
	for again := true; again; {
		again = false
		for _, fn := range sc.Chunk.All()[1:] {
			later := byName[fn] == nil
			for _, caller := range callers[fn] {
				later = later || e.later[caller]
			}
			if later && !e.later[fn] {
				e.later[fn], again = true, true
			}
		}
	}
}

// function notes the effects of a function's statements and of the functions
// inside.
func (e *effects) function(fn *analysis.Function, list []ast.Stmt) {
	for _, st := range list {
		e.stmt(fn, st)
	}
}

func (e *effects) stmt(fn *analysis.Function, st ast.Stmt) {
	expr := func(x ast.Expr) { e.expr(fn, x) }
	switch st := st.(type) {
	case *ast.AssignStmt:
		for _, lhs := range st.Lhs {
			e.assigns(fn, lhs)
			if _, ok := lhs.(*ast.AttrGetExpr); ok {
				analysis.EachChild(lhs, expr)
			}
		}
		for _, x := range st.Rhs {
			expr(x)
		}
	case *ast.FuncDefStmt:
		lhs := st.Name.Func
		if lhs == nil {
			lhs = &ast.AttrGetExpr{Object: st.Name.Receiver, Key: &ast.StringExpr{Value: st.Name.Method}}
			lhs.SetLine(st.Line())
		}
		e.assigns(fn, lhs)
		expr(st.Func)
	default:
		analysis.EachPart(st, expr, func(block []ast.Stmt) { e.function(fn, block) })
	}
}

// mutators are the library functions that change their first argument.
var mutators = map[string]bool{"table.insert": true, "table.remove": true, "table.sort": true, "rawset": true, "setmetatable": true}

func (e *effects) expr(fn *analysis.Function, x ast.Expr) {
	switch x := x.(type) {
	case nil:
		return
	case *ast.FunctionExpr:
		e.function(e.p.Scopes.Functions[x], x.Stmts)
		return
	case *ast.IdentExpr:
		if e.p.Scopes.Uses[x] == nil {
			switch x.Value {
			case "_G", "setfenv", "getfenv":
				e.anything, e.libraries = x.Line(), x.Line()
			case "rawset", "setmetatable", "table":
				e.anything = x.Line() // it may be called by another name
			}
		}
	case *ast.AttrGetExpr:
		if name := e.library(x); mutators[name] {
			e.anything = x.Line()
		} else if name != "" {
			return
		}
	case *ast.FuncCallExpr:
		name := e.library(x.Func)
		if id, ok := x.Func.(*ast.IdentExpr); ok && name == "require" {
			if arg, ok := x.Args[0].(*ast.StringExpr); len(x.Args) != 1 || !ok || arg.Value != "pv" {
				e.modules = id.Line()
			}
		}
		if mutators[name] && len(x.Args) > 0 {
			if e.later[fn] {
				e.changes(fn, x.Args[0], lua.LNil, x.Line())
			}
			for _, arg := range x.Args {
				e.expr(fn, arg)
			}
			return
		}
	}
	analysis.EachChild(x, func(x ast.Expr) { e.expr(fn, x) })
}

// library gives the name of a library function that an expression names.
func (e *effects) library(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.IdentExpr:
		if e.p.Scopes.Uses[x] == nil {
			return x.Value
		}
	case *ast.AttrGetExpr:
		id, ok := x.Object.(*ast.IdentExpr)
		key, named := x.Key.(*ast.StringExpr)
		if ok && named && e.p.Scopes.Uses[id] == nil && libraries[id.Value] {
			return id.Value + "." + key.Value
		}
	}
	return ""
}

// libraries are the tables of library functions.
var libraries = map[string]bool{"bit32": true, "math": true, "pv": true, "string": true, "table": true}

// assigns notes that a function assigns something.
func (e *effects) assigns(fn *analysis.Function, lhs ast.Expr) {
	line := lhs.Line()
	if e.library(lhs) != "" {
		if _, ok := lhs.(*ast.AttrGetExpr); ok || e.p.Object(e.p.Global(lhs.(*ast.IdentExpr).Value)) != nil || libraries[lhs.(*ast.IdentExpr).Value] {
			e.libraries = line
		}
	}
	if !e.later[fn] {
		return
	}
	switch lhs := lhs.(type) {
	case *ast.IdentExpr:
		sym := e.p.Scopes.Uses[lhs]
		switch {
		case sym != nil && sym.Fn == e.p.Scopes.Chunk:
			e.variables[sym] = line
		case sym == nil:
			e.globals[lhs.Value] = line
			if lhs.Value == "on_packet" {
				e.handler = line
			}
		}
	case *ast.AttrGetExpr:
		var key lua.LValue = lua.LNil
		switch k := lhs.Key.(type) {
		case *ast.StringExpr:
			key = lua.LString(k.Value)
		case *ast.NumberExpr:
			if n, ok := analysis.Number(k.Value); ok {
				key = lua.LNumber(n.(float64))
			}
		}
		if key == lua.LString("on_packet") {
			e.handler = line
		}
		e.changes(fn, lhs.Object, key, line)
	}
}

// changes notes that an element of what an expression gives may change; key is
// nil if any may.
func (e *effects) changes(fn *analysis.Function, object ast.Expr, key lua.LValue, line int) {
	if e.views.noTable(object) {
		return
	}
	switch x := object.(type) {
	case *ast.IdentExpr:
		sym := e.p.Scopes.Uses[x]
		if sym != nil && sym.Fn != e.p.Scopes.Chunk && !sym.Unknown && !sym.ChangedInside && fresh(sym) {
			return
		}
		if t, ok := e.constant(x); ok {
			if t != nil {
				e.tables[t] = line
			}
			return
		}
	case *ast.AttrGetExpr:
		root := x.Object
		for {
			inner, ok := root.(*ast.AttrGetExpr)
			if !ok {
				break
			}
			root = inner.Object
		}
		if id, ok := root.(*ast.IdentExpr); ok {
			if t, ok := e.constant(id); ok {
				e.reachable(t, line)
				return
			}
		}
	}
	if key == lua.LNil {
		e.anything = line
		return
	}
	e.keys[key] = line
}

// fresh reports whether a variable only ever holds tables that its own function
// has just made.
func fresh(sym *analysis.Symbol) bool {
	for _, v := range sym.Values {
		if _, ok := v.(*ast.TableExpr); !ok {
			return false
		}
	}
	return len(sym.Values) > 0
}

// constant gives the table, nil if it is another value, of a variable of the
// chunk that has been given its value when the script was loaded.
func (e *effects) constant(id *ast.IdentExpr) (t *lua.LTable, ok bool) {
	sym := e.p.Scopes.Uses[id]
	if sym == nil || sym.Fn != e.p.Scopes.Chunk || sym.ChangedInside {
		return nil, false
	}
	v, ok := e.p.Value(sym)
	t, _ = v.(*lua.LTable)
	return t, ok
}

// reachable notes that the tables in a table may change.
func (e *effects) reachable(t *lua.LTable, line int) {
	if t == nil || e.tables[t] > 0 {
		return
	}
	e.tables[t] = line
	t.ForEach(func(_, v lua.LValue) {
		if inner, ok := v.(*lua.LTable); ok {
			e.reachable(inner, line)
		}
	})
}

// changed gives a line that may change an element of a table, 0 if none does.
// key is nil for an element that is not known, of which wide says that it is a
// string.
func (e *effects) changed(t *lua.LTable, key lua.LValue, wide bool) int {
	switch {
	case e.tables[t] > 0:
		return e.tables[t]
	case e.anything > 0:
		return e.anything
	case e.modules > 0:
		return e.modules
	case key != lua.LNil:
		return e.keys[key]
	}
	return e.changedKey(func(k lua.LValue) bool {
		s, ok := k.(lua.LString)
		return ok == wide && (!ok || len(s) == 16)
	})
}

// changedAny gives a line that may change any element of a table.
func (e *effects) changedAny(t *lua.LTable) int {
	if line := e.changed(t, lua.LString(""), false); line > 0 {
		return line
	}
	return e.changedKey(func(lua.LValue) bool { return true })
}

// changedKey gives the first line that changes one of some keys of any table.
func (e *effects) changedKey(some func(lua.LValue) bool) (first int) {
	for k, line := range e.keys {
		if some(k) && (first == 0 || line < first) {
			first = line
		}
	}
	return first
}
