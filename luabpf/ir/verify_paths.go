// SPDX-License-Identifier: GPL-3.0-or-later

package ir

import (
	"fmt"
	"slices"
)

// known is what holds of a register on all paths to a place: the number of
// bytes from a pointer on that are within the packet, or, below 0, that it
// can't be used.
type known int32

const (
	unset known = -2 // on some path nothing was assigned
	void  known = -1 // on some path the packet's size has changed since
	set   known = 0
)

// effect is what the paths to a place have changed.
//
// Several operations change nothing if their result says so, as an Adjust for
// which there is no room. Until the result is looked at by branches, or lost,
// both is possible.
type effect struct {
	bytes   bool  // of the packet, which can be put back
	lasting bool  // something else
	result  Reg   // says whether lasting holds; None if that is settled
	values  uint8 // that it may have, as bits
	nothing uint8 // that one with which nothing was done, as a bit
}

var clean = effect{result: None}

// changes gives the effect of an instruction after e.
func (e effect) changes(in *Instr) effect {
	now := effect{bytes: e.bytes, lasting: true, result: None}
	switch in.Op {
	default:
		return e
	case Store:
		e.bytes = true
		return e
	case CountAdd, MapSet: // a map that is full counts it
		return now
	case Adjust, MapDelete:
		now.result, now.values, now.nothing = in.Dst, 1<<0|1<<1, 1<<0
	case MapInsert:
		now.result, now.values, now.nothing = in.Dst, 1<<0|1<<1|1<<2, 1<<0
	case MapAdd:
		now.result, now.values, now.nothing = in.Dst, 1<<0|1<<1|1<<2, 1<<2
	}
	if e.lasting {
		return e.settled()
	}
	return now
}

// settled gives e when its result is known no more.
func (e effect) settled() effect {
	return effect{bytes: e.bytes, lasting: e.lasting, result: None}
}

// assigned gives e after an assignment to r.
func (e effect) assigned(r Reg) effect {
	if e.lasting && e.result == r {
		return e.settled()
	}
	return e
}

// when gives e where a comparison had the outcome.
func (e effect) when(t *Term, outcome bool) effect {
	if t.Kind != Branch || e.result == None || e.result != t.A || t.B != None {
		return e
	}
	for v := range uint64(3) {
		if t.Cond.Holds(v, uint64(t.Imm)) != outcome {
			e.values &^= 1 << v
		}
	}
	switch {
	case e.values == e.nothing:
		return effect{bytes: e.bytes, result: None}
	case e.values&e.nothing == 0:
		return e.settled()
	}
	return e
}

// join gives what holds where paths with either effect meet.
func (e effect) join(o effect) effect {
	e.bytes, o.bytes = e.bytes || o.bytes, e.bytes || o.bytes
	switch {
	case e == o:
		return e
	case e.result == o.result && e.nothing == o.nothing && e.lasting && o.lasting:
		e.values |= o.values
		return e
	}
	return effect{bytes: e.bytes, lasting: e.lasting || o.lasting, result: None}
}

// canExit reports whether a path may leave the packet to Lua. undone: it has put
// back what bytes it changed.
func (e effect) canExit(undone bool) bool { return !e.lasting && (!e.bytes || undone) }

// facts is what holds at a place on all paths to it.
type facts struct {
	regs   []known
	effect effect
}

// join takes in the facts of another path, and reports whether that changed
// any.
func (s *facts) join(o *facts) (changed bool) {
	for i, k := range o.regs {
		if k < s.regs[i] {
			s.regs[i], changed = k, true
		}
	}
	if e := s.effect.join(o.effect); e != s.effect {
		s.effect, changed = e, true
	}
	return changed
}

// checkPaths follows all paths from the entry until the facts at the beginning
// of each block hold on every one, and only then looks for faults.
func (f *Func) checkPaths() error {
	entry := make([]*facts, len(f.Blocks)) // nil where nothing leads
	room := make([]known, len(f.Blocks)*len(f.Regs))
	take := func(b *Block, regs []known, e effect) {
		n := len(f.Regs)
		entry[b.ID] = &facts{room[:n:n], e}
		room = room[n:]
		copy(entry[b.ID].regs, regs)
	}
	take(f.Blocks[0], slices.Repeat([]known{unset}, len(f.Regs)), clean)
	due := make([]bool, len(f.Blocks)) // what is known at its beginning has changed
	due[0] = true
	s := &facts{regs: make([]known, len(f.Regs))}
	for again := true; again; {
		again = false
		for _, b := range f.Blocks { // mostly in the order of paths
			if !due[b.ID] {
				continue
			}
			due[b.ID] = false
			copy(s.regs, entry[b.ID].regs)
			s.effect = entry[b.ID].effect
			for i := range b.Instrs {
				s.after(f, &b.Instrs[i])
			}
			effect := s.effect
			for i, to := range [...]*Block{b.Term.Then, b.Term.Else} {
				if !b.Term.goes(i) {
					continue
				}
				s.effect = effect.when(&b.Term, i == 0)
				restore := s.guarded(&b.Term, i == 0)
				if entry[to.ID] == nil {
					take(to, s.regs, s.effect)
					due[to.ID], again = true, true
				} else if entry[to.ID].join(s) {
					due[to.ID], again = true, true
				}
				restore()
			}
		}
	}
	for _, b := range f.Blocks {
		s := entry[b.ID]
		if s == nil {
			continue // nothing leads here
		}
		for i := range b.Instrs {
			if err := s.check(f, &b.Instrs[i]); err != nil {
				return f.fault(b, i, err)
			}
			s.after(f, &b.Instrs[i])
		}
		if err := s.checkTerm(f, &b.Term); err != nil {
			return f.fault(b, len(b.Instrs), err)
		}
	}
	return nil
}

// guarded applies what a guard has found, and gives what takes that back.
func (s *facts) guarded(t *Term, passed bool) (restore func()) {
	if t.Kind != Guard || !passed || s.regs[t.A] < set {
		return func() {}
	}
	old := s.regs[t.A]
	s.regs[t.A] = max(old, known(t.Imm))
	return func() { s.regs[t.A] = old }
}

// goes reports whether a block that ends so goes on at Then (0) or Else (1).
func (t *Term) goes(i int) bool {
	return t.Kind == Branch || t.Kind == Guard || t.Kind == Jump && i == 0
}

// after applies an instruction to the facts before it.
func (s *facts) after(f *Func, in *Instr) {
	k := set
	if in.Op == Move {
		k = s.regs[in.A]
	}
	in.Operands(nil, func(r Reg) {
		s.regs[r] = k
		s.effect = s.effect.assigned(r)
	})
	if in.Op == Adjust {
		s.resized(f)
	}
	s.effect = s.effect.changes(in)
}

// resized makes all pointers void.
func (s *facts) resized(f *Func) {
	for i, k := range f.Regs {
		if k == Pointer {
			s.regs[i] = min(s.regs[i], void)
		}
	}
}

// check looks whether an instruction may come at a place.
func (s *facts) check(f *Func, in *Instr) (err error) {
	in.Operands(func(r Reg) {
		if err == nil {
			err = s.usable(f, r)
		}
	}, nil)
	if err != nil || in.Op != Load && in.Op != Store {
		return err
	}
	if end := int64(in.Off) + int64(in.Size); in.Off < 0 || end > int64(s.regs[in.A]) {
		return fmt.Errorf("bytes %d to %d from p%d on, of which a guard has found %d on all paths", in.Off, end-1, in.A, s.regs[in.A])
	}
	return nil
}

// checkTerm looks whether a block may end so.
func (s *facts) checkTerm(f *Func, t *Term) (err error) {
	t.Operands(func(r Reg) {
		if err == nil {
			err = s.usable(f, r)
		}
	})
	if err == nil && t.Kind == Exit && !s.effect.canExit(f.Sites[t.Site].Undone) {
		return fmt.Errorf("an exit on a path that has changed something")
	}
	return err
}

// usable looks whether a register can be read.
func (s *facts) usable(f *Func, r Reg) error {
	switch s.regs[r] {
	case unset:
		return fmt.Errorf("%s is not set on all paths", f.regString(r))
	case void:
		return fmt.Errorf("%s is from before the packet changed its size", f.regString(r))
	}
	return nil
}
