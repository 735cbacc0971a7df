// SPDX-License-Identifier: GPL-3.0-or-later

// Package opttest makes random programs in the intermediate form, and packets,
// for the tests of the passes and machines that work on it.
package opttest

import (
	"math/rand/v2"

	"pvlua/luabpf/ir"
)

// Counters is how many counters the programs have.
const Counters = 2

// Random makes a program that ir.Verify accepts, that ir.Run can execute, and
// that ends. Its size is about that many statements.
func Random(rnd *rand.Rand, size int) *ir.Func {
	f := &ir.Func{Name: "random.lua", Counters: []ir.Counter{{Name: "a"}, {Name: "b"}}, Tables: tables(rnd)}
	for i := range 3 {
		f.Sites = append(f.Sites, ir.Site{Line: i + 1, Reason: "a reason"})
	}
	g := &generator{rnd: rnd, f: f, left: size}
	s := scope{b: f.NewBlock()}
	for range 3 + rnd.IntN(8) {
		v := f.NewReg(ir.Number)
		g.add(&s, ir.Instr{Op: ir.Const, Dst: v, A: ir.None, B: ir.None, Imm: g.constant()})
		s.vars = append(s.vars, v)
	}
	g.statements(&s, 0)
	if s.b != nil {
		g.results(&s)
	}
	return f
}

// generator makes one program.
type generator struct {
	rnd  *rand.Rand
	f    *ir.Func
	left int // statements yet to be made
	line int32
}

// scope is what can be used at a place.
type scope struct {
	b       *ir.Block // nil after an end
	vars    []ir.Reg  // may be assigned
	temps   []ir.Reg  // set once
	ptrs    []pointer
	changed bool // the path has changed something, so that it can't exit
	resized bool // since the scope began
}

// pointer is a pointer of which some bytes are known to be within the packet.
type pointer struct {
	reg    ir.Reg
	proven int64
}

// inner is the scope of what follows on one of several ways.
func (s *scope) inner(b *ir.Block) scope {
	return scope{
		b: b, vars: s.vars, temps: s.temps[:len(s.temps):len(s.temps)],
		ptrs: append([]pointer(nil), s.ptrs...), changed: s.changed,
	}
}

// leave takes in what happened in inner scopes.
func (s *scope) leave(inner ...*scope) {
	for _, i := range inner {
		s.changed = s.changed || i.changed
		if i.resized {
			s.resized, s.ptrs = true, nil
		}
	}
}

func (g *generator) one(n int) bool { return g.rnd.IntN(n) == 0 }

// constant gives a number, often one at which things go wrong.
func (g *generator) constant() int64 {
	n := int64(1) << g.rnd.IntN(64)
	switch g.rnd.IntN(6) {
	case 0:
		return n
	case 1:
		return n - 1
	case 2:
		return -n
	case 3:
		return g.rnd.Int64N(300)
	case 4:
		return g.rnd.Int64N(1 << 32)
	}
	return int64(g.rnd.Uint64())
}

func (g *generator) add(s *scope, in ir.Instr) {
	if g.one(4) {
		g.line++
	}
	in.Line = g.line
	s.b.Instrs = append(s.b.Instrs, in)
}

// temp adds an instruction that sets a new register, or sometimes a variable.
func (g *generator) temp(s *scope, in ir.Instr) ir.Reg {
	if g.one(4) {
		in.Dst = s.vars[g.rnd.IntN(len(s.vars))]
	} else {
		in.Dst = g.f.NewReg(ir.Number)
		defer func() { s.temps = append(s.temps, in.Dst) }()
	}
	g.add(s, in)
	return in.Dst
}

// value gives a register that is set.
func (g *generator) value(s *scope) ir.Reg {
	n := g.rnd.IntN(len(s.vars) + len(s.temps))
	if n < len(s.vars) {
		return s.vars[n]
	}
	return s.temps[n-len(s.vars)]
}

// operand gives a register or a constant.
func (g *generator) operand(s *scope) (ir.Reg, int64) {
	if g.one(2) {
		return ir.None, g.constant()
	}
	return g.value(s), 0
}

// masked gives a register with a number of some bits.
func (g *generator) masked(s *scope, mask int64) ir.Reg {
	return g.temp(s, ir.Instr{Op: ir.And, A: g.value(s), B: ir.None, Imm: mask})
}

// statements fills a scope.
func (g *generator) statements(s *scope, depth int) {
	for s.b != nil && g.left > 0 {
		g.left--
		g.statement(s, depth)
		if depth > 0 && g.one(6) {
			return
		}
	}
}

func (g *generator) statement(s *scope, depth int) {
	switch k := g.rnd.IntN(20); {
	case k < 7:
		g.arithmetic(s)
	case k < 9:
		g.newPointer(s)
	case k < 14:
		g.access(s)
	case k < 17 && depth < 5:
		g.branch(s, depth)
	case k == 17 && depth < 2:
		g.loop(s, depth)
	case k == 18:
		g.effect(s)
	default:
		g.arithmetic(s)
	}
}

func (g *generator) arithmetic(s *scope) {
	b, imm := g.operand(s)
	in := ir.Instr{A: g.value(s), B: b, Imm: imm}
	switch g.rnd.IntN(10) {
	case 0:
		in.Op, in.B, in.Imm = []ir.Op{ir.Shl, ir.Shr, ir.Sar}[g.rnd.IntN(3)], ir.None, g.rnd.Int64N(64)
		if g.one(2) {
			in.B = g.masked(s, 63)
		}
	case 1:
		in.Op = []ir.Op{ir.Div, ir.Mod}[g.rnd.IntN(2)]
		if b != ir.None {
			in.B = g.f.NewReg(ir.Number)
			g.add(s, ir.Instr{Op: ir.Or, Dst: in.B, A: b, B: ir.None, Imm: 1})
		} else if imm == 0 {
			in.Imm = 3
		}
	case 2, 3:
		in.Op, in.Size = ir.Swap, []uint8{2, 4, 6, 8}[g.rnd.IntN(4)]
		in.A, in.B = g.masked(s, int64(^uint64(0)>>(64-8*in.Size))), ir.None
	case 4:
		in.Op, in.Cond = ir.Set, ir.Cond(g.rnd.IntN(10))
	case 5:
		in.Op, in.B = ir.Fold, ir.None
	case 6:
		in = ir.Instr{Op: ir.Const, A: ir.None, B: ir.None, Imm: g.constant()}
	case 7:
		if in.Op, in.B = ir.Move, ir.None; g.one(3) {
			in.Op, in.A = ir.Len, ir.None
		}
	case 8:
		if in.Op = ir.Sub; in.B != ir.None && g.one(2) {
			in.A, in.Imm = ir.None, g.constant()
		}
	default:
		in.Op = []ir.Op{ir.Add, ir.Sub, ir.Mul, ir.And, ir.Or, ir.Xor}[g.rnd.IntN(6)]
	}
	g.temp(s, in)
}

// newPointer makes a pointer, and mostly a Guard that passes it.
func (g *generator) newPointer(s *scope) {
	p := g.f.NewReg(ir.Pointer)
	in := ir.Instr{Op: ir.Ptr, Dst: p, A: ir.None, B: ir.None, Imm: g.rnd.Int64N(40)}
	switch g.rnd.IntN(6) {
	case 0, 1:
		in.A = g.masked(s, []int64{0xffff, 0x7fff, 0x3f, 0x1f}[g.rnd.IntN(4)])
	case 2:
		in.Imm = g.rnd.Int64N(0x10000)
	case 3:
		if len(s.ptrs) > 0 {
			from := s.ptrs[g.rnd.IntN(len(s.ptrs))]
			g.add(s, ir.Instr{Op: ir.Move, Dst: p, A: from.reg, B: ir.None})
			s.ptrs = append(s.ptrs, pointer{p, from.proven})
			return
		}
	}
	g.add(s, in)
	s.ptrs = append(s.ptrs, pointer{p, 0})
	g.guard(s, len(s.ptrs)-1, 1+g.rnd.Int64N(32))
}

// guard tests a pointer of the scope. Where it fails the path ends.
func (g *generator) guard(s *scope, i int, n int64) {
	then, other := g.f.NewBlock(), g.f.NewBlock()
	s.b.Term = ir.Term{Kind: ir.Guard, A: s.ptrs[i].reg, B: ir.None, Imm: n, Then: then, Else: other, Line: g.line}
	failed := s.inner(other)
	g.end(&failed)
	s.b = then
	s.ptrs[i].proven = max(s.ptrs[i].proven, n)
}

// access loads, stores or sums.
func (g *generator) access(s *scope) {
	if len(s.ptrs) == 0 {
		g.newPointer(s)
		return
	}
	i := g.rnd.IntN(len(s.ptrs))
	p := s.ptrs[i]
	size := []uint8{1, 2, 4, 6, 8}[g.rnd.IntN(5)]
	if p.proven < int64(size) {
		if g.one(2) {
			g.guard(s, i, int64(size)+g.rnd.Int64N(16))
		}
		return
	}
	off := int32(g.rnd.Int64N(p.proven - int64(size) + 1))
	switch g.rnd.IntN(8) {
	case 0, 1, 2, 3:
		r := g.temp(s, ir.Instr{Op: ir.Load, A: p.reg, B: ir.None, Size: size, Off: off})
		if size > 1 && g.one(2) {
			g.temp(s, ir.Instr{Op: ir.Swap, A: r, B: ir.None, Size: size})
		}
	case 4, 5, 6:
		b, imm := g.operand(s)
		g.add(s, ir.Instr{Op: ir.Store, Dst: ir.None, A: p.reg, B: b, Imm: imm, Size: size, Off: off})
		s.changed = true
	default:
		in := ir.Instr{Op: ir.Sum, A: p.reg, B: ir.None, Off: off, Imm: g.rnd.Int64N(80)}
		if g.one(3) {
			in.B = g.masked(s, 0xffff)
		}
		sum := g.temp(s, in)
		if g.one(2) {
			g.temp(s, ir.Instr{Op: ir.Fold, A: sum, B: ir.None})
		}
	}
}

// effect counts, looks a table up or changes the packet's size.
func (g *generator) effect(s *scope) {
	switch g.rnd.IntN(4) {
	case 0:
		a, imm := g.operand(s)
		g.add(s, ir.Instr{Op: ir.CountAdd, Dst: ir.None, A: a, B: ir.None, Imm: imm, Ref: g.rnd.Int32N(Counters)})
		s.changed = true
	case 1, 2:
		t := g.rnd.Int32N(int32(len(g.f.Tables)))
		in := ir.Instr{Op: ir.TableGet, Dst: g.f.NewReg(ir.Number), A: g.masked(s, 0x3f), B: ir.None, Ref: t, Res: []ir.Reg{g.f.NewReg(ir.Number)}}
		if g.f.Tables[t].Wide {
			in.A, in.Args = ir.None, []ir.Reg{g.masked(s, 7), g.masked(s, 1)}
		}
		g.add(s, in)
		then, after := g.f.NewBlock(), g.f.NewBlock()
		s.b.Term = ir.Term{Kind: ir.Branch, Cond: ir.EQ, A: in.Dst, B: ir.None, Imm: 1, Then: then, Else: after, Line: g.line}
		found := s.inner(then) // only there is the value set
		g.add(&found, ir.Instr{Op: ir.Move, Dst: s.vars[0], A: in.Res[0], B: ir.None})
		found.b.Term = ir.Term{Kind: ir.Jump, Then: after, A: ir.None, B: ir.None, Line: g.line}
		s.b = after
		s.temps = append(s.temps, in.Dst)
	default:
		in := ir.Instr{Op: ir.Adjust, A: ir.None, B: ir.None, Size: uint8(g.rnd.IntN(2)), Imm: g.rnd.Int64N(40) - 20}
		if in.Size == 1 && g.one(2) {
			in.A = g.masked(s, 0x3f)
		}
		g.temp(s, in)
		s.changed, s.resized, s.ptrs = true, true, nil
	}
}

// branch goes two ways, which meet again unless they end.
func (g *generator) branch(s *scope, depth int) {
	b, imm := g.operand(s)
	then, other := g.f.NewBlock(), g.f.NewBlock()
	s.b.Term = ir.Term{Kind: ir.Branch, Cond: ir.Cond(g.rnd.IntN(10)), A: g.value(s), B: b, Imm: imm, Then: then, Else: other, Line: g.line}
	ways := []*scope{new(scope), new(scope)}
	*ways[0], *ways[1] = s.inner(then), s.inner(other)
	var after *ir.Block
	for i, way := range ways {
		if i == 0 || !g.one(3) {
			g.statements(way, depth+1)
		}
		if way.b != nil && g.one(6) {
			g.end(way)
		}
		if way.b == nil {
			*way = scope{}
			continue
		}
		if after == nil {
			after = g.f.NewBlock()
		}
		way.b.Term = ir.Term{Kind: ir.Jump, Then: after, A: ir.None, B: ir.None, Line: g.line}
	}
	s.leave(ways...)
	s.b = after
}

// loop repeats statements a few times.
func (g *generator) loop(s *scope, depth int) {
	i := g.f.NewReg(ir.Number)
	g.add(s, ir.Instr{Op: ir.Const, Dst: i, A: ir.None, B: ir.None})
	head, body, after := g.f.NewBlock(), g.f.NewBlock(), g.f.NewBlock()
	s.b.Term = ir.Term{Kind: ir.Jump, Then: head, A: ir.None, B: ir.None, Line: g.line}
	head.Term = ir.Term{Kind: ir.Branch, Cond: ir.LT, A: i, B: ir.None, Imm: 1 + g.rnd.Int64N(4), Then: body, Else: after, Line: g.line}
	in := s.inner(body)
	// What the body does comes before its next turn.
	in.ptrs, in.changed = nil, true
	g.statements(&in, depth+1)
	if in.b != nil {
		g.add(&in, ir.Instr{Op: ir.Add, Dst: i, A: i, B: ir.None, Imm: 1})
		in.b.Term = ir.Term{Kind: ir.Jump, Then: head, A: ir.None, B: ir.None, Line: g.line}
	}
	s.leave(&in)
	s.ptrs, s.b = nil, after
}

// end ends a path.
func (g *generator) end(s *scope) {
	s.b.Term = ir.Term{Kind: ir.Return, Verdict: ir.Verdict(1 + g.rnd.IntN(4)), A: ir.None, B: ir.None, Port: g.rnd.IntN(2), Line: g.line}
	if !s.changed && g.one(2) {
		s.b.Term = ir.Term{Kind: ir.Exit, A: ir.None, B: ir.None, Site: g.rnd.IntN(len(g.f.Sites)), Line: g.line}
	}
	s.b = nil
}

// results ends the program with its variables in the packet.
func (g *generator) results(s *scope) {
	p := g.f.NewReg(ir.Pointer)
	g.add(s, ir.Instr{Op: ir.Ptr, Dst: p, A: ir.None, B: ir.None})
	s.ptrs = append(s.ptrs, pointer{p, 0})
	g.guard(s, len(s.ptrs)-1, int64(8*len(s.vars)))
	for i, v := range s.vars {
		g.add(s, ir.Instr{Op: ir.Store, Dst: ir.None, A: p, B: v, Size: 8, Off: int32(8 * i)})
	}
	s.changed = true
	g.end(s)
}

// tables makes constant tables: one of few entries and one of many, and one of
// wide keys.
func tables(rnd *rand.Rand) []ir.Table {
	t := []ir.Table{{Name: "few"}, {Name: "many"}, {Name: "wide", Wide: true}}
	for k := range uint64(60) {
		e := ir.Entry{Key: k, Value: rnd.Int64N(1 << 40)}
		if k%11 == 3 {
			t[0].Entries = append(t[0].Entries, e)
		}
		if k%3 != 0 {
			t[1].Entries = append(t[1].Entries, e)
		}
		if k < 6 {
			e.Key, e.High = k/2, k%2
			t[2].Entries = append(t[2].Entries, e)
		}
	}
	return t
}

// Packet makes a packet: of random bytes, many of them small.
func Packet(rnd *rand.Rand) []byte {
	b := make([]byte, 14+rnd.IntN(90))
	for i := range b {
		if b[i] = byte(rnd.Uint32()); rnd.IntN(2) == 0 {
			b[i] &= 3
		}
	}
	return b
}
