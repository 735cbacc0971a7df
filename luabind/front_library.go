// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"math"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"

	"pvlua/state"
)

// simpleFunctions are the functions of the library that a front can call, by
// library and name: what makes the value of a call of its arguments, or the zero
// value if the arguments are not simple.
var simpleFunctions = map[string]map[string]func(args []value) value{
	"bit32": {
		"band": func(args []value) value {
			return foldBits(args, math.MaxUint32, func(a, b uint32) uint32 { return a & b })
		},
		"bor":    func(args []value) value { return foldBits(args, 0, func(a, b uint32) uint32 { return a | b }) },
		"bxor":   func(args []value) value { return foldBits(args, 0, func(a, b uint32) uint32 { return a ^ b }) },
		"lshift": func(args []value) value { return shiftBits(args, 1) },
		"rshift": func(args []value) value { return shiftBits(args, -1) },
		"btest": func(args []value) value {
			v := foldBits(args, math.MaxUint32, func(a, b uint32) uint32 { return a & b })
			if !v.valid() {
				return v
			}
			return boolValue(func(c *pass) bool { return v.n(c) != 0 })
		},
	},
	"math": {
		"floor": func(args []value) value {
			if len(args) != 1 || !args[0].isNumber() {
				return value{}
			}
			x := args[0].x
			return floatValue(func(c *pass) float64 { return math.Floor(x(c)) })
		},
	},
}

// foldBits combines all arguments, which are whole numbers.
func foldBits(args []value, first uint32, f func(a, b uint32) uint32) value {
	for i := range args {
		if args[i].form != formNumber {
			return value{}
		}
	}
	return numberValue(func(c *pass) uint64 {
		x := first
		for i := range args {
			x = f(x, uint32(args[i].n(c)))
		}
		return uint64(x)
	})
}

// shiftBits shifts one whole number by another, left by a direction of 1.
func shiftBits(args []value, direction int) value {
	if len(args) != 2 || args[0].form != formNumber || args[1].form != formNumber {
		return value{}
	}
	return numberValue(func(c *pass) uint64 {
		return uint64(shiftLeft(uint32(args[0].n(c)), direction*int(min(args[1].n(c), 64))))
	})
}

// findSimple notes which functions they are, before a script can put others in
// their place.
func (s *State) findSimple() {
	s.ipairs = s.L.GetGlobal("ipairs")
	s.simple = make(map[lua.LValue]func([]value) value)
	for library, functions := range simpleFunctions {
		t := s.L.GetGlobal(library).(*lua.LTable)
		for name, call := range functions {
			s.simple[t.RawGetString(name)] = call
		}
	}
}

// libraryCall makes the value of a call of such a function: by a variable that
// holds it for good, or as a member of the library, if it is that at the time.
func (b *builder) libraryCall(p *path, call *ast.FuncCallExpr) value {
	fn := b.expr(p, call.Func)
	simple := b.s.simple[fn.constant]
	var still func(*pass) bool
	if attr, ok := call.Func.(*ast.AttrGetExpr); ok && simple == nil && fn.plain() {
		library, isName := attr.Object.(*ast.IdentExpr)
		name, isConst := attr.Key.(*ast.StringExpr)
		if !isName || !isConst || b.scopes.Uses[library] != nil {
			return value{}
		}
		if t, ok := b.s.L.G.Global.RawGetString(library.Value).(*lua.LTable); ok {
			now := t.RawGetString(name.Value)
			simple = b.s.simple[now]
			still = func(c *pass) bool { return fn.any(c) == now }
		}
	}
	if simple == nil {
		return value{}
	}
	args := make([]value, len(call.Args))
	for i, e := range call.Args {
		if args[i] = b.expr(p, e); !args[i].plain() {
			return value{}
		}
	}
	return simple(args).onlyIf(still)
}

// mapOf gives the map that a value is for good, nil if it is none.
func mapOf(v value) *sharedMap {
	ud, ok := v.constant.(*lua.LUserData)
	if !ok {
		return nil
	}
	m, _ := ud.Value.(*sharedMap)
	return m
}

// counterOf gives the counter that a value is for good, nil if it is none.
func counterOf(v value) *counter {
	ud, ok := v.constant.(*lua.LUserData)
	if !ok {
		return nil
	}
	c, _ := ud.Value.(*counter)
	return c
}

// mapGetValue makes the value of map:get(key), which has no effect but that the
// entry lives on.
func mapGetValue(m *sharedMap, key value) value {
	return anyValue(func(c *pass) lua.LValue {
		k, ok := c.mapValue(key)
		if !ok {
			return lua.LNil
		}
		v, ok, err := m.Get(k, c.s.mapTime(m))
		switch {
		case err != nil:
			c.bad = true
			return lua.LNil
		case !ok:
			return lua.LNil
		}
		return c.s.luaValue(v)
	})
}

// mapValue works a value out as a key or a value of a map; bad if it can't be
// one.
func (c *pass) mapValue(v value) (state.Value, bool) {
	if v.isNumber() {
		x := v.x(c)
		return state.Number(x), !c.bad
	}
	switch x := v.any(c).(type) {
	case lua.LNumber:
		return state.Number(float64(x)), !c.bad
	case lua.LString:
		return state.String(string(x)), !c.bad
	}
	c.bad = true
	return state.Value{}, false
}
