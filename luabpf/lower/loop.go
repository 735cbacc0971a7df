// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"maps"
	"slices"

	"github.com/yuin/gopher-lua/ast"

	"pvlua/analysis"
	"pvlua/luabpf/ir"
)

// Short loops whose length is known are written out. Others stay loops: what
// their bodies assign gets a register for all rounds, with a range that holds in
// all of them. It is found by lowering the body again and again, each time with
// what the time before has shown, until nothing new comes; what was lowered in
// vain nothing leads to.

const (
	// maxUnrolled is how many rounds are written out at most.
	maxUnrolled = 16
	// maxTrips is how often a statement is executed at most, so that the
	// kernel, which tries all rounds, comes to an end.
	maxTrips = 2048
	// maxAttempts is after how many attempts ranges are given up.
	maxAttempts = 12
)

// loop is a loop that is being lowered.
type loop struct{ breaks []*path }

// inLoop lowers something within a loop that is executed up to trips times per
// round of the loops around, and gives the paths that break as well.
func (c *compiler) inLoop(trips int, f func() []*path) (ps, breaks []*path) {
	l, call, outer := &loop{}, c.top(), c.trips
	call.loops = append(call.loops, l)
	c.trips *= trips
	ps = f()
	c.trips = outer
	call.loops = call.loops[:len(call.loops)-1]
	return ps, l.breaks
}

// numberFor is for i = from, to, step.
func (c *compiler) numberFor(p *path, st *ast.NumberForStmt) (ps []*path) {
	parts := []ast.Expr{st.Init, st.Limit}
	if st.Step != nil {
		parts = append(parts, st.Step)
	}
	for _, r := range c.fixed(p, parts) {
		c.line = line(st)
		from, to, step := r.values[0], r.values[1], whole(1)
		if st.Step != nil {
			step = r.values[2]
		}
		ps = append(ps, c.countUp(r.path, st, from, to, step)...)
	}
	return ps
}

func (c *compiler) countUp(p *path, st *ast.NumberForStmt, from, to, step value) []*path {
	if to.kind == isFraction && to.f >= -maxWhole && to.f <= maxWhole && from.kind == isNumber && step.kind == isNumber {
		to = c.floorOf(to)
	}
	switch {
	case from.kind != isNumber || to.kind != isNumber || step.kind != isNumber:
		c.exit(p, st, false, "the loop counts with %s, %s and %s", c.describe(from), c.describe(to), c.describe(step))
		return nil
	case !step.known || step.n == 0:
		c.exit(p, st, false, "the step of the loop is not a known number")
		return nil
	}
	allowed := int64(max(maxTrips/c.trips, 1))
	if most := c.most(p, from, to, step.n); most > allowed {
		if p = c.limited(p, st, from, to, step.n, most, allowed); p == nil {
			return nil
		}
	}
	switch most := c.most(p, from, to, step.n); {
	case most == 0:
		return []*path{p}
	case from.known && to.known && most <= maxUnrolled:
		return c.unroll(p, st, from.n, step.n, most)
	default:
		return c.count(p, st, from, to, step.n, int(most))
	}
}

// most is how many rounds a loop has at most.
func (c *compiler) most(p *path, from, to value, step int64) int64 {
	first, last := p.span(from).lo, p.span(to).hi
	if step < 0 {
		first, last, step = -p.span(from).hi, -p.span(to).lo, -step
	}
	if last < first {
		return 0
	}
	return (last-first)/step + 1
}

// limited exits where a loop has more rounds than are allowed.
func (c *compiler) limited(p *path, st ast.Stmt, from, to value, step, most, allowed int64) *path {
	v, limit, cond := to, value{}, ir.SGT
	switch {
	case from.known:
		limit = whole(from.n + step*allowed)
	case to.known:
		v, limit, cond = from, whole(to.n-step*allowed), ir.SLT
	default:
		c.exit(p, st, false, "the loop may have %d rounds, more than %d", most, allowed)
		return nil
	}
	if step < 0 {
		cond = cond.Turned()
	}
	if cond == ir.SGT {
		limit.n--
	} else {
		limit.n++
	}
	limit = whole(limit.n)
	if _, certain := decide(cond, p.span(v), p.span(limit)); certain {
		c.exit(p, st, false, "the loop has %d rounds, more than %d", most, allowed)
		return nil
	}
	return c.unless(p, st, cond, v, limit, "the loop has more than %d rounds", allowed)
}

// floorOf gives the floor of a known fraction.
func (c *compiler) floorOf(v value) value {
	for _, r := range c.floor(nil, v, nil) {
		return r.value
	}
	return v
}

// unroll writes the rounds of a loop out.
func (c *compiler) unroll(p *path, st *ast.NumberForStmt, from, step, most int64) []*path {
	sym := c.program.Scopes.Counters[st]
	ps, breaks := c.inLoop(1, func() []*path {
		ps := []*path{p}
		for i := range most {
			for _, p := range ps {
				p.vars[sym] = whole(from + i*step)
			}
			ps = c.stmts(ps, st.Stmts)
		}
		return ps
	})
	return append(ps, breaks...)
}

// count lowers a loop over numbers as a loop. Its counter is a variable that
// the loop alone assigns.
func (c *compiler) count(p *path, st *ast.NumberForStmt, from, to value, step int64, most int) []*path {
	sym := c.program.Scopes.Counters[st]
	lo, hi, cond := p.span(from).lo, p.span(to).hi, ir.SLE
	if step < 0 {
		lo, hi, cond = p.span(to).lo, p.span(from).hi, ir.SGE
	}
	p.vars[sym] = from
	return c.rounds(p, st, most, func(p *path) (more, done []*path) {
		return c.test(p, cond, p.vars[sym], to)
	}, func(ps []*path) []*path {
		ps = c.keepCounter(ps, sym, st)
		for _, p := range ps {
			p.vars[sym] = ranged(c.op(p, ir.Add, p.vars[sym], whole(step)), lo+step, hi+step)
		}
		return ps
	}, sym)
}

// keepCounter lowers the body of a loop whose counter is a variable; what the
// body assigns to the variable is nothing to the loop.
func (c *compiler) keepCounter(ps []*path, sym *analysis.Symbol, st *ast.NumberForStmt) []*path {
	var out []*path
	for _, p := range ps {
		counter := p.vars[sym]
		for _, q := range c.stmts([]*path{p}, st.Stmts) {
			q.vars[sym] = counter
			out = append(out, q)
		}
	}
	return out
}

// while is while cond do ... end.
func (c *compiler) while(p *path, st *ast.WhileStmt) []*path {
	return c.rounds(p, st, 0, func(p *path) (more, done []*path) {
		more, done = c.cond(p, st.Condition)
		return c.join(more, c.where.end[st.Condition]), done
	}, func(ps []*path) []*path { return c.stmts(ps, st.Stmts) }, nil)
}

// repeat is repeat ... until cond: a loop that ends in the middle.
func (c *compiler) repeat(p *path, st *ast.RepeatStmt) []*path {
	return c.rounds(p, st, 0, func(p *path) (more, done []*path) {
		return []*path{p}, nil
	}, func(ps []*path) (more []*path) {
		loops := c.top().loops
		l := loops[len(loops)-1]
		for _, p := range c.stmts(ps, st.Stmts) {
			yes, no := c.cond(p, st.Condition)
			l.breaks = append(l.breaks, yes...)
			more = append(more, no...)
		}
		return more
	}, nil)
}

// head is what is known where a round of a loop begins.
type head struct {
	carried map[*analysis.Symbol]value // variables that rounds change, in registers of their own
	counts  []count                    // additions that are pending, in registers if rounds change them
	pkt     *layout
	changes []ast.PositionHolder
}

// rounds lowers a loop that test ends and body makes a round of, at most most
// times; if that is 0 and more rounds come, the path exits. own is a variable of
// the loop's own.
func (c *compiler) rounds(p *path, st ast.Stmt, most int, test func(*path) (more, done []*path), body func([]*path) []*path, own *analysis.Symbol) []*path {
	counted := most == 0
	if counted {
		most = max(maxTrips/c.trips/4, 1)
	}
	p = c.settle(p)
	c.forget(p, c.where.start[st])
	h := head{carried: make(map[*analysis.Symbol]value), pkt: p.pkt.clone(), changes: p.changes, counts: p.counts}
	if own != nil {
		h.carried[own] = c.carry(p, p.vars[own])
	}
	var trip ir.Reg
	if counted {
		trip = c.f.NewReg(ir.Number)
	}
	entry := p
	returned := len(c.top().returns)
	for attempt := 0; ; attempt++ {
		c.top().returns = c.top().returns[:returned]
		q := c.newRound(entry, &h)
		start := q.block
		if counted {
			q = c.unless(q, st, ir.SGE, ranged(trip, 0, int64(most)), whole(int64(most)), "the loop has more than %d rounds", most)
		}
		var more, done []*path
		ps, breaks := c.inLoop(most, func() []*path {
			more, done = test(q)
			return body(more)
		})
		ps = c.join(ps, c.where.end[st]-1)
		for i, p := range ps {
			ps[i] = c.settle(p)
		}
		next, stable, reason := c.next(entry, ps, h, attempt)
		if reason != "" {
			c.exit(entry, st, false, "%s", reason)
			return nil
		}
		if !stable {
			h = next
			continue
		}
		c.enter(entry, h, start, trip, counted)
		for _, p := range ps {
			c.anotherRound(p, h, start, trip, counted)
		}
		return append(done, breaks...)
	}
}

// newRound gives a path that begins a round.
func (c *compiler) newRound(entry *path, h *head) *path {
	q := c.fork(entry)
	q.pkt = h.pkt.clone()
	q.changes = slices.Clone(h.changes)
	q.counts = slices.Clone(h.counts)
	maps.Copy(q.vars, h.carried)
	for _, v := range h.carried {
		delete(q.spans, v.reg)
		delete(q.spans, v.reg2)
	}
	return q
}

// carry gives a value that changes from round to round registers of its own.
func (c *compiler) carry(p *path, v value) value {
	switch v.kind {
	case isBool:
		return flag(c.f.NewReg(ir.Number))
	case isNumber:
		s := p.span(v)
		return ranged(c.f.NewReg(ir.Number), s.lo, s.hi)
	case isAddress:
		return address(c.f.NewReg(ir.Number), c.f.NewReg(ir.Number))
	}
	return v
}

// next compares what holds at the end of a round with what was taken to hold at
// its beginning, and gives what to try next if they differ.
func (c *compiler) next(entry *path, ps []*path, h head, attempt int) (next head, stable bool, reason string) {
	next = head{carried: maps.Clone(h.carried), pkt: h.pkt.clone(), changes: h.changes, counts: slices.Clone(h.counts)}
	stable = true
	for _, p := range ps {
		for _, sym := range c.variables(entry) {
			begun, carried := next.carried[sym]
			if !carried {
				begun = entry.vars[sym]
			}
			ended, ok := p.vars[sym]
			if !ok || ended == begun && !carried {
				continue
			}
			if ended.kind != begun.kind || begun.rigid() && ended != begun {
				return next, false, `"` + sym.Name + `" becomes a value of another kind in the loop`
			}
			if begun.rigid() {
				continue
			}
			if !carried {
				begun, stable = c.carry(entry, begun), false
			}
			lo, hi := begun.lo, begun.hi
			if s := p.span(ended); begun.kind == isNumber && (s.lo < lo || s.hi > hi) {
				begun.lo, begun.hi = widen(s.lo, lo, hi, attempt), widen(s.hi, lo, hi, attempt)
				begun.lo, begun.hi = min(lo, begun.lo), max(hi, begun.hi)
				stable = false
			}
			next.carried[sym] = begun
		}
		met := meet([]*layout{next.pkt, p.pkt}, func(regs []ir.Reg) ir.Reg {
			if regs[0] == regs[1] {
				return regs[0]
			}
			return ir.None
		})
		if !met.equal(next.pkt) {
			next.pkt, stable = met, false
		}
		for _, at := range p.changes {
			if !slices.Contains(next.changes, at) {
				next.changes, stable = append(slices.Clone(next.changes), at), false
			}
		}
		for _, n := range p.counts {
			i := slices.IndexFunc(next.counts, func(o count) bool { return o.counter == n.counter })
			switch {
			case i < 0:
				next.counts = append(next.counts, count{n.counter, c.f.NewReg(ir.Number), 0, n.line})
				stable = false
			case next.counts[i] != n && !c.carries(h, i, entry):
				next.counts[i] = count{n.counter, c.f.NewReg(ir.Number), 0, n.line}
				stable = false
			}
		}
	}
	if attempt == maxAttempts+4 {
		return next, false, "what the loop changes can't be bounded"
	}
	return next, stable, ""
}

// carries reports whether a pending addition has a register of the loop.
func (c *compiler) carries(h head, i int, entry *path) bool {
	return i < len(h.counts) && (i >= len(entry.counts) || h.counts[i] != entry.counts[i])
}

// rigid reports whether a value can't be in registers.
func (v value) rigid() bool { return v.kind != isNumber && v.kind != isBool && v.kind != isAddress }

// widen gives a bound that n is within: soon one beyond which it rarely goes.
func widen(n, lo, hi int64, attempt int) int64 {
	if n >= lo && n <= hi || attempt < 1 {
		return n
	}
	for _, limit := range []int64{0, 1<<8 - 1, 1<<16 - 1, 1<<32 - 1} {
		if n > hi && n <= limit && attempt < maxAttempts {
			return limit
		}
		if n < lo && n >= -limit && attempt < maxAttempts {
			return -limit
		}
	}
	if n > hi {
		return maxWhole
	}
	return -maxWhole
}

// enter has the path before a loop go into its first round.
func (c *compiler) enter(p *path, h head, start *ir.Block, trip ir.Reg, counted bool) {
	if counted {
		c.set(p, trip, source{ir.None, 0})
	}
	c.transfer(p, h, start)
}

// anotherRound has a path go into another round.
func (c *compiler) anotherRound(p *path, h head, start *ir.Block, trip ir.Reg, counted bool) {
	if counted {
		p.block.Instrs = append(p.block.Instrs, ir.Instr{Op: ir.Add, Dst: trip, A: trip, B: ir.None, Imm: 1, Line: c.line})
	}
	c.transfer(p, h, start)
}

// transfer gives the registers of a loop their values for the next round, by
// way of others, since they may be exchanged.
func (c *compiler) transfer(p *path, h head, start *ir.Block) {
	type move struct{ to, from ir.Reg }
	var moves []move
	put := func(to ir.Reg, v value, from ir.Reg, n int64) {
		if v.known {
			from = c.constant(p, n)
		} else if from == to {
			return
		} else {
			from = c.emit(p, ir.Instr{Op: ir.Move, A: from, B: ir.None})
		}
		moves = append(moves, move{to, from})
	}
	for _, sym := range c.symbols(h.carried) {
		to, v := h.carried[sym], p.vars[sym]
		if to.kind == isAddress {
			first, second := int64(0), int64(0)
			if v.known {
				first, second = words(v.text)
			}
			put(to.reg, v, v.reg, first)
			put(to.reg2, v, v.reg2, second)
			continue
		}
		if !to.rigid() {
			put(to.reg, v, v.reg, v.n)
		}
	}
	for _, n := range h.counts {
		own := count{counter: n.counter, reg: ir.None}
		if i := slices.IndexFunc(p.counts, func(o count) bool { return o.counter == n.counter }); i >= 0 {
			own = p.counts[i]
		}
		if own == n {
			continue
		}
		v := value{known: own.reg == ir.None}
		if !v.known && own.n != 0 {
			own.reg = c.binary(p, ir.Add, own.reg, own.n)
		}
		put(n.reg, v, own.reg, own.n)
	}
	for _, m := range moves {
		c.assignReg(p, m.to, m.from)
	}
	c.jump(p, start)
}

// symbols lists variables in the order of their declarations.
func (c *compiler) symbols(m map[*analysis.Symbol]value) []*analysis.Symbol {
	return slices.SortedFunc(maps.Keys(m), func(a, b *analysis.Symbol) int { return c.where.order[a] - c.where.order[b] })
}
