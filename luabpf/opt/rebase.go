// SPDX-License-Identifier: GPL-3.0-or-later

package opt

import (
	"slices"

	"pvlua/luabpf/ir"
)

// maxOffset is the greatest offset that the form knows.
const maxOffset = 0xffff

// rebase lets all pointers that are always at the same offset be distances from
// one register, the packet's start. It is set at the entry and anew where the
// packet's size changes, so that it is right wherever a pointer may be used.
func rebase(f *ir.Func) (changed bool) {
	at := Offsets(f)
	// A guard of more than the form knows can't be moved.
	for _, b := range f.Blocks {
		if t := &b.Term; t.Kind == ir.Guard && at[t.A]+t.Imm > maxOffset {
			at[t.A] = -1
		}
		for i := range b.Instrs {
			if in := &b.Instrs[i]; in.Op == ir.Sum && at[in.A]+int64(in.Off) > maxOffset {
				at[in.A] = -1
			}
		}
	}
	if !slices.ContainsFunc(at, func(off int64) bool { return off >= 0 }) {
		return false
	}
	start := f.NewReg(ir.Pointer)
	set := ir.Instr{Op: ir.Ptr, Dst: start, A: ir.None, B: ir.None}
	moved := func(r ir.Reg) (int64, bool) { return at[r], at[r] >= 0 }
	for _, b := range f.Blocks {
		var instrs []ir.Instr
		if b.ID == 0 {
			instrs = append(instrs, set)
		}
		for _, in := range b.Instrs {
			switch in.Op {
			case ir.Load, ir.Store, ir.Sum:
				if off, ok := moved(in.A); ok {
					in.A, in.Off = start, in.Off+int32(off)
				}
			}
			instrs = append(instrs, in)
			if in.Op == ir.Adjust {
				again := set
				again.Line = in.Line
				instrs = append(instrs, again)
			}
		}
		b.Instrs = instrs
		if t := &b.Term; t.Kind == ir.Guard {
			if off, ok := moved(t.A); ok {
				t.A, t.Imm = start, t.Imm+off
			}
		}
	}
	return true
}

// Offsets gives, for the pointers that are at the same offset wherever they are
// set, that offset, and -1 for other registers.
func Offsets(f *ir.Func) []int64 {
	const unknown = -2
	at := make([]int64, len(f.Regs))
	for r := range at {
		if at[r] = unknown; f.Regs[r] != ir.Pointer {
			at[r] = -1
		}
	}
	for changed := true; changed; {
		changed = false
		for _, b := range f.Blocks {
			for i := range b.Instrs {
				in := &b.Instrs[i]
				if in.Op != ir.Ptr && in.Op != ir.Move || f.Regs[in.Dst] != ir.Pointer {
					continue
				}
				to := int64(-1)
				switch {
				case in.Op == ir.Move:
					to = at[in.A]
				case in.A == ir.None:
					to = in.Imm
				}
				if to == unknown || at[in.Dst] == to || at[in.Dst] == -1 {
					continue
				}
				if at[in.Dst] != unknown {
					to = -1
				}
				at[in.Dst], changed = to, true
			}
		}
	}
	for r := range at {
		if at[r] == unknown {
			at[r] = -1
		}
	}
	return at
}
