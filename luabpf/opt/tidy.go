// SPDX-License-Identifier: GPL-3.0-or-later

package opt

import (
	"encoding/binary"
	"slices"

	"pvlua/luabpf/ir"
)

// tidy removes blocks that nothing leads to, lets jumps lead past blocks that
// do nothing, ends where a jump leads to an end, and makes one block of two of
// which the second follows the first only.
func tidy(f *ir.Func) (changed bool) {
	for again := true; again; {
		again = renumber(f)
		for _, b := range f.Blocks {
			again = shorten(b) || again
		}
		again = renumber(f) || again
		preds := predecessors(f)
		for _, b := range f.Blocks {
			for b.Term.Kind == ir.Jump && b.Term.Then != b && len(preds[b.Term.Then.ID]) == 1 {
				next := b.Term.Then
				b.Instrs = slices.Concat(b.Instrs, next.Instrs)
				b.Term = next.Term
				for _, s := range successors(next) {
					p := preds[s.ID]
					p[slices.Index(p, next)] = b
				}
				jump(next, next) // nothing leads there any more
				preds[next.ID] = nil
				again = true
			}
		}
		changed = changed || again
	}
	return changed
}

// shorten makes the ways from a block shorter.
func shorten(b *ir.Block) (changed bool) {
	t := &b.Term
	for _, to := range []**ir.Block{&t.Then, &t.Else} {
		for *to != nil && len((*to).Instrs) == 0 && (*to).Term.Kind == ir.Jump && (*to).Term.Then != *to {
			*to = (*to).Term.Then
			changed = true
		}
	}
	if (t.Kind == ir.Branch || t.Kind == ir.Guard) && t.Then == t.Else {
		jump(b, t.Then)
		changed = true
	}
	if t.Kind == ir.Jump && len(t.Then.Instrs) == 0 && (t.Then.Term.Kind == ir.Return || t.Then.Term.Kind == ir.Exit) {
		*t = t.Then.Term
		changed = true
	}
	return changed
}

// merge makes one block of those that do the same. Which line of the script they
// came from does not matter.
func merge(f *ir.Func) (changed bool) {
	for again := true; again; {
		again = renumber(f)
		first := map[string]*ir.Block{}
		instead := map[*ir.Block]*ir.Block{}
		for _, b := range f.Blocks[1:] {
			key := contents(b)
			if first[key] == nil {
				first[key] = b
			} else {
				instead[b] = first[key]
			}
		}
		for _, b := range f.Blocks {
			for _, to := range []**ir.Block{&b.Term.Then, &b.Term.Else} {
				if *to != nil && instead[*to] != nil {
					*to = instead[*to]
					again = true
				}
			}
		}
		changed = changed || again
	}
	return changed
}

// contents is a text that two blocks share if they do the same.
func contents(b *ir.Block) string {
	var text []byte
	put := func(n ...int64) {
		for _, x := range n {
			text = binary.AppendVarint(text, x)
		}
	}
	regs := func(rs []ir.Reg) {
		put(int64(len(rs)))
		for _, r := range rs {
			put(int64(r))
		}
	}
	for i := range b.Instrs {
		in := &b.Instrs[i]
		put(int64(in.Op), int64(in.Size), int64(in.Cond), int64(in.Dst), int64(in.A), int64(in.B), int64(in.Off), int64(in.Ref), in.Imm)
		regs(in.Args)
		regs(in.Res)
	}
	t := &b.Term
	put(-1, int64(t.Kind))
	switch t.Kind {
	case ir.Return:
		put(int64(t.Verdict), int64(t.Port))
	case ir.Exit:
		put(int64(t.Site))
	default:
		put(int64(t.Cond), int64(t.A), int64(t.B), t.Imm)
		for _, s := range successors(b) {
			put(int64(s.ID))
		}
	}
	return string(text)
}
