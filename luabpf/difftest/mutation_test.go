// SPDX-License-Identifier: GPL-3.0-or-later

package difftest

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"pvlua/luabpf/ir"
)

// fault is something that a compiler may do wrong. It is done to one place of a
// finished function, chosen at random among those where it can be.
type fault struct {
	name string
	// places gives what does the fault, for each place where it can be done.
	places func(f *ir.Func) []func()
}

// instrs makes a fault of instructions: change reports whether it can be done to
// one, and does it if do is set.
func instrs(name string, change func(f *ir.Func, in *ir.Instr, do bool) bool) fault {
	return fault{name, func(f *ir.Func) (list []func()) {
		for _, b := range f.Blocks {
			for i := range b.Instrs {
				if in := &b.Instrs[i]; change(f, in, false) {
					list = append(list, func() { change(f, in, true) })
				}
			}
		}
		return list
	}}
}

// op makes a fault of all instructions of some operations.
func op(name string, change func(in *ir.Instr), ops ...ir.Op) fault {
	return instrs(name, func(_ *ir.Func, in *ir.Instr, do bool) bool {
		if do {
			change(in)
		}
		return slices.Contains(ops, in.Op)
	})
}

// term makes a fault of the ends of blocks, as instrs.
func term(name string, change func(t *ir.Term, do bool) bool) fault {
	return fault{name, func(f *ir.Func) (list []func()) {
		for _, b := range f.Blocks {
			if t := &b.Term; change(t, false) {
				list = append(list, func() { change(t, true) })
			}
		}
		return list
	}}
}

// cond makes a fault of comparisons.
func cond(name string, to map[ir.Cond]ir.Cond) fault {
	return term(name, func(t *ir.Term, do bool) bool {
		c, ok := to[t.Cond]
		if do {
			t.Cond = c
		}
		return ok && t.Kind == ir.Branch
	})
}

// lost makes a fault of instructions that are not there.
func lost(name string, ops ...ir.Op) fault {
	return fault{name, func(f *ir.Func) (list []func()) {
		for _, b := range f.Blocks {
			for i := range b.Instrs {
				if slices.Contains(ops, b.Instrs[i].Op) {
					list = append(list, func() { b.Instrs = slices.Delete(b.Instrs, i, i+1) })
				}
			}
		}
		return list
	}}
}

// faults are those of all passes up to the machines, which have the same effect
// in all of them.
var faults = []fault{
	cond("signed as unsigned", map[ir.Cond]ir.Cond{ir.SLT: ir.LT, ir.SLE: ir.LE, ir.SGT: ir.GT, ir.SGE: ir.GE}),
	cond("a bound one too low or high", map[ir.Cond]ir.Cond{ir.SLT: ir.SLE, ir.SLE: ir.SLT, ir.SGT: ir.SGE, ir.SGE: ir.SGT, ir.LT: ir.LE, ir.LE: ir.LT, ir.GT: ir.GE, ir.GE: ir.GT}),
	term("a constant one too high", func(t *ir.Term, do bool) bool {
		if do {
			t.Imm++
		}
		return t.Kind == ir.Branch && t.B == ir.None
	}),
	term("branches exchanged", func(t *ir.Term, do bool) bool {
		if do {
			t.Then, t.Else = t.Else, t.Then
		}
		return t.Kind == ir.Branch
	}),
	term("a branch always taken", func(t *ir.Term, do bool) bool {
		if do {
			t.Kind = ir.Jump
		}
		return t.Kind == ir.Branch
	}),
	term("a guard of a byte less", func(t *ir.Term, do bool) bool {
		if do {
			t.Imm--
		}
		return t.Kind == ir.Guard && t.Imm > 0
	}),
	term("a guard of a byte more", func(t *ir.Term, do bool) bool {
		if do {
			t.Imm++
		}
		return t.Kind == ir.Guard
	}),
	term("a lost exit", func(t *ir.Term, do bool) bool {
		if do {
			*t = ir.Term{Kind: ir.Return, Verdict: ir.Pass}
		}
		return t.Kind == ir.Exit
	}),
	term("an exit after a change", func(t *ir.Term, do bool) bool {
		if do {
			*t = ir.Term{Kind: ir.Exit}
		}
		return t.Kind == ir.Return && t.Verdict == ir.TX
	}),
	term("another verdict", func(t *ir.Term, do bool) bool {
		if do {
			t.Verdict = ir.Drop + ir.TX - t.Verdict
		}
		return t.Kind == ir.Return && (t.Verdict == ir.Drop || t.Verdict == ir.TX)
	}),
	term("another port", func(t *ir.Term, do bool) bool {
		if do {
			t.Port = 1 - t.Port
		}
		return t.Kind == ir.Return && t.Verdict == ir.Redirect
	}),
	op("the wrong byte order", func(in *ir.Instr) { in.Op = ir.Move }, ir.Swap),
	op("the byte order of another size", func(in *ir.Instr) { in.Size = 8 }, ir.Swap),
	op("carries forgotten", func(in *ir.Instr) { in.Op, in.B, in.Imm = ir.And, ir.None, 0xffff }, ir.Fold),
	op("a sum of fewer bytes", func(in *ir.Instr) { in.Off++ }, ir.Sum),
	op("a load from the next byte", func(in *ir.Instr) { in.Off++ }, ir.Load),
	op("a store to the next byte", func(in *ir.Instr) { in.Off++ }, ir.Store),
	instrs("a narrower load", narrower(ir.Load)),
	instrs("a narrower store", narrower(ir.Store)),
	instrs("a shift by a bit more", func(_ *ir.Func, in *ir.Instr, do bool) bool {
		if do {
			in.Imm++
		}
		return (in.Op == ir.Shl || in.Op == ir.Shr) && in.B == ir.None
	}),
	op("a mask forgotten", func(in *ir.Instr) { in.Op = ir.Move }, ir.And),
	op("a difference turned round", func(in *ir.Instr) { in.A, in.B, in.Imm = in.B, in.A, -in.Imm }, ir.Sub),
	op("a sum for a difference", func(in *ir.Instr) { in.Op = ir.Add }, ir.Sub),
	instrs("a constant one too high in arithmetic", func(_ *ir.Func, in *ir.Instr, do bool) bool {
		if do {
			in.Imm++
		}
		return in.Op >= ir.Add && in.Op <= ir.Xor && in.B == ir.None && in.Imm+1 != 0
	}),
	op("division for remainder", func(in *ir.Instr) { in.Op = ir.Div }, ir.Mod),
	lost("a lost store", ir.Store),
	lost("a lost count", ir.CountAdd),
	{"a count twice", func(f *ir.Func) (list []func()) {
		for _, b := range f.Blocks {
			for i, in := range b.Instrs {
				if in.Op == ir.CountAdd {
					list = append(list, func() { b.Instrs = slices.Insert(b.Instrs, i, in) })
				}
			}
		}
		return list
	}},
	op("another counter", func(in *ir.Instr) { in.Ref = 0; in.Imm++ }, ir.CountAdd),
	op("an entry replaced", func(in *ir.Instr) { in.Op = ir.MapSet }, ir.MapInsert),
	op("an entry that stays", func(in *ir.Instr) { in.Op = ir.MapInsert }, ir.MapSet),
	lost("a resize forgotten", ir.Adjust),
	op("a resize by a byte more", func(in *ir.Instr) { in.Imm++ }, ir.Adjust),
	{"a stale load", stale},
	{"a missed clobber", clobber},
}

// narrower takes an access for one of half the size.
func narrower(o ir.Op) func(*ir.Func, *ir.Instr, bool) bool {
	return func(_ *ir.Func, in *ir.Instr, do bool) bool {
		if do {
			in.Size /= 2
		}
		return in.Op == o && (in.Size == 2 || in.Size == 4 || in.Size == 8)
	}
}

// stale has a load that follows a store come before it.
func stale(f *ir.Func) (list []func()) {
	for _, b := range f.Blocks {
		for i := 1; i < len(b.Instrs); i++ {
			before, in := &b.Instrs[i-1], &b.Instrs[i]
			if before.Op == ir.Store && in.Op == ir.Load && before.A == in.A && before.Off < in.Off+int32(in.Size) && in.Off < before.Off+int32(before.Size) && before.B != in.Dst {
				list = append(list, func() { *before, *in = *in, *before })
			}
		}
	}
	return list
}

// clobber has one register in place of two that were made one soon after the
// other, and so are likely to be needed at the same time.
func clobber(f *ir.Func) (list []func()) {
	for a := range f.Regs {
		for b := max(a-4, 0); b < a; b++ {
			if f.Regs[a] == f.Regs[b] {
				list = append(list, func() { merge(f, ir.Reg(a), ir.Reg(b)) })
			}
		}
	}
	return list
}

// merge replaces a register by another one.
func merge(f *ir.Func, from, to ir.Reg) {
	swap := func(r *ir.Reg) {
		if *r == from {
			*r = to
		}
	}
	for _, b := range f.Blocks {
		for i := range b.Instrs {
			in := &b.Instrs[i]
			swap(&in.A)
			swap(&in.B)
			swap(&in.Dst)
			in.Args, in.Res = slices.Clone(in.Args), slices.Clone(in.Res)
			for j := range in.Args {
				swap(&in.Args[j])
			}
			for j := range in.Res {
				swap(&in.Res[j])
			}
		}
		swap(&b.Term.A)
		swap(&b.Term.B)
	}
}

// Each fault is found, by ir.Verify or by what the handlers do, within a number
// of scripts that is run again and again.
func TestFaultsAreFound(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute; run without -short")
	}
	const most = 400
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			done := 0
			for seed := range uint64(most) {
				rng := rand.New(rand.NewPCG(seed, 7))
				source, list := script(rng).String(), Packets(rng, 30)
				lua, err := new(Engine).Run(source, list)
				if err != nil {
					t.Fatal(err)
				}
				here, wrong := false, false
				e := Engines(func(fn *ir.Func) {
					if places := f.places(fn); len(places) > 0 {
						places[rng.IntN(len(places))]()
						here = true
						wrong = wrong || ir.Verify(fn) != nil
					}
				})[0]
				o, err := e.Run(source, list)
				if errors.Is(err, ErrNotCompiled) || !here {
					continue
				}
				done++
				if wrong || err != nil || Difference(lua, o) != "" {
					t.Logf("found at the %d. place", done)
					return
				}
			}
			t.Errorf("not found in %d scripts that have it", done)
		})
	}
}
