// SPDX-License-Identifier: GPL-3.0-or-later

package ir

import (
	"bytes"
	"math"
	"math/big"
	"strings"
	"testing"
)

// memory is a plain Memory: maps without a limit.
type memory struct {
	counters [1]int64
	maps     [2]map[[2]uint64][2]uint64
}

func newMemory() *memory {
	return &memory{maps: [2]map[[2]uint64][2]uint64{{}, {}}}
}

func pairOf(x []uint64) (p [2]uint64) { copy(p[:], x); return p }

func (m *memory) CountAdd(i int, n int64) { m.counters[i] += n }
func (m *memory) MapGet(i int, k, v []uint64) bool {
	got, ok := m.maps[i][pairOf(k)]
	copy(v, got[:])
	return ok
}
func (m *memory) MapSet(i int, k, v []uint64) int { m.maps[i][pairOf(k)] = pairOf(v); return 1 }
func (m *memory) MapInsert(i int, k, v []uint64) int {
	if _, ok := m.maps[i][pairOf(k)]; ok {
		return 0
	}
	return m.MapSet(i, k, v)
}
func (m *memory) MapAdd(i int, k []uint64, n int64) (int64, int) {
	sum := int64(m.maps[i][pairOf(k)][0]) + n
	if sum < 0 {
		return 0, 2
	}
	return sum, m.MapSet(i, k, []uint64{uint64(sum)})
}
func (m *memory) MapDelete(i int, k []uint64) int {
	n := len(m.maps[i])
	delete(m.maps[i], pairOf(k))
	return n - len(m.maps[i])
}

// eval runs instructions that put a number in the register that they return,
// and gives it. They are checked by Verify first.
func eval(t *testing.T, p *Packet, mem Memory, code func(*Func, *Block) Reg) (uint64, error) {
	t.Helper()
	f, b := start()
	r := code(f, b)
	b.Term = Term{Kind: Return, Verdict: Pass}
	if err := Verify(f); err != nil {
		t.Fatal(err)
	}
	run := run{f: f, p: p, mem: mem, regs: make([]uint64, len(f.Regs)), proven: make([]known, len(f.Regs))}
	for i := range b.Instrs {
		if err := run.step(&b.Instrs[i]); err != nil {
			return 0, err
		}
	}
	return run.regs[r], nil
}

// Arithmetic is that of 64 bits, as a computation with large numbers has it.
func TestArithmetic(t *testing.T) {
	values := []int64{0, 1, 2, 63, 0xff, 0xffff, 1 << 31, 1<<32 - 1, 1 << 53, math.MaxInt64, math.MinInt64, -1, -2, -0xffff}
	word := new(big.Int).Lsh(big.NewInt(1), 64)
	unsigned := func(x int64) *big.Int { return new(big.Int).SetUint64(uint64(x)) }
	oracle := map[Op]func(z *big.Int, a, b int64) *big.Int{
		Add: func(z *big.Int, a, b int64) *big.Int { return z.Add(big.NewInt(a), big.NewInt(b)) },
		Sub: func(z *big.Int, a, b int64) *big.Int { return z.Sub(big.NewInt(a), big.NewInt(b)) },
		Mul: func(z *big.Int, a, b int64) *big.Int { return z.Mul(big.NewInt(a), big.NewInt(b)) },
		Div: func(z *big.Int, a, b int64) *big.Int { return z.Div(unsigned(a), unsigned(b)) },
		Mod: func(z *big.Int, a, b int64) *big.Int { return z.Mod(unsigned(a), unsigned(b)) },
		And: func(z *big.Int, a, b int64) *big.Int { return z.And(big.NewInt(a), big.NewInt(b)) },
		Or:  func(z *big.Int, a, b int64) *big.Int { return z.Or(big.NewInt(a), big.NewInt(b)) },
		Xor: func(z *big.Int, a, b int64) *big.Int { return z.Xor(big.NewInt(a), big.NewInt(b)) },
		Shl: func(z *big.Int, a, b int64) *big.Int { return z.Lsh(unsigned(a), uint(b)) },
		Shr: func(z *big.Int, a, b int64) *big.Int { return z.Rsh(unsigned(a), uint(b)) },
		Sar: func(z *big.Int, a, b int64) *big.Int { return z.Rsh(big.NewInt(a), uint(b)) },
	}
	for op, want := range oracle {
		for _, a := range values {
			for _, b := range values {
				if (op == Div || op == Mod) && b == 0 || (op == Shl || op == Shr || op == Sar) && (b < 0 || b > 63) {
					continue
				}
				for _, constant := range []bool{true, false} {
					got, err := eval(t, nil, nil, func(f *Func, bl *Block) Reg {
						in := Instr{Op: op, A: konst(f, bl, a), B: None, Imm: b}
						if !constant {
							in.B, in.Imm = konst(f, bl, b), 99
						}
						return at(f, bl, in)
					})
					if w := new(big.Int).Mod(want(new(big.Int), a, b), word).Uint64(); err != nil || got != w {
						t.Errorf("%d %s %d is %#x, %v; want %#x", a, op, b, got, err, w)
					}
				}
			}
		}
	}
}

// What depends on values and is not allowed is an error.
func TestRunFaults(t *testing.T) {
	for want, in := range map[string]Instr{
		"division by 0":             {Op: Div, A: 1, B: 2},
		"a shift by 64":             {Op: Shl, A: 1, B: 3},
		"has more than 2 bytes":     {Op: Swap, A: 4, Size: 2},
		"an offset of 0x10000":      {Op: Ptr, A: 4},
		"the sum of 0x10000 bytes":  {Op: Sum, A: 5, B: 4},
		"is not set on all paths":   {Op: Move, A: 0},
		"guard has found 0 on all ": {Op: Load, Size: 1, A: 5},
	} {
		f, b := start()
		for _, n := range []int64{1, 0, 64, 0x10000} {
			konst(f, b, n)
		}
		pointerTo(f, b, 0)
		at(f, b, in)
		b.Term = Term{Kind: Return, Verdict: Pass}
		if _, err := Run(f, &Packet{Buf: make([]byte, 64), To: 64}, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %q", err, want)
		}
	}
	f, b := start()
	loop := f.NewBlock()
	b.Term, loop.Term = Term{Kind: Jump, Then: loop}, Term{Kind: Jump, Then: loop}
	if _, err := Run(f, &Packet{}, nil); err == nil || !strings.Contains(err.Error(), "test.lua does not end") {
		t.Errorf("an endless loop: %v", err)
	}
}

func TestConditions(t *testing.T) {
	values := []uint64{0, 1, 2, 1<<63 - 1, 1 << 63, math.MaxUint64}
	for c := EQ; c <= SGE; c++ {
		for _, a := range values {
			for _, b := range values {
				if c.Holds(a, b) == c.Not().Holds(a, b) {
					t.Errorf("%d %s %d as well as its opposite", a, c, b)
				}
				if c.Holds(a, b) != c.Turned().Holds(b, a) {
					t.Errorf("%d %s %d is not what it is turned round", a, c, b)
				}
				want := strings.TrimPrefix(c.String(), "s")
				x, y := new(big.Int).SetUint64(a), new(big.Int).SetUint64(b)
				if want != c.String() {
					x, y = big.NewInt(int64(a)), big.NewInt(int64(b))
				}
				want = strings.Replace(want, "!=", "<>", 1)
				if c.Holds(a, b) != strings.Contains(want, "<=>"[x.Cmp(y)+1:x.Cmp(y)+2]) {
					t.Errorf("%d %s %d is %v", a, c, b, c.Holds(a, b))
				}
			}
		}
	}
}

// Bytes go in and out in the machine's order.
func TestAccess(t *testing.T) {
	buf := []byte{0xee, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0xee}
	for size, want := range map[uint8]uint64{1: 0x02, 2: 0x0302, 4: 0x05040302, 6: 0x070605040302, 8: 0x0908070605040302} {
		f, b := start()
		then := guarded(f, b, 9, Instr{Op: Load, Size: size, Off: 1})
		loaded := then.Instrs[0].Dst
		at(f, then, Instr{Op: Store, A: b.Term.A, Size: size, Off: 0, B: loaded})
		if size > 1 {
			at(f, then, Instr{Op: Store, A: b.Term.A, Size: size, Off: 1, B: at(f, then, Instr{Op: Swap, Size: size, A: loaded})})
		}
		p := &Packet{Buf: bytes.Clone(buf), From: 1, To: 10}
		m := run{f: f, p: p, regs: make([]uint64, len(f.Regs)), proven: make([]known, len(f.Regs))}
		m.proven[b.Term.A] = 9
		for i := range then.Instrs {
			if err := m.step(&then.Instrs[i]); err != nil {
				t.Fatal(err)
			}
		}
		if m.regs[loaded] != want {
			t.Errorf("%d bytes: %#x; want %#x", size, m.regs[loaded], want)
		}
		after := bytes.Clone(buf)
		copy(after[1:], buf[2:2+size])
		if size > 1 {
			for i := range size {
				after[2+i] = buf[1+size-i]
			}
		}
		if !bytes.Equal(p.Buf, after) {
			t.Errorf("%d bytes stored: %x; want %x", size, p.Buf, after)
		}
	}
}

// Sums are those of RFC 1071, of as many bytes as there are.
func TestSum(t *testing.T) {
	p := &Packet{Buf: []byte{0xff, 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7, 0xee}, From: 1, To: 9}
	for n, want := range map[int64]uint64{0: 0, 1: 0x00, 2: 0x0100, 4: 0x0100 + 0x03f2, 7: 0x0100 + 0x03f2 + 0xf5f4 + 0xf6, 8: 0x0100 + 0x03f2 + 0xf5f4 + 0xf7f6, 500: 0x0100 + 0x03f2 + 0xf5f4 + 0xf7f6} {
		got, err := eval(t, p, nil, func(f *Func, b *Block) Reg {
			return at(f, b, Instr{Op: Sum, A: pointerTo(f, b, 0), B: None, Imm: n})
		})
		if err != nil || got != want {
			t.Errorf("%d bytes: %#x, %v; want %#x", n, got, err, want)
		}
	}
	for x, want := range map[int64]uint64{0: 0, 0xffff: 0xffff, 0x10000: 1, 0x1fffe: 0xffff, -1: 0xffff, 0x0004_0003_0002_0001: 10} {
		got, err := eval(t, p, nil, func(f *Func, b *Block) Reg { return at(f, b, Instr{Op: Fold, A: konst(f, b, x)}) })
		if err != nil || got != want {
			t.Errorf("%#x folds to %#x, %v; want %#x", x, got, err, want)
		}
	}
}

// The packet grows into the room around it, with zeros, and is cut down to an
// Ethernet header.
func TestAdjust(t *testing.T) {
	for _, c := range []struct {
		end      uint8
		n        int64
		ok       uint64
		from, to int
	}{
		{0, 4, 1, 0, 20}, {0, 5, 0, 4, 20}, {0, -2, 1, 6, 20}, {0, -3, 0, 4, 20},
		{1, 3, 1, 4, 23}, {1, 4, 0, 4, 20}, {1, -2, 1, 4, 18}, {1, -3, 0, 4, 20},
	} {
		p := &Packet{Buf: bytes.Repeat([]byte{0xee}, 23), From: 4, To: 20}
		got, err := eval(t, p, nil, func(f *Func, b *Block) Reg {
			r := at(f, b, Instr{Op: Adjust, Size: c.end, A: None, Imm: c.n})
			at(f, b, Instr{Op: Len})
			return r
		})
		if err != nil || got != c.ok || p.From != c.from || p.To != c.to {
			t.Errorf("%v: %d, %v, %d to %d", c, got, err, p.From, p.To)
		}
		want := bytes.Repeat([]byte{0xee}, 23)
		clear(want[min(c.from, 4):4])
		clear(want[20:max(c.to, 20)])
		if !bytes.Equal(p.Buf, want) {
			t.Errorf("%v: %x; want %x", c, p.Buf, want)
		}
	}
}

func TestLookups(t *testing.T) {
	mem := newMemory()
	one := func(in Instr, args ...int64) (dst, res uint64) {
		t.Helper()
		var first Reg
		code := func(pick func(d Reg) Reg) func(*Func, *Block) Reg {
			return func(f *Func, b *Block) Reg {
				in := in
				in.Args = nil
				for _, a := range args {
					in.Args = append(in.Args, konst(f, b, a))
				}
				_, n := f.widths(&in)
				in.Res = nil
				for range n {
					in.Res = append(in.Res, f.NewReg(Number))
				}
				d := at(f, b, in)
				first = None
				if n > 0 {
					first = in.Res[n-1]
				}
				return pick(d)
			}
		}
		dst, err := eval(t, nil, mem, code(func(d Reg) Reg { return d }))
		if err != nil {
			t.Fatal(err)
		}
		if in.Op == MapGet || in.Op == TableGet {
			res, _ = eval(t, nil, mem, code(func(d Reg) Reg { return max(first, 0) }))
		}
		return dst, res
	}
	want := func(what string, d, r uint64, wd, wr uint64) {
		t.Helper()
		if d != wd || r != wr {
			t.Errorf("%s: %d %d; want %d %d", what, d, int64(r), wd, int64(wr))
		}
	}
	d, r := one(Instr{Op: MapGet}, 5)
	want("get of none", d, r, 0, undefined)
	d, _ = one(Instr{Op: MapInsert}, 5, 50)
	want("insert", d, 0, 1, 0)
	d, _ = one(Instr{Op: MapInsert}, 5, 51)
	want("insert again", d, 0, 0, 0)
	d, r = one(Instr{Op: MapGet}, 5)
	want("get", d, r, 1, 50)
	d, _ = one(Instr{Op: MapAdd}, 5, -8)
	want("add", d, 0, 1, 0)
	d, _ = one(Instr{Op: MapAdd}, 5, -80)
	want("add too much", d, 0, 2, 0)
	d, r = one(Instr{Op: MapGet}, 5)
	want("get of the sum", d, r, 1, 42)
	d, _ = one(Instr{Op: MapDelete}, 5)
	want("delete", d, 0, 1, 0)
	d, _ = one(Instr{Op: MapDelete}, 5)
	want("delete of none", d, 0, 0, 0)
	d, _ = one(Instr{Op: MapSet, Ref: 1}, 1, 2, 3, 4)
	want("set", d, 0, 1, 0)
	d, r = one(Instr{Op: MapGet, Ref: 1}, 1, 2)
	want("get of the second half", d, r, 1, 4)
	d, r = one(Instr{Op: TableGet, Ref: 1}, 1, 2)
	want("wide table", d, r, 1, 5)
	d, r = one(Instr{Op: TableGet, Ref: 1}, 1, 3)
	want("no entry", d, r, 0, undefined)
	minus := uint64(math.MaxUint64)
	var got [2]uint64
	for i := range got {
		got[i], _ = eval(t, nil, nil, func(f *Func, b *Block) Reg {
			res := f.NewReg(Number)
			return [...]Reg{at(f, b, Instr{Op: TableGet, A: konst(f, b, 7), Res: []Reg{res}}), res}[i]
		})
	}
	want("table", got[0], got[1], 1, minus)
	if _, err := eval(t, nil, mem, func(f *Func, b *Block) Reg { return at(f, b, Instr{Op: CountAdd, A: None, Imm: -3}) }); err != nil || mem.counters[0] != -3 {
		t.Errorf("counter %d, %v", mem.counters[0], err)
	}
}

// Blocks follow one another as their ends say.
func TestRun(t *testing.T) {
	f, b := start()
	then := guarded(f, b, 14, Instr{Op: Load, Size: 2, Off: 12})
	ip, other := f.NewBlock(), leave(f)
	then.Term = Term{Kind: Branch, Cond: EQ, A: then.Instrs[0].Dst, B: None, Imm: 0x0008, Then: ip, Else: other}
	ip.Term = Term{Kind: Return, Verdict: Redirect, Port: 3}
	if err := Verify(f); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		packet []byte
		want   Result
	}{
		{append(make([]byte, 12), 8, 0), Result{Verdict: Redirect, Port: 3}},
		{append(make([]byte, 12), 8, 6), Result{}},
		{make([]byte, 13), Result{Verdict: Pass}},
	} {
		if got, err := Run(f, &Packet{Buf: c.packet, To: len(c.packet)}, nil); err != nil || got != c.want {
			t.Errorf("%x: %v, %v; want %v", c.packet, got, err, c.want)
		}
	}
	const dump = `0:
	p1 = ptr 0
	guard p1, 14 goto 1 else 2
1:
	r2 = load2 [p1 + 12]
	if r2 == 8 goto 3 else 4
2:
	return pass
3:
	return redirect 3
4:
	exit 0: a string
`
	if got := f.String(); !strings.HasSuffix(got, dump) {
		t.Errorf("printed as\n%s; want\n%s", got, dump)
	}
}
