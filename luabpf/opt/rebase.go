// SPDX-License-Identifier: GPL-3.0-or-later

package opt

import "pvlua/luabpf/ir"

// maxOffset is the greatest offset that the form knows.
const maxOffset = 0xffff

// rebase lets all pointers that are always at the same offset be distances from
// one register, the packet's start. It is set at the entry and anew where the
// packet's size changes, so that it is right wherever a pointer may be used.
func rebase(f *ir.Func) (changed bool) {
	at := Offsets(f)
	start := startOf(f, at)
	// moves reports whether an access of so many bytes can go by the start; those
	// beyond what the form knows can't.
	moves := func(p ir.Reg, n int64) bool { return p != start && at[p] >= 0 && at[p]+n <= maxOffset }
	for _, b := range f.Blocks {
		if t := &b.Term; t.Kind == ir.Guard && t.A != start && !moves(t.A, t.Imm) {
			at[t.A] = -1
		}
	}
	keepProven(f, at, start)
	set := ir.Instr{Op: ir.Ptr, Dst: start, A: ir.None, B: ir.None}
	if start == ir.None {
		set.Dst = f.NewReg(ir.Pointer)
	}
	for _, b := range f.Blocks {
		for i := range b.Instrs {
			in := &b.Instrs[i]
			if (in.Op == ir.Load || in.Op == ir.Store || in.Op == ir.Sum) && moves(in.A, int64(in.Off)) {
				in.A, in.Off, changed = set.Dst, in.Off+int32(at[in.A]), true
			}
		}
		if t := &b.Term; t.Kind == ir.Guard && moves(t.A, t.Imm) {
			t.A, t.Imm, changed = set.Dst, t.Imm+at[t.A], true
		}
	}
	if !changed {
		return false
	}
	for _, b := range f.Blocks {
		var instrs []ir.Instr
		if b.ID == 0 {
			instrs = append(instrs, set)
		}
		for _, in := range b.Instrs {
			if in.Op == ir.Ptr && in.Dst == set.Dst { // elsewhere it would hide what is proven
				continue
			}
			instrs = append(instrs, in)
			if in.Op == ir.Adjust {
				again := set
				again.Line = in.Line
				instrs = append(instrs, again)
			}
		}
		b.Instrs = instrs
	}
	return true
}

// keepProven takes out of at pointers that are copied to, or from, ones that are
// not in it: what guards prove of one is proven of its copies, and would be lost
// if some went by the start and others did not.
func keepProven(f *ir.Func, at []int64, start ir.Reg) {
	for changed := true; changed; {
		changed = false
		for _, b := range f.Blocks {
			for i := range b.Instrs {
				in := &b.Instrs[i]
				if in.Op == ir.Move && f.Regs[in.Dst] == ir.Pointer && in.A != start && at[in.Dst] < 0 != (at[in.A] < 0) {
					at[in.Dst], at[in.A], changed = -1, -1, true
				}
			}
		}
	}
}

// startOf gives the register that is the packet's start already, as an earlier
// run has left it: at offset 0, and no copy.
func startOf(f *ir.Func, at []int64) ir.Reg {
	start := ir.None
	for _, b := range f.Blocks {
		for i := range b.Instrs {
			if in := &b.Instrs[i]; in.Op == ir.Ptr && at[in.Dst] == 0 {
				start = in.Dst
			}
		}
	}
	for _, b := range f.Blocks {
		for i := range b.Instrs {
			if in := &b.Instrs[i]; in.Op == ir.Move && in.Dst == start {
				return ir.None
			}
		}
	}
	return start
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
