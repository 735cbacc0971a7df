// SPDX-License-Identifier: GPL-3.0-or-later

package bpf

import (
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"pvlua/luabpf/ir"
	"pvlua/luabpf/opt"
)

// The verifier follows a loop turn by turn, and within each turn all paths, until
// it finds that it has been in the same state before. A distance that each path
// adds another number to is never the same, and the states multiply. So at the
// head of each loop it is made to forget what it knows of the numbers that the
// loop changes: then every turn begins in the same state. It takes that for an
// endless loop, except at a may_goto (Linux 6.9), which is a jump that is taken
// at last, after some millions of turns. Without that it must be able to count,
// and nothing is hidden.

// mayGoto is may_goto: BPF_JMP | BPF_JCOND of linux/bpf.h, with BPF_MAY_GOTO, 0, as
// its source.
var mayGoto = asm.OpCode(asm.JumpClass).SetJumpOp(asm.JCOND)

// loops gives, by block, the numbers to hide at the heads of loops; nil for
// other blocks.
func loops(f *ir.Func) map[*ir.Block][]ir.Reg {
	const open, done = 1, 2
	state := make([]int, len(f.Blocks))
	preds := make([][]*ir.Block, len(f.Blocks))
	back := map[*ir.Block][]*ir.Block{} // by head, where it is jumped to from
	var visit func(b *ir.Block)
	visit = func(b *ir.Block) {
		state[b.ID] = open
		for i, s := range [...]*ir.Block{b.Term.Then, b.Term.Else} {
			if b.Term.Kind > ir.Guard || b.Term.Kind == ir.Jump && i == 1 {
				break
			}
			preds[s.ID] = append(preds[s.ID], b)
			switch state[s.ID] {
			case 0:
				visit(s)
			case open:
				back[s] = append(back[s], b)
			}
		}
		state[b.ID] = done
	}
	visit(f.Blocks[0])
	if len(back) == 0 {
		return nil
	}
	live := opt.LiveIn(f)
	hidden := map[*ir.Block][]ir.Reg{}
	for head, work := range back {
		hidden[head] = []ir.Reg{}
		in := map[*ir.Block]bool{head: true}
		for len(work) > 0 {
			b := work[len(work)-1]
			if work = work[:len(work)-1]; !in[b] {
				in[b] = true
				work = append(work, preds[b.ID]...)
			}
		}
		for b := range in {
			for i := range b.Instrs {
				b.Instrs[i].Operands(nil, func(r ir.Reg) {
					if f.Regs[r] == ir.Number && live[head.ID].Has(r) && !slices.Contains(hidden[head], r) {
						hidden[head] = append(hidden[head], r)
					}
				})
			}
		}
		slices.Sort(hidden[head])
	}
	return hidden
}

// head begins a turn of a loop.
func (s *selector) head(hidden ...reg) {
	if len(hidden) > 0 {
		s.hide(hidden)
	}
	never, at := new(block), s.b
	s.begin(never)
	s.set(r0, xdpAborted)
	s.add(insn{op: asm.Return().OpCode})
	s.b = at
	s.jumpTo(never, insn{op: mayGoto, dst: noReg})
}

// zeroSymbol is the name that stands for the map of which the verifier does not
// know that its only number is 0.
const zeroSymbol = "zero"

// hide makes the verifier forget what it knows of numbers: it combines them with
// one of which it knows nothing. That is read from memory, because the verifier
// looks no further than there for what a number depends on: other ways to one
// led it astray at times ("backtracking call unexpected regs", Linux 6.18).
func (s *selector) hide(numbers []reg) {
	zero := s.newReg()
	s.add(insn{op: asm.LoadImmOp(asm.DWord), dst: zero, symbol: zeroSymbol, value: true})
	s.load(zero, zero, 0, asm.DWord)
	for _, n := range numbers {
		s.alu(asm.Xor, n, zero)
	}
}

// zeroMap makes that map.
func zeroMap() (*ebpf.Map, error) {
	return ebpf.NewMap(&ebpf.MapSpec{Name: "pvlua_zero", Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1})
}
