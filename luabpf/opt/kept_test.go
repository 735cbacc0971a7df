// SPDX-License-Identifier: GPL-3.0-or-later

package opt

import (
	"testing"

	"pvlua/luabpf/ir"
)

// numbered are packets of 64 bytes that begin with each of some numbers, and
// short ones.
func numbered(numbers ...int64) (all [][]byte) {
	for _, n := range numbers {
		b := make([]byte, 64)
		for i := range 8 {
			b[i] = byte(uint64(n) >> (8 * i))
		}
		all = append(all, b)
	}
	return append(all, make([]byte, 14), make([]byte, 18), make([]byte, 19), make([]byte, 20))
}

// TestWhatMustStay: programs that are wrong at once if a pass takes one fact for
// another.
func TestWhatMustStay(t *testing.T) {
	first := func(b *builder, size uint8) (p, x ir.Reg) {
		p = b.start(0, 14)
		return p, b.load(p, 0, size)
	}
	for _, c := range []struct {
		what    string
		numbers []int64
		make    func(b *builder)
	}{
		{"the length before and after a change of size", []int64{0}, func(b *builder) {
			length := func() ir.Reg { return b.op(ir.Instr{Op: ir.Len, A: ir.None, B: ir.None}) }
			before := length()
			b.op(ir.Instr{Op: ir.Adjust, A: ir.None, B: ir.None, Size: 1, Imm: 4})
			after := length()
			p := b.start(0, 14)
			b.store(p, 0, 2, before)
			b.store(p, 2, 2, after)
		}},
		{"a sum with a variable that changes", []int64{3}, func(b *builder) {
			p, x := first(b, 1)
			v := b.konst(1)
			y := b.load(p, 1, 1)
			b.b.Instrs = append(b.b.Instrs, ir.Instr{Op: ir.Mul, Dst: v, A: y, B: ir.None, Imm: 3})
			one := b.bin(ir.Sub, x, v)
			b.b.Instrs = append(b.b.Instrs, ir.Instr{Op: ir.Add, Dst: v, A: v, B: ir.None, Imm: 5})
			b.store(p, 2, 1, one)
			b.store(p, 3, 1, b.bin(ir.Sub, x, v))
		}},
		{"a variable that counts", []int64{6, 7, 8}, func(b *builder) {
			p, x := first(b, 1)
			v := b.konst(1)
			b.b.Instrs = append(b.b.Instrs, ir.Instr{Op: ir.Xor, Dst: v, A: x, B: ir.None, Imm: 64},
				ir.Instr{Op: ir.Add, Dst: v, A: v, B: ir.None, Imm: 1})
			b.when(v, ir.EQ, 72)
			b.store(p, 0, 1, v)
		}},
		{"the last number below a limit", []int64{8, 9, 10}, func(b *builder) {
			_, x := first(b, 1)
			b.when(x, ir.LT, 10)
			b.when(x, ir.NE, 9)
		}},
		{"numbers below 0 that are above another", []int64{-3, -5, -4, 3}, func(b *builder) {
			_, x := first(b, 8)
			b.when(x, ir.SGT, -5)
			b.when(x, ir.GT, 1<<63-1)
		}},
		{"a shorter guard where a longer one failed", []int64{0}, func(b *builder) {
			p := b.op(ir.Instr{Op: ir.Ptr, A: ir.None, B: ir.None})
			other := b.NewBlock()
			b.b.Term = ir.Term{Kind: ir.Guard, A: p, B: ir.None, Imm: 20, Then: b.ending(ir.Drop), Else: other}
			b.b = other
			b.guard(p, 19)
		}},
		{"remainders of what may be the divisor", []int64{6, 7, 8}, func(b *builder) {
			p, x := first(b, 1)
			b.store(p, 1, 1, b.imm(ir.Mod, b.imm(ir.And, x, 7), 7))
		}},
		{"shifts of numbers below 0", []int64{-9, 9}, func(b *builder) {
			p, x := first(b, 8)
			b.store(p, 0, 8, b.imm(ir.Sar, x, 3))
		}},
		{"differences at the end of their range", []int64{10, 0, 5, 0x50a, 0x500}, func(b *builder) {
			p, x := first(b, 1)
			long := b.imm(ir.Add, b.imm(ir.And, x, 10), 10)
			b.when(b.bin(ir.Sub, long, b.imm(ir.And, b.load(p, 1, 1), 5)), ir.GT, 15)
		}},
		{"stores to two places", []int64{0, 1}, func(b *builder) {
			p, x := first(b, 1)
			one, other, after := b.NewBlock(), b.NewBlock(), b.NewBlock()
			b.b.Term = ir.Term{Kind: ir.Branch, Cond: ir.EQ, A: x, B: ir.None, Imm: 1, Then: one, Else: other}
			for i, way := range []*ir.Block{one, other} {
				b.b = way
				b.store(p, int32(4+i), 1, x)
				way.Instrs[0].B, way.Instrs[0].Imm = ir.None, 9
				way.Term = ir.Term{Kind: ir.Jump, Then: after, A: ir.None, B: ir.None}
			}
			b.b = after
		}},
		{"copies of a pointer, where a guard of it can't go by the start", []int64{0}, func(b *builder) {
			p := b.op(ir.Instr{Op: ir.Ptr, A: ir.None, B: ir.None, Imm: 1})
			long, short := b.NewBlock(), b.NewBlock()
			b.b.Term = ir.Term{Kind: ir.Guard, A: p, B: ir.None, Imm: 0xffff, Then: long, Else: short}
			b.b = long
			b.ret(ir.Drop)
			b.b = short
			b.guard(p, 14)
			q := b.op(ir.Instr{Op: ir.Move, A: p, B: ir.None})
			b.store(q, 0, 1, b.load(q, 9, 1))
		}},
		{"copies of pointers at two offsets", []int64{0, 1}, func(b *builder) {
			p := b.start(0, 20)
			one := b.op(ir.Instr{Op: ir.Ptr, A: ir.None, B: ir.None, Imm: 2})
			b.guard(one, 14)
			either := b.op(ir.Instr{Op: ir.Move, A: one, B: ir.None})
			then, join := b.NewBlock(), b.NewBlock()
			b.b.Term = ir.Term{Kind: ir.Branch, Cond: ir.EQ, A: b.load(p, 0, 1), B: ir.None, Imm: 1, Then: then, Else: join}
			then.Instrs = []ir.Instr{{Op: ir.Move, Dst: either, A: p, B: ir.None}}
			then.Term = ir.Term{Kind: ir.Jump, Then: join, A: ir.None, B: ir.None}
			b.b = join
			b.store(either, 0, 1, b.load(either, 13, 1))
		}},
		{"bytes behind an offset that is larger", []int64{0, 1, 2, 3}, func(b *builder) {
			p := b.start(0, 40)
			x := b.load(p, 0, 1)
			off := b.konst(14)
			join := b.NewBlock()
			for n := range int64(2) {
				way, next := b.NewBlock(), b.NewBlock()
				b.b.Term = ir.Term{Kind: ir.Branch, Cond: ir.EQ, A: x, B: ir.None, Imm: n, Then: way, Else: next}
				way.Instrs = []ir.Instr{{Op: ir.Const, Dst: off, A: ir.None, B: ir.None, Imm: 18 + 4*n}}
				way.Term = ir.Term{Kind: ir.Jump, Then: join, A: ir.None, B: ir.None}
				b.b = next
			}
			b.b.Term = ir.Term{Kind: ir.Jump, Then: join, A: ir.None, B: ir.None}
			b.b = join
			q := b.op(ir.Instr{Op: ir.Ptr, A: off, B: ir.None})
			b.guard(q, 2)
			b.store(q, 0, 1, off)
		}},
	} {
		t.Run(c.what, func(t *testing.T) {
			b := build()
			c.make(b)
			check(t, b.ret(ir.TX), numbered(c.numbers...))
		})
	}
	for _, cond := range []ir.Cond{ir.EQ, ir.NE} {
		for n := range int64(3) {
			b := build()
			_, x := first(b, 1)
			b.when(b.op(ir.Instr{Op: ir.Set, Cond: ir.LT, A: x, B: ir.None, Imm: 5}), cond, n)
			check(t, b.ret(ir.TX), numbered(4, 5))
		}
	}
}
