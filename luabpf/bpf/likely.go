// SPDX-License-Identifier: GPL-3.0-or-later

package bpf

import (
	"math"

	"pvlua/luabpf/ir"
)

// rarely is how many instructions longer a way must be for a number to be likely
// to equal a constant, if it is that which saves them.
const rarely = 6

// distances gives, by block, how many instructions it is at least to the end that
// handlers are written for: where the packet is sent on, or if there is no such
// end, dropped. The way there is taken to be the likely one: it has no jumps.
func distances(f *ir.Func) []int {
	far := make([]int, len(f.Blocks))
	for wanted := ir.Redirect; wanted >= ir.Drop; wanted-- {
		found := false
		for i, b := range f.Blocks {
			far[i] = math.MaxInt32
			if v := b.Term.Verdict; b.Term.Kind == ir.Return && (v == wanted || wanted == ir.Redirect && v == ir.TX) {
				far[i], found = 0, true
			}
		}
		if found {
			break
		}
	}
	for changed := true; changed; {
		changed = false
		for i := len(f.Blocks) - 1; i >= 0; i-- {
			b := f.Blocks[i]
			for way, to := range []*ir.Block{b.Term.Then, b.Term.Else} {
				if to == nil || b.Term.Kind > ir.Guard || far[to.ID] == math.MaxInt32 {
					continue
				}
				n := far[to.ID] + len(b.Instrs) + 1
				if way == 0 && equals(&b.Term) {
					n += rarely
				}
				if n < far[i] {
					far[i], changed = n, true
				}
			}
		}
	}
	return far
}

// equals reports whether a branch goes on at Then if a number is a constant.
func equals(t *ir.Term) bool { return t.Kind == ir.Branch && t.Cond == ir.EQ && t.B == ir.None }

// thenIsLikely tells at which block a branch rather goes on.
func (s *selector) thenIsLikely(t *ir.Term) bool {
	then, other := s.far[t.Then.ID], s.far[t.Else.ID]
	if equals(t) {
		then += rarely
	}
	return then <= other
}
