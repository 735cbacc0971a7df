// SPDX-License-Identifier: GPL-3.0-or-later

package opt

import (
	"slices"

	"pvlua/luabpf/ir"
)

// values follows all paths from the entry, with what is known on each, and
// writes every instruction and branch anew in terms of that.
//
// What is known of registers that are set once holds wherever they are used.
// What is known of others and of the packet's bytes holds until something changes
// it, and where paths meet if it holds on all; at the head of a loop nothing of
// that is known.
func values(f *ir.Func) (changed bool) {
	moved := renumber(f)
	preds := predecessors(f)
	v := &valuer{f: f, once: setOnce(f), spans: spans(f, nil), uses: uses(f), all: newFacts(), where: map[ir.Reg]int{}, follow: map[ir.Reg][]ir.Reg{}, idom: dominators(f, preds)}
	leaving := make([][2]*facts, len(f.Blocks))
	for _, b := range f.Blocks {
		v.entering(b, preds[b.ID], leaving)
		v.block(b)
		leaving[b.ID] = v.leaving(b)
	}
	for _, b := range f.Blocks {
		for i, to := range [...]**ir.Block{&b.Term.Then, &b.Term.Else} {
			if *to != nil {
				v.thread(to, leaving[b.ID][i])
			}
		}
	}
	return v.changed || moved
}

// valuer is one run of values.
type valuer struct {
	f       *ir.Func
	once    []bool
	spans   []span
	uses    []int
	idom    []int
	all     *facts              // about registers that are set once, everywhere
	where   map[ir.Reg]int      // the block that sets them
	follow  map[ir.Reg][]ir.Reg // of those, which follow from one alone
	now     *facts              // at the place in hand
	b       *ir.Block
	out     []ir.Instr // its new instructions
	changed bool
}

// uses counts at how many places each register is read.
func uses(f *ir.Func) []int {
	n := make([]int, len(f.Regs))
	count := func(r ir.Reg) { n[r]++ }
	for _, b := range f.Blocks {
		for i := range b.Instrs {
			b.Instrs[i].Operands(count, nil)
		}
		b.Term.Operands(count)
	}
	return n
}

// entering finds what is known at the beginning of a block.
func (v *valuer) entering(b *ir.Block, preds []*ir.Block, leaving [][2]*facts) {
	v.now = nil
	loop := false
	for i, p := range preds {
		if slices.Contains(preds[:i], p) {
			continue
		}
		if leaving[p.ID][0] == nil { // a jump back
			if loop = true; !v.dominates(b.ID, p.ID) {
				v.now = nil // which does not come from here
				break
			}
			continue
		}
		for way, to := range [...]*ir.Block{p.Term.Then, p.Term.Else} {
			if to != b {
				continue
			}
			if v.now == nil {
				v.now = leaving[p.ID][way].clone()
			} else {
				v.now.meet(leaving[p.ID][way])
			}
		}
	}
	if v.now == nil {
		v.now = newFacts()
	}
	if loop {
		v.now.lasting(v.once)
	}
}

// dominates reports whether all paths to a block go through another.
func (v *valuer) dominates(b, of int) bool {
	for of > b {
		of = v.idom[of]
	}
	return of == b
}

// leaving gives what is known on the ways from a block's end.
func (v *valuer) leaving(b *ir.Block) [2]*facts {
	ways := [2]*facts{v.now, v.now}
	t := &b.Term
	if t.Kind != ir.Branch || t.B != ir.None || t.Then == t.Else {
		return ways
	}
	for i, c := range [...]ir.Cond{t.Cond, t.Cond.Not()} {
		ways[i] = v.now.clone()
		ways[i].narrow(t.A, v.span(t.A), c, uint64(t.Imm))
		if c == ir.EQ {
			v.conclude(ways[i], t.A, uint64(t.Imm))
		}
	}
	return ways
}

// conclude notes what else is known when a register is.
func (v *valuer) conclude(k *facts, r ir.Reg, n uint64) {
	for _, d := range v.follow[r] {
		in := v.all.made[d]
		x := evaluate(&in, n, uint64(in.Imm))
		k.consts[d] = int64(x)
		v.conclude(k, d, x)
	}
}

// thread lets a jump to a block that only branches, on what is known here, lead
// to where that goes.
func (v *valuer) thread(to **ir.Block, known *facts) {
	for range len(v.f.Blocks) {
		t := &(*to).Term
		if len((*to).Instrs) > 0 || t.Kind != ir.Branch {
			return
		}
		v.now = known
		outcome, ok := v.decide(t.Cond, t.A, t.B, t.Imm)
		if !ok {
			return
		}
		if v.changed = true; outcome {
			*to = t.Then
		} else {
			*to = t.Else
		}
	}
}

// block writes a block anew.
func (v *valuer) block(b *ir.Block) {
	v.b, v.out = b, nil
	for i, in := range b.Instrs {
		in.Args = slices.Clone(in.Args)
		before := in
		v.operands(&in)
		v.simplify(&in)
		v.reuse(&in)
		if in.Op != before.Op || exprOf(&in) != exprOf(&before) || !slices.Equal(in.Args, b.Instrs[i].Args) {
			v.changed = true
		}
		v.emit(in)
	}
	b.Instrs = v.out
	v.term(b)
}

// emit adds an instruction and notes what it makes known.
func (v *valuer) emit(in ir.Instr) {
	switch in.Op {
	case ir.Store:
		v.now.stored(&in)
	case ir.Adjust:
		v.now.resized()
	}
	in.Operands(nil, func(r ir.Reg) {
		if !v.once[r] {
			v.now.forget(r)
		} else {
			v.where[r] = v.b.ID
		}
	})
	v.out = append(v.out, in)
	v.note(&in)
}

// note keeps what an instruction made.
func (v *valuer) note(in *ir.Instr) {
	if !removable(in) || in.Op == ir.TableGet {
		return
	}
	sees, fixed := false, v.once[in.Dst]
	in.Operands(func(r ir.Reg) {
		sees = sees || r == in.Dst
		fixed = fixed && v.once[r]
	}, nil)
	if sees { // it replaced its own operand
		return
	}
	// The packet's bytes and size change; and so do pointers with it.
	bytes := in.Op == ir.Load || in.Op == ir.Sum || in.Op == ir.Len || in.Op == ir.Ptr
	k := v.now
	if fixed && !bytes {
		k = v.all
	}
	switch in.Op {
	case ir.Const:
		k.consts[in.Dst] = in.Imm
	case ir.Move:
		// What has been proven of a pointer goes by its name: it must be the
		// same one everywhere.
		if v.f.Regs[in.Dst] == ir.Number || fixed {
			k.copies[in.Dst] = in.A
		}
		return
	default:
		e := exprOf(in)
		if old, ok := k.avail[e]; !ok || !v.reaches(old) {
			k.avail[e] = in.Dst
		}
	}
	k.made[in.Dst] = *in
	if k == v.all && in.Op >= ir.Add && in.Op <= ir.Fold && in.Op != ir.Set && in.A != ir.None && (in.B == ir.None || in.Op == ir.Swap || in.Op == ir.Fold) {
		v.follow[in.A] = append(v.follow[in.A], in.Dst)
	}
}

// reaches reports whether a register that is set once has been set on all paths
// to here.
func (v *valuer) reaches(r ir.Reg) bool {
	if !v.once[r] {
		return true
	}
	at, ok := v.where[r]
	for b := v.b.ID; ok && b != at; b = v.idom[b] {
		if b == 0 {
			return false
		}
	}
	return ok
}

// same gives the register that has what another one has a copy of.
func (v *valuer) same(r ir.Reg) ir.Reg {
	for range 8 {
		from, ok := v.now.copies[r]
		if !ok {
			if from, ok = v.all.copies[r]; !ok {
				return r
			}
		}
		r = from
	}
	return r
}

// constant gives a register's value, if it is known.
func (v *valuer) constant(r ir.Reg) (int64, bool) {
	if r == ir.None {
		return 0, false
	}
	if n, ok := v.now.consts[r]; ok {
		return n, true
	}
	n, ok := v.all.consts[r]
	return n, ok
}

// maker gives the instruction that made a register's value, if its operands are
// still what they were.
func (v *valuer) maker(r ir.Reg) (ir.Instr, bool) {
	if r == ir.None {
		return ir.Instr{}, false
	}
	if in, ok := v.now.made[r]; ok {
		return in, true
	}
	in, ok := v.all.made[r]
	return in, ok
}

// span gives between which numbers a register is.
func (v *valuer) span(r ir.Reg) span {
	if n, ok := v.constant(r); ok {
		return span{uint64(n), uint64(n)}
	}
	if s, ok := v.now.spans[r]; ok {
		return s
	}
	return v.spans[r]
}

// reuse makes a copy of an instruction whose value some register has.
func (v *valuer) reuse(in *ir.Instr) {
	if !removable(in) || in.Op == ir.TableGet || in.Op == ir.Const || in.Op == ir.Move {
		return
	}
	e := exprOf(in)
	old, ok := v.now.avail[e]
	if !ok || !v.reaches(old) {
		if old, ok = v.all.avail[e]; !ok || !v.reaches(old) {
			return
		}
	}
	if old == in.Dst || v.f.Regs[old] == ir.Pointer && !(v.once[old] && v.once[in.Dst]) {
		return
	}
	*in = ir.Instr{Op: ir.Move, Dst: in.Dst, A: old, B: ir.None, Line: in.Line}
}
