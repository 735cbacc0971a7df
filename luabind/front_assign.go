// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"slices"

	"github.com/yuin/gopher-lua/ast"

	"pvlua/analysis"
	"pvlua/packet"
)

// assignment is an assignment of fields: like Lua, all values are worked out
// first, and then assigned from last to first.
type assignment struct {
	fields []target
	// remember: the front may still give up after it, so that there must be a
	// copy of the packet as it came.
	remember bool
	next     stage
}

// target is a field that is assigned.
type target struct {
	field *packet.Field                    // of the one header that it is of, or
	of    [packet.NumHeaders]*packet.Field // the one of each header that it may be of,
	ids   []packet.HeaderID                // which is the first of these
	value value
}

func (a *assignment) take(c *pass) stage {
	for i := range a.fields {
		c.take(&a.fields[i], &c.parts[i])
	}
	if c.bad {
		return nil
	}
	if a.remember {
		c.s.touch(c.f)
	}
	for i := len(a.fields) - 1; i >= 0; i-- {
		f := a.fields[i].field
		if f == nil {
			if f = c.pick(&a.fields[i]); f == nil {
				return nil
			}
		}
		var err error
		if f.Kind == packet.IPv6 {
			err = f.SetBytes(c.f.b, &c.f.layout, c.parts[i].b[:])
		} else {
			err = f.SetUint(c.f.b, &c.f.layout, c.parts[i].n)
		}
		if err != nil {
			return nil
		}
	}
	return a.next
}

// pick gives the field of the header that the packet has, nil if it has none.
func (c *pass) pick(t *target) *packet.Field {
	for _, id := range t.ids {
		if c.f.layout.Present(id) {
			return t.of[id]
		}
	}
	return nil
}

// take works the value of a target out as the field takes it.
func (c *pass) take(t *target, to *slotValue) {
	v := &t.value
	switch {
	case v.form == formNumber:
		to.n = v.n(c)
	case v.form == formBool:
		to.n = 0
		if v.truth(c) {
			to.n = 1
		}
	case v.form == formBytes:
		if b := v.bytes(c); len(b) == 16 {
			to.b = [16]byte(b)
		}
	default:
		to.n = c.whole(v.x(c))
	}
}

// assign makes an assignment, nil if it is not simple: of local variables, fields
// and what lasts, with as many values.
func (b *builder) assign(p *path, st *ast.AssignStmt, rest next) stage {
	if len(st.Lhs) != len(st.Rhs) || len(st.Lhs) > maxFused {
		return nil
	}
	var symbols []*analysis.Symbol
	var outside []lasting
	var values []value // of the symbols; objects, keys and values of what lasts
	a := &assignment{}
	sure, moves := true, false
	for i, lhs := range st.Lhs {
		v := b.expr(p, st.Rhs[i])
		if !v.bindable() {
			return nil
		}
		if sym := b.localOf(p, lhs); sym != nil {
			if _, ok := p.places[sym]; ok && !v.plain() || slices.Contains(symbols, sym) {
				return nil
			}
			symbols, values = append(symbols, sym), append(values, v)
		} else if t, ok := b.target(p, lhs, v); ok {
			a.fields = append(a.fields, t)
			sure = sure && t.sure(p)
			moves = moves || t.moves()
		} else if o, ok := b.lasting(p, lhs, v); ok {
			outside = append(outside, o)
		} else {
			return nil
		}
	}
	if moves && len(st.Lhs) > 1 {
		return nil
	}
	for i := range outside {
		values = append(values, outside[i].value)
		if outside[i].object.valid() {
			values = append(values, outside[i].object, outside[i].key)
		}
	}
	return b.hold(p, values, func(p *path, held []value) stage {
		var owned []int
		var given []value
		for i, sym := range symbols {
			if slot, ok := p.places[sym]; ok {
				owned, given = append(owned, slot), append(given, anyValue(held[i].any))
			} else {
				p.env[sym] = held[i]
				p.rebound++
			}
		}
		held = held[len(symbols):]
		for i := range outside {
			outside[i].value, held = held[0], held[1:]
			if outside[i].object.valid() {
				outside[i].object, outside[i].key, held = held[0], held[1], held[2:]
			}
		}
		p.moved = p.moved || moves
		made := b.start(owned, given, rest(p))
		for i := range outside {
			e := outside[i].effect(b, p)
			e.next, e.last = made, isSure(made)
			made = e
		}
		if len(a.fields) > 0 {
			a.next = made
			a.remember = !sure || !isSure(made)
			made = a
		}
		return made
	})
}

// localOf gives the local variable that a left side is, nil if it is something
// else.
func (b *builder) localOf(p *path, lhs ast.Expr) *analysis.Symbol {
	id, ok := lhs.(*ast.IdentExpr)
	if !ok {
		return nil
	}
	sym := b.scopes.Uses[id]
	if _, ok := p.env[sym]; !ok {
		return nil
	}
	return sym
}

// target makes the target of an assignment.
func (b *builder) target(p *path, e ast.Expr, v value) (t target, ok bool) {
	lhs, ok := e.(*ast.AttrGetExpr)
	if !ok {
		return target{}, false
	}
	key, named := lhs.Key.(*ast.StringExpr)
	object := b.expr(p, lhs.Object)
	if !named || object.form != formHeader {
		return target{}, false
	}
	t = target{value: v, ids: object.headers}
	for _, id := range object.headers {
		f := packet.Lookup(id, key.Value)
		if f == nil || f.ReadOnly || !takes(f, &v) {
			return target{}, false
		}
		t.of[id] = f
	}
	if len(t.ids) == 1 {
		t.field = t.of[t.ids[0]]
	}
	return t, true
}

// takes reports whether a field takes values of the form of v.
func takes(f *packet.Field, v *value) bool {
	switch f.Kind {
	case packet.Bool:
		return v.form == formBool
	case packet.IPv6:
		return v.form == formBytes
	case packet.Bytes:
		return false
	}
	return v.form == formNumber || v.form == formFloat || v.form == formAny && v.x != nil
}

// moves reports whether the assignment may change which headers there are.
func (t *target) moves() bool {
	for _, id := range t.ids {
		if t.of[id].Structural {
			return true
		}
	}
	return false
}

// sure reports whether the assignment can't fail.
func (t *target) sure(p *path) bool {
	f, v := t.field, &t.value
	if f == nil || p.known>>f.Header&1 == 0 || f.Locate != packet.Fixed || f.Structural {
		return false
	}
	if of := v.field; of != nil && (of.Locate != packet.Fixed || p.known>>of.Header&1 == 0) {
		return false
	}
	return v.constant != nil && v.form == formBool || (v.steady || v.field != nil) && v.width > 0 && v.width <= f.Width
}

// isSure reports whether the front can't give up from a step on.
func isSure(st stage) bool {
	switch st := st.(type) {
	case *decision:
		return !st.stores
	case *assignment:
		return !st.remember
	case *whole:
		return !st.remember
	case *effect:
		return st.sure && st.last
	case *addition:
		return st.n.constant != nil && isSure(st.next)
	}
	return false
}
