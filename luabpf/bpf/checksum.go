// SPDX-License-Identifier: GPL-3.0-or-later

package bpf

import (
	"github.com/cilium/ebpf/asm"

	"pvlua/luabpf/ir"
)

// fold adds the carries of a sum that is at most limit: as many times as it
// takes until it fits 16 bits.
func (s *selector) fold(sum reg, limit uint64) {
	for limit > 0xffff {
		half := 16
		if limit>>32 > 0xffff {
			half = 32
		}
		mask := uint64(1)<<half - 1
		high := s.copyOf(sum)
		s.aluImm(asm.RSh, high, int64(half))
		s.aluImm(asm.And, sum, int64(mask))
		s.alu(asm.Add, sum, high)
		// The greatest sum of the halves is that of limit, or of the number
		// below whose lower half is all ones.
		limit = limit>>half - 1 + max(limit&mask+1, mask)
	}
}

const (
	// straight is up to how many bytes a sum of constant length is made without
	// a call.
	straight = 256
	// stride is how many bytes a turn of the loop takes.
	stride = 64
)

// sum makes a Sum. One of few bytes, if they are all there, is made on the spot;
// others by a function.
func (s *selector) sum(in *ir.Instr) {
	total, wide := s.newReg(), s.wide[in.Dst]
	done := new(block)
	if in.B == ir.None && in.Imm <= straight {
		known := s.reaches.Within(in.A) >= int64(in.Off)+in.Imm
		short := new(block)
		if !known {
			s.jumpUnlessWithin(in.A, int64(in.Off)+in.Imm, short)
		}
		base, at := s.place(in.A, in.Off, in.Imm)
		s.set(total, 0)
		s.addWords(total, base, at, in.Imm, wide)
		if known {
			s.move(s.regs[in.Dst], total)
			return
		}
		s.goTo(done)
		s.begin(short)
	}
	if p := s.fixed[in.A]; p >= 0 {
		s.set(r2, p+int64(in.Off))
	} else {
		at := s.copyOf(s.regs[in.A])
		s.alu(asm.Sub, at, s.data)
		s.aluImm(asm.Add, at, int64(in.Off))
		s.move(r2, at)
	}
	if in.B == ir.None {
		s.set(r3, in.Imm)
	} else {
		s.move(r3, s.regs[in.B])
	}
	s.move(r1, s.ctx)
	s.callFunction(sumFunction(wide))
	s.move(total, r0)
	s.goTo(done)
	s.begin(done)
	s.move(s.regs[in.Dst], total)
}

// addWords adds the words of n bytes that are known to be within the packet;
// wide ones of 32 bits, as far as they go.
func (s *selector) addWords(total, base reg, at, n int64, wide bool) {
	add := func(size uint8) {
		word := s.newReg()
		s.load(word, base, at, sizes[size])
		s.alu(asm.Add, total, word)
		at, n = at+int64(size), n-int64(size)
	}
	for wide && n >= 4 {
		add(4)
	}
	for n >= 2 {
		add(2)
	}
	if n > 0 {
		add(1)
	}
}

// sumFunction names the function for sums of words of 32 or of 16 bits.
func sumFunction(wide bool) string {
	if wide {
		return "sum32"
	}
	return "sum16"
}

// chooseSum makes the function u64 sum(struct xdp_md *ctx, u64 at, u64 n): the
// sum of as many of the n bytes from at on as there are. First come long strides
// in a loop, then the rest, whose length in binary says which strides are left.
//
// The function is global: the verifier looks at it once, for any at and n, and
// not along each path to each of its calls. Unless the loop hides what it does
// its turns are counted, for the verifier alone, to see that the loop ends.
func chooseSum(wide, hide bool) *code {
	s := &selector{hides: hide, code: &code{name: sumFunction(wide), params: 3, regs: firstVirtual}}
	s.ctx, s.data, s.end = s.newReg(), s.newReg(), s.newReg()
	at, n, total := s.newReg(), s.newReg(), s.newReg()
	entry, done := new(block), new(block)
	s.begin(entry)
	s.move(s.ctx, r1)
	s.move(at, r2)
	s.move(n, r3)
	s.set(total, 0)
	s.bounds()
	left := s.copyOf(s.end)
	s.alu(asm.Sub, left, s.data)
	s.alu(asm.Sub, left, at)
	s.jumpIfImm(asm.JSLE, left, 0, done)
	short := new(block)
	s.jumpIf(asm.JLE, left, n, short)
	s.move(left, n)
	s.goTo(short)
	s.begin(short)

	turns, head, rest := s.newReg(), new(block), new(block)
	s.set(turns, 0)
	s.goTo(head)
	s.begin(head)
	if s.hides {
		s.head(at, left, total)
	}
	s.jumpIfImm(asm.JLT, left, stride, rest)
	s.step(total, at, stride, wide, done)
	s.aluImm(asm.Sub, left, stride)
	if s.hides {
		s.goTo(head)
	} else {
		s.aluImm(asm.Add, turns, 1)
		s.jumpIfImm(asm.JLE, turns, maxReach/stride, head)
		s.goTo(rest)
	}
	s.begin(rest)
	for n := int64(stride / 2); n > 0; n /= 2 {
		skip, take := new(block), new(block)
		s.jumpIfImm(asm.JSet, left, n, take)
		s.goTo(skip)
		s.begin(take)
		s.step(total, at, n, wide, done)
		s.goTo(skip)
		s.begin(skip)
	}
	s.goTo(done)
	s.begin(done)
	s.move(r0, total)
	s.add(insn{op: asm.Return().OpCode})
	s.code.arrange(entry)
	return s.code
}

// step adds the words of the n bytes that are at a distance from the packet's
// start, which it moves on.
func (s *selector) step(total, at reg, n int64, wide bool, never *block) {
	s.aluImm(asm.And, at, maxReach)
	p := s.copyOf(s.data)
	s.alu(asm.Add, p, at)
	limit := s.copyOf(p)
	s.aluImm(asm.Add, limit, n)
	s.jumpIf(asm.JGT, limit, s.end, never)
	s.addWords(total, p, 0, n, wide)
	s.aluImm(asm.Add, at, n)
}
