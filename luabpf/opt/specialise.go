// SPDX-License-Identifier: GPL-3.0-or-later

package opt

import (
	"slices"

	"pvlua/luabpf/ir"
)

// Where paths meet that found a header at different offsets, what follows has to
// compute every address. specialise copies what follows for the smallest of the
// offsets, which is that of packets without tags and options: there all addresses
// are constants, and tests for tags and options have been made. The copy ends
// where nothing depends on the offset any more.

// growth says how large a Func may become: twice as large, and a bit.
func growth(size int) int { return 2*size + 60 }

// copies bounds how many copies are made.
const copies = 6

// specialise makes such copies.
func specialise(f *ir.Func) (changed bool) {
	size := instructions(f.Blocks)
	limit := growth(size)
	cold := map[*ir.Block]bool{} // of which there is a copy: other packets go there
	for range copies {
		// What nobody needs would count as needed nowhere, and is read all the same.
		changed = dead(f) || changed
		changed = renumber(f) || changed
		s := newSpecialiser(f)
		if !s.find(limit-size, cold) {
			return changed
		}
		s.copy()
		for _, b := range s.region {
			cold[b] = true
		}
		changed = true
		size = instructions(f.Blocks)
	}
	renumber(f)
	return changed
}

func instructions(blocks []*ir.Block) (n int) {
	for _, b := range blocks {
		n += len(b.Instrs) + 1
	}
	return n
}

// specialiser is the search for one copy, and then that.
type specialiser struct {
	f     *ir.Func
	preds [][]*ir.Block
	live  []Set
	sets  []int // how many instructions set a register

	join   *ir.Block // where paths meet
	offset ir.Reg    // what the paths differ in
	value  int64     // of which
	region []*ir.Block
}

func newSpecialiser(f *ir.Func) *specialiser {
	s := &specialiser{f: f, preds: predecessors(f), live: LiveIn(f), sets: make([]int, len(f.Regs))}
	for _, b := range f.Blocks {
		for i := range b.Instrs {
			b.Instrs[i].Operands(nil, func(r ir.Reg) { s.sets[r]++ })
		}
	}
	return s
}

// find looks for a place at which a copy of at most some instructions is worth
// its room.
func (s *specialiser) find(room int, cold map[*ir.Block]bool) bool {
	for _, b := range s.f.Blocks {
		if len(s.preds[b.ID]) < 2 || cold[b] {
			continue
		}
		found := false
		s.live[b.ID].each(func(r ir.Reg) bool {
			found = s.f.Regs[r] == ir.Number && s.sets[r] > 1 && s.fits(b, r, room)
			return !found
		})
		if found {
			return true
		}
	}
	return false
}

// fits looks at one place and register.
func (s *specialiser) fits(join *ir.Block, r ir.Reg, room int) bool {
	known, others := false, false
	for _, p := range s.preds[join.ID] {
		n, ok := s.constant(p, r)
		switch {
		case !ok:
			others = true
		case !known:
			s.value, known = n, true
		case n != s.value:
			s.value, others = min(s.value, n), true
		}
	}
	if !known || !others {
		return false
	}
	depends := s.dependents(r)
	if !slices.ContainsFunc(s.f.Blocks, func(b *ir.Block) bool {
		return slices.ContainsFunc(b.Instrs, func(in ir.Instr) bool { return in.Op == ir.Ptr && depends.Has(in.Dst) })
	}) {
		return false
	}
	s.join, s.offset, s.region = join, r, []*ir.Block{join}
	for i := 0; i < len(s.region); i++ {
		for _, next := range successors(s.region[i]) {
			if !slices.Contains(s.region, next) && s.live[next.ID].meets(depends) {
				s.region = append(s.region, next)
			}
		}
	}
	for _, b := range s.region {
		for i := range b.Instrs {
			again := false
			b.Instrs[i].Operands(nil, func(d ir.Reg) { again = again || d == r })
			if again {
				return false
			}
		}
	}
	return instructions(s.region) <= room
}

// constant gives the value of a register at the end of a block, if it is plain to
// see.
func (s *specialiser) constant(b *ir.Block, r ir.Reg) (int64, bool) {
	for range 4 {
		for i := len(b.Instrs) - 1; i >= 0; i-- {
			in, set := &b.Instrs[i], false
			in.Operands(nil, func(d ir.Reg) { set = set || d == r })
			if set {
				return in.Imm, in.Op == ir.Const
			}
		}
		if len(s.preds[b.ID]) != 1 {
			break
		}
		b = s.preds[b.ID][0]
	}
	return 0, false
}

// dependents gives what is computed from a register, itself included.
func (s *specialiser) dependents(r ir.Reg) Set {
	depends := newSet(s.f)
	depends.add(r)
	for again := true; again; {
		again = false
		for _, b := range s.f.Blocks {
			for i := range b.Instrs {
				in := &b.Instrs[i]
				if in.Op > ir.Sar && in.Op != ir.Ptr || in.Op == ir.Const || depends.Has(in.Dst) {
					continue
				}
				in.Operands(func(u ir.Reg) {
					if depends.Has(u) {
						depends.add(in.Dst)
						again = true
					}
				}, nil)
			}
		}
	}
	return depends
}

// copy makes the copy, and leads the paths there that it is for. Registers that
// only the region uses have new names in it, so that each is set once more.
func (s *specialiser) copy() {
	kept := slices.Clone(s.live[s.join.ID])
	for _, b := range s.region {
		for _, next := range successors(b) {
			if !slices.Contains(s.region, next) {
				kept.unite(s.live[next.ID])
			}
		}
	}
	names := map[ir.Reg]ir.Reg{s.offset: s.f.NewReg(ir.Number)}
	name := func(r ir.Reg) ir.Reg {
		if n, ok := names[r]; ok {
			return n
		}
		return r
	}
	for _, b := range s.region {
		for i := range b.Instrs {
			b.Instrs[i].Operands(nil, func(r ir.Reg) {
				if _, ok := names[r]; !ok && !kept.Has(r) {
					names[r] = s.f.NewReg(s.f.Regs[r])
				}
			})
		}
	}
	made := map[*ir.Block]*ir.Block{}
	for _, b := range s.region {
		made[b] = s.f.NewBlock()
	}
	for _, b := range s.region {
		c := made[b]
		if b == s.join {
			c.Instrs = append(c.Instrs, ir.Instr{Op: ir.Const, Dst: name(s.offset), A: ir.None, B: ir.None, Imm: s.value, Line: b.Term.Line})
		}
		for _, in := range b.Instrs {
			in.Args, in.Res = slices.Clone(in.Args), slices.Clone(in.Res)
			for _, r := range []*ir.Reg{&in.Dst, &in.A, &in.B} {
				*r = name(*r)
			}
			for i := range in.Args {
				in.Args[i] = name(in.Args[i])
			}
			for i := range in.Res {
				in.Res[i] = name(in.Res[i])
			}
			c.Instrs = append(c.Instrs, in)
		}
		c.Term = b.Term
		c.Term.A, c.Term.B = name(c.Term.A), name(c.Term.B)
		for _, to := range []**ir.Block{&c.Term.Then, &c.Term.Else} {
			if made[*to] != nil {
				*to = made[*to]
			}
		}
	}
	for _, p := range s.preds[s.join.ID] {
		if n, ok := s.constant(p, s.offset); ok && n == s.value {
			for _, to := range []**ir.Block{&p.Term.Then, &p.Term.Else} {
				if *to == s.join {
					*to = made[s.join]
				}
			}
		}
	}
}
