// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"

	"pvlua/analysis"
)

// chunkVariable reads a variable of the main chunk.
func (c *compiler) chunkVariable(p *path, sym *analysis.Symbol, e ast.Expr) []result {
	if line := c.effects.variables[sym]; line > 0 {
		return c.exit(p, e, false, `"%s" is read, which line %d changes while the script runs; use pv.counter or pv.map`, sym.Name, line)
	}
	if v, ok := c.program.Value(sym); ok {
		return one(p, c.constantValue(v, sym.Name))
	}
	// The Lua engine has put constants in the places of their variables.
	if id, ok := e.(*ast.IdentExpr); ok && c.program.Scopes.IsModule(id, "pv") {
		return one(p, c.constantValue(c.program.Global("pv"), "pv"))
	}
	if v, ok := c.folder().Variable(sym); ok {
		return one(p, folded(v))
	}
	return c.exit(p, e, false, `the value of "%s" is not known`, sym.Name)
}

// folder works out constants from the text, members of pv among them.
func (c *compiler) folder() *analysis.Folder {
	f := &analysis.Folder{Scopes: c.program.Scopes}
	f.Known = func(e ast.Expr) (any, bool) {
		if call, ok := e.(*ast.FuncCallExpr); ok && len(call.Args) == 1 {
			name, _ := c.program.Scopes.Member(call.Func, "pv")
			s, _ := f.Constant(call.Args[0])
			if s, ok := s.(string); ok {
				v, err := parseAddress("pv."+name, s)
				return v.plain(), err == nil
			}
			return nil, false
		}
		name, ok := c.program.Scopes.Member(e, "pv")
		if !ok || name == "worker" {
			return nil, false
		}
		v, ok := c.program.Members(c.program.Global("pv").(*lua.LTable)).RawGetString(name).(lua.LNumber)
		return float64(v), ok
	}
	return f
}

// folded gives a constant of package analysis as a value.
func folded(v any) value {
	switch v := v.(type) {
	case bool:
		return boolean(v)
	case float64:
		return number(v)
	case string:
		return text(v)
	}
	return nothing
}

// plain gives a known number or string as package analysis has it.
func (v value) plain() any {
	if s, ok := v.asText(); ok {
		return s
	}
	return v.float()
}

// global reads a global variable.
func (c *compiler) global(p *path, e *ast.IdentExpr) []result {
	if line := c.effects.globals[e.Value]; line > 0 {
		return c.exit(p, e, false, `"%s" is read, which line %d changes while the script runs; use pv.counter or pv.map`, e.Value, line)
	}
	if line := c.effects.libraries; line > 0 {
		return c.exit(p, e, false, `"%s" may be anything because of line %d`, e.Value, line)
	}
	v := c.program.Global(e.Value)
	if line := c.effects.modules; line > 0 && c.program.Object(v) == nil {
		return c.exit(p, e, false, `the global "%s" is read, which the module of line %d may change; make it a local variable of the script`, e.Value, line)
	}
	if v == lua.LNil {
		return c.exit(p, e, false, `there is no "%s"`, e.Value)
	}
	return one(p, c.constantValue(v, e.Value))
}

// constantValue gives the value that a variable, or an element of a constant
// table, has had since the script was loaded.
func (c *compiler) constantValue(v lua.LValue, name string) value {
	switch v := v.(type) {
	case lua.LBool:
		return boolean(bool(v))
	case lua.LNumber:
		return number(float64(v))
	case lua.LString:
		return text(string(v))
	case *lua.LNilType:
		return nothing
	}
	switch o := c.program.Object(v).(type) {
	case int:
		return value{kind: isPort, known: true, n: int64(o), lua: v}
	case string:
		return value{kind: isObject, known: true, lua: v, name: o}
	case nil:
	default:
		return value{kind: isObject, known: true, lua: v}
	}
	switch v := v.(type) {
	case *lua.LFunction:
		if fn := c.program.Function(v); fn != nil && fn.Expr != nil {
			return value{kind: isFunc, known: true, fn: fn.Expr, lua: v}
		}
	case *lua.LTable:
		return value{kind: isTable, known: true, lua: v, name: name}
	}
	return value{kind: isObject, known: true, lua: v}
}

// member is x.name of a library, counter or map.
func (c *compiler) member(p *path, x, key value, e ast.Expr) []result {
	name, named := key.asText()
	t, isTable := x.lua.(*lua.LTable)
	switch {
	case !isTable:
		return c.exit(p, e, false, "%s has no such property", c.describe(x))
	case x.name == "pv.ports":
		return c.portOf(p, t, key, e)
	case !named:
		return c.exit(p, e, false, "which member of %s is meant is worked out at run time", x.name)
	case x.name == "pv" && (name == "worker" || name == "args"):
		return c.exit(p, e, false, "pv.%s is read; keep what it says in a local variable when the script is loaded", name)
	}
	v := c.program.Members(t).RawGetString(name)
	if v == lua.LNil {
		return c.exit(p, e, false, "%s has no member %s", x.name, name)
	}
	return one(p, c.constantValue(v, x.name+"."+name))
}

// portOf is pv.ports[key].
func (c *compiler) portOf(p *path, t *lua.LTable, key value, e ast.Expr) []result {
	switch k, named := key.asText(); {
	case named:
		return one(p, c.constantValue(c.program.Members(t).RawGetString(k), ""))
	case key.kind == isNumber && key.known:
		return one(p, c.constantValue(c.program.Members(t).RawGet(lua.LNumber(key.n)), ""))
	}
	return c.exit(p, e, false, "the index of pv.ports is not known; write pv.ports[1] and so on")
}

// tableLength is # of a constant table.
func (c *compiler) tableLength(p *path, x value, e ast.Expr) []result {
	t, ok := x.lua.(*lua.LTable)
	if !ok {
		return c.exit(p, e, false, "%s has no length", c.describe(x))
	}
	if x.kind == isTable {
		if !plain(t) {
			return c.exit(p, e, false, "table %s has a metatable", x.name)
		}
		if line := c.effects.changed(t, lua.LNil, false); line > 0 {
			return c.changes(p, e, x.name, line)
		}
	}
	return one(p, whole(int64(c.program.Length(t))))
}

// plain reports whether a table has no metatable.
func plain(t *lua.LTable) bool { return t.Metatable == nil || t.Metatable == lua.LNil }
