// SPDX-License-Identifier: GPL-3.0-or-later

package ir

// Short ways to write a Func by hand.

func at(f *Func, b *Block, in Instr) Reg {
	if forms[in.Op].dst != unused && in.Dst == 0 {
		k := Number
		if in.Op == Ptr || in.Op == Move && f.Regs[in.A] == Pointer {
			k = Pointer
		}
		in.Dst = f.NewReg(k)
	}
	b.Instrs = append(b.Instrs, in)
	return in.Dst
}

// start makes a Func with an entry block, and register 0, which stands for no
// choice of one in the functions above.
func start() (*Func, *Block) {
	f := &Func{
		Name: "test.lua", Sites: []Site{{Line: 3, Reason: "a string"}}, Counters: []Counter{{"n"}},
		Maps: []Map{{"m", 1, 1}, {"wide", 2, 2}}, Tables: []Table{{Name: "t", Entries: []Entry{{Key: 1, Value: 10}, {Key: 7, Value: -1}}},
			{Name: "w", Wide: true, Entries: []Entry{{Key: 1, High: 2, Value: 5}}}},
	}
	b := f.NewBlock()
	f.NewReg(Number)
	return f, b
}

func konst(f *Func, b *Block, n int64) Reg { return at(f, b, Instr{Op: Const, Imm: n}) }

func pointerTo(f *Func, b *Block, off int64) Reg {
	return at(f, b, Instr{Op: Ptr, A: None, Imm: off})
}

// ret and leave make blocks that end.
func ret(f *Func, v Verdict) *Block {
	b := f.NewBlock()
	b.Term = Term{Kind: Return, Verdict: v}
	return b
}

func leave(f *Func) *Block {
	b := f.NewBlock()
	b.Term = Term{Kind: Exit}
	return b
}
