// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"fmt"
	"maps"
	"slices"

	"pvlua/luabpf/ir"
)

// key is equal for layouts that can be met without the loss of knowledge that
// takes tests to get back: which headers there are, not what is in registers.
func (l *layout) key() string { return fmt.Sprintf("%x %v", l.walk.has, l.resized) }

// equal reports whether l and m know the same, in the same registers.
func (l *layout) equal(m *layout) bool {
	return l.base == m.base && l.length == m.length && l.below == m.below && l.least == m.least && l.resized == m.resized && l.whole == m.whole && l.walk == m.walk &&
		maps.Equal(l.proven, m.proven) && slices.Equal(l.options, m.options) && slices.Equal(l.loads, m.loads) && l.sums.equal(&m.sums)
}

// meet is what is known where paths with these layouts join, whose checksums
// are settled or all the same. phi gives the register that holds after the join
// what the given ones, one of each path, hold before it (the one itself if they
// are all the same); ir.None if there is none, and the knowledge is then lost.
func meet(ls []*layout, phi func([]ir.Reg) ir.Reg) *layout {
	m := meeting{ls, phi}
	l := ls[0].clone()
	for _, o := range ls[1:] {
		l.intersect(o)
	}
	l.base = m.reg(func(l *layout) ir.Reg { return l.base })
	l.length = m.reg(func(l *layout) ir.Reg { return l.length })
	m.proven(l, l.base, func(l *layout) ir.Reg { return l.base })
	m.walk(l)
	m.loads(l)
	return l
}

// meeting is what meet is working on.
type meeting struct {
	ls  []*layout
	phi func([]ir.Reg) ir.Reg
}

// reg gives the register for what the layouts have in the ones that get gives,
// None if one has none.
func (m *meeting) reg(get func(*layout) ir.Reg) ir.Reg {
	regs := make([]ir.Reg, len(m.ls))
	for i, l := range m.ls {
		if regs[i] = get(l); regs[i] == ir.None {
			return ir.None
		}
	}
	return m.phi(regs)
}

// proven notes how much guards have found from a pointer that has joined.
func (m *meeting) proven(l *layout, joined ir.Reg, get func(*layout) ir.Reg) {
	if joined == ir.None {
		return
	}
	n := m.ls[0].proven[get(m.ls[0])]
	for _, o := range m.ls[1:] {
		n = min(n, o.proven[get(o)])
	}
	if n > 0 {
		l.proven[joined] = n
	}
}

// place joins a place; it is lost unless all are constant and equal, or all in
// registers.
func (m *meeting) place(l *layout, get func(*walk) *place) place {
	first := *get(&m.ls[0].walk)
	for _, o := range m.ls {
		if pl := get(&o.walk); (pl.num == ir.None) != (first.num == ir.None) || pl.off != first.off {
			return unwalked.l3
		}
	}
	ptr := func(l *layout) ir.Reg { return get(&l.walk).ptr }
	if first.num == ir.None {
		if first.off == 0 || l.base == ir.None {
			return unwalked.l3
		}
		return place{l.base, first.off, ir.None}
	}
	pl := place{m.reg(ptr), first.off, m.reg(func(l *layout) ir.Reg { return get(&l.walk).num })}
	if pl.num == ir.None {
		return unwalked.l3
	}
	m.proven(l, pl.ptr, ptr)
	return pl
}

// walk joins what is known of headers besides which ones there are.
func (m *meeting) walk(l *layout) {
	has, not := l.walk.has, l.walk.not
	w := unwalked
	w.has, w.not = has, not
	reg := func(get func(*walk) ir.Reg) ir.Reg { return m.reg(func(l *layout) ir.Reg { return get(&l.walk) }) }
	w.linked, w.first, w.chained = true, true, true
	for _, o := range m.ls {
		w.linked = w.linked && o.walk.linked
		w.first = w.first && o.walk.first
		w.chained = w.chained && o.walk.chained
	}
	if w.linked {
		w.l3 = m.place(l, func(w *walk) *place { return &w.l3 })
		w.typ = reg(func(w *walk) ir.Reg { return w.typ })
		w.linked = w.l3 != unwalked.l3 && w.typ != ir.None
	}
	if !w.linked {
		w.l3, w.typ = unwalked.l3, ir.None
	}
	w.ihl = reg(func(w *walk) ir.Reg { return w.ihl })
	w.proto = reg(func(w *walk) ir.Reg { return w.proto })
	w.l4 = m.place(l, func(w *walk) *place { return &w.l4 })
	w.room = reg(func(w *walk) ir.Reg { return w.room })
	if w.l4 == unwalked.l4 || w.room == ir.None {
		w.l4, w.room = unwalked.l4, ir.None
	}
	if w.chained = w.chained && w.proto != ir.None && w.room != ir.None; w.chained {
		w.ext = chain{
			reg(func(w *walk) ir.Reg { return w.ext.proto }),
			reg(func(w *walk) ir.Reg { return w.ext.fragment }), reg(func(w *walk) ir.Reg { return w.ext.parted }),
			reg(func(w *walk) ir.Reg { return w.ext.later }), reg(func(w *walk) ir.Reg { return w.ext.cut }),
			reg(func(w *walk) ir.Reg { return w.ext.routing }),
		}
	}
	l.walk = w
}

// loads keeps what all layouts have read into the same register from the same
// place.
func (m *meeting) loads(l *layout) {
	l.loads = nil
	for _, e := range m.ls[0].loads {
		role := m.ls[0].role(e.ptr)
		all := true
		for _, o := range m.ls[1:] {
			all = all && slices.ContainsFunc(o.loads, func(d loaded) bool {
				return d.off == e.off && d.size == e.size && d.reg == e.reg && d.imm == e.imm && d.swapped == e.swapped && (d.ptr == e.ptr || role != noRole && o.role(d.ptr) == role)
			})
		}
		if e.ptr = l.pointer(role, e.ptr); all && e.ptr != ir.None {
			l.loads = append(l.loads, e)
		}
	}
}

// The pointers that stand for the same place in layouts that meet.
const (
	noRole = iota
	baseRole
	l3Role
	l4Role
)

func (l *layout) role(ptr ir.Reg) int {
	switch ptr {
	case l.base:
		return baseRole
	case l.walk.l3.ptr:
		return l3Role
	case l.walk.l4.ptr:
		return l4Role
	}
	return noRole
}

// pointer gives the pointer that has a role, or else the one that had it.
func (l *layout) pointer(role int, ptr ir.Reg) ir.Reg {
	return [...]ir.Reg{noRole: ptr, baseRole: l.base, l3Role: l.walk.l3.ptr, l4Role: l.walk.l4.ptr}[role]
}
