// SPDX-License-Identifier: GPL-3.0-or-later

package bpf

import (
	"testing"

	"github.com/cilium/ebpf/asm"

	"pvlua/luabpf/ir"
)

// TestOpposites: each conditional jump of the form has one, as the form says.
func TestOpposites(t *testing.T) {
	for c := ir.EQ; c <= ir.SGE; c++ {
		if got, want := opposites[jumpOps[c]], jumpOps[c.Not()]; got != want {
			t.Errorf("the opposite of %v is %v, want %v", jumpOps[c], got, want)
		}
	}
}

// TestAtomicsFetch: what the encoding of an addition that fetches says, which
// the library has been seen to forget.
func TestAtomicsFetch(t *testing.T) {
	spec, err := Assemble(mapFunc(ir.MapAdd, 1, 1), Options{})
	if err != nil {
		t.Fatal(err)
	}
	const fetch = 1 // BPF_FETCH of linux/bpf.h
	found := false
	for _, in := range spec.Instructions {
		if in.OpCode.AtomicOp() == asm.FetchAdd {
			if found = true; in.Constant != fetch {
				t.Errorf("the operation is %#x, want %#x", in.Constant, fetch)
			}
		}
	}
	if !found {
		t.Error("no addition fetches")
	}
}

// TestShortestConstants: one instruction for what fits 32 bits, signed or not.
func TestShortestConstants(t *testing.T) {
	for _, c := range []struct {
		n    int64
		size uint64 // in instructions
	}{{0, 1}, {-1, 1}, {1<<31 - 1, 1}, {1 << 31, 1}, {1<<32 - 1, 1}, {1 << 32, 2}, {-1<<31 - 1, 2}} {
		s := &selector{code: &code{name: "f", regs: firstVirtual}, b: new(block)}
		b := s.b
		s.set(r0, c.n)
		s.add(insn{op: asm.Return().OpCode})
		s.code.arrange(b)
		insns, err := emit("a.lua", []*code{s.code})
		if err != nil {
			t.Fatal(err)
		}
		if got := insns.Size()/asm.InstructionSize - 1; got != c.size {
			t.Errorf("%#x takes %d instructions, want %d", c.n, got, c.size)
		}
	}
}

// TestColouringIsSound: in random code no register is read that another value has
// taken: the tests against the interpreter see to that. Here: code that fits ten
// registers uses no stack, and copies are gone.
func TestColouringIsSound(t *testing.T) {
	b := build()
	p := b.ptr(0)
	b.guard(p, 64)
	x, y := b.load(p, 0, 8), b.load(p, 8, 8)
	b.store(p, 16, 8, b.bin(ir.Sub, b.bin(ir.Add, x, y), b.bin(ir.Mul, x, y)))
	spec, err := Assemble(b.ret(ir.TX), Options{})
	if err != nil {
		t.Fatal(err)
	}
	copies := 0
	for _, in := range spec.Instructions {
		if in.OpCode.Class().IsStore() && in.Dst == asm.RFP {
			t.Errorf("there is a spill: %v", in)
		}
		if in.OpCode == asm.Mov.Op(asm.RegSource) {
			copies++
		}
	}
	if copies > 2 { // data for the guard, and x for the sum
		t.Errorf("%d copies:\n%v", copies, spec.Instructions)
	}
}
