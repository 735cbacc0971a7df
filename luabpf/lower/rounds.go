// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"maps"
	"slices"

	"github.com/yuin/gopher-lua/ast"

	"pvlua/analysis"
	"pvlua/luabpf/ir"
)

// head is what is known where a round of a loop begins.
type head struct {
	carried map[*analysis.Symbol]value // variables that rounds change, in registers of their own
	counts  []count                    // additions that are pending, in registers if rounds change them
	pkt     *layout
	altered
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
	c.complete(p, st)
	c.forget(p, c.where.start[st])
	h := head{carried: make(map[*analysis.Symbol]value), pkt: p.pkt.clone(), counts: p.counts, altered: p.altered}
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
	q.altered = h.altered
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
	next = head{carried: maps.Clone(h.carried), pkt: h.pkt.clone(), counts: slices.Clone(h.counts), altered: h.altered}
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
		if !next.lasting && (p.lasting || !slices.Equal(p.undo, next.undo)) {
			next.undo, next.lasting, stable = nil, true, false
		}
		changes, lasts := union(next.changes, p.changes), union(next.lasts, p.lasts)
		if len(changes) > len(next.changes) || len(lasts) > len(next.lasts) {
			next.changes, next.lasts, stable = changes, lasts, false
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
