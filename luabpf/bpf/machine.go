// SPDX-License-Identifier: GPL-3.0-or-later

package bpf

import (
	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// reg is a register of the machine's code: 0 to 10 are those that eBPF has, the
// others virtual until registers are assigned.
type reg int32

const (
	r0 reg = iota
	r1
	r2
	r3
	r4
	r5
	frame        reg = 10 // R10, which is not assigned
	firstVirtual reg = 11
	noReg        reg = -1

	// colours is how many registers can be assigned: R0 to R9.
	colours = 10
	// clobbered is how many a call destroys: R0 to R5.
	clobbered = 6
)

// insn is one eBPF instruction on such registers.
type insn struct {
	op       asm.OpCode
	dst, src reg
	off      int16
	imm      int64
	args     int       // of a call: how many of R1 to R5 it reads
	m        *ebpf.Map // of the load of a map's address, if it is open
	symbol   string    // otherwise the name that stands for what is loaded or called
	value    bool      // the address is that of the map's first value
	slot     int       // of a load or store of a spilled register: its number, from 1 on
	line     int32     // of the script
}

// block is instructions in a row. It ends with a conditional jump to taken, if
// jump has an operation, or else goes on at next; next is nil where the last
// instruction returns.
type block struct {
	insns []insn
	jump  insn
	taken *block
	next  *block
	id    int // position in code.blocks
	depth int // how many loops it is in
}

// code is a program, or a function that programs call.
type code struct {
	name   string
	params int      // how many, in R1 and those that follow
	blocks []*block // that can be reached; the first is the entry
	regs   reg      // how many registers there are, those of the machine included
	stack  int      // bytes of the frame in use, from its top down
}

func (c *code) newReg() reg {
	c.regs++
	return c.regs - 1
}

// successors calls f with the blocks that may follow.
func (b *block) successors(f func(*block)) {
	if b.taken != nil {
		f(b.taken)
	}
	if b.next != nil {
		f(b.next)
	}
}

// each calls f with all instructions in order, the conditional jump included.
func (b *block) each(f func(*insn)) {
	for i := range b.insns {
		f(&b.insns[i])
	}
	if b.taken != nil {
		f(&b.jump)
	}
}

// operands calls use with the registers that are read and def with those that
// are set or destroyed; either may be nil. The frame pointer is left out.
func (in *insn) operands(use, def func(reg)) {
	read := func(r reg) {
		if use != nil && r != frame && r != noReg {
			use(r)
		}
	}
	set := func(r reg) {
		if def != nil {
			def(r)
		}
	}
	switch in.op.Class() {
	case asm.ALUClass, asm.ALU64Class:
		if in.op.ALUOp() != asm.Mov {
			read(in.dst)
		}
		if in.op.Source() == asm.RegSource {
			read(in.src)
		}
		set(in.dst)
	case asm.LdClass:
		set(in.dst)
	case asm.LdXClass:
		read(in.src)
		set(in.dst)
	case asm.StClass:
		read(in.dst)
	case asm.StXClass:
		read(in.dst)
		read(in.src)
		switch in.op.AtomicOp() {
		case asm.FetchAdd, asm.Xchg:
			set(in.src)
		case asm.CmpXchg:
			read(r0)
			set(r0)
		}
	case asm.JumpClass, asm.Jump32Class:
		switch in.op.JumpOp() {
		case asm.Call:
			for r := r1; r <= reg(in.args); r++ {
				read(r)
			}
			for r := r0; r < clobbered; r++ {
				set(r)
			}
		case asm.Exit:
			read(r0)
		default:
			read(in.dst)
			if in.op.Source() == asm.RegSource {
				read(in.src)
			}
		}
	}
}

// rename replaces the registers in the fields of an instruction.
func (in *insn) rename(f func(reg) reg) {
	if in.dst != noReg {
		in.dst = f(in.dst)
	}
	if in.src != noReg {
		in.src = f(in.src)
	}
}

// isMove reports whether an instruction only copies a register.
func (in *insn) isMove() bool {
	return in.op == asm.Mov.Op(asm.RegSource) && in.src != frame
}

// isPure reports whether an instruction does nothing but set its destination.
func (in *insn) isPure() bool {
	switch in.op.Class() {
	case asm.ALUClass, asm.ALU64Class, asm.LdClass, asm.LdXClass:
		return true
	}
	return false
}

// isConstant reports whether an instruction sets its destination to the same
// everywhere, so that it can be repeated instead of keeping the value.
func (in *insn) isConstant() bool {
	return in.op.Class() == asm.LdClass || in.op.ALUOp() == asm.Mov && in.op.Source() == asm.ImmSource ||
		in.op == asm.Mov.Op(asm.RegSource) && in.src == frame
}

// arrange puts the blocks that can be reached from the entry into code.blocks,
// each before those that follow it as far as loops allow, and counts the loops
// that each is in. Empty blocks are jumped over.
func (c *code) arrange(entry *block) {
	const (
		open = 1
		done = 2
	)
	state := map[*block]int{}
	var order []*block
	type edge struct{ from, to *block }
	var back []edge
	type visit struct {
		b    *block
		step int
	}
	state[entry] = open
	for stack := []visit{{entry, 0}}; len(stack) > 0; {
		top := &stack[len(stack)-1]
		var to *block
		switch top.step {
		case 0: // what is visited last comes first
			top.b.taken = top.b.taken.end()
			top.b.next = top.b.next.end()
			if top.b.taken != nil && top.b.taken == top.b.next {
				top.b.taken = nil
			}
			to = top.b.taken
		case 1:
			to = top.b.next
		default:
			state[top.b] = done
			order = append(order, top.b)
			stack = stack[:len(stack)-1]
			continue
		}
		top.step++
		if to == nil {
			continue
		}
		switch state[to] {
		case 0:
			state[to] = open
			stack = append(stack, visit{to, 0})
		case open:
			back = append(back, edge{top.b, to})
		}
	}
	c.blocks = make([]*block, len(order))
	for i, b := range order {
		b.id, b.depth = len(order)-1-i, 0
		c.blocks[b.id] = b
	}
	// A loop is what leads to the jump back without passing its head.
	preds := make([][]*block, len(c.blocks))
	for _, b := range c.blocks {
		b.successors(func(s *block) { preds[s.id] = append(preds[s.id], b) })
	}
	for _, e := range back {
		in := map[*block]bool{e.to: true}
		for work := []*block{e.from}; len(work) > 0; {
			b := work[len(work)-1]
			work = work[:len(work)-1]
			if !in[b] {
				in[b] = true
				work = append(work, preds[b.id]...)
			}
		}
		for b := range in {
			b.depth++
		}
	}
}
