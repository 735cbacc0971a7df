// SPDX-License-Identifier: GPL-3.0-or-later

package bpf

import (
	"errors"
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"pvlua/internal/privileged"
	"pvlua/luabpf/ir"
)

// TestManyValuesAtOnce: more than there are registers.
func TestManyValuesAtOnce(t *testing.T) {
	for _, n := range []int{8, 11, 40, 60} {
		b := build()
		p := b.ptr(0)
		b.guard(p, 500)
		var values []ir.Reg
		for i := range n {
			values = append(values, b.load(p, int32(8*i), 8))
		}
		b.add(ir.Instr{Op: ir.CountAdd, Dst: ir.None, A: ir.None, B: ir.None, Imm: 1}) // across a call
		sum := b.konst(0)
		for i := range values {
			sum = b.bin(ir.Add, b.bin(ir.Mul, values[n-1-i], values[(i*7)%n]), sum)
		}
		for i, v := range values {
			b.store(p, int32(8*(n-1-i)), 8, v)
		}
		b.store(p, 0, 8, sum)
		f := b.ret(ir.TX)
		prog := load(t, f, Options{Counters: perCPU(t, 1)})
		compare(t, prog, f, frameOf(512), newMemory())
	}
}

// TestPointersOnTheStack: what has been proven of a pointer stays known.
func TestPointersOnTheStack(t *testing.T) {
	b := build()
	p := b.ptr(0)
	b.guard(p, 64)
	var ptrs []ir.Reg
	for i := range 14 {
		q := b.ptrAt(b.imm(ir.And, b.load(p, int32(i), 1), 31))
		b.guard(q, 16)
		ptrs = append(ptrs, q)
	}
	b.add(ir.Instr{Op: ir.CountAdd, Dst: ir.None, A: ir.None, B: ir.None, Imm: 1})
	for i, q := range ptrs {
		b.store(p, int32(16+3*i), 2, b.load(q, int32(i), 2))
	}
	f := b.ret(ir.TX)
	prog := load(t, f, Options{Counters: perCPU(t, 1)})
	compare(t, prog, f, frameOf(64), newMemory())
}

func TestTooManyValues(t *testing.T) {
	b := build()
	p := b.ptr(0)
	b.guard(p, 8*100)
	var values []ir.Reg
	for i := range 100 {
		values = append(values, b.load(p, int32(8*i), 8))
	}
	for i, v := range values {
		b.store(p, int32(8*(99-i)), 8, v)
	}
	_, err := Assemble(b.ret(ir.TX), Options{})
	var large *TooLargeError
	if !errors.As(err, &large) || !strings.Contains(err.Error(), "too large for the kernel: more values at once than") {
		t.Errorf("the error is %v", err)
	}
}

// adder makes a Func that adds up the n words from the packet's start on, of
// which there may be any number up to most.
func adder(most int64) *ir.Func {
	b := build()
	p := b.ptr(0)
	b.guard(p, 8)
	n := b.load(p, 0, 1)
	b.when(n, ir.LE, most)
	i, sum := b.konst(0), b.konst(0)
	head, body, inside, end := b.NewBlock(), b.NewBlock(), b.NewBlock(), b.NewBlock()
	b.b.Term = ir.Term{Kind: ir.Jump, Then: head}
	head.Term = ir.Term{Kind: ir.Branch, Cond: ir.SLT, A: i, B: n, Then: body, Else: end}
	b.b = body
	q := b.ptrAt(b.imm(ir.Shl, i, 1))
	b.b.Term = ir.Term{Kind: ir.Guard, A: q, B: ir.None, Imm: 2, Then: inside, Else: end}
	b.b = inside
	b.add(ir.Instr{Op: ir.Add, Dst: sum, A: sum, B: b.load(q, 0, 2)})
	b.add(ir.Instr{Op: ir.Add, Dst: i, A: i, B: ir.None, Imm: 1})
	b.b.Term = ir.Term{Kind: ir.Jump, Then: head}
	b.b = end
	q2 := b.ptr(0)
	b.guard(q2, 8)
	b.store(q2, 0, 8, sum)
	return b.ret(ir.TX)
}

// loadPlain loads a Func as for kernels without may_goto.
func loadPlain(t *testing.T, f *ir.Func) *ebpf.Program {
	t.Helper()
	spec, err := assemble(f, Options{}, false)
	if err != nil {
		t.Fatal(err)
	}
	p, err := install(f, spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// TestSumsOfOldKernels: the loop that counts its turns.
func TestSumsOfOldKernels(t *testing.T) {
	privileged.Require(t)
	b := build()
	f := b.result(b.op(ir.Instr{Op: ir.Sum, A: b.ptr(3), B: ir.None, Imm: 0xffff}))
	prog := loadPlain(t, f)
	for _, n := range lengths {
		compare(t, prog, f, frameOf(n), newMemory())
	}
}

func TestLoops(t *testing.T) {
	for _, most := range []int64{3, 32, 255} {
		f := adder(most)
		for _, prog := range []*ebpf.Program{load(t, f, Options{}), loadPlain(t, f)} {
			for _, n := range []byte{0, 1, 2, 3, 4, 29, 30, 31, 32, 33, 255} {
				pkt := frameOf(64)
				pkt[0] = n
				compare(t, prog, f, pkt, newMemory())
			}
		}
	}
}
