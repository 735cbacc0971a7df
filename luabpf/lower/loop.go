// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
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
	// maxUnrolledBlocks is how many blocks they may become.
	maxUnrolledBlocks = 2000
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
	test := func(p *path) (more, done []*path) {
		more, done = c.cond(p, st.Condition)
		return c.join(more, c.where.end[st.Condition]), done
	}
	return c.loop(p, st, test, func(ps []*path) []*path { return c.stmts(ps, st.Stmts) })
}

// repeat is repeat ... until cond: a loop that ends in the middle.
func (c *compiler) repeat(p *path, st *ast.RepeatStmt) []*path {
	test := func(p *path) (more, done []*path) { return []*path{p}, nil }
	return c.loop(p, st, test, func(ps []*path) (more []*path) {
		loops := c.top().loops
		l := loops[len(loops)-1]
		for _, p := range c.stmts(ps, st.Stmts) {
			yes, no := c.cond(p, st.Condition)
			l.breaks = append(l.breaks, yes...)
			more = append(more, no...)
		}
		return more
	})
}

// loop lowers a loop of which it is not said how many rounds it has. It is
// written out if it is certain to end soon.
func (c *compiler) loop(p *path, st ast.Stmt, test func(*path) (more, done []*path), body func([]*path) []*path) []*path {
	returned, blocks := len(c.top().returns), len(c.f.Blocks)
	start := c.fork(p)
	begin := start.block
	var ended []*path
	rest, breaks := c.inLoop(1, func() []*path {
		ps := []*path{start}
		for n := 0; n <= maxUnrolled && len(ps) > 0 && len(c.f.Blocks)-blocks < maxUnrolledBlocks; n++ {
			var next []*path
			for _, p := range ps {
				more, done := test(p)
				next, ended = append(next, more...), append(ended, done...)
			}
			ps = c.join(body(c.join(next, c.where.start[st])), c.where.end[st]-1)
		}
		return ps
	})
	if len(rest) == 0 {
		c.jump(p, begin)
		return append(ended, breaks...)
	}
	c.top().returns = c.top().returns[:returned]
	return c.rounds(p, st, 0, test, body, nil)
}
