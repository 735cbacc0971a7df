// SPDX-License-Identifier: GPL-3.0-or-later

package bpf

import "math/bits"

// set is a set of small numbers.
type set []uint64

func newSet(n int) set { return make(set, (n+63)/64) }

func (s set) has(i int) bool { return s[i/64]>>(i%64)&1 != 0 }
func (s set) add(i int)      { s[i/64] |= 1 << (i % 64) }
func (s set) remove(i int)   { s[i/64] &^= 1 << (i % 64) }

// unite takes in another set and reports whether that added anything.
func (s set) unite(o set) (grew bool) {
	for i, w := range o {
		if w&^s[i] != 0 {
			s[i] |= w
			grew = true
		}
	}
	return grew
}

// each calls f with each member, in ascending order.
func (s set) each(f func(int)) {
	for i, w := range s {
		for ; w != 0; w &= w - 1 {
			f(64*i + bits.TrailingZeros64(w))
		}
	}
}

// accesses calls use and def with what an instruction reads and sets of the
// things whose liveness is asked for: registers or spill slots.
type accesses func(in *insn, use, def func(int))

// registers are the accesses to registers.
func registers(in *insn, use, def func(int)) {
	in.operands(func(r reg) { use(int(r)) }, func(r reg) { def(int(r)) })
}

// liveOut gives, for each block, which of n things are read later on some way
// from its end on, before they are set.
func (c *code) liveOut(n int, of accesses) []set {
	in, out := make([]set, len(c.blocks)), make([]set, len(c.blocks))
	for i := range c.blocks {
		in[i], out[i] = newSet(n), newSet(n)
	}
	for changed := true; changed; {
		changed = false
		for i := len(c.blocks) - 1; i >= 0; i-- {
			b := c.blocks[i]
			b.successors(func(s *block) { out[i].unite(in[s.id]) })
			live := append(set(nil), out[i]...)
			b.backwards(live, of, nil)
			if in[i].unite(live) {
				changed = true
			}
		}
	}
	return out
}

// backwards goes through a block from its end, with what is live there, and
// keeps live; before it does so, it calls at with each instruction and what is
// live after it. Where at says so, the instruction is passed over.
func (b *block) backwards(live set, of accesses, at func(in *insn, live set) (skip bool)) {
	step := func(in *insn) {
		if at != nil && at(in, live) {
			return
		}
		of(in, func(int) {}, live.remove)
		of(in, live.add, func(int) {})
	}
	if b.taken != nil {
		step(&b.jump)
	}
	for i := len(b.insns) - 1; i >= 0; i-- {
		step(&b.insns[i])
	}
}

// sweep removes instructions whose results nobody reads.
func (c *code) sweep() {
	for again := true; again; {
		again = false
		out := c.liveOut(int(c.regs), registers)
		for i, b := range c.blocks {
			dead := map[*insn]bool{}
			b.backwards(out[i], registers, func(in *insn, live set) bool {
				if in.isPure() && (!live.has(int(in.dst)) || in.isMove() && in.dst == in.src) {
					dead[in] = true
				}
				return dead[in]
			})
			if len(dead) == 0 {
				continue
			}
			again = true
			kept := b.insns[:0:0]
			for j := range b.insns {
				if !dead[&b.insns[j]] {
					kept = append(kept, b.insns[j])
				}
			}
			b.insns = kept
		}
	}
}
