// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"cmp"
	"slices"

	"pvlua/luabpf/ir"
)

// tidy takes out what nothing leads to: blocks, among them those of attempts
// at loops, and sites. Blocks that are only jumped to from one place become
// part of that.
func tidy(f *ir.Func) {
	for _, b := range f.Blocks {
		b.Term.Then, b.Term.Else = through(b.Term.Then), through(b.Term.Else)
	}
	uses := make(map[*ir.Block]int)
	order := reachable(f, uses)
	for _, b := range order {
		for b.Term.Kind == ir.Jump && uses[b.Term.Then] == 1 && b != f.Blocks[0] {
			next := b.Term.Then
			b.Instrs = append(b.Instrs, next.Instrs...)
			b.Term = next.Term
			uses[next] = 0
		}
	}
	f.Blocks = slices.DeleteFunc(order, func(b *ir.Block) bool { return uses[b] == 0 })
	var sites []ir.Site
	for i, b := range f.Blocks {
		b.ID = i
		if b.Term.Kind == ir.Exit && !slices.Contains(sites, f.Sites[b.Term.Site]) {
			sites = append(sites, f.Sites[b.Term.Site])
		}
	}
	slices.SortFunc(sites, func(a, b ir.Site) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Reason, b.Reason))
	})
	for _, b := range f.Blocks {
		if b.Term.Kind == ir.Exit {
			b.Term.Site = slices.Index(sites, f.Sites[b.Term.Site])
		}
	}
	f.Sites = sites
}

// through gives the block at which a jump to b ends.
func through(b *ir.Block) *ir.Block {
	for n := 0; b != nil && len(b.Instrs) == 0 && b.Term.Kind == ir.Jump && n < 1000; n++ {
		b = b.Term.Then
	}
	return b
}

// reachable lists the blocks that the entry leads to, each as soon as all that
// lead to it but loops are listed, and counts how often each is led to.
func reachable(f *ir.Func, uses map[*ir.Block]int) []*ir.Block {
	var order []*ir.Block
	seen := make(map[*ir.Block]bool)
	var visit func(b *ir.Block)
	visit = func(b *ir.Block) {
		seen[b] = true
		for _, to := range []*ir.Block{b.Term.Else, b.Term.Then} {
			if to == nil {
				continue
			}
			uses[to]++
			if !seen[to] {
				visit(to)
			}
		}
		order = append(order, b)
	}
	uses[f.Blocks[0]] = 1
	visit(f.Blocks[0])
	slices.Reverse(order)
	return order
}
