// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"math"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
)

// effect is an assignment of something that lasts: a global, a variable of an
// outer function or an element of a table; or a call that changes something.
// A front may still give up after it, so it has to be able to take it back;
// unless it is certain that it will not.
type effect struct {
	change func(c *pass) change // what it is about to do; nothing is done if it is bad
	value  value
	sure   bool // change can't be bad
	last   bool // the front does not give up any more
	next   stage
}

// change is one such assignment: where, and what was there.
type change struct {
	upvalue *lua.Upvalue // or else
	table   *lua.LTable
	key     lua.LValue
	old     lua.LValue
}

func (e *effect) take(c *pass) stage {
	v := e.value.any(c)
	ch := e.change(c)
	if c.bad {
		return nil
	}
	if !e.last {
		c.changes = append(c.changes, ch)
	}
	ch.put(v)
	if v == lua.LNil && ch.table != nil {
		c.s.removals.removed(ch.table, ch.key)
	}
	return e.next
}

// put assigns a value there.
func (ch *change) put(v lua.LValue) {
	if ch.upvalue != nil {
		ch.upvalue.SetValue(v)
		return
	}
	ch.table.RawSet(ch.key, v)
}

// takeBack undoes all that has been assigned.
func (c *pass) takeBack() {
	for i := len(c.changes) - 1; i >= 0; i-- {
		c.changes[i].put(c.changes[i].old)
	}
	c.changes = c.changes[:0]
}

// lasting is the assignment of something that lasts, taken apart: its parts
// are worked out before anything is assigned.
type lasting struct {
	lhs    ast.Expr
	value  value
	object value // of an element
	key    value
}

// lasting takes an assignment apart; false if it is not simple.
func (b *builder) lasting(p *path, lhs ast.Expr, v value) (o lasting, ok bool) {
	o = lasting{lhs: lhs, value: v}
	if !v.plain() {
		return o, false
	}
	switch lhs := lhs.(type) {
	case *ast.IdentExpr:
		sym := b.scopes.Uses[lhs]
		// The global on_packet has to be noted, and pv can't be assigned.
		return o, sym == nil && lhs.Value != "on_packet" && lhs.Value != "pv" || sym != nil && p.at.upvalue(sym) != nil
	case *ast.AttrGetExpr:
		o.object, o.key = b.expr(p, lhs.Object), b.expr(p, lhs.Key)
		ok = o.object.plain() && o.object.form == formAny && o.key.plain()
	}
	return o, ok
}

// effect makes the step.
func (o *lasting) effect(b *builder, p *path) *effect {
	e := &effect{value: o.value}
	id, ok := o.lhs.(*ast.IdentExpr)
	if !ok {
		e.change = o.element
		return e
	}
	if sym := b.scopes.Uses[id]; sym != nil {
		uv := p.at.upvalue(sym)
		e.sure = true
		e.change = func(*pass) change { return change{upvalue: uv, old: uv.Value()} }
		return e
	}
	fn, name := p.at.fn, lua.LString(id.Value)
	var key lua.LValue = name
	e.change = func(c *pass) change {
		globals := c.s.L.G.Global
		if globals.Metatable != lua.LNil || fn.Env != globals {
			c.bad = true
		}
		return change{table: globals, key: key, old: globals.RawGetString(string(name))}
	}
	return e
}

// element gives the change of an element of a table.
func (o *lasting) element(c *pass) change {
	t, ok := o.object.any(c).(*lua.LTable)
	key := o.key.any(c)
	if !ok || t.Metatable != lua.LNil || key == lua.LNil || isNaN(key) || t == c.s.L.G.Global {
		c.bad = true
		return change{}
	}
	return change{table: t, key: key, old: t.RawGet(key)}
}

// isNaN reports whether a value is the number that no table takes as a key.
func isNaN(v lua.LValue) bool {
	x, ok := v.(lua.LNumber)
	return ok && math.IsNaN(float64(x))
}
