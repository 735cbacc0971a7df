// SPDX-License-Identifier: GPL-3.0-or-later

package ir

import (
	"fmt"
	"slices"
)

// maxOffset is the greatest offset into a packet, and number of bytes, that
// the form knows.
const maxOffset = 0xffff

// Verify says what is wrong with a Func: every pass must leave one in which
// nothing is. It looks at the structure of all blocks, and along all paths from
// the entry
//
//   - that registers are set before they are read,
//   - that pointers are used for what a Guard on each path has found to be
//     within the packet since it last changed its size,
//   - that a path that changed the packet, a counter or a map does not Exit,
//     unless the site says that this was undone.
//
// What depends on the values of registers (the offset of a Ptr, a divisor, the
// width of a shift) is for Run to find out.
func Verify(f *Func) error {
	if len(f.Blocks) == 0 {
		return fmt.Errorf("ir: %s has no blocks", f.Name)
	}
	for i, b := range f.Blocks {
		if b.ID != i {
			return fmt.Errorf("ir: the block at %d has ID %d", i, b.ID)
		}
	}
	for _, b := range f.Blocks {
		for i := range b.Instrs {
			if err := f.checkInstr(&b.Instrs[i]); err != nil {
				return f.fault(b, i, err)
			}
		}
		if err := f.checkTerm(&b.Term); err != nil {
			return f.fault(b, len(b.Instrs), err)
		}
	}
	for i := range f.Tables {
		if err := f.Tables[i].check(); err != nil {
			return fmt.Errorf("ir: table %d (%s) %w", i, f.Tables[i].Name, err)
		}
	}
	return f.checkPaths()
}

// fault says where something is wrong.
func (f *Func) fault(b *Block, at int, err error) error {
	text := f.termString(&b.Term)
	line := b.Term.Line
	if at < len(b.Instrs) {
		text, line = f.instrString(&b.Instrs[at]), b.Instrs[at].Line
	}
	return fmt.Errorf("ir: block %d, instruction %d (line %d), %q: %w", b.ID, at, line, text, err)
}

// checkInstr looks at the fields of an instruction.
func (f *Func) checkInstr(in *Instr) error {
	if in.Op >= NumOps {
		return fmt.Errorf("no such operation")
	}
	fm := &forms[in.Op]
	if fm.sizes != 0 && (in.Size > 8 || fm.sizes>>in.Size&1 == 0) {
		return fmt.Errorf("a size of %d", in.Size)
	}
	if err := f.checkOperand("A", in.A, fm.a); err != nil {
		return err
	}
	if err := f.checkOperand("B", in.B, fm.b); err != nil {
		return err
	}
	switch {
	case fm.dst == destination && f.kind(in.Dst) != f.kind(in.A):
		return fmt.Errorf("the destination is of another kind")
	case fm.dst != destination:
		if err := f.checkOperand("Dst", in.Dst, fm.dst); err != nil {
			return err
		}
	case in.Dst == None:
		return fmt.Errorf("no destination")
	}
	constant := in.B == None
	switch in.Op {
	case Sub:
		if in.A == None && constant {
			return fmt.Errorf("no operand")
		}
	case Div, Mod:
		if constant && in.Imm == 0 {
			return fmt.Errorf("division by 0")
		}
	case Shl, Shr, Sar:
		if constant && (in.Imm < 0 || in.Imm > 63) {
			return fmt.Errorf("a shift by %d", in.Imm)
		}
	case Set:
		if in.Cond > SGE {
			return fmt.Errorf("no such condition")
		}
	case Ptr:
		if in.A == None && (in.Imm < 0 || in.Imm > maxOffset) {
			return fmt.Errorf("an offset of %d", in.Imm)
		}
	case Sum:
		if constant && (in.Imm < 0 || in.Imm > maxOffset) {
			return fmt.Errorf("the sum of %d bytes", in.Imm)
		}
		if in.Off < 0 || in.Off > maxOffset {
			return fmt.Errorf("an offset of %d", in.Off)
		}
	case Adjust:
		if in.Size == 0 && in.A != None {
			return fmt.Errorf("the start moves by a number that is no constant")
		}
		if in.A == None && (in.Imm < -maxOffset || in.Imm > maxOffset) {
			return fmt.Errorf("the packet grows by %d", in.Imm)
		}
	case CountAdd:
		return checkRef(in.Ref, len(f.Counters), "counter")
	case MapGet, MapSet, MapInsert, MapAdd, MapDelete, TableGet:
		return f.checkLookup(in)
	}
	return nil
}

// checkLookup looks at the registers of an operation on a map or a table.
func (f *Func) checkLookup(in *Instr) error {
	n, what := len(f.Maps), "map"
	if in.Op == TableGet {
		n, what = len(f.Tables), "table"
	}
	if err := checkRef(in.Ref, n, what); err != nil {
		return err
	}
	if in.Op == MapAdd && f.Maps[in.Ref].Value != 1 {
		return fmt.Errorf("the values of the map are no numbers")
	}
	args, res := f.widths(in)
	if len(in.Args) != args || len(in.Res) != res {
		return fmt.Errorf("%d arguments and %d results; it has %d and %d", len(in.Args), len(in.Res), args, res)
	}
	if in.Op == TableGet && args == 0 && in.A == None {
		return fmt.Errorf("no key")
	}
	for _, r := range slices.Concat(in.Args, in.Res) {
		if err := f.checkOperand("Args or Res", r, number); err != nil {
			return err
		}
	}
	for i, r := range in.Res {
		if r == in.Dst || slices.Contains(in.Res[:i], r) {
			return fmt.Errorf("two results in r%d", r)
		}
	}
	return nil
}

// checkTerm looks at the fields of the end of a block.
func (f *Func) checkTerm(t *Term) error {
	switch t.Kind {
	case Jump:
		return f.checkTarget(t.Then)
	case Branch, Guard:
		if err := f.checkTarget(t.Then); err != nil {
			return err
		}
		if err := f.checkTarget(t.Else); err != nil {
			return err
		}
		if t.Kind == Guard {
			if t.Imm < 0 || t.Imm > maxOffset {
				return fmt.Errorf("a guard of %d bytes", t.Imm)
			}
			return f.checkOperand("A", t.A, pointer)
		}
		if t.Cond > SGE {
			return fmt.Errorf("no such condition")
		}
		if err := f.checkOperand("A", t.A, number); err != nil {
			return err
		}
		return f.checkOperand("B", t.B, numberOrImm)
	case Return:
		if t.Verdict < Drop || t.Verdict > Redirect {
			return fmt.Errorf("a verdict of %d", t.Verdict)
		}
		if t.Verdict == Redirect && t.Port < 0 {
			return fmt.Errorf("port %d", t.Port)
		}
		return nil
	case Exit:
		return checkRef(int32(t.Site), len(f.Sites), "site")
	}
	return fmt.Errorf("the block has no end")
}

// checkTarget looks whether a block can be jumped to.
func (f *Func) checkTarget(b *Block) error {
	switch {
	case b == nil:
		return fmt.Errorf("a target is missing")
	case b.ID < 0 || b.ID >= len(f.Blocks) || f.Blocks[b.ID] != b:
		return fmt.Errorf("a target is none of the function's blocks")
	case b.ID == 0:
		return fmt.Errorf("a jump to the entry")
	}
	return nil
}

// checkOperand looks whether a register is what a field takes.
func (f *Func) checkOperand(field string, r Reg, o operand) error {
	switch {
	case o == unused, r == None && (o == numberOrImm || o == numberOrNone):
		return nil
	case r < 0 || int(r) >= len(f.Regs):
		return fmt.Errorf("%s is register %d; there are %d", field, r, len(f.Regs))
	case o == pointer && f.Regs[r] != Pointer:
		return fmt.Errorf("%s is r%d, a number; it takes a pointer", field, r)
	case o != pointer && o != source && f.Regs[r] != Number:
		return fmt.Errorf("%s is p%d, a pointer; it takes a number", field, r)
	}
	return nil
}

// kind gives the kind of a register, that of no other if there is none.
func (f *Func) kind(r Reg) RegKind {
	if r < 0 || int(r) >= len(f.Regs) {
		return 0xff
	}
	return f.Regs[r]
}

func checkRef(i int32, n int, what string) error {
	if i < 0 || int(i) >= n {
		return fmt.Errorf("%s %d; there are %d", what, i, n)
	}
	return nil
}

// check looks at the order of a table's entries.
func (t *Table) check() error {
	for i := 1; i < len(t.Entries); i++ {
		a, b := &t.Entries[i-1], &t.Entries[i]
		if a.Key > b.Key || a.Key == b.Key && (!t.Wide || a.High >= b.High) {
			return fmt.Errorf("has entry %d out of order", i)
		}
	}
	return nil
}
