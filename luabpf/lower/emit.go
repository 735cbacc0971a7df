// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"github.com/yuin/gopher-lua/ast"
	"maps"
	"slices"

	"pvlua/luabpf/ir"
)

// emit adds an instruction to a path. Where it has a result and no register for
// it, it makes one, which it returns; no other instruction will assign it.
func (c *compiler) emit(p *path, in ir.Instr) ir.Reg {
	switch in.Op {
	case ir.Store, ir.CountAdd:
	default:
		k := ir.Number
		if in.Op == ir.Ptr || in.Op == ir.Move && c.f.Regs[in.A] == ir.Pointer {
			k = ir.Pointer
		}
		in.Dst = c.f.NewReg(k)
	}
	in.Line = c.line
	p.block.Instrs = append(p.block.Instrs, in)
	return in.Dst
}

// assignReg adds the assignment of one register to another that exists already.
func (c *compiler) assignReg(p *path, dst, src ir.Reg) {
	p.block.Instrs = append(p.block.Instrs, ir.Instr{Op: ir.Move, Dst: dst, A: src, B: ir.None, Line: c.line})
}

// constant puts a number into a register.
func (c *compiler) constant(p *path, n int64) ir.Reg {
	return c.emit(p, ir.Instr{Op: ir.Const, A: ir.None, B: ir.None, Imm: n})
}

// binary adds a operation on a register and a constant.
func (c *compiler) binary(p *path, op ir.Op, a ir.Reg, imm int64) ir.Reg {
	return c.emit(p, ir.Instr{Op: op, A: a, B: ir.None, Imm: imm})
}

// binaryReg adds an operation on two registers.
func (c *compiler) binaryReg(p *path, op ir.Op, a, b ir.Reg) ir.Reg {
	return c.emit(p, ir.Instr{Op: op, A: a, B: b})
}

// fork makes a second path of p, which begins in a block of its own.
func (c *compiler) fork(p *path) *path {
	q := *p
	q.block = c.f.NewBlock()
	q.vars = maps.Clone(p.vars)
	q.spans = maps.Clone(p.spans)
	q.counts = slices.Clone(p.counts)
	q.pkt = p.pkt.clone()
	return &q
}

// branch parts a path by a comparison of a with b, or with imm where b is None.
// p itself goes on as yes.
func (c *compiler) branch(p *path, cond ir.Cond, a, b ir.Reg, imm int64) (yes, no *path) {
	return c.part(p, ir.Term{Kind: ir.Branch, Cond: cond, A: a, B: b, Imm: imm})
}

// guard parts a path by whether n bytes from a pointer on are in the packet. p
// itself goes on as in.
func (c *compiler) guard(p *path, ptr ir.Reg, n int) (in, out *path) {
	return c.part(p, ir.Term{Kind: ir.Guard, A: ptr, B: ir.None, Imm: int64(n)})
}

// part ends the block of a path so that it goes on as two.
func (c *compiler) part(p *path, t ir.Term) (then, otherwise *path) {
	no := c.fork(p)
	b := c.f.NewBlock()
	t.Then, t.Else, t.Line = b, no.block, c.line
	p.block.Term = t
	p.block = b
	return p, no
}

// jump ends a path at a block.
func (c *compiler) jump(p *path, to *ir.Block) {
	p.block.Term = ir.Term{Kind: ir.Jump, Then: to, A: ir.None, B: ir.None, Line: c.line}
}

// setConst adds the assignment of a number to a register that exists already.
func (c *compiler) setConst(p *path, dst ir.Reg, n int64) {
	p.block.Instrs = append(p.block.Instrs, ir.Instr{Op: ir.Const, Dst: dst, A: ir.None, B: ir.None, Imm: n, Line: c.line})
}

// line gives the line of a node as instructions have it.
func line(at ast.PositionHolder) int32 { return int32(at.Line()) }
