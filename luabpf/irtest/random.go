// SPDX-License-Identifier: GPL-3.0-or-later

// Package irtest makes functions of the intermediate form at random, for tests
// of the passes that change it and of the machines that run it.
package irtest

import (
	"math/rand/v2"

	"pvlua/luabpf/ir"
	"pvlua/state"
)

// Shapes are the maps that the functions use, by position: of numbers, of
// strings of 16 bytes, and one for each way from one to the other. They are
// small, so that they become full.
var Shapes = []state.Shape{
	{Max: 6, Key: state.U32, Value: state.U32},
	{Max: 6, Key: state.IP6, Value: state.IP6},
	{Max: 6, Key: state.U16, Value: state.IP6},
	{Max: 6, Key: state.IP6, Value: state.U64},
}

// Random makes a function that passes ir.Verify and ends on every packet. Of
// one source the functions are always the same.
func Random(rng *rand.Rand) *ir.Func {
	g := &generator{rng: rng, f: &ir.Func{Name: "random.lua", Counters: []ir.Counter{{Name: "a"}, {Name: "b"}}}}
	for i, s := range Shapes {
		g.f.Maps = append(g.f.Maps, ir.Map{Name: MapName(i), Key: registers(s.Key), Value: registers(s.Value)})
	}
	g.f.Tables = []ir.Table{
		{Name: "narrow", Entries: []ir.Entry{{Key: 0, Value: 5}, {Key: 1, Value: -1}, {Key: 7, Value: 0}, {Key: 0xffff, Value: 1 << 40}}},
		{Name: "wide", Wide: true, Entries: []ir.Entry{{Key: 0, High: 0, Value: 8}, {Key: 1, High: 1, Value: 2}}},
	}
	g.b = g.f.NewBlock()
	g.clean = true
	for range 3 {
		g.constant()
	}
	g.statements(3 + rng.IntN(12))
	g.end()
	return g.f
}

// MapName gives the name of the map at a position.
func MapName(i int) string { return [...]string{"numbers", "strings", "to strings", "to numbers"}[i] }

func registers(w state.Width) int {
	if w == state.IP6 {
		return 2
	}
	return 1
}

// generator is a function in the making. It adds to block b, in which the
// registers in numbers are set.
type generator struct {
	rng     *rand.Rand
	f       *ir.Func
	b       *ir.Block
	numbers []ir.Reg
	clean   bool // nothing has been changed
	depth   int
	line    int32
}

// edges are numbers at which something changes.
var edges = []int64{0, 1, 2, 6, 7, 8, 14, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0xffff, 0x10000, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 32, 1<<53 - 1, 1 << 53, -1, -2, 1<<63 - 1, -1 << 63}

func (g *generator) edge() int64 {
	if g.rng.IntN(4) == 0 {
		return g.rng.Int64N(1 << g.rng.IntN(50))
	}
	return edges[g.rng.IntN(len(edges))]
}

// pick gives a register that is set.
func (g *generator) pick() ir.Reg { return g.numbers[g.rng.IntN(len(g.numbers))] }

// add appends an instruction.
func (g *generator) add(in ir.Instr) ir.Reg {
	g.line++
	in.Line = g.line
	g.b.Instrs = append(g.b.Instrs, in)
	return in.Dst
}

// fresh gives a register to assign to: a new one, or one that was set before.
func (g *generator) fresh() ir.Reg {
	if len(g.numbers) > 3 && g.rng.IntN(3) == 0 {
		return g.pick()
	}
	return g.f.NewReg(ir.Number)
}

// assign appends an instruction that sets a register, which can be used from
// then on.
func (g *generator) assign(in ir.Instr) ir.Reg {
	in.Dst = g.fresh()
	g.add(in)
	g.know(in.Dst)
	return in.Dst
}

// know adds a register to those that are set.
func (g *generator) know(r ir.Reg) {
	for _, n := range g.numbers {
		if n == r {
			return
		}
	}
	g.numbers = append(g.numbers, r)
}

func (g *generator) constant() ir.Reg { return g.assign(ir.Instr{Op: ir.Const, Imm: g.edge()}) }

// masked gives a register with a number from 0 to mask.
func (g *generator) masked(mask int64) ir.Reg {
	r := g.f.NewReg(ir.Number)
	return g.add(ir.Instr{Op: ir.And, Dst: r, A: g.pick(), B: ir.None, Imm: mask})
}

func (g *generator) statements(n int) {
	for range n {
		g.statement()
	}
}

func (g *generator) statement() {
	switch g.rng.IntN(16) {
	case 0:
		g.constant()
	case 1, 2, 3, 4:
		g.arithmetic()
	case 5:
		g.assign(ir.Instr{Op: ir.Len})
	case 6, 7, 8, 9:
		g.access()
	case 10, 11:
		g.branch()
	case 12:
		g.loop()
	case 13:
		g.count()
	case 14:
		g.lookup()
	case 15:
		g.adjust()
	}
}

// operand fills in B: a register or a constant.
func (g *generator) operand(in *ir.Instr) {
	if in.B = ir.None; g.rng.IntN(2) == 0 {
		in.B = g.pick()
		return
	}
	in.Imm = g.edge()
}

func (g *generator) arithmetic() {
	in := ir.Instr{Op: ir.Move + ir.Op(g.rng.IntN(int(ir.Fold-ir.Move)+1)), A: g.pick(), B: ir.None}
	switch in.Op {
	case ir.Sub:
		if g.operand(&in); in.B != ir.None && g.rng.IntN(3) == 0 {
			in.A, in.Imm = ir.None, g.edge()
		}
	case ir.Div, ir.Mod:
		if in.Imm = 1 + g.rng.Int64N(1<<g.rng.IntN(34)); g.rng.IntN(2) == 0 {
			in.B = g.f.NewReg(ir.Number)
			g.add(ir.Instr{Op: ir.Or, Dst: in.B, A: g.pick(), B: ir.None, Imm: 1})
		}
	case ir.Shl, ir.Shr, ir.Sar:
		if in.Imm = g.rng.Int64N(64); g.rng.IntN(2) == 0 {
			in.B = g.masked(63)
		}
	case ir.Swap:
		in.Size = []uint8{2, 4, 6, 8}[g.rng.IntN(4)]
		in.A = g.masked(-1 >> 1)
		if in.Size < 8 {
			in.A = g.masked(1<<(8*in.Size) - 1)
		}
	case ir.Set:
		in.Cond = ir.Cond(g.rng.IntN(int(ir.SGE) + 1))
		g.operand(&in)
	default:
		g.operand(&in)
	}
	g.assign(in)
}

// access reads and writes the packet behind a guard.
func (g *generator) access() {
	p := g.f.NewReg(ir.Pointer)
	if g.rng.IntN(3) == 0 {
		g.add(ir.Instr{Op: ir.Ptr, Dst: p, A: g.masked(0x3f)})
	} else {
		g.add(ir.Instr{Op: ir.Ptr, Dst: p, A: ir.None, Imm: []int64{0, 0, 14, 34, 54, 70}[g.rng.IntN(6)]})
	}
	if g.rng.IntN(5) == 0 {
		in := ir.Instr{Op: ir.Sum, A: p, Off: int32(g.rng.IntN(30)), B: ir.None, Imm: g.rng.Int64N(80)}
		if g.rng.IntN(2) == 0 {
			in.B = g.masked(0xffff)
		}
		g.assign(in)
	}
	n := []int64{1, 2, 8, 14, 20, 40}[g.rng.IntN(6)]
	g.split(ir.Term{Kind: ir.Guard, A: p, Imm: n}, func() {
		if g.rng.IntN(4) == 0 {
			q := g.f.NewReg(ir.Pointer)
			g.add(ir.Instr{Op: ir.Move, Dst: q, A: p})
			p = q
		}
		for range 1 + g.rng.IntN(5) {
			size := []uint8{1, 2, 4, 6, 8}[g.rng.IntN(5)]
			if int64(size) > n {
				size = 1
			}
			off := int32(g.rng.Int64N(n - int64(size) + 1))
			if g.rng.IntN(2) == 0 {
				g.use(g.assign(ir.Instr{Op: ir.Load, A: p, Off: off, Size: size}), size, p)
				continue
			}
			g.clean = false
			in := ir.Instr{Op: ir.Store, A: p, Off: off, Size: size}
			g.operand(&in)
			g.add(in)
		}
	}, nil)
}

// use does with a field of the packet what handlers do: bring it into the
// order of numbers and back, look at some of its bits, or compare it.
func (g *generator) use(r ir.Reg, size uint8, p ir.Reg) {
	compare := func(n int64) {
		t := ir.Term{Kind: ir.Branch, Cond: ir.EQ + ir.Cond(g.rng.IntN(2)), A: r, B: ir.None, Imm: g.rng.Int64N(n)}
		g.split(t, g.arithmetic, nil)
	}
	switch g.rng.IntN(6) {
	case 0:
		if size > 1 {
			g.add(ir.Instr{Op: ir.Swap, Size: size, Dst: r, A: r})
		}
	case 1:
		if size == 2 || size == 4 {
			g.clean = false
			swapped := g.add(ir.Instr{Op: ir.Swap, Size: size, Dst: g.f.NewReg(ir.Number), A: r})
			g.add(ir.Instr{Op: ir.Store, A: p, B: swapped, Size: size})
		}
	case 2:
		g.add(ir.Instr{Op: ir.And, Dst: r, A: r, B: ir.None, Imm: g.rng.Int64N(16)})
		if g.rng.IntN(2) == 0 {
			compare(4)
		}
	case 3:
		g.add(ir.Instr{Op: ir.Move, Dst: g.f.NewReg(ir.Number), A: r})
		r = g.assign(ir.Instr{Op: ir.Move, A: g.pick()})
		g.add(ir.Instr{Op: ir.And, Dst: r, A: r, B: ir.None, Imm: g.edge()})
		compare(4)
	case 4:
		compare(10)
	}
}

// condition makes the end of a block that compares.
func (g *generator) condition() ir.Term {
	t := ir.Term{Kind: ir.Branch, Cond: ir.Cond(g.rng.IntN(int(ir.SGE) + 1)), A: g.pick(), B: ir.None, Imm: g.edge()}
	if g.rng.IntN(2) == 0 {
		t.B = g.pick()
	}
	return t
}

func (g *generator) branch() {
	body := func() { g.statements(1 + g.rng.IntN(4)) }
	other := body
	if g.rng.IntN(2) == 0 {
		other = nil
	}
	g.split(g.condition(), body, other)
}

// split ends the block so, with the two branches, either of which may be nil,
// and goes on behind both. A branch may end for good.
func (g *generator) split(t ir.Term, then, other func()) {
	if g.depth > 4 {
		return
	}
	g.depth++
	from := g.b
	known, clean, after := len(g.numbers), g.clean, g.f.NewBlock()
	goesOn := false
	branch := func(body func()) *ir.Block {
		g.b, g.clean = g.f.NewBlock(), clean
		entry := g.b
		if body != nil {
			body()
		}
		g.numbers = g.numbers[:known]
		if body != nil && g.rng.IntN(6) == 0 {
			g.end()
			return entry
		}
		g.b.Term = ir.Term{Kind: ir.Jump, Then: after}
		goesOn = true
		return entry
	}
	t.Then = branch(then)
	thenClean := g.clean
	t.Else = branch(other)
	if t.Line = g.line; !goesOn {
		t.Else = after
		thenClean = thenClean && clean
	}
	from.Term = t
	g.b, g.clean = after, g.clean && thenClean
	g.depth--
}

// loop counts up to a small number.
func (g *generator) loop() {
	if g.depth > 2 {
		return
	}
	g.depth++
	i := g.add(ir.Instr{Op: ir.Const, Dst: g.f.NewReg(ir.Number), Imm: 0})
	head, body, after := g.f.NewBlock(), g.f.NewBlock(), g.f.NewBlock()
	g.b.Term = ir.Term{Kind: ir.Jump, Then: head}
	head.Term = ir.Term{Kind: ir.Branch, Cond: ir.LT, A: i, B: ir.None, Imm: 1 + g.rng.Int64N(4), Then: body, Else: after}
	known, clean := len(g.numbers), g.clean
	g.clean = false // another turn may come after a change
	g.b = body
	g.statements(1 + g.rng.IntN(3))
	g.numbers = g.numbers[:known]
	g.add(ir.Instr{Op: ir.Add, Dst: i, A: i, B: ir.None, Imm: 1})
	g.b.Term = ir.Term{Kind: ir.Jump, Then: head}
	if g.rng.IntN(2) == 0 {
		p := g.add(ir.Instr{Op: ir.Ptr, Dst: g.f.NewReg(ir.Pointer), A: i, B: ir.None})
		g.b.Term = ir.Term{Kind: ir.Guard, A: p, Imm: 14 + g.rng.Int64N(40), Then: head, Else: after}
	}
	g.b, g.clean = after, clean && g.clean
	g.depth--
}

func (g *generator) count() {
	g.clean = false
	in := ir.Instr{Op: ir.CountAdd, Ref: int32(g.rng.IntN(2)), A: ir.None, Imm: g.rng.Int64N(100) - 50}
	if g.rng.IntN(2) == 0 {
		in.A = g.masked(0xffff)
	}
	g.add(in)
}

// keyOf makes the registers of a key or a value of a map.
func (g *generator) keyOf(w state.Width) []ir.Reg {
	switch w {
	case state.IP6:
		return []ir.Reg{g.masked(3), g.masked(1)}
	case state.U16:
		return []ir.Reg{g.masked(7)}
	}
	return []ir.Reg{g.masked(15)}
}

// lookup uses a map or a table, and the value if there is one.
func (g *generator) lookup() {
	in := ir.Instr{Op: ir.MapGet + ir.Op(g.rng.IntN(int(ir.TableGet-ir.MapGet)+1)), Dst: g.f.NewReg(ir.Number), A: ir.None}
	res := 0
	if in.Op == ir.TableGet {
		in.Ref = int32(g.rng.IntN(2))
		if in.A = g.masked(15); in.Ref == 1 {
			in.A, in.Args = ir.None, g.keyOf(state.IP6)
		}
		res = 1
	} else {
		in.Ref = int32(g.rng.IntN(len(Shapes)))
		if in.Op == ir.MapAdd {
			in.Ref = []int32{0, 3}[g.rng.IntN(2)]
		}
		s := Shapes[in.Ref]
		in.Args = g.keyOf(s.Key)
		switch in.Op {
		case ir.MapGet:
			res = registers(s.Value)
		case ir.MapSet, ir.MapInsert:
			in.Args = append(in.Args, g.keyOf(s.Value)...)
		case ir.MapAdd:
			n := g.add(ir.Instr{Op: ir.Sub, Dst: g.f.NewReg(ir.Number), A: g.masked(0xff), B: ir.None, Imm: 0x40})
			in.Args, res = append(in.Args, n), 1
		}
		g.clean = g.clean && in.Op == ir.MapGet
	}
	for range res {
		in.Res = append(in.Res, g.f.NewReg(ir.Number))
	}
	g.add(in)
	g.split(ir.Term{Kind: ir.Branch, Cond: ir.EQ, A: in.Dst, B: ir.None, Imm: 1}, func() {
		for _, r := range in.Res {
			g.know(r)
		}
		g.statements(1 + g.rng.IntN(2))
	}, nil)
	g.know(in.Dst)
}

// adjust changes the size of the packet.
func (g *generator) adjust() {
	in := ir.Instr{Op: ir.Adjust, Dst: g.f.NewReg(ir.Number), A: ir.None, Size: uint8(g.rng.IntN(2)), Imm: g.rng.Int64N(40) - 20}
	if in.Size == 1 && g.rng.IntN(2) == 0 {
		in.A = g.add(ir.Instr{Op: ir.Sub, Dst: g.f.NewReg(ir.Number), A: g.masked(31), B: ir.None, Imm: 16})
	}
	g.add(in)
	if g.clean && g.rng.IntN(2) == 0 {
		leave, after := g.f.NewBlock(), g.f.NewBlock()
		g.b.Term = ir.Term{Kind: ir.Branch, Cond: ir.NE, A: in.Dst, B: ir.None, Imm: 0, Then: after, Else: leave}
		g.b = leave
		g.end()
		g.b = after
	}
	g.clean = false
	g.know(in.Dst)
}

// end ends the function.
func (g *generator) end() {
	g.line++
	g.b.Term = ir.Term{Kind: ir.Return, Verdict: ir.Drop + ir.Verdict(g.rng.IntN(4)), Port: g.rng.IntN(2), Line: g.line}
	if g.clean && g.rng.IntN(3) == 0 {
		g.b.Term = ir.Term{Kind: ir.Exit, Site: len(g.f.Sites), Line: g.line}
		g.f.Sites = append(g.f.Sites, ir.Site{Line: int(g.line), Reason: "at random"})
	}
}
