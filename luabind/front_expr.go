// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"

	"pvlua/analysis"
	"pvlua/packet"
)

// expr makes the value of an expression that stands at a place of a path.
func (b *builder) expr(p *path, e ast.Expr) value {
	if v, ok := b.folder(p).Constant(e); ok {
		return constantValue(fromConstant(v))
	}
	var v value
	switch e := e.(type) {
	case *ast.IdentExpr:
		v = b.variable(p, e)
	case *ast.AttrGetExpr:
		v = b.index(p, e)
	case *ast.FuncCallExpr:
		v = b.callValue(p, e)
	case *ast.LogicalOpExpr:
		v = b.logical(p, e)
	case *ast.RelationalOpExpr:
		v, _ = b.compare(p, e)
	case *ast.ArithmeticOpExpr:
		v = b.arithmetic(p, e)
	case *ast.UnaryNotOpExpr:
		if of := b.expr(p, e.Expr); of.valid() {
			v = boolValue(func(c *pass) bool { return !of.truth(c) })
		}
	case *ast.UnaryMinusOpExpr:
		if of := b.expr(p, e.Expr); of.valid() && of.isNumber() {
			v = floatValue(func(c *pass) float64 { return -of.x(c) })
		}
	case *ast.UnaryLenOpExpr:
		v = b.length(b.expr(p, e.Expr))
	}
	return v
}

// length makes the value of the length of a packet or table.
func (b *builder) length(of value) value {
	switch of.form {
	case formPacket:
		return numberValue(func(c *pass) uint64 { return uint64(len(c.f.b)) })
	case formAny:
		if of.plain() {
			return numberValue(func(c *pass) uint64 {
				t, ok := of.any(c).(*lua.LTable)
				if !ok || t.Metatable != lua.LNil {
					c.bad = true
					return 0
				}
				return uint64(tableLength(t))
			})
		}
	}
	return value{}
}

// folder gives the constants that there are at a place.
func (b *builder) folder(p *path) *analysis.Folder {
	f := &analysis.Folder{Scopes: b.scopes}
	f.Known = func(e ast.Expr) (any, bool) {
		if name, ok := b.scopes.Member(e, "pv"); ok {
			n, ok := b.s.pv.RawGetString(name).(lua.LNumber)
			return float64(n), ok
		}
		if call, ok := e.(*ast.FuncCallExpr); ok && len(call.Args) == 1 && call.Func != nil {
			name, _ := b.scopes.Member(call.Func, "pv")
			if text, ok := f.Constant(call.Args[0]); ok {
				text, _ := text.(string)
				return knownAddress(name, text)
			}
		}
		return nil, false
	}
	return f
}

// knownAddress gives what pv.ip, pv.ip6 and pv.mac give for a text.
func knownAddress(function, text string) (v any, ok bool) {
	switch function {
	case "ip":
		a, err := packet.ParseIP4(text)
		return float64(a), err == nil
	case "ip6":
		a, err := packet.ParseIP6(text)
		return string(a[:]), err == nil
	case "mac":
		a, err := packet.ParseMAC(text)
		return float64(a), err == nil
	}
	return nil, false
}

// fromConstant makes a Lua value of one of package analysis.
func fromConstant(v any) lua.LValue {
	switch v := v.(type) {
	case bool:
		return lua.LBool(v)
	case float64:
		return lua.LNumber(v)
	case string:
		return lua.LString(v)
	}
	return lua.LNil
}

// variable makes the value of a variable: what a path has it as, what it is for
// good since the script has been loaded, or what it is at the time.
func (b *builder) variable(p *path, e *ast.IdentExpr) value {
	sym := b.scopes.Uses[e]
	if sym == nil {
		fn, name := p.at.fn, e.Value
		return anyValue(func(c *pass) lua.LValue {
			globals := c.s.L.G.Global
			if globals.Metatable != lua.LNil || fn.Env != globals {
				c.bad = true
			}
			return globals.RawGetString(name)
		})
	}
	if v, ok := p.env[sym]; ok {
		return v
	}
	uv := p.at.upvalue(sym)
	switch {
	case uv == nil:
		return value{}
	case sym.Fixed():
		return constantValue(uv.Value())
	}
	return anyValue(func(*pass) lua.LValue { return uv.Value() })
}

// index makes the value of an index operation.
func (b *builder) index(p *path, e *ast.AttrGetExpr) value {
	if name, ok := b.scopes.Member(e, "pv"); ok {
		if v := b.s.pv.RawGetString(name); v != lua.LNil {
			return constantValue(v)
		}
		return value{}
	}
	object := b.expr(p, e.Object)
	key, named := e.Key.(*ast.StringExpr)
	var v value
	ok := false
	switch object.form {
	case formPacket:
		if !named {
			return value{}
		}
		if key.Value == "port" {
			v = portValue(func(c *pass) *port { return c.port })
			v.steady = true
			return v
		}
		for id := range packet.HeaderID(packet.NumHeaders) {
			if id.String() == key.Value {
				return headerValue(id)
			}
		}
	case formHeader:
		if named {
			v, ok = fieldValue(object.headers, key.Value)
		}
	case formPort:
		if named {
			v, ok = fact(object.port, key.Value)
		}
	case formAny:
		if object.valid() {
			return b.lookUp(p, object, e.Key)
		}
	}
	if !ok {
		return value{}
	}
	return v
}

// lookUp makes the value of an element of a table.
func (b *builder) lookUp(p *path, object value, keyExpr ast.Expr) value {
	key := b.expr(p, keyExpr)
	if !key.plain() {
		return value{}
	}
	table := func(c *pass) *lua.LTable {
		t, ok := object.any(c).(*lua.LTable)
		if !ok || t.Metatable != lua.LNil {
			c.bad = true
			return c.s.pv
		}
		return t
	}
	if t, ok := object.constant.(*lua.LTable); ok {
		if shown := b.s.frozen[t]; shown != nil && key.constant != nil {
			return constantValue(shown.RawGet(key.constant))
		}
		table = func(c *pass) *lua.LTable {
			if t.Metatable != lua.LNil {
				c.bad = true
			}
			return t
		}
	}
	switch {
	case key.isNumber() && key.constant == nil:
		return anyValue(func(c *pass) lua.LValue { t := table(c); return t.RawGet(c.numberKey(key.x(c))) })
	case key.form == formBytes && !key.optional:
		return anyValue(func(c *pass) lua.LValue { t := table(c); return t.RawGetString(bytesKey(key.bytes(c))) })
	}
	return anyValue(func(c *pass) lua.LValue { t := table(c); return t.RawGet(key.any(c)) })
}

// arithmetic makes the value of an operation on two numbers.
func (b *builder) arithmetic(p *path, e *ast.ArithmeticOpExpr) value {
	x, y := b.expr(p, e.Lhs), b.expr(p, e.Rhs)
	if x.x == nil || y.x == nil {
		return value{}
	}
	switch e.Operator {
	case "+":
		return floatValue(func(c *pass) float64 { return x.x(c) + y.x(c) })
	case "-":
		return floatValue(func(c *pass) float64 { return x.x(c) - y.x(c) })
	case "*":
		return floatValue(func(c *pass) float64 { return x.x(c) * y.x(c) })
	case "%":
		if x.form == formNumber && y.form == formNumber && y.constant != nil && y.n(nil) > 0 {
			k := y.n(nil)
			return numberValue(func(c *pass) uint64 { return x.n(c) % k })
		}
	}
	operator := e.Operator
	return floatValue(func(c *pass) float64 { a := x.x(c); return analysis.Arithmetic(operator, a, y.x(c)) })
}

// callValue makes the value of a call that has no effect but its value: of some
// methods, and of local functions that consist of one return statement.
func (b *builder) callValue(p *path, e *ast.FuncCallExpr) value {
	if e.Func != nil {
		if v := b.shortCall(p, e); v.valid() {
			return v
		}
		return b.libraryCall(p, e)
	}
	object := b.expr(p, e.Receiver)
	args := make([]value, len(e.Args))
	for i, a := range e.Args {
		if args[i] = b.expr(p, a); !args[i].plain() {
			return value{}
		}
	}
	if len(args) != 1 || !object.valid() {
		return value{}
	}
	if m := mapOf(object); m != nil && e.Method == "get" && !p.stored {
		return mapGetValue(m, args[0])
	}
	size := map[string]int{"u8": 1, "u16": 2, "u32": 4}[e.Method]
	switch {
	case object.form == formPacket && size > 0 && args[0].form == formNumber && !args[0].optional:
		return raw(args[0], size)
	case object.form == formPort && e.Method == "owns":
		v, _ := owns(object.port, args[0])
		return v
	case object.form == formBytes && !object.optional && e.Method == "byte" && args[0].constant != nil && args[0].form == formNumber:
		i := args[0].n(nil)
		library, ok := b.s.L.GetMetaField(lua.LString(""), "__index").(*lua.LTable)
		if !ok || i < 1 || i > 16 {
			return value{}
		}
		method := library.RawGetString("byte")
		return numberValue(func(c *pass) uint64 {
			if library.RawGetString("byte") != method { // the script has put another one there
				c.bad = true
			}
			if a := object.bytes(c); len(a) == 16 {
				return uint64(a[i-1])
			}
			return 0
		})
	}
	return value{}
}
