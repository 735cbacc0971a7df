// SPDX-License-Identifier: GPL-3.0-or-later

package bpf

import (
	"github.com/cilium/ebpf/asm"

	"pvlua/luabpf/ir"
	"pvlua/luabpf/opt"
)

var (
	aluOps = map[ir.Op]asm.ALUOp{
		ir.Add: asm.Add, ir.Sub: asm.Sub, ir.Mul: asm.Mul, ir.Div: asm.Div, ir.Mod: asm.Mod, ir.And: asm.And,
		ir.Or: asm.Or, ir.Xor: asm.Xor, ir.Shl: asm.LSh, ir.Shr: asm.RSh, ir.Sar: asm.ArSh,
	}
	jumpOps = [...]asm.JumpOp{
		ir.EQ: asm.JEq, ir.NE: asm.JNE, ir.LT: asm.JLT, ir.LE: asm.JLE, ir.GT: asm.JGT, ir.GE: asm.JGE,
		ir.SLT: asm.JSLT, ir.SLE: asm.JSLE, ir.SGT: asm.JSGT, ir.SGE: asm.JSGE,
	}
)

// instr makes the code of one instruction.
func (s *selector) instr(in *ir.Instr) {
	switch in.Op {
	case ir.Const:
		s.set(s.regs[in.Dst], in.Imm)
	case ir.Move:
		if s.fixed[in.Dst] < 0 {
			s.move(s.regs[in.Dst], s.use(in.A))
		}
	case ir.Add, ir.Sub, ir.Mul, ir.Div, ir.Mod, ir.And, ir.Or, ir.Xor, ir.Shl, ir.Shr, ir.Sar:
		s.arith(in)
	case ir.Swap:
		t := s.copyOf(s.regs[in.A])
		s.swap(t, in.Size)
		s.move(s.regs[in.Dst], t)
	case ir.Set:
		s.setTo(in)
	case ir.Fold:
		t := s.copyOf(s.regs[in.A])
		limit := s.limits[in.A]
		if s.wide[in.A] {
			if limit >= 1<<48 {
				limit = opt.NoLimit
			}
			limit |= limit << 16 // for words of 32 bits
		}
		s.fold(t, limit)
		s.move(s.regs[in.Dst], t)
	case ir.Len:
		t := s.copyOf(s.end)
		s.alu(asm.Sub, t, s.data)
		s.move(s.regs[in.Dst], t)
	case ir.Ptr:
		s.pointer(in)
	case ir.Load:
		s.loadPacket(in)
	case ir.Store:
		s.storePacket(in)
	case ir.Sum:
		s.sum(in)
	case ir.Adjust:
		s.adjust(in)
	case ir.CountAdd:
		s.countAdd(in)
	case ir.TableGet:
		s.tableGet(in)
	default:
		s.mapOp(in)
	}
}

// copyOf gives a register with the same value.
func (s *selector) copyOf(r reg) reg {
	t := s.newReg()
	s.move(t, r)
	return t
}

// arith makes Dst = A op B: in a register of its own, which colouring makes
// that of Dst, because Dst may be B.
func (s *selector) arith(in *ir.Instr) {
	t := s.newReg()
	if in.A == ir.None {
		s.set(t, in.Imm)
	} else {
		s.move(t, s.regs[in.A])
	}
	op := aluOps[in.Op]
	switch {
	case in.B != ir.None:
		s.alu(op, t, s.regs[in.B])
	case in.Op == ir.Mul && in.Imm > 0 && in.Imm&(in.Imm-1) == 0:
		s.aluImm(asm.LSh, t, log2(in.Imm))
	default:
		s.aluImm(op, t, in.Imm)
	}
	s.move(s.regs[in.Dst], t)
}

func log2(n int64) (k int64) {
	for ; n > 1; n >>= 1 {
		k++
	}
	return k
}

// swap reverses the low bytes of a register, of which the others are 0.
func (s *selector) swap(r reg, size uint8) {
	bits := int64(size) * 8
	if size == 6 {
		bits = 64
	}
	s.add(insn{op: asm.OpCode(asm.ALUClass).SetALUOp(asm.Swap).SetSource(asm.Source(asm.BE)), dst: r, imm: bits})
	if size == 6 {
		s.aluImm(asm.RSh, r, 16)
	}
}

// setTo makes Dst = 1 if A Cond B, or else 0.
func (s *selector) setTo(in *ir.Instr) {
	t, done := s.newReg(), new(block)
	s.set(t, 1)
	s.compare(in.Cond, in.A, in.B, in.Imm, done)
	s.set(t, 0)
	s.goTo(done)
	s.begin(done)
	s.move(s.regs[in.Dst], t)
}

// compare jumps if A Cond B, or imm.
func (s *selector) compare(c ir.Cond, a, b ir.Reg, imm int64, to *block) {
	op, r := jumpOps[c], s.regs[a]
	if p, ok := s.pairs[a]; ok {
		s.comparePair(c, p, imm, to)
		return
	}
	switch {
	case b != ir.None:
		s.jumpIf(op, r, s.regs[b], to)
	case !fits(imm) && imm > 0 && imm <= 0xffffffff && s.limits[a] <= 0xffffffff && c < ir.SLT:
		s.jumpTo(to, insn{op: asm.OpCode(asm.Jump32Class).SetJumpOp(op).SetSource(asm.ImmSource), dst: r, imm: int64(int32(imm))})
	default:
		s.jumpIfImm(op, r, imm, to)
	}
}

// term makes the code of the end of a block.
func (s *selector) term(t *ir.Term) {
	switch t.Kind {
	case ir.Jump:
		s.goTo(s.blocks[t.Then.ID])
	case ir.Branch:
		if !s.thenIsLikely(t) {
			s.compare(t.Cond, t.A, t.B, t.Imm, s.blocks[t.Then.ID])
			s.goTo(s.blocks[t.Else.ID])
			return
		}
		s.compare(t.Cond.Not(), t.A, t.B, t.Imm, s.blocks[t.Else.ID])
		s.goTo(s.blocks[t.Then.ID])
	case ir.Guard:
		s.guard(t)
		s.goTo(s.blocks[t.Then.ID])
	case ir.Return:
		e := end{verdict: t.Verdict}
		if t.Verdict == ir.Redirect {
			e.port = t.Port
		}
		s.finish(e)
	case ir.Exit:
		s.finish(end{site: t.Site})
	}
}
