// SPDX-License-Identifier: GPL-3.0-or-later

package bpf

import (
	"fmt"

	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
)

// maxInsns is how far a conditional jump reaches.
const maxInsns = 1<<15 - 1

// opposites are the conditional jumps that are taken when others are not.
var opposites = map[asm.JumpOp]asm.JumpOp{
	asm.JEq: asm.JNE, asm.JNE: asm.JEq,
	asm.JGT: asm.JLE, asm.JLE: asm.JGT,
	asm.JLT: asm.JGE, asm.JGE: asm.JLT,
	asm.JSGT: asm.JSLE, asm.JSLE: asm.JSGT,
	asm.JSLT: asm.JSGE, asm.JSGE: asm.JSLT,
}

// emit makes the program of code whose registers are assigned, with the lines
// of the script, as name:line, beside the instructions. The functions that it
// calls come behind it.
func emit(script string, all []*code) (asm.Instructions, error) {
	e := emitter{script: script}
	for _, c := range all {
		e.function(c, len(all) > 1)
	}
	if n := e.out.Size() / asm.InstructionSize; n > maxInsns {
		return nil, &TooLargeError{What: fmt.Sprintf("%d instructions", n)}
	}
	return e.out, nil
}

// emitter collects the instructions.
type emitter struct {
	script string
	code   *code
	out    asm.Instructions
	label  string // of the next instruction
	line   int32  // of the last one
}

// function adds a function. If there are several the kernel wants to know their
// types.
func (e *emitter) function(c *code, typed bool) {
	e.code = c
	first := len(e.out)
	order := c.inRows()
	for i, b := range order {
		e.label = e.name(b)
		for j := range b.insns {
			e.put(&b.insns[j])
		}
		var following *block
		if i+1 < len(order) {
			following = order[i+1]
		}
		e.end(b, following)
	}
	if typed {
		e.out[first] = btf.WithFuncMetadata(e.out[first], c.signature())
	}
}

// name is the label of a block. That of the first is the function's.
func (e *emitter) name(b *block) string {
	if b.id == 0 {
		return e.code.name
	}
	return fmt.Sprintf("%s.%d", e.code.name, b.id)
}

// end makes the end of a block, behind which another follows.
func (e *emitter) end(b, following *block) {
	switch {
	case b.taken == nil && (b.next == nil || b.next == following):
	case b.taken == nil:
		e.jump(b.next)
	case b.next == following:
		e.conditional(&b.jump, b.taken)
	default:
		if opposite, ok := opposites[b.jump.op.JumpOp()]; ok && b.taken == following {
			jump := b.jump
			jump.op = jump.op.SetJumpOp(opposite)
			e.conditional(&jump, b.next)
			return
		}
		e.conditional(&b.jump, b.taken)
		e.jump(b.next)
	}
}

// signature is the type of a function: of its parameters the first is the
// program's argument, the others are numbers, and so is what it gives.
func (c *code) signature() *btf.Func {
	number := &btf.Int{Name: "unsigned long long", Size: 8}
	proto := &btf.FuncProto{Return: number}
	for i := range c.params {
		p := btf.FuncParam{Name: fmt.Sprintf("r%d", i+1), Type: number}
		if i == 0 {
			p = btf.FuncParam{Name: "ctx", Type: &btf.Pointer{Target: &btf.Struct{Name: "xdp_md"}}}
		}
		proto.Params = append(proto.Params, p)
	}
	if c.params == 1 {
		proto.Return = &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}
	}
	return &btf.Func{Name: c.name, Type: proto, Linkage: btf.GlobalFunc}
}

// inRows gives the blocks in the order of the program: behind each, if it can
// be, the one that it most likely goes on at. Blocks without instructions are
// left out.
func (c *code) inRows() []*block {
	placed := newSet(len(c.blocks))
	for _, b := range c.blocks {
		b.next, b.taken = b.next.end(), b.taken.end()
		if b.end() != b {
			placed.add(b.id)
		}
	}
	var order []*block
	for _, head := range c.blocks {
		for b := head; b != nil && !placed.has(b.id); {
			placed.add(b.id)
			order = append(order, b)
			next := b.next
			if b.taken != nil && (next == nil || placed.has(next.id)) {
				next = b.taken
			}
			b = next
		}
	}
	return order
}

// end gives the block with instructions where code that goes to b gets: b itself
// in a loop without any, which Lua can write, though no kernel takes it.
func (b *block) end() *block {
	to := b
	for n := 0; to != nil && len(to.insns) == 0 && to.taken == nil && to.next != nil; n++ {
		if to = to.next; n > 1<<16 {
			return b
		}
	}
	return to
}

// put adds one instruction.
func (e *emitter) put(in *insn) {
	out := asm.Instruction{
		OpCode: in.op, Dst: asm.Register(max(in.dst, 0)), Src: asm.Register(max(in.src, 0)), Offset: in.off, Constant: in.imm,
	}
	if atomic := in.op.AtomicOp(); atomic != asm.InvalidAtomic {
		out.Constant = int64(atomic >> 8) // which cilium/ebpf 0.22 forgets to encode
	}
	switch {
	case in.m != nil:
		out.Src = asm.PseudoMapFD
		_ = out.AssociateMap(in.m) // which fails for other instructions only
	case in.op.JumpOp() == asm.Call && in.symbol != "":
		out.Src, out.Constant = asm.PseudoCall, -1
		out = out.WithReference(in.symbol)
	case in.symbol != "":
		out.Src = asm.PseudoMapFD
		if in.value {
			out.Src = asm.PseudoMapValue
		}
		out = out.WithReference(in.symbol)
	}
	e.add(out, in.line)
}

func (e *emitter) add(out asm.Instruction, line int32) {
	if e.label != "" {
		out = out.WithSymbol(e.label)
		e.label = ""
	}
	if line == 0 {
		line = e.line
	}
	// The kernel wants the first instruction of each function to have a line
	// (check_btf_line in kernel/bpf/verifier.c).
	if line != e.line || len(e.out) == 0 || out.Symbol() == e.code.name {
		e.line = line
		out = out.WithSource(asm.Comment(fmt.Sprintf("%s:%d", e.script, max(line, 1))))
	}
	e.out = append(e.out, out)
}

func (e *emitter) conditional(in *insn, to *block) {
	out := asm.Instruction{OpCode: in.op, Dst: asm.Register(max(in.dst, 0)), Offset: -1, Constant: in.imm}
	if in.op.Source() == asm.RegSource {
		out.Src = asm.Register(in.src)
	}
	e.add(out.WithReference(e.name(to)), in.line)
}

func (e *emitter) jump(to *block) {
	e.add(asm.Ja.Label(e.name(to)), 0)
}
