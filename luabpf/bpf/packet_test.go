// SPDX-License-Identifier: GPL-3.0-or-later

package bpf

import (
	"testing"

	"pvlua/luabpf/ir"
)

// lengths are those of packets at which sums go wrong first.
var lengths = []int{14, 15, 16, 17, 18, 30, 31, 32, 33, 63, 64, 65, 77, 78, 79, 97, 98, 99, 128, 129, 255, 256, 257, 1000, 1514, 3000}

func TestSumOfConstantLength(t *testing.T) {
	for _, c := range []struct{ ptr, off, n int64 }{{0, 0, 0}, {0, 0, 1}, {0, 0, 2}, {14, 0, 20}, {13, 2, 21}, {14, 20, 64}, {0, 0, 256}, {0, 0, 257}, {14, 20, 1500}, {20, 0, 0xffff}, {0xffff, 0xffff, 40}} {
		for _, folded := range []bool{false, true} {
			b := build()
			sum := b.op(ir.Instr{Op: ir.Sum, A: b.ptr(c.ptr), B: ir.None, Off: int32(c.off), Imm: c.n})
			if folded {
				sum = b.op(ir.Instr{Op: ir.Fold, A: b.imm(ir.Add, sum, 0x1234), B: ir.None})
			}
			f := b.result(sum)
			prog := load(t, f, Options{})
			for _, n := range lengths {
				compare(t, prog, f, frameOf(n), newMemory())
			}
		}
	}
}

func TestSumOfAnyLength(t *testing.T) {
	for _, folded := range []bool{false, true} {
		b := build()
		p := b.ptr(0)
		b.guard(p, 8)
		at := b.ptrAt(b.load(p, 2, 2))
		sum := b.op(ir.Instr{Op: ir.Sum, A: at, B: b.load(p, 0, 2), Off: 3})
		if folded {
			sum = b.op(ir.Instr{Op: ir.Fold, A: sum, B: ir.None})
		}
		f := b.result(sum)
		prog := load(t, f, Options{})
		for _, n := range lengths {
			for _, want := range append([]int{0, 1, 2, 3, 62, 63, 64, 0xffff}, n-5, n-4, n-3, n-2, n-1, n) {
				for _, at := range []int{0, 1, 11, 60, 0xffff} {
					pkt := frameOf(n)
					pkt[0], pkt[1], pkt[2], pkt[3] = byte(want), byte(want>>8), byte(at), byte(at>>8)
					compare(t, prog, f, pkt, newMemory())
				}
			}
		}
	}
}

func TestSumOfOnes(t *testing.T) { // carries at all places
	b := build()
	f := b.result(
		b.op(ir.Instr{Op: ir.Fold, A: b.op(ir.Instr{Op: ir.Sum, A: b.ptr(0), B: ir.None, Imm: 0xffff}), B: ir.None}),
		b.op(ir.Instr{Op: ir.Fold, A: b.op(ir.Instr{Op: ir.Sum, A: b.ptr(0), B: ir.None, Imm: 128}), B: ir.None}))
	prog := load(t, f, Options{})
	for _, n := range lengths {
		ones, zeros := make([]byte, n), make([]byte, n)
		for i := range ones {
			ones[i] = 0xff
		}
		compare(t, prog, f, ones, newMemory())
		compare(t, prog, f, zeros, newMemory())
	}
}

// TestSumsThatWrap: words of 32 bits would make this one wrap earlier.
func TestSumsThatWrap(t *testing.T) {
	b := build()
	p := b.ptr(0)
	b.guard(p, 136)
	sum := b.op(ir.Instr{Op: ir.Sum, A: p, B: ir.None, Off: 8, Imm: 128})
	f := b.result(b.op(ir.Instr{Op: ir.Fold, A: b.bin(ir.Add, b.load(p, 0, 8), sum), B: ir.None}))
	prog := load(t, f, Options{})
	pkt := make([]byte, 136)
	for i := range pkt {
		pkt[i] = 0xff
	}
	copy(pkt, []byte{0, 0, 0, 0xc0})
	compare(t, prog, f, pkt, newMemory())
}

func TestAdjust(t *testing.T) {
	for _, n := range []int64{0, 1, 4, 8, 13, 22, 100, -1, -4, -20, -50, -60, 5000, -0xffff, 0xffff} {
		for end := range uint8(2) {
			if end == 1 && n > 2000 {
				continue // how much room there is at the end is not ours to say
			}
			b := build()
			done := b.op(ir.Instr{Op: ir.Adjust, A: ir.None, B: ir.None, Size: end, Imm: n})
			f := b.result(done)
			prog := load(t, f, Options{})
			for _, n := range []int{14, 34, 60, 64, 65, 1000} {
				compare(t, prog, f, frameOf(n), newMemory())
			}
		}
	}
}

func TestAdjustByAnyLength(t *testing.T) {
	b := build()
	p := b.ptr(0)
	b.guard(p, 8)
	done := b.op(ir.Instr{Op: ir.Adjust, A: b.load(p, 0, 8), B: ir.None, Size: 1})
	f := b.result(done)
	prog := load(t, f, Options{})
	for _, n := range []int64{0, 1, 100, -1, -20, -50, -51, -1000, 1 << 32, 1<<32 + 4, -1 << 32, -1<<32 - 4, 1 << 62} {
		compare(t, prog, f, words(n), newMemory())
	}
}

// TestAddressesAfterAdjust: bytes are found where they went.
func TestAddressesAfterAdjust(t *testing.T) {
	b := build()
	p := b.ptr(0)
	b.guard(p, 14)
	dst, src := b.load(p, 0, 6), b.load(p, 6, 6)
	b.when(b.op(ir.Instr{Op: ir.Adjust, A: ir.None, B: ir.None, Imm: 4}), ir.EQ, 1)
	q := b.ptr(0)
	b.guard(q, 18)
	b.store(q, 0, 6, dst)
	b.store(q, 6, 6, src)
	b.storeImm(q, 12, 4, 0x0a000081)
	f := b.ret(ir.TX)
	prog := load(t, f, Options{})
	for _, n := range lengths {
		compare(t, prog, f, frameOf(n), newMemory())
	}
}
