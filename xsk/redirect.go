// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import (
	"encoding/binary"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

const (
	xdpPass = 2 // enum xdp_action of linux/bpf.h

	// Where struct xdp_md of linux/bpf.h has its members.
	offsetData    = 0
	offsetDataEnd = 4
	offsetRXQueue = 16

	// markSize is the length in bytes of the mark before a reinjected frame.
	markSize = 16
)

// redirectSpec assembles the program: every packet goes to the socket that the
// map has for its queue, and to the kernel's stack where the map has none
// (P31). In generic mode, with a mark given, a packet that begins with it goes
// to the stack without it: it is one that we had put there ourselves, and which
// the kernel shows the program a second time.
func redirectSpec(xsks *ebpf.Map, mode AttachMode, mark [markSize]byte) *ebpf.ProgramSpec {
	insns := asm.Instructions{asm.Mov.Reg(asm.R6, asm.R1)} // R6: the context, across calls
	if mode == Generic && mark != [markSize]byte{} {
		insns = append(insns, passReinjected(mark)...)
	}
	insns = append(insns,
		// return bpf_redirect_map(&xsks, ctx->rx_queue_index, XDP_PASS)
		asm.LoadMem(asm.R2, asm.R6, offsetRXQueue, asm.Word).WithSymbol("redirect"),
		asm.LoadMapPtr(asm.R1, xsks.FD()),
		asm.Mov.Imm(asm.R3, xdpPass),
		asm.FnRedirectMap.Call(),
		asm.Return(),
	)
	return &ebpf.ProgramSpec{Name: "pvlua_redirect", Type: ebpf.XDP, Instructions: insns, License: "GPL"}
}

// passReinjected assembles the test for the mark.
func passReinjected(mark [markSize]byte) asm.Instructions {
	low := int64(binary.NativeEndian.Uint64(mark[:8]))
	high := int64(binary.NativeEndian.Uint64(mark[8:]))
	return asm.Instructions{
		// if (data + mark + Ethernet header > data_end) goto redirect
		asm.LoadMem(asm.R2, asm.R6, offsetData, asm.Word),
		asm.LoadMem(asm.R3, asm.R6, offsetDataEnd, asm.Word),
		asm.Mov.Reg(asm.R4, asm.R2),
		asm.Add.Imm(asm.R4, markSize+minFrame),
		asm.JGT.Reg(asm.R4, asm.R3, "redirect"),
		// if (memcmp(data, mark, 16)) goto redirect
		asm.LoadMem(asm.R1, asm.R2, 0, asm.DWord),
		asm.LoadImm(asm.R4, low, asm.DWord),
		asm.JNE.Reg(asm.R1, asm.R4, "redirect"),
		asm.LoadMem(asm.R1, asm.R2, 8, asm.DWord),
		asm.LoadImm(asm.R4, high, asm.DWord),
		asm.JNE.Reg(asm.R1, asm.R4, "redirect"),
		// bpf_xdp_adjust_head(ctx, 16); return XDP_PASS. The kernel then finds
		// the packet's type and protocol anew (bpf_prog_run_generic_xdp in
		// net/core/dev.c). Should cutting fail the packet passes as it is, of
		// a protocol that nobody knows; to redirect it would send it around
		// for ever.
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.Mov.Imm(asm.R2, markSize),
		asm.FnXdpAdjustHead.Call(),
		asm.Mov.Imm(asm.R0, xdpPass),
		asm.Return(),
	}
}
