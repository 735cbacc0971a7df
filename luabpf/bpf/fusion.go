// SPDX-License-Identifier: GPL-3.0-or-later

package bpf

import (
	"github.com/cilium/ebpf/asm"

	"pvlua/luabpf/ir"
)

// Two things that the form has no word for, and eBPF has shorter ones: a MAC
// address that is only copied and compared stays in two halves, as it is loaded,
// and bits that are only tested are not computed.

// pair is a number of 48 bits in two registers.
type pair struct{ low, high reg }

// fuse finds the numbers that stay in halves and the masks that are only tested.
func (s *selector) fuse() {
	f := s.f
	sets, uses := make([]int, len(f.Regs)), make([]int, len(f.Regs))
	halves := make([]bool, len(f.Regs))
	for _, b := range f.Blocks {
		for i := range b.Instrs {
			in := &b.Instrs[i]
			in.Operands(func(r ir.Reg) { uses[r]++ }, func(r ir.Reg) { sets[r]++ })
			if in.Op == ir.Load && in.Size == 6 {
				halves[in.Dst] = true
			}
		}
		b.Term.Operands(func(r ir.Reg) { uses[r]++ })
	}
	for _, b := range f.Blocks {
		for i := range b.Instrs {
			in := &b.Instrs[i]
			in.Operands(func(r ir.Reg) {
				if !(in.Op == ir.Store && in.Size == 6 && r == in.B) {
					halves[r] = false
				}
			}, nil)
		}
		t := &b.Term
		t.Operands(func(r ir.Reg) {
			if !(t.Kind == ir.Branch && t.Cond <= ir.NE && t.B == ir.None) {
				halves[r] = false
			}
		})
	}
	s.pairs, s.tested = map[ir.Reg]pair{}, map[*ir.Instr]bool{}
	for r, ok := range halves {
		if ok && sets[r] == 1 {
			s.pairs[ir.Reg(r)] = pair{s.newReg(), s.newReg()}
		}
	}
	for _, b := range f.Blocks {
		t := &b.Term
		if len(b.Instrs) == 0 || t.Kind != ir.Branch || t.Cond > ir.NE || t.B != ir.None || t.Imm != 0 {
			continue
		}
		in := &b.Instrs[len(b.Instrs)-1]
		if in.Op == ir.And && in.B == ir.None && in.Dst == t.A && in.A != in.Dst && sets[in.Dst] == 1 && uses[in.Dst] == 1 {
			s.tested[in] = true
		}
	}
}

// comparePair jumps if a number in halves is, or is not, a constant. The high half
// is never what a constant of more than 48 bits has there.
func (s *selector) comparePair(c ir.Cond, p pair, n int64, to *block) {
	low := func(op asm.JumpOp, to *block) {
		s.jumpTo(to, insn{op: asm.OpCode(asm.Jump32Class).SetJumpOp(op).SetSource(asm.ImmSource), dst: p.low, imm: int64(int32(n))})
	}
	if c == ir.NE {
		low(asm.JNE, to)
		s.jumpIfImm(asm.JNE, p.high, n>>32, to)
		return
	}
	not := new(block)
	low(asm.JNE, not)
	s.jumpIfImm(asm.JEq, p.high, n>>32, to)
	s.goTo(not)
	s.begin(not)
}

// testBits ends a block with a branch on whether any of some bits are set.
func (s *selector) testBits(in *ir.Instr, t *ir.Term) {
	set, clear := s.blocks[t.Then.ID], s.blocks[t.Else.ID]
	if t.Cond == ir.EQ {
		set, clear = clear, set
	}
	r := s.regs[in.A]
	switch {
	case !fits(in.Imm) && uint64(in.Imm) <= 0xffffffff:
		s.jumpTo(set, insn{op: asm.OpCode(asm.Jump32Class).SetJumpOp(asm.JSet).SetSource(asm.ImmSource), dst: r, imm: int64(int32(in.Imm))})
	default:
		s.jumpIfImm(asm.JSet, r, in.Imm, set)
	}
	s.goTo(clear)
}
