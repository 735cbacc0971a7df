// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"slices"

	"pvlua/luabpf/ir"
)

// useless takes out decisions, and all that leads to them, that make no
// difference: handlers ask for headers and look at the answers later, or never. A
// branch is of use if something that is of use is done on one of its ways only
// (Cytron, Ferrante, Rosen, Wegman and Zadeck, TOPLAS 13(4), section 7.1: dead
// code elimination by control dependence). All loops end, so that those without
// effect can go as well.
func useless(f *ir.Func) {
	shareEnds(f)
	u := &uses{f: f, after: afterwards(f), blocks: make([]bool, len(f.Blocks)), regs: make([]bool, len(f.Regs)), sets: make([][]site, len(f.Regs)), instrs: make([][]bool, len(f.Blocks))}
	u.control()
	for _, b := range f.Blocks {
		u.instrs[b.ID] = make([]bool, len(b.Instrs))
		for i := range b.Instrs {
			b.Instrs[i].Operands(nil, func(r ir.Reg) { u.sets[r] = append(u.sets[r], site{b, i}) })
		}
	}
	for _, b := range f.Blocks {
		for i := range b.Instrs {
			if effect(b.Instrs[i].Op) {
				u.instr(site{b, i})
			}
		}
		if b.Term.Kind == ir.Return || b.Term.Kind == ir.Exit {
			u.block(b)
		}
	}
	u.remove()
}

// effect reports whether an operation does more than to set registers. Looking
// an entry of a map up keeps it from being forgotten.
func effect(op ir.Op) bool {
	switch op {
	case ir.Store, ir.Adjust, ir.CountAdd, ir.MapGet, ir.MapSet, ir.MapInsert, ir.MapAdd, ir.MapDelete:
		return true
	}
	return false
}

// shareEnds has paths that end in the same way share the end.
func shareEnds(f *ir.Func) {
	type end struct {
		kind    ir.TermKind
		verdict ir.Verdict
		port    int
		site    int
	}
	ends := make(map[end]*ir.Block)
	same := func(b *ir.Block) *ir.Block {
		if b == nil || len(b.Instrs) > 0 || b.Term.Kind != ir.Return && b.Term.Kind != ir.Exit {
			return b
		}
		e := end{b.Term.Kind, b.Term.Verdict, b.Term.Port, b.Term.Site}
		if ends[e] == nil {
			ends[e] = b
		}
		return ends[e]
	}
	for _, b := range f.Blocks {
		b.Term.Then, b.Term.Else = same(b.Term.Then), same(b.Term.Else)
	}
	tidy(f)
}

// site is the place of an instruction.
type site struct {
	b *ir.Block
	i int
}

// uses is what is of use.
type uses struct {
	f      *ir.Func
	after  []int         // by block, the next one that all ways from it lead to; that of an end is none: -1
	deps   [][]*ir.Block // by block, the branches that decide whether it is come to
	blocks []bool        // something in them is of use
	terms  map[*ir.Block]bool
	instrs [][]bool
	regs   []bool
	sets   [][]site // by register
}

// control finds what decides over each block.
func (u *uses) control() {
	u.deps = make([][]*ir.Block, len(u.f.Blocks))
	u.terms = make(map[*ir.Block]bool)
	for _, b := range u.f.Blocks {
		if b.Term.Kind != ir.Branch && b.Term.Kind != ir.Guard {
			continue
		}
		for _, to := range []*ir.Block{b.Term.Then, b.Term.Else} {
			for at := to.ID; at >= 0 && at != u.after[b.ID]; at = u.after[at] {
				u.deps[at] = append(u.deps[at], b)
			}
		}
	}
}

// instr notes that an instruction is of use, and what it needs.
func (u *uses) instr(s site) {
	if u.instrs[s.b.ID][s.i] {
		return
	}
	u.instrs[s.b.ID][s.i] = true
	u.block(s.b)
	s.b.Instrs[s.i].Operands(u.reg, nil)
}

// block notes that something in a block is of use, and so what decides over it.
func (u *uses) block(b *ir.Block) {
	if u.blocks[b.ID] {
		return
	}
	u.blocks[b.ID] = true
	for _, branch := range u.deps[b.ID] {
		if !u.terms[branch] {
			u.terms[branch] = true
			u.block(branch)
			branch.Term.Operands(u.reg)
		}
	}
}

// reg notes that a register is of use, and so what sets it.
func (u *uses) reg(r ir.Reg) {
	if u.regs[r] {
		return
	}
	u.regs[r] = true
	for _, s := range u.sets[r] {
		u.instr(s)
	}
}

// remove takes out what is of no use.
func (u *uses) remove() {
	for _, b := range u.f.Blocks {
		i := 0
		b.Instrs = slices.DeleteFunc(b.Instrs, func(ir.Instr) bool {
			i++
			return !u.instrs[b.ID][i-1]
		})
		if (b.Term.Kind == ir.Branch || b.Term.Kind == ir.Guard) && !u.terms[b] {
			at := u.after[b.ID]
			for !u.blocks[at] {
				at = u.after[at]
			}
			b.Term = ir.Term{Kind: ir.Jump, Then: u.f.Blocks[at], A: ir.None, B: ir.None, Line: b.Term.Line}
		}
	}
	tidy(u.f)
}

// afterwards gives for each block the next one that all ways from it lead to,
// -1 if there is none: its immediate post-dominator (Cooper, Harvey and Kennedy,
// A Simple, Fast Dominance Algorithm). Blocks are in an order in which those
// that are led to by others come after them, but for loops.
func afterwards(f *ir.Func) []int {
	const unknown, end = -2, -1
	order := backwards(f)
	place := make([]int, len(f.Blocks)) // in the order; ends are nearest to the end, which is beyond all
	after := make([]int, len(f.Blocks))
	for i, b := range order {
		place[b.ID] = i
		after[b.ID] = unknown
	}
	meet := func(a, b int) int {
		for a != b {
			if a == end || b == end {
				return end
			}
			if place[a] > place[b] {
				a = after[a]
			} else {
				b = after[b]
			}
		}
		return a
	}
	for changed := true; changed; {
		changed = false
		for _, b := range order {
			now := unknown
			next := []*ir.Block{b.Term.Then, b.Term.Else}
			if b.Term.Then == nil {
				now = end
			}
			for _, to := range next {
				switch {
				case to == nil || after[to.ID] == unknown:
				case now == unknown:
					now = to.ID
				default:
					now = meet(now, to.ID)
				}
			}
			if now != after[b.ID] {
				after[b.ID], changed = now, true
			}
		}
	}
	return after
}

// backwards lists the blocks, each after those that it leads to, but for loops:
// in reverse postorder of the graph turned round.
func backwards(f *ir.Func) []*ir.Block {
	from := make([][]*ir.Block, len(f.Blocks))
	for _, b := range f.Blocks {
		for _, to := range []*ir.Block{b.Term.Then, b.Term.Else} {
			if to != nil {
				from[to.ID] = append(from[to.ID], b)
			}
		}
	}
	var order []*ir.Block
	seen := make([]bool, len(f.Blocks))
	var visit func(b *ir.Block)
	visit = func(b *ir.Block) {
		seen[b.ID] = true
		for _, b := range from[b.ID] {
			if !seen[b.ID] {
				visit(b)
			}
		}
		order = append(order, b)
	}
	for _, b := range f.Blocks {
		if b.Term.Then == nil && !seen[b.ID] {
			visit(b)
		}
	}
	slices.Reverse(order)
	return order
}
