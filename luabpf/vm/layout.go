// SPDX-License-Identifier: GPL-3.0-or-later

package vm

import "pvlua/luabpf/ir"

// layout puts the blocks that can be reached in a row, each followed, where it
// can be, by one that it goes on to: then that way costs no jump.
func layout(f *ir.Func) []*ir.Block {
	placed := make([]bool, len(f.Blocks))
	var row []*ir.Block
	for waiting := []*ir.Block{f.Blocks[0]}; len(waiting) > 0; {
		b := waiting[len(waiting)-1]
		waiting = waiting[:len(waiting)-1]
		for b != nil && !placed[b.ID] {
			placed[b.ID] = true
			row = append(row, b)
			next, other := b.Term.Then, b.Term.Else
			if next == nil || placed[next.ID] {
				next, other = other, nil
			}
			if other != nil {
				waiting = append(waiting, other)
			}
			b = next
		}
	}
	return row
}

// successors gives where a block goes on.
func successors(b *ir.Block) []*ir.Block {
	switch b.Term.Kind {
	case ir.Jump:
		return []*ir.Block{b.Term.Then}
	case ir.Branch, ir.Guard:
		return []*ir.Block{b.Term.Then, b.Term.Else}
	}
	return nil
}
