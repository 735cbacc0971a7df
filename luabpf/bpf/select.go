// SPDX-License-Identifier: GPL-3.0-or-later

package bpf

import (
	"math"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"pvlua/luabpf/ir"
	"pvlua/luabpf/opt"
)

// Where struct xdp_md of linux/bpf.h has its members.
const (
	offsetData    = 0
	offsetDataEnd = 4
	offsetRXQueue = 16
)

// selector makes code of a Func: of each of its instructions one or several of
// the machine's, on virtual registers.
type selector struct {
	f *ir.Func
	o *Options
	// hides says that loops have a may_goto and hide numbers from the verifier.
	hides bool
	code  *code
	b     *block // to which instructions are being added
	line  int32

	ctx, data, end reg // the program's argument, and the bounds of the packet
	regs           []reg
	fixed          []int64      // of pointers that are always at the same offset: it; otherwise -1
	limits, proven []uint64     // as we know, and as the verifier knows
	wide           []bool       // registers with sums of words of 32 bits
	reaches        *opt.Reaches // what guards have found out up to here
	pairs          map[ir.Reg]pair
	tested         map[*ir.Instr]bool
	far            []int // by block: see distances
	blocks         []*block
	ends           map[end]*block
}

// choose makes the code of a Func, and of the functions that it calls; hide says
// how its loops are made.
func choose(f *ir.Func, o *Options, hide bool) []*code {
	s := &selector{f: f, o: o, hides: hide, code: &code{name: "handler", params: 1, regs: firstVirtual}, ends: map[end]*block{}}
	s.ctx, s.data, s.end = s.newReg(), s.newReg(), s.newReg()
	s.regs = make([]reg, len(f.Regs))
	for i := range s.regs {
		s.regs[i] = s.newReg()
	}
	heads := map[*ir.Block][]ir.Reg{}
	hidden := map[ir.Reg]bool{}
	if hide {
		heads = loops(f)
		for _, regs := range heads {
			for _, r := range regs {
				hidden[r] = true
			}
		}
	}
	s.limits = opt.Limits(f, nil)
	s.proven = opt.Limits(f, func(in *ir.Instr) bool { return tracked(in.Op) && !hidden[in.Dst] })
	s.fixed = opt.Offsets(f)
	s.wide = wideSums(f, onlyFolded(f, s.limits))
	s.reaches = opt.NewReaches(f)
	s.fuse()
	s.far = distances(f)
	s.blocks = make([]*block, len(f.Blocks))
	for i := range s.blocks {
		s.blocks[i] = new(block)
	}
	entry := new(block)
	s.b = entry
	s.move(s.ctx, r1)
	s.bounds()
	s.passMarked()
	s.goTo(s.blocks[0])
	for i, b := range f.Blocks {
		s.b = s.blocks[i]
		if numbers, ok := heads[b]; ok {
			var regs []reg
			for _, r := range numbers {
				regs = append(regs, s.regs[r])
			}
			s.head(regs...)
		}
		s.reaches.Begin(b)
		for j := range b.Instrs {
			s.line = b.Instrs[j].Line
			if !s.tested[&b.Instrs[j]] {
				s.instr(&b.Instrs[j])
			}
			s.reaches.Pass(&b.Instrs[j])
		}
		s.line = b.Term.Line
		if n := len(b.Instrs); n > 0 && s.tested[&b.Instrs[n-1]] {
			s.testBits(&b.Instrs[n-1], &b.Term)
			continue
		}
		s.term(&b.Term)
	}
	s.code.arrange(entry)
	all := []*code{s.code}
	for _, wide := range []bool{false, true} {
		if s.code.calls(sumFunction(wide)) {
			all = append(all, chooseSum(wide, hide))
		}
	}
	return all
}

// calls reports whether a function is called.
func (c *code) calls(name string) (called bool) {
	for _, b := range c.blocks {
		b.each(func(in *insn) { called = called || in.symbol == name })
	}
	return called
}

func (s *selector) newReg() reg { return s.code.newReg() }

// use gives the register that stands for one of the Func's.
func (s *selector) use(r ir.Reg) reg {
	if s.fixed[r] >= 0 {
		p := s.newReg()
		s.move(p, s.data)
		s.aluImm(asm.Add, p, s.fixed[r])
		return p
	}
	return s.regs[r]
}

// add adds an instruction.
func (s *selector) add(in insn) {
	in.line = s.line
	s.b.insns = append(s.b.insns, in)
}

// goTo ends the block.
func (s *selector) goTo(to *block) { s.b.next, s.b = to, nil }

// begin begins a block that nothing has jumped to yet, after the end of another.
func (s *selector) begin(b *block) { s.b = b }

// jumpTo adds a conditional jump. What follows it is a new block.
func (s *selector) jumpTo(to *block, in insn) {
	in.line = s.line
	s.b.jump, s.b.taken = in, to
	next := new(block)
	s.b.next = next
	s.b = next
}

// jumpIf jumps if a op b.
func (s *selector) jumpIf(op asm.JumpOp, a, b reg, to *block) {
	s.jumpTo(to, insn{op: asm.OpCode(asm.JumpClass).SetJumpOp(op).SetSource(asm.RegSource), dst: a, src: b})
}

// jumpIfImm jumps if a op n.
func (s *selector) jumpIfImm(op asm.JumpOp, a reg, n int64, to *block) {
	if !fits(n) {
		s.jumpIf(op, a, s.constant(n), to)
		return
	}
	s.jumpTo(to, insn{op: asm.OpCode(asm.JumpClass).SetJumpOp(op).SetSource(asm.ImmSource), dst: a, imm: n})
}

// fits reports whether a constant fits the 32 bits of an instruction.
func fits(n int64) bool { return n == int64(int32(n)) }

func (s *selector) move(dst, src reg) {
	s.add(insn{op: asm.Mov.Op(asm.RegSource), dst: dst, src: src})
}

// set sets a register to a constant, in the shortest way.
func (s *selector) set(dst reg, n int64) {
	switch {
	case fits(n):
		s.add(insn{op: asm.Mov.Op(asm.ImmSource), dst: dst, imm: n})
	case n >= 0 && n <= math.MaxUint32:
		s.add(insn{op: asm.Mov.Op32(asm.ImmSource), dst: dst, imm: int64(int32(n))})
	default:
		s.add(insn{op: asm.LoadImmOp(asm.DWord), dst: dst, imm: n})
	}
}

// constant gives a register with a constant.
func (s *selector) constant(n int64) reg {
	r := s.newReg()
	s.set(r, n)
	return r
}

func (s *selector) alu(op asm.ALUOp, dst, src reg) {
	s.add(insn{op: op.Op(asm.RegSource), dst: dst, src: src})
}

// aluImm is dst = dst op n.
func (s *selector) aluImm(op asm.ALUOp, dst reg, n int64) {
	switch {
	case n == 0 && (op == asm.Add || op == asm.Sub || op == asm.Or || op == asm.Xor || op == asm.LSh || op == asm.RSh || op == asm.ArSh):
	case fits(n):
		s.add(insn{op: op.Op(asm.ImmSource), dst: dst, imm: n})
	case op == asm.And && n >= 0 && n <= math.MaxUint32: // the upper half becomes 0
		s.add(insn{op: op.Op32(asm.ImmSource), dst: dst, imm: int64(int32(n))})
	default:
		s.alu(op, dst, s.constant(n))
	}
}

func (s *selector) load(dst, base reg, off int64, size asm.Size) {
	s.add(insn{op: asm.LoadMemOp(size), dst: dst, src: base, off: int16(off)})
}

func (s *selector) store(base reg, off int64, src reg, size asm.Size) {
	s.add(insn{op: asm.StoreMemOp(size), dst: base, src: src, off: int16(off)})
}

// storeImm writes a constant.
func (s *selector) storeImm(base reg, off, n int64, size asm.Size) {
	if size == asm.DWord && !fits(n) {
		s.store(base, off, s.constant(n), size)
		return
	}
	s.add(insn{op: asm.StoreImmOp(size), dst: base, off: int16(off), imm: int64(int32(n))})
}

// call calls a helper whose n arguments are in R1 to Rn. Its result is in R0.
func (s *selector) call(fn asm.BuiltinFunc, n int) {
	s.add(insn{op: asm.OpCode(asm.JumpClass).SetJumpOp(asm.Call), imm: int64(fn), args: n})
}

// callFunction calls one of our own functions, of three arguments.
func (s *selector) callFunction(name string) {
	s.add(insn{op: asm.OpCode(asm.JumpClass).SetJumpOp(asm.Call), symbol: name, args: 3})
}

// loadMap sets a register to the address of a map.
func (s *selector) loadMap(dst reg, m *ebpf.Map, symbol string) {
	in := insn{op: asm.LoadImmOp(asm.DWord), dst: dst, m: m}
	if m == nil {
		in.symbol = symbol
	}
	s.add(in)
}

// bounds reads where the packet begins and ends.
func (s *selector) bounds() {
	s.load(s.data, s.ctx, offsetData, asm.Word)
	s.load(s.end, s.ctx, offsetDataEnd, asm.Word)
}

// scratch gives the place in the frame, relative to its top, of n bytes at some
// distance that are used within one operation only.
func (s *selector) scratch(from, n int) int64 {
	s.code.stack = max(s.code.stack, from+n)
	return int64(-from - n)
}
