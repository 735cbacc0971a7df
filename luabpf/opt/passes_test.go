// SPDX-License-Identifier: GPL-3.0-or-later

package opt

import (
	"strings"
	"testing"

	"pvlua/luabpf/ir"
)

// builder writes a Func by hand.
type builder struct {
	*ir.Func
	b *ir.Block
}

func build() *builder {
	f := &ir.Func{Name: "test.lua", Sites: []ir.Site{{Line: 3, Reason: "a string"}}, Counters: []ir.Counter{{Name: "n"}}, Maps: []ir.Map{{Name: "m", Key: 1, Value: 1}}}
	return &builder{f, f.NewBlock()}
}

func (b *builder) op(in ir.Instr) ir.Reg {
	k := ir.Number
	if in.Op == ir.Ptr || in.Op == ir.Move && b.Regs[in.A] == ir.Pointer {
		k = ir.Pointer
	}
	in.Dst = b.NewReg(k)
	b.b.Instrs = append(b.b.Instrs, in)
	return in.Dst
}

func (b *builder) konst(n int64) ir.Reg {
	return b.op(ir.Instr{Op: ir.Const, A: ir.None, B: ir.None, Imm: n})
}

func (b *builder) imm(op ir.Op, x ir.Reg, n int64) ir.Reg {
	return b.op(ir.Instr{Op: op, A: x, B: ir.None, Imm: n})
}

func (b *builder) bin(op ir.Op, x, y ir.Reg) ir.Reg { return b.op(ir.Instr{Op: op, A: x, B: y}) }

func (b *builder) swap(x ir.Reg, size uint8) ir.Reg {
	return b.op(ir.Instr{Op: ir.Swap, A: x, B: ir.None, Size: size})
}

// start gives a pointer to the packet, of which so many bytes are there.
func (b *builder) start(off, n int64) ir.Reg {
	p := b.op(ir.Instr{Op: ir.Ptr, A: ir.None, B: ir.None, Imm: off})
	b.guard(p, n)
	return p
}

func (b *builder) guard(p ir.Reg, n int64) {
	then := b.NewBlock()
	b.b.Term = ir.Term{Kind: ir.Guard, A: p, B: ir.None, Imm: n, Then: then, Else: b.ending(ir.Pass)}
	b.b = then
}

func (b *builder) when(x ir.Reg, c ir.Cond, n int64) {
	then := b.NewBlock()
	b.b.Term = ir.Term{Kind: ir.Branch, Cond: c, A: x, B: ir.None, Imm: n, Then: then, Else: b.ending(ir.Pass)}
	b.b = then
}

func (b *builder) load(p ir.Reg, off int32, size uint8) ir.Reg {
	return b.op(ir.Instr{Op: ir.Load, A: p, B: ir.None, Off: off, Size: size})
}

func (b *builder) store(p ir.Reg, off int32, size uint8, v ir.Reg) {
	b.b.Instrs = append(b.b.Instrs, ir.Instr{Op: ir.Store, Dst: ir.None, A: p, B: v, Off: off, Size: size})
}

func (b *builder) ending(v ir.Verdict) *ir.Block {
	e := b.NewBlock()
	e.Term = ir.Term{Kind: ir.Return, Verdict: v, A: ir.None, B: ir.None}
	return e
}

func (b *builder) ret(v ir.Verdict) *ir.Func {
	b.b.Term = ir.Term{Kind: ir.Return, Verdict: v, A: ir.None, B: ir.None}
	return b.Func
}

// packets are of several lengths.
func packets() (all [][]byte) {
	for _, n := range []int{14, 20, 33, 34, 40, 64, 100} {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(i * 7)
		}
		all = append(all, b, make([]byte, n))
	}
	return all
}

// TestPasses: what each is for. All run; the text of the result is compared.
func TestPasses(t *testing.T) {
	for _, c := range []struct {
		what string
		make func(b *builder) *ir.Func
		want string
	}{
		{"constants are folded, and the branches on them", func(b *builder) *ir.Func {
			b.when(b.imm(ir.Add, b.bin(ir.Mul, b.konst(6), b.konst(7)), -2), ir.EQ, 40)
			return b.ret(ir.TX)
		}, `0:
			return tx`},
		{"two swaps are none; comparisons take the packet's order", func(b *builder) *ir.Func {
			p := b.start(0, 14)
			x := b.swap(b.load(p, 12, 2), 2)
			b.when(x, ir.EQ, 0x0800)
			b.store(p, 0, 2, b.swap(x, 2))
			return b.ret(ir.TX)
		}, `0:
			p = ptr 0
			guard p, 14 goto 1 else 3
			1:
			r = load2 [p + 12]
			if r == 8 goto 2 else 3
			2:
			store2 [p + 0], 8
			return tx
			3:
			return pass`},
		{"masks go before swaps", func(b *builder) *ir.Func {
			p := b.start(0, 14)
			b.when(b.imm(ir.And, b.swap(b.load(p, 0, 2), 2), 0x1fff), ir.EQ, 0)
			return b.ret(ir.Drop)
		}, `0:
			p = ptr 0
			guard p, 14 goto 1 else 3
			1:
			r = load2 [p + 0]
			r = r & 65311
			if r == 0 goto 2 else 3
			2:
			return drop
			3:
			return pass`},
		{"guards are not repeated, of pointers at any constant offset", func(b *builder) *ir.Func {
			b.start(0, 34)
			q := b.start(14, 20)
			b.guard(q, 8)
			b.store(q, 0, 1, b.load(q, 1, 1))
			return b.ret(ir.TX)
		}, `0:
			p = ptr 0
			guard p, 34 goto 1 else 2
			1:
			r = load1 [p + 15]
			store1 [p + 14], r
			return tx
			2:
			return pass`},
		{"a guard that has failed fails again", func(b *builder) *ir.Func {
			p := b.op(ir.Instr{Op: ir.Ptr, A: ir.None, B: ir.None})
			ok, other, never := b.ending(ir.TX), b.NewBlock(), b.ending(ir.Drop)
			b.b.Term = ir.Term{Kind: ir.Guard, A: p, B: ir.None, Imm: 20, Then: ok, Else: other}
			other.Term = ir.Term{Kind: ir.Guard, A: p, B: ir.None, Imm: 21, Then: never, Else: b.ending(ir.Pass)}
			return b.Func
		}, `0:
			p = ptr 0
			guard p, 20 goto 1 else 2
			1:
			return tx
			2:
			return pass`},
		{"loads are not repeated, but after a store to where they read", func(b *builder) *ir.Func {
			p := b.start(0, 20)
			b.store(p, 0, 2, b.load(p, 8, 2))
			b.store(p, 2, 2, b.load(p, 8, 2))
			b.store(p, 7, 2, b.load(p, 8, 2))
			b.store(p, 4, 2, b.load(p, 8, 2))
			return b.ret(ir.TX)
		}, `0:
			p = ptr 0
			guard p, 20 goto 1 else 2
			1:
			r = load2 [p + 8]
			store2 [p + 0], r
			store2 [p + 2], r
			store2 [p + 7], r
			r = load2 [p + 8]
			store2 [p + 4], r
			return tx
			2:
			return pass`},
		{"stores through another pointer may be to anywhere", func(b *builder) *ir.Func {
			p := b.start(0, 20)
			x := b.load(p, 0, 1)
			q := b.op(ir.Instr{Op: ir.Ptr, A: x, B: ir.None})
			b.guard(q, 1)
			b.store(q, 0, 1, x)
			b.store(p, 9, 1, b.load(p, 0, 1))
			return b.ret(ir.TX)
		}, `0:
			p = ptr 0
			guard p, 20 goto 1 else 3
			1:
			r = load1 [p + 0]
			p = ptr r
			guard p, 1 goto 2 else 3
			2:
			store1 [p + 0], r
			r = load1 [p + 0]
			store1 [p + 9], r
			return tx
			3:
			return pass`},
		{"a map is looked at even if nobody wants to know", func(b *builder) *ir.Func {
			in := ir.Instr{Op: ir.MapGet, A: ir.None, B: ir.None, Args: []ir.Reg{b.konst(1)}, Res: []ir.Reg{b.NewReg(ir.Number)}}
			b.op(in)
			b.imm(ir.Add, b.konst(1), 2)
			return b.ret(ir.Drop)
		}, `0:
			r = 1
			r = mapget m#0, r -> r
			return drop`},
		{"what a branch has found out holds behind it", func(b *builder) *ir.Func {
			p := b.start(0, 14)
			x := b.load(p, 0, 4)
			b.when(x, ir.LT, 100)
			b.when(x, ir.NE, 200)
			b.when(x, ir.SGE, 0)
			b.when(b.op(ir.Instr{Op: ir.Set, Cond: ir.LE, A: x, B: ir.None, Imm: 99}), ir.NE, 0)
			return b.ret(ir.TX)
		}, `0:
			p = ptr 0
			guard p, 14 goto 1 else 3
			1:
			r = load4 [p + 0]
			if r < 100 goto 2 else 3
			2:
			return tx
			3:
			return pass`},
		{"ends that are the same are one", func(b *builder) *ir.Func {
			p := b.start(0, 14)
			x := b.load(p, 0, 1)
			one, other := b.NewBlock(), b.NewBlock()
			b.b.Term = ir.Term{Kind: ir.Branch, Cond: ir.EQ, A: x, B: ir.None, Imm: 3, Then: one, Else: other}
			for _, e := range []*ir.Block{one, other} {
				b.b = e
				b.b.Instrs = append(b.b.Instrs, ir.Instr{Op: ir.CountAdd, Dst: ir.None, A: ir.None, B: ir.None, Imm: 1, Line: int32(e.ID)})
				b.ret(ir.Drop)
			}
			return b.Func
		}, `0:
			p = ptr 0
			guard p, 14 goto 1 else 2
			1:
			count n#0, 1
			return drop
			2:
			return pass`},
		{"behind the smallest offset addresses are constants", func(b *builder) *ir.Func {
			p := b.start(0, 40)
			off := b.konst(14)
			tagged, join := b.NewBlock(), b.NewBlock()
			b.b.Term = ir.Term{Kind: ir.Branch, Cond: ir.EQ, A: b.load(p, 12, 2), B: ir.None, Imm: 129, Then: tagged, Else: join}
			tagged.Instrs = []ir.Instr{{Op: ir.Const, Dst: off, A: ir.None, B: ir.None, Imm: 18}}
			tagged.Term = ir.Term{Kind: ir.Jump, Then: join, A: ir.None, B: ir.None}
			b.b = join
			q := b.op(ir.Instr{Op: ir.Ptr, A: off, B: ir.None})
			b.guard(q, 2)
			b.store(q, 0, 2, b.load(q, 1, 1))
			return b.ret(ir.TX)
		}, `0:
			p = ptr 0
			guard p, 40 goto 1 else 4
			1:
			r = load2 [p + 12]
			if r == 129 goto 2 else 3
			2:
			r = load1 [p + 19]
			store2 [p + 18], r
			return tx
			3:
			r = load1 [p + 15]
			store2 [p + 14], r
			return tx
			4:
			return pass`},
	} {
		b := build()
		f := c.make(b)
		if err := ir.Verify(f); err != nil {
			t.Fatalf("%s: %v", c.what, err)
		}
		check(t, f, packets())
		if got, want := plain(f.String()), plain(c.want); got != want {
			t.Errorf("%s: there is\n%s\nwant\n%s", c.what, got, want)
		}
	}
}

// plain leaves out the numbers of registers, the script's lines, and white space.
func plain(s string) string {
	var lines []string
	for _, line := range strings.Split(s, "\n") {
		line, _, _ = strings.Cut(line, ";")
		words := strings.Fields(line)
		for i, w := range words {
			end := strings.TrimLeft(w, "[pr")
			if len(end) < len(w) && (end == "" || end[0] >= '0' && end[0] <= '9' || end[0] == ',') {
				words[i] = w[:len(w)-len(end)] + strings.TrimLeft(end, "0123456789")
			}
		}
		lines = append(lines, strings.Join(words, " "))
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}
