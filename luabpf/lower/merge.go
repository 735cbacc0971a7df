// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"fmt"
	"slices"

	"github.com/yuin/gopher-lua/ast"

	"pvlua/analysis"
	"pvlua/luabpf/ir"
)

// source is what a register after a join has before it: on one path a register
// or a number.
type source struct {
	reg ir.Reg
	n   int64
}

// merge joins paths of one group into one.
func (c *compiler) merge(group []results) results {
	first := group[0]
	if len(group) == 1 {
		return first
	}
	if slices.ContainsFunc(group, func(r results) bool { return !r.pkt.sums.equal(&first.pkt.sums) }) {
		for i := range group {
			group[i].path = c.settle(group[i].path)
		}
		first = group[0]
	}
	if slices.ContainsFunc(group, func(r results) bool { return r.pkt.whole }) {
		for _, r := range group {
			c.complete(r.path, c.program.Handler)
		}
	}
	m := &merging{c: c, group: group, made: make(map[string]ir.Reg)}
	p := &path{block: c.f.NewBlock(), vars: make(map[*analysis.Symbol]value), spans: make(map[ir.Reg]span)}
	out := results{path: p, at: first.at}
	for reg := range first.spans {
		if s, ok := m.spanOf(reg); ok {
			p.spans[reg] = s
		}
	}
	for _, sym := range c.variables(first.path) {
		p.vars[sym] = m.value(p, func(r results) value { return r.vars[sym] })
	}
	for i := range first.values {
		out.values = append(out.values, m.value(p, func(r results) value { return r.values[i] }))
	}
	p.counts = m.counts()
	var layouts []*layout
	for _, r := range group {
		layouts = append(layouts, r.pkt)
		p.changes, p.lasts = union(p.changes, r.changes), union(p.lasts, r.lasts)
	}
	p.undo, p.lasting = m.undo()
	p.pkt = meet(layouts, m.phi)
	for _, r := range group {
		c.jump(r.path, p.block)
	}
	return out
}

// union adds to places those that are not among them.
func union(a, b []ast.PositionHolder) []ast.PositionHolder {
	for _, at := range b {
		if !slices.Contains(a, at) {
			a = append(slices.Clip(a), at)
		}
	}
	return a
}

// merging is a group of paths that are being joined.
type merging struct {
	c     *compiler
	group []results
	made  map[string]ir.Reg // by what they hold on each path
}

// spanOf gives the range that a register has on all paths, if all know one.
func (m *merging) spanOf(reg ir.Reg) (s span, ok bool) {
	for i, r := range m.group {
		t, ok := r.spans[reg]
		if !ok {
			return s, false
		}
		if i == 0 {
			s = t
		}
		s = span{min(s.lo, t.lo), max(s.hi, t.hi)}
	}
	return s, true
}

// value joins a value of each path.
func (m *merging) value(p *path, of func(results) value) value {
	v := of(m.group[0])
	switch v.kind {
	case isBool, isNumber:
		return m.number(p, v, of)
	case isAddress:
		return m.address(v, of)
	case isMaybe:
		return m.maybe(p, of)
	}
	return v
}

// number joins numbers or booleans.
func (m *merging) number(p *path, v value, of func(results) value) value {
	same := true
	s := m.group[0].span(v)
	sources := make([]source, len(m.group))
	for i, r := range m.group {
		w := of(r)
		same = same && w.known == v.known && w.n == v.n && w.reg == v.reg
		t := r.span(w)
		s = span{min(s.lo, t.lo), max(s.hi, t.hi)}
		sources[i] = source{w.reg, 0}
		if w.known {
			sources[i] = source{ir.None, w.n}
		}
	}
	if same && v.known {
		return v
	}
	v.known, v.n, v.lo, v.hi = false, 0, s.lo, s.hi
	if !same {
		v.reg = m.register(sources)
	}
	return v
}

// address joins strings of 16 bytes.
func (m *merging) address(v value, of func(results) value) value {
	same := true
	a, b := make([]source, len(m.group)), make([]source, len(m.group))
	for i, r := range m.group {
		w := of(r)
		same = same && w == v
		a[i], b[i] = source{w.reg, 0}, source{w.reg2, 0}
		if w.known {
			first, second := words(w.text)
			a[i], b[i] = source{ir.None, first}, source{ir.None, second}
		}
	}
	if same {
		return v
	}
	return address(m.register(a), m.register(b))
}

// register gives a register that has one of the sources after the join,
// depending on the path.
func (m *merging) register(sources []source) ir.Reg {
	key := fmt.Sprint(sources)
	if reg, ok := m.made[key]; ok {
		return reg
	}
	k := ir.Number
	if sources[0].reg != ir.None {
		k = m.c.f.Regs[sources[0].reg]
	}
	reg := m.c.f.NewReg(k)
	m.made[key] = reg
	for i, src := range sources {
		m.c.set(m.group[i].path, reg, src)
	}
	return reg
}

// set gives a register a value.
func (c *compiler) set(p *path, reg ir.Reg, src source) {
	if src.reg == ir.None {
		p.block.Instrs = append(p.block.Instrs, ir.Instr{Op: ir.Const, Dst: reg, A: ir.None, B: ir.None, Imm: src.n, Line: c.line})
		return
	}
	c.assignReg(p, reg, src.reg)
}

// undo joins what puts back what the paths have changed, if they have changed the
// same bytes.
func (m *merging) undo() (all []*oldBytes, lasting bool) {
	first := m.group[0]
	for _, r := range m.group {
		if r.lasting || len(r.undo) != len(first.undo) {
			return nil, true
		}
	}
	for i, old := range first.undo {
		same := true
		sources := make([]source, len(m.group))
		for j, r := range m.group {
			own := r.undo[i]
			if own.ptr != old.ptr || own.off != old.off || own.size != old.size {
				return nil, true
			}
			sources[j] = source{own.reg, own.imm}
			same = same && sources[j] == sources[0]
		}
		if !same {
			old = &oldBytes{ptr: old.ptr, off: old.off, size: old.size, reg: m.register(sources)}
		}
		all = append(all, old)
	}
	return all, false
}

// phi is register for registers alone, as layouts have them.
func (m *merging) phi(regs []ir.Reg) ir.Reg {
	if !slices.ContainsFunc(regs, func(r ir.Reg) bool { return r != regs[0] }) {
		return regs[0]
	}
	sources := make([]source, len(regs))
	for i, r := range regs {
		sources[i].reg = r
	}
	return m.register(sources)
}

// counts joins what is to be added to counters.
func (m *merging) counts() (all []count) {
	for _, r := range m.group {
		for _, n := range r.counts {
			if !slices.ContainsFunc(all, func(o count) bool { return o.counter == n.counter }) {
				all = append(all, count{counter: n.counter, reg: ir.None, line: n.line})
			}
		}
	}
	for i := range all {
		m.count(&all[i])
	}
	return all
}

// count joins what is to be added to one counter.
func (m *merging) count(n *count) {
	sources := make([]source, len(m.group))
	same := true
	for i, r := range m.group {
		at := slices.IndexFunc(r.counts, func(o count) bool { return o.counter == n.counter })
		sources[i] = source{ir.None, 0}
		if at >= 0 {
			own := r.counts[at]
			sources[i] = source{own.reg, own.n}
			if own.reg != ir.None && own.n != 0 {
				sources[i] = source{m.c.binary(r.path, ir.Add, own.reg, own.n), 0}
			}
		}
		same = same && sources[i] == sources[0]
	}
	if same {
		n.reg, n.n = sources[0].reg, sources[0].n
		return
	}
	n.reg, n.n = m.register(sources), 0
}
