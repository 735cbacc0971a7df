// SPDX-License-Identifier: GPL-3.0-or-later

package bpf

import (
	"math"
	"testing"

	"pvlua/luabpf/ir"
)

// numbers are operands at which arithmetic goes wrong first.
var numbers = []int64{
	0, 1, 2, 7, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x1fffe, 0x7fffffff, 0x80000000, 0xffffffff,
	0x100000000, 0x7fffffffffff, 0xffffffffffff, 1 << 53, math.MaxInt64, math.MinInt64, -1, -2, -0x80000000, -0x80000001,
}

// inputs makes a Func that begins with two numbers from the packet.
func inputs() (b *builder, x, y ir.Reg) {
	b = build()
	p := b.ptr(0)
	b.guard(p, 16)
	return b, b.load(p, 0, 8), b.load(p, 8, 8)
}

func words(n ...int64) []byte {
	b := make([]byte, max(8*len(n), 64))
	for i, x := range n {
		for j := range 8 {
			b[8*i+j] = byte(uint64(x) >> (8 * j))
		}
	}
	return b
}

func TestArithmetic(t *testing.T) {
	for _, op := range []ir.Op{ir.Add, ir.Sub, ir.Mul, ir.Div, ir.Mod, ir.And, ir.Or, ir.Xor, ir.Shl, ir.Shr, ir.Sar} {
		b, x, y := inputs()
		if op >= ir.Shl && op <= ir.Sar {
			y = b.imm(ir.And, y, 63)
		}
		if op == ir.Div || op == ir.Mod {
			b.when(y, ir.NE, 0)
		}
		into := b.imm(ir.Add, y, 0)
		b.add(ir.Instr{Op: op, Dst: into, A: x, B: into}) // the destination is an operand
		f := b.result(b.bin(op, x, y), into)
		p := load(t, f, Options{})
		for _, m := range numbers {
			for _, n := range numbers {
				compare(t, p, f, words(m, n), newMemory())
			}
		}
	}
}

func TestArithmeticWithConstants(t *testing.T) {
	for _, n := range numbers {
		b, x, _ := inputs()
		var values []ir.Reg
		for _, op := range []ir.Op{ir.Add, ir.Sub, ir.Mul, ir.And, ir.Or, ir.Xor} {
			values = append(values, b.imm(op, x, n))
		}
		if n != 0 {
			values = append(values, b.imm(ir.Div, x, n), b.imm(ir.Mod, x, n))
		}
		for _, op := range []ir.Op{ir.Shl, ir.Shr, ir.Sar} {
			values = append(values, b.imm(op, x, n&63))
		}
		values = append(values, b.op(ir.Instr{Op: ir.Sub, A: ir.None, B: x, Imm: n}))
		f := b.result(values...)
		p := load(t, f, Options{})
		for _, m := range numbers {
			pkt := make([]byte, 128)
			copy(pkt, words(m))
			compare(t, p, f, pkt, newMemory())
		}
	}
}

func TestConditions(t *testing.T) {
	for c := ir.EQ; c <= ir.SGE; c++ {
		b, x, y := inputs()
		set := b.op(ir.Instr{Op: ir.Set, Cond: c, A: x, B: y})
		then := b.NewBlock()
		b.b.Term = ir.Term{Kind: ir.Branch, Cond: c, A: x, B: y, Then: then, Else: b.ending(ir.Drop)}
		b.b = then
		f := b.result(set)
		p := load(t, f, Options{})
		for _, m := range numbers {
			for _, n := range numbers {
				compare(t, p, f, words(m, n), newMemory())
			}
		}
		for _, n := range numbers {
			b, x, _ := inputs()
			low := b.imm(ir.And, x, 0xffffffff)
			s1 := b.op(ir.Instr{Op: ir.Set, Cond: c, A: x, B: ir.None, Imm: n})
			s2 := b.op(ir.Instr{Op: ir.Set, Cond: c, A: low, B: ir.None, Imm: n})
			f := b.result(s1, s2)
			p := load(t, f, Options{})
			for _, m := range numbers {
				compare(t, p, f, words(m, n), newMemory())
			}
		}
	}
}

func TestSwapAndFold(t *testing.T) {
	b := build()
	p := b.ptr(0)
	b.guard(p, 64)
	var values []ir.Reg
	for _, size := range []uint8{2, 4, 6, 8} {
		x := b.load(p, 0, size)
		values = append(values, b.swap(x, size), b.op(ir.Instr{Op: ir.Fold, A: x, B: ir.None}))
	}
	f := b.result(values...)
	prog := load(t, f, Options{})
	for _, n := range numbers {
		compare(t, prog, f, words(n), newMemory())
	}
}

func TestLoadAndStore(t *testing.T) {
	for _, size := range []uint8{1, 2, 4, 6, 8} {
		b := build()
		p, q := b.ptr(0), b.ptr(20)
		b.guard(p, 64)
		b.guard(q, 44)
		x := b.load(p, 3, size)
		b.store(q, 5, size, x)
		b.storeImm(q, 20, size, -0x0102030405060708)
		at := b.ptrAt(b.imm(ir.And, b.load(p, 0, 1), 15))
		b.guard(at, 30)
		b.store(at, 20, size, b.load(at, 1, size))
		f := b.ret(ir.TX)
		prog := load(t, f, Options{})
		for n := 14; n < 70; n++ {
			compare(t, prog, f, frameOf(n), newMemory())
		}
	}
}

func TestPointersAtAnyOffset(t *testing.T) {
	for _, mask := range []int64{0x3f, 0x7fff, 0xffff} {
		b := build()
		p := b.ptr(0)
		b.guard(p, 16)
		off := b.swap(b.load(p, 0, 2), 2)
		if mask != 0xffff {
			off = b.imm(ir.And, off, mask)
		}
		at := b.ptrAt(off)
		b.guard(at, 4)
		b.store(p, 8, 8, b.load(at, 0, 4))
		b.storeImm(at, 2, 2, 7)
		f := b.ret(ir.TX)
		prog := load(t, f, Options{})
		for _, n := range []int{0, 1, 16, 59, 60, 61, 62, 63, 64, 65, 0x100, 0x7ffe, 0x7fff, 0x8000, 0x8001, 0x8010, 0xffff} {
			pkt := frameOf(64)
			pkt[0], pkt[1] = byte(n>>8), byte(n)
			compare(t, prog, f, pkt, newMemory())
		}
	}
}

func TestGuardsAtTheEnd(t *testing.T) {
	for _, g := range []struct{ off, n int64 }{{0, 14}, {0, 64}, {14, 20}, {14, 51}, {20, 0}, {0xffff, 1}, {0xffff, 0xffff}, {40, 0x7fff}} {
		b := build()
		b.guard(b.ptr(g.off), g.n)
		f := b.ret(ir.TX)
		prog := load(t, f, Options{})
		for n := 14; n < 80; n++ {
			compare(t, prog, f, frameOf(n), newMemory())
		}
	}
}

func TestLen(t *testing.T) {
	b := build()
	f := b.result(b.op(ir.Instr{Op: ir.Len, A: ir.None, B: ir.None}))
	prog := load(t, f, Options{})
	for _, n := range []int{14, 60, 1514, 3000} {
		compare(t, prog, f, frameOf(n), newMemory())
	}
}

// TestHalves: MAC addresses that are compared and copied.
func TestHalves(t *testing.T) {
	const mac = 0xfedcba987654
	for _, c := range []ir.Cond{ir.EQ, ir.NE} {
		for _, with := range []int64{mac, mac | 1<<50} { // the latter is none
			b := build()
			p := b.ptr(0)
			b.guard(p, 14)
			dst, src := b.load(p, 0, 6), b.load(p, 6, 6)
			b.when(dst, c, with)
			b.store(p, 0, 6, src)
			b.store(p, 6, 6, dst)
			f := b.ret(ir.TX)
			prog := load(t, f, Options{})
			for _, n := range []int64{mac, mac ^ 1, mac ^ 1<<31, mac ^ 1<<32, mac ^ 1<<47, 0} {
				compare(t, prog, f, words(n|0x1234<<48, 0x5678), newMemory())
			}
		}
	}
}

// TestBits: that are only tested.
func TestBits(t *testing.T) {
	for _, c := range []ir.Cond{ir.EQ, ir.NE} {
		for _, mask := range numbers {
			b, x, _ := inputs()
			b.when(b.imm(ir.And, x, mask), c, 0)
			f := b.ret(ir.TX)
			prog := load(t, f, Options{})
			for _, n := range numbers {
				compare(t, prog, f, words(n), newMemory())
			}
		}
	}
}
