// SPDX-License-Identifier: GPL-3.0-or-later

package opt

import (
	"slices"

	"pvlua/luabpf/ir"
)

// successors gives the blocks that a block may go on at.
func successors(b *ir.Block) []*ir.Block {
	switch b.Term.Kind {
	case ir.Jump:
		return []*ir.Block{b.Term.Then}
	case ir.Branch, ir.Guard:
		return []*ir.Block{b.Term.Then, b.Term.Else}
	}
	return nil
}

// jump makes a block go on at another in any case.
func jump(b, to *ir.Block) {
	b.Term = ir.Term{Kind: ir.Jump, Then: to, A: ir.None, B: ir.None, Line: b.Term.Line}
}

// renumber keeps the blocks that can be reached, each before those that follow
// it as far as loops allow, and reports whether that changed anything.
func renumber(f *ir.Func) bool {
	order := postorder(f)
	slices.Reverse(order)
	same := slices.Equal(order, f.Blocks)
	f.Blocks = order
	for i, b := range order {
		b.ID = i
	}
	return !same
}

// postorder gives the blocks that can be reached, each after those that follow.
func postorder(f *ir.Func) (order []*ir.Block) {
	seen := make([]bool, len(f.Blocks))
	seen[0] = true
	type visit struct {
		b    *ir.Block
		next []*ir.Block
	}
	of := func(b *ir.Block) visit {
		s := successors(b)
		slices.Reverse(s) // what is visited last comes first
		return visit{b, s}
	}
	for stack := []visit{of(f.Blocks[0])}; len(stack) > 0; {
		top := &stack[len(stack)-1]
		if len(top.next) == 0 {
			order = append(order, top.b)
			stack = stack[:len(stack)-1]
			continue
		}
		to := top.next[0]
		top.next = top.next[1:]
		if !seen[to.ID] {
			seen[to.ID] = true
			stack = append(stack, of(to))
		}
	}
	return order
}

// predecessors gives, by block, the ends that lead to it: a block whose branch
// leads there both ways twice.
func predecessors(f *ir.Func) [][]*ir.Block {
	preds := make([][]*ir.Block, len(f.Blocks))
	for _, b := range f.Blocks {
		for _, s := range successors(b) {
			preds[s.ID] = append(preds[s.ID], b)
		}
	}
	return preds
}

// dominators gives, by block, the last block through which every path to it
// goes; the entry's is itself. The blocks are as renumber leaves them (Cooper,
// Harvey and Kennedy 2001).
func dominators(f *ir.Func, preds [][]*ir.Block) []int {
	const unknown = -1
	idom := slices.Repeat([]int{unknown}, len(f.Blocks))
	idom[0] = 0
	for changed := true; changed; {
		changed = false
		for i := 1; i < len(f.Blocks); i++ {
			to := unknown
			for _, p := range preds[i] {
				a := p.ID
				if idom[a] == unknown {
					continue
				}
				for b := to; b != unknown && a != b; {
					if a > b {
						a = idom[a]
					} else {
						b = idom[b]
					}
				}
				to = a
			}
			if idom[i] != to {
				idom[i], changed = to, true
			}
		}
	}
	return idom
}

// setOnce gives the registers that are set by one instruction only. As every
// path to a use sets a register, that one dominates all uses.
func setOnce(f *ir.Func) []bool {
	n := make([]int, len(f.Regs))
	for _, b := range f.Blocks {
		for i := range b.Instrs {
			b.Instrs[i].Operands(nil, func(r ir.Reg) { n[r]++ })
		}
	}
	once := make([]bool, len(n))
	for r := range n {
		once[r] = n[r] == 1
	}
	return once
}
