// SPDX-License-Identifier: GPL-3.0-or-later

package vm

import (
	"fmt"
	"math"

	"pvlua/luabpf/ir"
)

// emitter makes the instructions of a Program.
type emitter struct {
	f       *ir.Func
	slots   []uint8 // of the registers
	code    []instr
	lookups []lookup
	starts  []int   // of the blocks, by ID
	jumps   []patch // whose next is not known yet
}

// patch is an instruction that goes to a block.
type patch struct {
	at int
	to *ir.Block
}

// blocks appends the blocks in a row.
func (e *emitter) blocks(row []*ir.Block) {
	for i, b := range row {
		var next *ir.Block
		if i+1 < len(row) {
			next = row[i+1]
		}
		e.starts[b.ID] = len(e.code)
		start := len(e.code)
		for j := range b.Instrs {
			e.instr(&b.Instrs[j])
		}
		e.term(&b.Term, next)
		e.merge(start)
	}
}

// resolve fills in where the jumps go.
func (e *emitter) resolve() error {
	if len(e.code) > math.MaxUint16 || len(e.lookups) > math.MaxUint16 || len(e.f.Counters) > math.MaxUint16 {
		return fmt.Errorf("vm: %s makes %d instructions; at most %d are possible", e.f.Name, len(e.code), math.MaxUint16)
	}
	for _, j := range e.jumps {
		e.code[j.at].next = uint16(e.starts[j.to.ID])
	}
	return nil
}

// reg gives the slot of a register; any for None.
func (e *emitter) reg(r ir.Reg) uint8 {
	if r == ir.None {
		return 0
	}
	return e.slots[r]
}

// sized gives the opcode for an access of a size, that for one byte being op.
func sized(op opcode, size uint8) opcode {
	return op + [...]opcode{1: 0, 2: 1, 4: 2, 6: 3, 8: 4}[size]
}

// instr appends an instruction.
func (e *emitter) instr(in *ir.Instr) {
	out := instr{imm: in.Imm, off: uint16(in.Off)}
	// The fields that an operation does not use may hold anything.
	in.Operands(func(r ir.Reg) {
		if r == in.A {
			out.a = e.reg(r)
		}
		if r == in.B {
			out.b = e.reg(r)
		}
	}, func(r ir.Reg) {
		if r == in.Dst {
			out.d = e.reg(r)
		}
	})
	constant := in.B == ir.None
	switch in.Op {
	case ir.Const:
		out.op = opConst
	case ir.Move:
		out.op = opMove
	case ir.Add, ir.Sub, ir.Mul, ir.Div, ir.Mod, ir.And, ir.Or, ir.Xor, ir.Shl, ir.Shr, ir.Sar:
		out.op = opAdd + opcode(in.Op-ir.Add)
		if constant {
			out.op += opAddI - opAdd
		}
		if in.Op == ir.Sub && in.A == ir.None {
			out.op = opFromI
		}
	case ir.Swap:
		out.op, out.off = opSwap, 8*uint16(in.Size)
	case ir.Set:
		out.op, out.off = opSet, uint16(in.Cond)
		if constant {
			out.op = opSetI
		}
	case ir.Fold:
		out.op = opFold
	case ir.Len:
		out.op = opLen
	case ir.Ptr:
		out.op = opMove
		if in.A == ir.None {
			out.op = opConst
		}
	case ir.Load:
		out.op = sized(opLoad1, in.Size)
	case ir.Store:
		out.op = sized(opStore1, in.Size)
		if constant {
			out.op = sized(opStore1I, in.Size)
		}
	case ir.Sum:
		out.op = opSum
		if constant {
			out.op = opSumI
		}
	case ir.Adjust:
		switch {
		case in.Size == 0:
			out.op = opPush
		case in.A == ir.None:
			out.op = opGrowI
		default:
			out.op = opGrow
		}
	case ir.CountAdd:
		out.op, out.off = opCount, uint16(in.Ref)
		if in.A == ir.None {
			out.op = opCountI
		}
	default:
		out.op, out.off = opMapGet+opcode(in.Op-ir.MapGet), uint16(len(e.lookups))
		e.lookups = append(e.lookups, e.lookup(in))
	}
	e.code = append(e.code, out)
}

// lookup gives the operands of an operation on a map or table.
func (e *emitter) lookup(in *ir.Instr) lookup {
	l := lookup{ref: in.Ref}
	key, value := in.Args, in.Res
	switch {
	case in.Op == ir.TableGet:
		if len(key) == 0 {
			key = []ir.Reg{in.A}
		}
	case in.Op == ir.MapSet || in.Op == ir.MapInsert || in.Op == ir.MapAdd:
		n := e.f.Maps[in.Ref].Key
		key, value = in.Args[:n], in.Args[n:]
	}
	l.wide, l.long = len(key) == 2, len(value) == 2
	for i, r := range key {
		l.key[i] = e.reg(r)
	}
	if in.Op == ir.MapAdd {
		value = []ir.Reg{value[0], in.Res[0]}
	}
	for i, r := range value {
		l.value[i] = e.reg(r)
	}
	return l
}

// term appends the end of a block that next follows.
func (e *emitter) term(t *ir.Term, next *ir.Block) {
	switch t.Kind {
	case ir.Return, ir.Exit:
		e.end(t)
	case ir.Jump:
		e.jump(t.Then, next)
	case ir.Branch, ir.Guard:
		in, to, other := instr{a: e.reg(t.A), imm: t.Imm}, t.Else, t.Then
		cond := t.Cond.Not()
		if other != next && to == next {
			to, other, cond = t.Then, t.Else, t.Cond
		}
		switch {
		case t.Kind == ir.Guard && to == t.Then && t.Then != t.Else:
			in.op = opWithin
		case t.Kind == ir.Guard:
			in.op = opBeyond
		case t.B == ir.None:
			in.op = opEQI + opcode(cond)
		default:
			in.op, in.b = opEQ+opcode(cond), e.reg(t.B)
		}
		e.jumps = append(e.jumps, patch{len(e.code), to})
		e.code = append(e.code, in)
		e.jump(other, next)
	}
}

// end appends a Return or Exit.
func (e *emitter) end(t *ir.Term) {
	if t.Kind == ir.Exit {
		e.code = append(e.code, instr{op: opExit, imm: int64(t.Site)})
		return
	}
	e.code = append(e.code, instr{op: opReturn, d: uint8(t.Verdict), imm: int64(t.Port)})
}

// jump appends what goes on at block to: nothing if that follows; if it only
// ends, its end.
func (e *emitter) jump(to, next *ir.Block) {
	switch {
	case to == next:
	case len(to.Instrs) == 0 && (to.Term.Kind == ir.Return || to.Term.Kind == ir.Exit):
		e.end(&to.Term)
	default:
		e.jumps = append(e.jumps, patch{len(e.code), to})
		e.code = append(e.code, instr{op: opJump})
	}
}
