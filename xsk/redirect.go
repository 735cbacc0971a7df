// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import (
	"encoding/binary"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

const (
	xdpPass = 2 // enum xdp_action of linux/bpf.h

	// offsetRXQueue is where struct xdp_md of linux/bpf.h has rx_queue_index.
	offsetRXQueue = 16
	// trailerSize is the length in bytes of the mark at the end of a reinjected
	// frame.
	trailerSize = 16
)

// redirectSpec assembles the program: every packet goes to the socket that the
// map has for its queue, and to the kernel's stack where the map has none
// (P31). In generic mode, with a mark given, a packet that ends with it goes to
// the stack without it: it is one that we had put there ourselves, and which
// the kernel shows the program a second time.
func redirectSpec(xsks *ebpf.Map, mode AttachMode, mark [trailerSize]byte) *ebpf.ProgramSpec {
	insns := asm.Instructions{asm.Mov.Reg(asm.R6, asm.R1)} // R6: the context, across calls
	if mode == Generic && mark != [trailerSize]byte{} {
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

// passReinjected assembles the test for the mark. The helpers for loading from
// the end, bpf_xdp_get_buff_len and bpf_xdp_load_bytes, came with Linux 5.18;
// they work on packets in several pieces too, and leave no bounds to prove to
// the verifier.
func passReinjected(mark [trailerSize]byte) asm.Instructions {
	low := int64(binary.NativeEndian.Uint64(mark[:8]))
	high := int64(binary.NativeEndian.Uint64(mark[8:]))
	return asm.Instructions{
		// if (len < Ethernet header + mark) goto redirect
		asm.FnXdpGetBuffLen.Call(),
		asm.JLT.Imm(asm.R0, minFrame+trailerSize, "redirect"),
		// if (bpf_xdp_load_bytes(ctx, len - 16, stack, 16)) goto redirect
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.Mov.Reg(asm.R2, asm.R0),
		asm.Sub.Imm(asm.R2, trailerSize),
		asm.Mov.Reg(asm.R3, asm.R10),
		asm.Add.Imm(asm.R3, -trailerSize),
		asm.Mov.Imm(asm.R4, trailerSize),
		asm.FnXdpLoadBytes.Call(),
		asm.JNE.Imm(asm.R0, 0, "redirect"),
		// if (memcmp(stack, mark, 16)) goto redirect
		asm.LoadMem(asm.R1, asm.R10, -trailerSize, asm.DWord),
		asm.LoadImm(asm.R2, low, asm.DWord),
		asm.JNE.Reg(asm.R1, asm.R2, "redirect"),
		asm.LoadMem(asm.R1, asm.R10, -trailerSize+8, asm.DWord),
		asm.LoadImm(asm.R2, high, asm.DWord),
		asm.JNE.Reg(asm.R1, asm.R2, "redirect"),
		// bpf_xdp_adjust_tail(ctx, -16); return XDP_PASS. Should cutting fail
		// the packet passes with the mark, which is then padding behind the IP
		// datagram; to redirect it would send it around for ever.
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.Mov.Imm(asm.R2, -trailerSize),
		asm.FnXdpAdjustTail.Call(),
		asm.Mov.Imm(asm.R0, xdpPass),
		asm.Return(),
	}
}
