// SPDX-License-Identifier: GPL-3.0-or-later

package ir

import (
	"strings"
	"testing"
)

// Each fault is found, and said in words that name it.
func TestVerify(t *testing.T) {
	// pass ends an entry block that has no end yet.
	pass := Term{Kind: Return, Verdict: Pass}
	cases := []struct {
		name  string
		make  func(f *Func, b *Block)
		fault string // "" for none
	}{
		{"nothing", func(f *Func, b *Block) {}, ""},
		{"no end", func(f *Func, b *Block) { b.Term.Kind = 0 }, "the block has no end"},
		{"verdict", func(f *Func, b *Block) { b.Term.Verdict = 0 }, "a verdict of 0"},
		{"redirect", func(f *Func, b *Block) { b.Term = Term{Kind: Return, Verdict: Redirect, Port: -1} }, "port -1"},
		{"site", func(f *Func, b *Block) { b.Term = Term{Kind: Exit, Site: 1} }, "site 1; there are 1"},
		{"no target", func(f *Func, b *Block) { b.Term = Term{Kind: Jump} }, "a target is missing"},
		{"strange target", func(f *Func, b *Block) { b.Term = Term{Kind: Jump, Then: &Block{ID: 0}} }, "none of the function's blocks"},
		{"to the entry", func(f *Func, b *Block) { b.Term = Term{Kind: Jump, Then: b} }, "a jump to the entry"},
		{"block ID", func(f *Func, b *Block) { ret(f, Drop).ID = 0 }, "the block at 1 has ID 0"},
		{"operation", func(f *Func, b *Block) { b.Instrs = []Instr{{Op: NumOps}} }, "no such operation"},
		{"no register", func(f *Func, b *Block) { at(f, b, Instr{Op: Move, A: 99, Dst: 77}) }, "A is register 99; there are 1"},
		{"unset", func(f *Func, b *Block) { at(f, b, Instr{Op: Move, A: f.NewReg(Number)}) }, "r1 is not set on all paths"},
		{"unset pointer", func(f *Func, b *Block) { at(f, b, Instr{Op: Load, Size: 1, A: f.NewReg(Pointer)}) }, "p1 is not set on all paths"},
		{"kind", func(f *Func, b *Block) { at(f, b, Instr{Op: Add, A: pointerTo(f, b, 0), B: None}) }, "a pointer; it takes a number"},
		{"kind of load", func(f *Func, b *Block) { at(f, b, Instr{Op: Load, Size: 1, A: konst(f, b, 0)}) }, "a number; it takes a pointer"},
		{"kind of move", func(f *Func, b *Block) {
			at(f, b, Instr{Op: Move, A: pointerTo(f, b, 0), Dst: f.NewReg(Number)})
		}, "the destination is of another kind"},
		{"no destination", func(f *Func, b *Block) { b.Instrs = []Instr{{Op: Const, Dst: None}} }, "Dst is register -1"},
		{"swap", func(f *Func, b *Block) { at(f, b, Instr{Op: Swap, Size: 3, A: konst(f, b, 0)}) }, "a size of 3"},
		{"load of 3", func(f *Func, b *Block) { at(f, b, Instr{Op: Load, Size: 3, A: pointerTo(f, b, 0)}) }, "a size of 3"},
		{"division", func(f *Func, b *Block) { at(f, b, Instr{Op: Mod, A: konst(f, b, 0), B: None}) }, "division by 0"},
		{"shift", func(f *Func, b *Block) { at(f, b, Instr{Op: Sar, A: konst(f, b, 0), B: None, Imm: 64}) }, "a shift by 64"},
		{"negation", func(f *Func, b *Block) { at(f, b, Instr{Op: Sub, A: None, B: konst(f, b, 1)}) }, ""},
		{"no operands", func(f *Func, b *Block) { at(f, b, Instr{Op: Sub, A: None, B: None}) }, "no operand"},
		{"offset", func(f *Func, b *Block) { pointerTo(f, b, 0x10000) }, "an offset of 65536"},
		{"sum", func(f *Func, b *Block) {
			at(f, b, Instr{Op: Sum, A: pointerTo(f, b, 14), B: None, Imm: 0xffff})
			at(f, b, Instr{Op: Sum, A: pointerTo(f, b, 14), B: None, Imm: 0x10000})
		}, "the sum of 65536 bytes"},
		{"push by a register", func(f *Func, b *Block) { at(f, b, Instr{Op: Adjust, A: konst(f, b, 4)}) }, "by a number that is no constant"},
		{"counter", func(f *Func, b *Block) { at(f, b, Instr{Op: CountAdd, A: None, Imm: 1, Ref: 1}) }, "counter 1; there are 1"},
		{"map", func(f *Func, b *Block) { at(f, b, Instr{Op: MapGet, Ref: 2}) }, "map 2; there are 2"},
		{"arguments", func(f *Func, b *Block) {
			k := konst(f, b, 1)
			at(f, b, Instr{Op: MapSet, Args: []Reg{k, k}})
			at(f, b, Instr{Op: MapSet, Args: []Reg{k}})
		}, "1 arguments and 0 results; it has 2 and 0"},
		{"one result twice", func(f *Func, b *Block) {
			k := konst(f, b, 1)
			r := f.NewReg(Number)
			at(f, b, Instr{Op: MapGet, Ref: 1, Args: []Reg{k, k}, Res: []Reg{r, r}})
		}, "two results in r2"},
		{"sums of strings", func(f *Func, b *Block) {
			k := konst(f, b, 1)
			at(f, b, Instr{Op: MapAdd, Ref: 1, Args: []Reg{k, k, k}, Res: []Reg{k}})
		}, "the values of the map are no numbers"},
		{"table", func(f *Func, b *Block) { at(f, b, Instr{Op: TableGet, A: None, Res: []Reg{0}}) }, "no key"},
		{"order of a table", func(f *Func, b *Block) { f.Tables[0].Entries[1].Key = 1 }, "table 0 (t) has entry 1 out of order"},
		{"set on one path", func(f *Func, b *Block) {
			c, r := konst(f, b, 1), f.NewReg(Number)
			one, both := f.NewBlock(), ret(f, Drop)
			b.Term = Term{Kind: Branch, A: c, B: None, Then: one, Else: both}
			at(f, one, Instr{Op: Const, Dst: r})
			one.Term = Term{Kind: Jump, Then: both}
			at(f, both, Instr{Op: Move, A: r})
		}, "r2 is not set on all paths"},
		{"no guard", func(f *Func, b *Block) { at(f, b, Instr{Op: Load, Size: 2, A: pointerTo(f, b, 12)}) },
			"bytes 0 to 1 from p1 on, of which a guard has found 0 on all paths"},
		{"guard", func(f *Func, b *Block) { guarded(f, b, 14, Instr{Op: Load, Size: 2, Off: 12}) }, ""},
		{"guard of a byte less", func(f *Func, b *Block) { guarded(f, b, 13, Instr{Op: Load, Size: 2, Off: 12}) }, "bytes 12 to 13 from p1 on, of which a guard has found 13"},
		{"store", func(f *Func, b *Block) { guarded(f, b, 5, Instr{Op: Store, Size: 6, B: None}) }, "bytes 0 to 5"},
		{"before the pointer", func(f *Func, b *Block) { guarded(f, b, 14, Instr{Op: Load, Size: 2, Off: -2}) }, "bytes -2 to -1"},
		{"the other side of the guard", func(f *Func, b *Block) {
			guarded(f, b, 14, Instr{Op: Const})
			p := b.Term.A
			at(f, b.Term.Else, Instr{Op: Load, Size: 1, A: p})
		}, "bytes 0 to 0"},
		{"a copy keeps what was proven", func(f *Func, b *Block) {
			then := guarded(f, b, 14, Instr{Op: Const})
			c := at(f, then, Instr{Op: Move, A: b.Term.A})
			at(f, then, Instr{Op: Load, Size: 8, Off: 6, A: c})
		}, ""},
		{"a new pointer does not", func(f *Func, b *Block) {
			then := guarded(f, b, 14, Instr{Op: Const})
			at(f, then, Instr{Op: Ptr, A: None, Dst: b.Term.A})
			at(f, then, Instr{Op: Load, Size: 1, A: b.Term.A})
		}, "of which a guard has found 0"},
		{"after a change of size", func(f *Func, b *Block) {
			then := guarded(f, b, 14, Instr{Op: Adjust, A: None, Imm: 4})
			at(f, then, Instr{Op: Load, Size: 1, A: b.Term.A})
		}, "from before the packet changed its size"},
		{"guard in a loop", func(f *Func, b *Block) {
			loop := guarded(f, b, 14, Instr{Op: Load, Size: 1})
			at(f, loop, Instr{Op: Adjust, A: None, Imm: -1})
			loop.Term = Term{Kind: Jump, Then: loop}
		}, "from before the packet changed its size"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f, b := start()
			b.Term = pass
			c.make(f, b)
			checkFault(t, f, c.fault)
		})
	}
	checkFault(t, &Func{Name: "x.lua"}, "x.lua has no blocks")
}

// guarded ends b with a guard of n bytes, behind which an instruction stands
// with the pointer as its A, and gives the block that it is in.
func guarded(f *Func, b *Block, n int64, in Instr) *Block {
	p := pointerTo(f, b, 0)
	then := f.NewBlock()
	then.Term = Term{Kind: Return, Verdict: TX}
	b.Term = Term{Kind: Guard, A: p, Imm: n, Then: then, Else: ret(f, Pass)}
	if forms[in.Op].a == pointer {
		in.A = p
	}
	at(f, then, in)
	return then
}

func checkFault(t *testing.T, f *Func, want string) {
	t.Helper()
	err := Verify(f)
	switch {
	case want == "" && err != nil:
		t.Errorf("%v\n%s", err, f)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("got %v; want %q", err, want)
	}
}

// A path that has changed something does not exit; one on which nothing was
// done, as the result of the operation says, may.
func TestVerifyExit(t *testing.T) {
	const fault = "an exit on a path that has changed something"
	key := func(f *Func, b *Block) []Reg { return []Reg{konst(f, b, 1)} }
	pair := func(f *Func, b *Block) []Reg { k := konst(f, b, 1); return []Reg{k, k} }
	ops := []struct {
		name    string
		in      Instr
		args    func(*Func, *Block) []Reg
		res     bool
		changes bool
		nothing int64 // the result with which nothing was done, -1 if none
	}{
		{"count", Instr{Op: CountAdd, A: None, Imm: 1}, nil, false, true, -1},
		{"get", Instr{Op: MapGet}, key, true, false, -1},
		{"set", Instr{Op: MapSet}, pair, false, true, -1},
		{"insert", Instr{Op: MapInsert}, pair, false, true, 0},
		{"add", Instr{Op: MapAdd}, pair, true, true, 2},
		{"delete", Instr{Op: MapDelete}, key, false, true, 0},
		{"push", Instr{Op: Adjust, A: None, Imm: 4}, nil, false, true, 0},
		{"grow", Instr{Op: Adjust, A: None, Imm: 4, Size: 1}, nil, false, true, 0},
	}
	for _, o := range ops {
		// do appends the instruction to the block.
		do := func(f *Func, b *Block) Reg {
			in := o.in
			if o.args != nil {
				in.Args = o.args(f, b)
			}
			if o.res {
				in.Res = []Reg{f.NewReg(Number)}
			}
			return at(f, b, in)
		}
		t.Run(o.name, func(t *testing.T) {
			f, b := start()
			do(f, b)
			b.Term = Term{Kind: Exit}
			if checkFault(t, f, map[bool]string{true: fault}[o.changes]); !o.changes || forms[o.in.Op].dst == unused {
				return
			}
			for n := range int64(3) {
				for _, cond := range []Cond{EQ, NE} {
					f, b := start()
					r := do(f, b)
					then, other := leave(f), ret(f, Drop)
					if cond == NE {
						then, other = other, then
					}
					b.Term = Term{Kind: Branch, Cond: cond, A: r, B: None, Imm: n, Then: then, Else: other}
					want := fault
					if n == o.nothing {
						want = ""
					}
					checkFault(t, f, want)
				}
			}
			if o.nothing < 0 {
				return
			}
			branch := func(f *Func, b *Block, r Reg) {
				b.Term = Term{Kind: Branch, Cond: EQ, A: r, B: None, Imm: o.nothing, Then: leave(f), Else: ret(f, Drop)}
			}
			f, b = start() // the result is lost
			r := do(f, b)
			at(f, b, Instr{Op: Const, Dst: r})
			branch(f, b, r)
			checkFault(t, f, fault)

			f, b = start() // something else was done before
			at(f, b, Instr{Op: CountAdd, A: None, Imm: 1})
			branch(f, b, do(f, b))
			checkFault(t, f, fault)

			f, b = start() // or after
			r = do(f, b)
			at(f, b, Instr{Op: CountAdd, A: None, Imm: 1})
			branch(f, b, r)
			checkFault(t, f, fault)
		})
	}
	f, b := start()
	guarded(f, b, 14, Instr{Op: Store, Size: 1, B: None}).Term = Term{Kind: Exit}
	checkFault(t, f, fault)

	// One that has put back what it changed may exit.
	f.Sites[0].Undone = true
	checkFault(t, f, "")
	f.Blocks[1].Instrs = append(f.Blocks[1].Instrs, Instr{Op: CountAdd, A: None, Imm: 1})
	checkFault(t, f, fault) // which can't be put back

	// Where two paths meet, what either has changed counts.
	f, b = start()
	c := konst(f, b, 1)
	one, both := f.NewBlock(), leave(f)
	b.Term = Term{Kind: Branch, A: c, B: None, Then: one, Else: both}
	at(f, one, Instr{Op: CountAdd, A: None, Imm: 1})
	one.Term = Term{Kind: Jump, Then: both}
	checkFault(t, f, fault)
}
