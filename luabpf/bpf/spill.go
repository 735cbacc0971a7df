// SPDX-License-Identifier: GPL-3.0-or-later

package bpf

import "github.com/cilium/ebpf/asm"

const (
	// stackSize is how many bytes a program has for its frame, and for those of
	// functions that it calls (MAX_BPF_STACK in linux/filter.h).
	stackSize = 512
	// reserved is what is kept of that for may_gotos, a count and a time, and for
	// the frame of a function.
	reserved = 16 + 32
)

// spill keeps registers on the stack: each is read into a new register before
// an instruction that needs it, and written after one that sets it. What is the
// same constant everywhere is made anew instead. slots is how many spill slots
// there were; spill gives how many there are.
//
// All is in 64 bits, so that the verifier goes on knowing what is in a slot.
func (c *code) spill(spilled []reg, slots int) int {
	slot := map[reg]int{}
	for _, r := range spilled {
		slots++
		slot[r] = slots
	}
	constant := c.constants(slot)
	for _, b := range c.blocks {
		var insns []insn
		rewrite := func(in insn) insn {
			fresh := map[reg]reg{}
			in.operands(func(r reg) {
				if slot[r] == 0 || fresh[r] != 0 {
					return
				}
				fresh[r] = c.newReg()
				load := insn{op: asm.LoadMemOp(asm.DWord), src: frame, slot: slot[r]}
				if made, ok := constant[r]; ok {
					load = made
				}
				load.dst, load.line = fresh[r], in.line
				insns = append(insns, load)
			}, nil)
			in.operands(nil, func(r reg) {
				if slot[r] != 0 && fresh[r] == 0 {
					fresh[r] = c.newReg()
				}
			})
			in.rename(func(r reg) reg {
				if f, ok := fresh[r]; ok {
					return f
				}
				return r
			})
			return in
		}
		for _, in := range b.insns {
			if _, ok := constant[in.dst]; ok && in.isConstant() {
				continue
			}
			now := rewrite(in)
			insns = append(insns, now)
			in.operands(nil, func(r reg) {
				if slot[r] == 0 {
					return
				}
				value := now.dst
				if now.op.Class() == asm.StXClass { // an atomic operation that fetches
					value = now.src
				}
				insns = append(insns, insn{op: asm.StoreMemOp(asm.DWord), dst: frame, src: value, slot: slot[r], line: in.line})
			})
		}
		if b.taken != nil {
			b.jump = rewrite(b.jump)
		}
		b.insns = insns
	}
	return slots
}

// constants gives, for those of the registers that are set at one place only
// and to a constant, the instruction that does so.
func (c *code) constants(among map[reg]int) map[reg]insn {
	sets := map[reg]int{}
	constant := map[reg]insn{}
	for _, b := range c.blocks {
		b.each(func(in *insn) {
			in.operands(nil, func(r reg) {
				if among[r] == 0 {
					return
				}
				sets[r]++
				if in.isConstant() {
					constant[r] = *in
				}
			})
		})
	}
	for r, n := range sets {
		if n != 1 {
			delete(constant, r)
		}
	}
	return constant
}

// placeSlots gives the spill slots places in the frame, below what is in use;
// slots that are not needed at the same time share one.
func (c *code) placeSlots(slots int) error {
	accesses := func(in *insn, use, def func(int)) {
		switch {
		case in.slot == 0:
		case in.op.Class() == asm.LdXClass:
			use(in.slot)
		default:
			def(in.slot)
		}
	}
	n := slots + 1
	meets := make([]set, n)
	for i := range meets {
		meets[i] = newSet(n)
	}
	out := c.liveOut(n, accesses)
	for i, b := range c.blocks {
		b.backwards(out[i], accesses, func(in *insn, live set) bool {
			if in.slot != 0 && in.op.Class() != asm.LdXClass {
				live.each(func(l int) {
					meets[in.slot].add(l)
					meets[l].add(in.slot)
				})
			}
			return false
		})
	}
	place := make([]int, n)
	top := c.stack
	for s := 1; s < n; s++ {
		used := map[int]bool{}
		meets[s].each(func(m int) { used[place[m]] = true })
		p := top + 8
		for used[p] {
			p += 8
		}
		place[s] = p
	}
	for _, b := range c.blocks {
		for i := range b.insns {
			if in := &b.insns[i]; in.slot != 0 {
				in.off = int16(-place[in.slot])
				c.stack = max(c.stack, place[in.slot])
			}
		}
	}
	if c.stack > stackSize-reserved {
		return &TooLargeError{What: "more values at once than the stack holds"}
	}
	return nil
}
