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
	// a loop.
	straight = 256
	// stride is how many bytes a turn of the loop takes.
	stride = 64
)

// sum makes a Sum.
func (s *selector) sum(in *ir.Instr) {
	total, done := s.newReg(), new(block)
	s.set(total, 0)
	wide := s.wide[in.Dst]
	if in.B == ir.None && in.Imm <= straight {
		slow := new(block)
		s.jumpUnlessWithin(in.A, int64(in.Off)+in.Imm, slow)
		base, at := s.place(in.A, in.Off, in.Imm)
		s.addWords(total, base, at, in.Imm, wide)
		s.goTo(done)
		s.begin(slow)
	}
	s.sumOfAny(in, total, wide, done)
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

// sumOfAny adds as many bytes as there are, of those asked for: first in a loop
// of long strides, and then the rest, whose length in binary says which strides
// are left.
//
// The distance from the packet's start is a difference of pointers: a number of
// which the verifier knows nothing. So what it knows after each turn of the loop
// is the same, and it follows what comes after the loop once, not once per turn.
// The number of turns is there for it alone: it has to see that the loop ends.
func (s *selector) sumOfAny(in *ir.Instr, total reg, wide bool, done *block) {
	at := s.copyOf(s.use(in.A))
	s.alu(asm.Sub, at, s.data)
	s.aluImm(asm.Add, at, int64(in.Off))
	left := s.copyOf(s.end)
	s.alu(asm.Sub, left, s.data)
	s.alu(asm.Sub, left, at)
	s.jumpIfImm(asm.JSLE, left, 0, done)
	want := s.newReg()
	if in.B == ir.None {
		s.set(want, in.Imm)
	} else {
		s.move(want, s.regs[in.B])
	}
	short := new(block)
	s.jumpIf(asm.JLE, left, want, short)
	s.move(left, want)
	s.goTo(short)
	s.begin(short)

	turns, head, rest := s.newReg(), new(block), new(block)
	s.set(turns, 0)
	s.goTo(head)
	s.begin(head)
	s.jumpIfImm(asm.JLT, left, stride, rest)
	s.step(total, at, stride, wide, done)
	s.aluImm(asm.Sub, left, stride)
	s.aluImm(asm.Add, turns, 1)
	s.jumpIfImm(asm.JLE, turns, maxReach/stride, head)
	s.goTo(rest)
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
