// SPDX-License-Identifier: GPL-3.0-or-later

package bpf

import "github.com/cilium/ebpf/asm"

// Handlers have loops that few packets enter, as those over options. A value
// that is needed before and after such a loop, but not in it, is on the stack
// only while the loop runs: written on the ways into it, and read on the ways
// out. Other packets pay nothing for it.

// loop is the blocks of a loop, those of loops within included.
type loop struct {
	head *block
	in   set // by block
}

// outermost gives the loops that are in no other.
func (c *code) outermost() (all []loop) {
	preds := make([][]*block, len(c.blocks))
	for _, b := range c.blocks {
		b.successors(func(s *block) { preds[s.id] = append(preds[s.id], b) })
	}
	for _, head := range c.blocks {
		in := newSet(len(c.blocks))
		in.add(head.id)
		var work []*block
		for _, p := range preds[head.id] {
			if p.id >= head.id { // a jump back, or a block of a loop with two heads
				work = append(work, p)
			}
		}
		if len(work) == 0 {
			continue
		}
		for len(work) > 0 {
			b := work[len(work)-1]
			if work = work[:len(work)-1]; !in.has(b.id) {
				in.add(b.id)
				work = append(work, preds[b.id]...)
			}
		}
		known := false
		for _, l := range all {
			known = known || l.in.has(head.id)
		}
		if !known && !in.has(0) {
			all = append(all, loop{head, in})
		}
	}
	return all
}

// edge is a way from a block: the one that is jumped, or the other.
type edge struct {
	from  *block
	taken bool
}

func (e edge) to() **block {
	if e.taken {
		return &e.from.taken
	}
	return &e.from.next
}

// around keeps registers on the stack while loops run, if they are needed after
// some loop but not in it: then it is done with them. It gives the others, and
// how many spill slots there are.
func (c *code) around(spilled []reg, slots int) (rest []reg, _ int) {
	live := c.liveOut(int(c.regs), registers) // and then at the beginnings of blocks
	for i, b := range c.blocks {
		b.backwards(live[i], registers, nil)
	}
	among := map[reg]int{}
	for _, r := range spilled {
		among[r] = 1
	}
	constant := c.constants(among) // which are better made anew
	loads, stores := map[edge][]insn{}, map[edge][]insn{}
	done := map[reg]bool{}
	for _, l := range c.outermost() {
		used := newSet(int(c.regs))
		for _, b := range c.blocks {
			if l.in.has(b.id) {
				b.each(func(in *insn) { registers(in, used.add, used.add) })
			}
		}
		for _, r := range spilled {
			if _, ok := constant[r]; ok || !live[l.head.id].has(int(r)) || used.has(int(r)) {
				continue
			}
			slots++
			done[r] = true
			for _, b := range c.blocks {
				for _, e := range []edge{{b, true}, {b, false}} {
					to := *e.to()
					switch {
					case to == nil || !live[to.id].has(int(r)):
					case !l.in.has(b.id) && l.in.has(to.id):
						stores[e] = append(stores[e], insn{op: asm.StoreMemOp(asm.DWord), dst: frame, src: r, slot: slots})
					case l.in.has(b.id) && !l.in.has(to.id):
						loads[e] = append(loads[e], insn{op: asm.LoadMemOp(asm.DWord), dst: r, src: frame, slot: slots})
					}
				}
			}
		}
	}
	// A way may lead from one loop into another.
	for _, b := range c.blocks {
		for _, e := range []edge{{b, true}, {b, false}} {
			if insns := append(loads[e], stores[e]...); len(insns) > 0 {
				*e.to() = &block{insns: insns, next: *e.to()}
			}
		}
	}
	if len(done) > 0 {
		c.arrange(c.blocks[0])
	}
	for _, r := range spilled {
		if !done[r] {
			rest = append(rest, r)
		}
	}
	return rest, slots
}
