// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"

	"pvlua/analysis"
)

// Loops are the only places where a path comes back to a step that it has been
// at. Local variables that the body assigns but does not declare are then no
// longer one value at each place: they get slots of their own, which the body
// assigns.

// again is the end of a loop's body. It counts an iteration as no fewer
// instructions than gopher-lua can take for it, so that a front gives up before
// the quota is used up, and leaves that to gopher-lua.
type again struct {
	cost int
	to   stage
}

func (a *again) take(c *pass) stage {
	if c.budget -= a.cost; c.budget < 0 {
		return nil
	}
	return a.to
}

// counting is the test of a numeric loop: slot at holds the number
// before the next one, slot limit the last one, and slot seen is the loop's variable.
type counting struct {
	at, limit, seen int
	step            float64
	body, exit      stage
}

func (l *counting) take(c *pass) stage {
	x := c.slots[l.at].x + l.step
	if limit := c.slots[l.limit].x; !(l.step > 0 && x <= limit || l.step < 0 && x >= limit) {
		return l.exit
	}
	c.slots[l.at].x, c.slots[l.seen].x = x, x
	return l.body
}

// listing is the test of a loop over ipairs: slot at holds the last index, slot
// list the table, and slot element what is there.
type listing struct {
	at, list, element int
	body, exit        stage
}

func (l *listing) take(c *pass) stage {
	t, ok := c.slots[l.list].v.(*lua.LTable)
	if !ok {
		c.bad = true
		return nil
	}
	i := c.slots[l.at].n + 1
	v := element(t, int(i))
	if v == lua.LNil {
		return l.exit
	}
	c.slots[l.at].n, c.slots[l.element].v = i, v
	return l.body
}

// whileStmt makes a while loop; nil if its condition is not simple.
func (b *builder) whileStmt(p *path, st *ast.WhileStmt, ret result, rest next) stage {
	return b.loop(p, st.Stmts, rest, func(p *path, exit stage, back *again) stage {
		cond := b.expr(p, st.Condition)
		if !cond.valid() {
			return nil
		}
		q := p.fork()
		q.learn(b.headersIf(q, st.Condition, true))
		test := &branch{cond: cond.truth, no: exit}
		back.to = test
		test.yes = b.body(q, st.Stmts, ret, back)
		return test
	})
}

// numberFor makes a numeric loop; nil if its bounds are not simple.
func (b *builder) numberFor(p *path, st *ast.NumberForStmt, ret result, rest next) stage {
	step := constantValue(lua.LNumber(1))
	if st.Step != nil {
		step = b.expr(p, st.Step)
	}
	init, limit := b.expr(p, st.Init), b.expr(p, st.Limit)
	sym := b.scopes.Counters[st]
	if step.constant == nil || !step.isNumber() || step.x(nil) == 0 || init.x == nil || limit.x == nil || !sym.Fixed() {
		return nil
	}
	by := step.x(nil)
	before := floatValue(func(c *pass) float64 { return init.x(c) - by })
	return b.hold(p, []value{before, floatValue(limit.x)}, func(p *path, held []value) stage {
		return b.loop(p, st.Stmts, rest, func(p *path, exit stage, back *again) stage {
			at, ok := b.own(p, held)
			seen := p.slots
			if p.slots++; !ok || p.slots > maxSlots {
				return b.abandon()
			}
			test := &counting{at: at[0], limit: at[1], seen: seen, step: by, exit: exit}
			back.to = test
			counter := floatValue(func(c *pass) float64 { return c.slots[seen].x })
			if init.constant != nil && init.form == formNumber && step.form == formNumber {
				counter = numberValue(func(c *pass) uint64 { return uint64(c.slots[seen].x) })
			}
			counter.steady = true
			p.env[sym] = counter
			test.body = b.body(p, st.Stmts, ret, back)
			return b.start(at, held, test)
		})
	})
}

// genericFor makes a loop over ipairs; nil if it is one over something else.
func (b *builder) genericFor(p *path, st *ast.GenericForStmt, ret result, rest next) stage {
	symbols := b.scopes.Loops[st]
	call, ok := st.Exprs[0].(*ast.FuncCallExpr)
	if !ok || len(st.Exprs) != 1 || len(call.Args) != 1 || call.Func == nil || len(symbols) > 2 {
		return nil
	}
	id, ok := call.Func.(*ast.IdentExpr)
	list := b.expr(p, call.Args[0])
	if !ok || b.scopes.Uses[id] != nil || id.Value != "ipairs" || !list.plain() {
		return nil
	}
	for _, sym := range symbols {
		if !sym.Fixed() {
			return nil
		}
	}
	iterator := b.expr(p, id)
	ipairs := b.s.ipairs
	table := anyValue(func(c *pass) lua.LValue {
		if iterator.any(c) != ipairs { // the script has put another one there
			c.bad = true
		}
		v := list.any(c)
		if t, ok := v.(*lua.LTable); ok {
			if shown := c.s.frozen[t]; shown != nil {
				return shown
			}
		}
		return v
	})
	return b.hold(p, []value{constantValue(lua.LNumber(0)), table}, func(p *path, held []value) stage {
		return b.loop(p, st.Stmts, rest, func(p *path, exit stage, back *again) stage {
			at, ok := b.own(p, held)
			element := p.slots
			if p.slots++; !ok || p.slots > maxSlots {
				return b.abandon()
			}
			test := &listing{at: at[0], list: at[1], element: element, exit: exit}
			back.to = test
			values := []value{numberValue(func(c *pass) uint64 { return c.slots[at[0]].n }), anyValue(func(c *pass) lua.LValue { return c.slots[element].v })}
			for i, sym := range symbols {
				values[i].steady = true
				p.env[sym] = values[i]
			}
			test.body = b.body(p, st.Stmts, ret, back)
			return b.start(at, held, test)
		})
	})
}

// own takes slots for values that a loop changes.
func (b *builder) own(p *path, values []value) (slots []int, ok bool) {
	for range values {
		slots = append(slots, p.slots)
		p.slots++
	}
	return slots, p.slots <= maxSlots
}

// start makes the steps that put the first values into such slots.
func (b *builder) start(slots []int, values []value, then stage) stage {
	for i, slot := range slots {
		then = &let{slot: slot, value: values[i], next: then}
	}
	return then
}

// loop makes a loop of what head makes: its test, with what comes after the
// loop and the end of its body, of which head says where it goes.
func (b *builder) loop(p *path, body []ast.Stmt, rest next, head func(p *path, exit stage, back *again) stage) stage {
	var symbols []*analysis.Symbol
	var values []value
	for _, sym := range assigned(b.scopes, body) {
		v, ok := p.env[sym]
		if !ok {
			continue // the body declares it
		}
		if !v.plain() {
			return nil
		}
		symbols, values = append(symbols, sym), append(values, anyValue(v.any))
	}
	p = p.fork()
	slots, ok := b.own(p, values)
	if !ok {
		return b.abandon()
	}
	outer := p.places
	p.places = make(map[*analysis.Symbol]int, len(outer)+len(symbols))
	for sym, slot := range outer {
		p.places[sym] = slot
	}
	for i, sym := range symbols {
		if slot, ok := outer[sym]; ok {
			slots[i] = slot // of the loop around
		}
		p.places[sym] = slots[i]
		p.env[sym] = values[i].inSlot(slots[i])
	}
	after := p.fork()
	after.places = outer
	exit := rest(after)
	p.leave, p.loops = exit, true
	back, before := &again{}, b.code
	made := head(p, exit, back)
	back.cost = len(p.at.fn.Proto.Code) + b.code - before
	if made == nil {
		return nil
	}
	return b.start(slots, values, made)
}

// body makes the body of a loop.
func (b *builder) body(p *path, list []ast.Stmt, ret result, back *again) stage {
	return b.stmts(p, list, ret, func(p *path) stage {
		if p.moved {
			return b.abandon()
		}
		return back
	})
}

// assigned lists the variables that statements assign, those of inner functions
// not included, each once.
func assigned(sc *analysis.Scopes, list []ast.Stmt) (symbols []*analysis.Symbol) {
	seen := make(map[*analysis.Symbol]bool)
	var walk func([]ast.Stmt)
	walk = func(list []ast.Stmt) {
		for _, st := range list {
			if st, ok := st.(*ast.AssignStmt); ok {
				for _, lhs := range st.Lhs {
					if id, ok := lhs.(*ast.IdentExpr); ok {
						if sym := sc.Uses[id]; sym != nil && !seen[sym] {
							seen[sym] = true
							symbols = append(symbols, sym)
						}
					}
				}
				continue
			}
			analysis.EachPart(st, func(ast.Expr) {}, walk)
		}
	}
	walk(list)
	return symbols
}
