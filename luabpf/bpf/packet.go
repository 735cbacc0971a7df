// SPDX-License-Identifier: GPL-3.0-or-later

package bpf

import (
	"math"

	"github.com/cilium/ebpf/asm"

	"pvlua/luabpf/ir"
)

// maxReach is beyond any byte of a packet: frames that XDP programs see in one
// piece fit a page. The verifier derives what is within the packet only for
// pointers that together with the bytes asked for stay below 0xffff
// (find_good_pkt_pointers, MAX_PACKET_OFF in kernel/bpf/verifier.c), so that
// offsets that are not constant stop here, and so do lengths.
const maxReach = 0x7fff

// pointer makes a Ptr. One that is always at the same offset needs no code: it
// is a distance from the start.
func (s *selector) pointer(in *ir.Instr) {
	dst := s.regs[in.Dst]
	if s.fixed[in.Dst] >= 0 {
		return
	}
	if in.A == ir.None {
		p := s.copyOf(s.data)
		s.aluImm(asm.Add, p, in.Imm)
		s.move(dst, p)
		return
	}
	off := s.copyOf(s.regs[in.A])
	switch {
	case s.proven[in.A] <= maxReach:
	case s.limits[in.A] <= maxReach:
		s.aluImm(asm.And, off, maxReach)
	default: // min(off, maxReach), for the offsets up to 0xffff that there may be
		high := s.copyOf(off)
		s.aluImm(asm.RSh, high, 15)
		s.add(insn{op: asm.Neg.Op(asm.ImmSource), dst: high})
		s.alu(asm.Or, off, high)
		s.aluImm(asm.And, off, maxReach)
	}
	p := s.copyOf(s.data)
	s.alu(asm.Add, p, off)
	s.move(dst, p)
}

// place gives the register and distance that address n bytes at a pointer.
func (s *selector) place(p ir.Reg, off int32, n int64) (base reg, at int64) {
	base, at = s.regs[p], int64(off)
	if s.fixed[p] >= 0 {
		base, at = s.data, at+s.fixed[p]
	}
	if at+n > math.MaxInt16 {
		t := s.copyOf(base)
		s.aluImm(asm.Add, t, at)
		return t, 0
	}
	return base, at
}

var sizes = map[uint8]asm.Size{1: asm.Byte, 2: asm.Half, 4: asm.Word, 8: asm.DWord}

// loadPacket makes a Load; of 6 bytes it is one of 4 and one of 2.
func (s *selector) loadPacket(in *ir.Instr) {
	base, at := s.place(in.A, in.Off, int64(in.Size))
	dst := s.regs[in.Dst]
	if in.Size != 6 {
		s.load(dst, base, at, sizes[in.Size])
		return
	}
	if p, ok := s.pairs[in.Dst]; ok {
		s.load(p.low, base, at, asm.Word)
		s.load(p.high, base, at+4, asm.Half)
		return
	}
	low, high := s.newReg(), s.newReg()
	s.load(low, base, at, asm.Word)
	s.load(high, base, at+4, asm.Half)
	s.aluImm(asm.LSh, high, 32)
	s.alu(asm.Or, low, high)
	s.move(dst, low)
}

// storePacket makes a Store, likewise.
func (s *selector) storePacket(in *ir.Instr) {
	base, at := s.place(in.A, in.Off, int64(in.Size))
	switch {
	case in.B == ir.None && in.Size == 6:
		s.storeImm(base, at, in.Imm, asm.Word)
		s.storeImm(base, at+4, in.Imm>>32, asm.Half)
	case in.B == ir.None:
		s.storeImm(base, at, in.Imm, sizes[in.Size])
	case in.Size == 6 && s.pairs[in.B] != pair{}:
		s.store(base, at, s.pairs[in.B].low, asm.Word)
		s.store(base, at+4, s.pairs[in.B].high, asm.Half)
	case in.Size == 6:
		s.store(base, at, s.regs[in.B], asm.Word)
		high := s.copyOf(s.regs[in.B])
		s.aluImm(asm.RSh, high, 32)
		s.store(base, at+4, high, asm.Half)
	default:
		s.store(base, at, s.regs[in.B], sizes[in.Size])
	}
}

// guard goes on in a new block if the bytes from a pointer on are within the
// packet, and else at Else.
func (s *selector) guard(t *ir.Term) {
	s.jumpUnlessWithin(t.A, t.Imm, s.blocks[t.Else.ID])
}

// jumpUnlessWithin jumps if not all of the n bytes from a pointer on are within
// the packet.
func (s *selector) jumpUnlessWithin(p ir.Reg, n int64, to *block) {
	base := s.regs[p]
	if s.fixed[p] >= 0 {
		base, n = s.data, s.fixed[p]+n
	}
	if n > maxReach {
		s.goTo(to)
		s.begin(new(block))
		return
	}
	limit := s.copyOf(base)
	s.aluImm(asm.Add, limit, n)
	s.jumpIf(asm.JGT, limit, s.end, to)
}

// maxGrowth is more than the start of a packet can ever move to the front.
const maxGrowth = 4096

// adjust makes an Adjust. The kernel clears what it adds at the end (since
// Linux 5.8), but not at the start.
func (s *selector) adjust(in *ir.Instr) {
	dst, done, failed := s.newReg(), new(block), new(block)
	s.set(dst, 0)
	fn := asm.FnXdpAdjustHead
	switch {
	case in.Size == 0 && in.Imm > maxGrowth:
		s.goTo(failed)
		s.begin(new(block))
	case in.Size == 0:
		s.move(r2, s.constant(-in.Imm))
	case in.A == ir.None:
		fn = asm.FnXdpAdjustTail
		s.set(r2, in.Imm)
	default:
		fn = asm.FnXdpAdjustTail
		if s.limits[in.A] > math.MaxInt32 { // the helper takes 32 bits
			low := s.copyOf(s.regs[in.A])
			s.aluImm(asm.LSh, low, 32)
			s.aluImm(asm.ArSh, low, 32)
			s.jumpIf(asm.JNE, low, s.regs[in.A], failed)
		}
		s.move(r2, s.regs[in.A])
	}
	s.move(r1, s.ctx)
	s.call(fn, 2)
	s.bounds()
	s.jumpIfImm(asm.JNE, r0, 0, failed)
	if in.Size == 0 && in.Imm > 0 && in.Imm <= maxGrowth {
		s.clear(in.Imm, failed)
	}
	s.set(dst, 1)
	s.goTo(done)
	s.begin(failed)
	s.goTo(done)
	s.begin(done)
	s.move(s.regs[in.Dst], dst)
}

// clear writes n zeros at the start of the packet, which is longer; the verifier
// has to be shown.
func (s *selector) clear(n int64, never *block) {
	p := s.copyOf(s.data)
	s.aluImm(asm.Add, p, n)
	s.jumpIf(asm.JGT, p, s.end, never)
	for at := int64(0); at < n; {
		size := uint8(8)
		for at+int64(size) > n {
			size /= 2
		}
		s.storeImm(s.data, at, 0, sizes[size])
		at += int64(size)
	}
}
