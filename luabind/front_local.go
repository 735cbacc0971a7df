// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"maps"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"

	"pvlua/analysis"
)

// local makes a local statement, nil if its values are not simple.
func (b *builder) local(p *path, st *ast.LocalAssignStmt, rest next) stage {
	symbols := b.scopes.Declares[st]
	if len(st.Exprs) == 1 {
		if call, ok := st.Exprs[0].(*ast.FuncCallExpr); ok && !call.AdjustRet {
			bind := func(p *path, values []value) stage { return b.bind(p, symbols, values, rest) }
			if made := b.call(p, call, bind); made != nil {
				return made
			}
		}
	}
	if len(st.Exprs) > len(symbols) {
		return nil
	}
	values := make([]value, len(st.Exprs))
	for i, e := range st.Exprs {
		if values[i] = b.expr(p, e); !values[i].bindable() {
			return nil
		}
	}
	return b.bind(p, symbols, values, rest)
}

// bind gives variables their values, nil to those that are left.
func (b *builder) bind(p *path, symbols []*analysis.Symbol, values []value, rest next) stage {
	return b.hold(p, values, func(p *path, held []value) stage {
		for i, sym := range symbols {
			p.ownedNoMore(sym)
			p.env[sym] = constantValue(lua.LNil)
			if i < len(held) {
				p.env[sym] = held[i]
			}
		}
		return rest(p)
	})
}

// ownedNoMore notes that a variable is declared anew, which may be another one
// of a function that is followed a second time.
func (p *path) ownedNoMore(sym *analysis.Symbol) {
	if _, ok := p.places[sym]; ok {
		p.places = maps.Clone(p.places)
		delete(p.places, sym)
	}
}

// hold has values worked out, in their order, and gives what holds them.
func (b *builder) hold(p *path, values []value, then func(p *path, held []value) stage) stage {
	p = p.fork()
	var lets []let
	held := make([]value, len(values))
	for i, v := range values {
		if v.constant == nil && v.form != formHeader && v.form != formPacket && !(v.form == formPort && v.steady) {
			if p.slots == maxSlots {
				return b.abandon()
			}
			lets = append(lets, let{slot: p.slots, value: v})
			v = v.inSlot(p.slots)
			p.slots++
		}
		held[i] = v
	}
	st := then(p, held)
	if st == nil {
		return nil
	}
	for i := len(lets) - 1; i >= 0; i-- {
		lets[i].next = st
		st = &lets[i]
	}
	return st
}
