// SPDX-License-Identifier: GPL-3.0-or-later

package bpf

import (
	"encoding/binary"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"pvlua/luabpf/ir"
)

// enum xdp_action of linux/bpf.h.
const (
	xdpAborted = 0
	xdpDrop    = 1
	xdpPass    = 2
)

// end is a way in which programs end: with a verdict, or, if that is 0, at a
// site.
type end struct {
	verdict ir.Verdict
	port    int
	site    int
}

// finish ends the program. Paths that end in the same way share the code for it.
func (s *selector) finish(e end) {
	if s.ends[e] == nil {
		b := new(block)
		s.ends[e] = b
		at := s.b
		s.begin(b)
		s.leave(e)
		s.b = at
	}
	s.goTo(s.ends[e])
}

// leave makes the code of an end.
func (s *selector) leave(e end) {
	index := VerdictIndex(e.verdict)
	switch e.verdict {
	case 0:
		index = SiteIndex(e.site)
	case ir.Redirect:
		index = RedirectIndex(e.port)
	}
	if s.o.Stats != nil {
		s.count(s.o.Stats, "stats", index, func(n reg) { s.aluImm(asm.Add, n, 1) })
	}
	switch {
	case e.verdict == 0 && s.o.XSK == nil:
		s.set(r0, xdpAborted)
	case e.verdict == 0:
		// return bpf_redirect_map(&xsks, ctx->rx_queue_index, XDP_PASS)
		s.load(r2, s.ctx, offsetRXQueue, asm.Word)
		s.loadMap(r1, s.o.XSK, "xsk")
		s.set(r3, xdpPass)
		s.call(asm.FnRedirectMap, 3)
	case e.verdict == ir.Redirect && s.o.Dev != nil:
		// return bpf_redirect_map(&devices, port, XDP_DROP)
		s.set(r2, int64(e.port))
		s.loadMap(r1, s.o.Dev, "dev")
		s.set(r3, xdpDrop)
		s.call(asm.FnRedirectMap, 3)
	case e.verdict == ir.TX && s.o.TXRedirect:
		s.set(r1, int64(s.o.Ifindex))
		s.set(r2, 0)
		s.call(asm.FnRedirect, 2)
	default:
		s.set(r0, int64(e.verdict))
	}
	s.add(insn{op: asm.Return().OpCode})
}

// count changes number index of a per-CPU array by what change does to it in a
// register. No other program counts there on this CPU meanwhile.
func (s *selector) count(m *ebpf.Map, symbol string, index uint32, change func(reg)) {
	key := s.scratch(0, 8)
	s.storeImm(frame, key, int64(index), asm.Word)
	s.move(r2, frame)
	s.aluImm(asm.Add, r2, key)
	s.loadMap(r1, m, symbol)
	s.call(asm.FnMapLookupElem, 2)
	none := new(block)
	s.jumpIfImm(asm.JEq, r0, 0, none)
	n := s.newReg()
	s.load(n, r0, 0, asm.DWord)
	change(n)
	s.store(r0, 0, n, asm.DWord)
	s.goTo(none)
	s.begin(none)
}

// countAdd makes a CountAdd.
func (s *selector) countAdd(in *ir.Instr) {
	s.count(s.o.Counters, "counters", uint32(in.Ref), func(n reg) {
		if in.A == ir.None {
			s.aluImm(asm.Add, n, in.Imm)
		} else {
			s.alu(asm.Add, n, s.regs[in.A])
		}
	})
}

// passMarked lets packets that begin with the mark through to the stack,
// without it. The kernel then finds the packet's type and protocol anew
// (bpf_prog_run_generic_xdp in net/core/dev.c). Should cutting fail the packet
// passes as it is, of a protocol that nobody knows; else it would come around
// for ever.
func (s *selector) passMarked() {
	if s.o.Mark == nil {
		return
	}
	const markLen, header = 16, 14
	others := new(block)
	p := s.copyOf(s.data)
	s.aluImm(asm.Add, p, markLen+header)
	s.jumpIf(asm.JGT, p, s.end, others)
	for at := int64(0); at < markLen; at += 8 {
		word := s.newReg()
		s.load(word, s.data, at, asm.DWord)
		s.jumpIf(asm.JNE, word, s.constant(int64(binary.NativeEndian.Uint64(s.o.Mark[at:]))), others)
	}
	s.move(r1, s.ctx)
	s.set(r2, markLen)
	s.call(asm.FnXdpAdjustHead, 2)
	s.set(r0, xdpPass)
	s.add(insn{op: asm.Return().OpCode})
	s.begin(others)
}
