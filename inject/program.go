// SPDX-License-Identifier: GPL-3.0-or-later

package inject

import (
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"
)

// The memory that an Injector shares with its program is the one value of an
// mmapable array map:
//
//	offset 0          next    u32  the slot the program takes next
//	offset 4          count   u32  slots that user space has filled
//	offset 8          refused u32  frames the stack did not take
//	offset 12         ifindex u32  the interface they were received on
//	offset lenStart   Slots lengths, u32, in bytes
//	offset dataStart  Slots frames of slotSize bytes
//
// User space fills slots and runs the program count times; each run takes one
// slot. Neither side touches the memory while the other is at work: the
// program runs only inside the system call.
const (
	nextOffset    = 0
	countOffset   = 4
	refusedOffset = 8
	ifindexOffset = 12
	lenStart      = 16
	lenSize       = 4
	dataStart     = lenStart + Slots*lenSize
	slotSize      = MarkSize + MaxFrame
	sharedSize    = dataStart + Slots*slotSize
)

const bpfFIngress = 1 // BPF_F_INGRESS of bpf_clone_redirect

// newShared makes the shared map.
func newShared() (*ebpf.Map, error) {
	return ebpf.NewMap(&ebpf.MapSpec{
		Name:       "pvlua_inject",
		Type:       ebpf.Array,
		KeySize:    4,
		ValueSize:  sharedSize,
		MaxEntries: 1,
		Flags:      unix.BPF_F_MMAPABLE,
	})
}

// newProgram loads the tc program that hands one slot's frame to the stack.
//
// It works on the one skb that BPF_PROG_RUN made, giving it the slot's length
// and bytes, and sends a clone of it to the interface's ingress, where the
// stack takes it exactly as a received frame: taps, tc ingress, VLAN removal
// and netfilter see it. (net/core/filter.c, bpf_clone_redirect.)
func newProgram(shared *ebpf.Map) (*ebpf.Program, error) {
	const (
		ctx   = asm.R6
		base  = asm.R7
		size  = asm.R8
		frame = asm.R9
	)
	insns := asm.Instructions{
		asm.Mov.Reg(ctx, asm.R1),
		asm.LoadMapValue(base, shared.FD(), 0),

		// Take the next slot, if there is one.
		asm.LoadMem(asm.R1, base, nextOffset, asm.Word),
		asm.LoadMem(asm.R2, base, countOffset, asm.Word),
		asm.JGE.Reg(asm.R1, asm.R2, "done"),
		asm.Mov.Reg(asm.R3, asm.R1),
		asm.Add.Imm(asm.R3, 1),
		asm.StoreMem(base, nextOffset, asm.R3, asm.Word),

		// The mask tells the verifier what user space guarantees.
		asm.And.Imm(asm.R1, Slots-1),
		asm.Mov.Reg(size, asm.R1),
		asm.Mul.Imm(size, lenSize),
		asm.Add.Reg(size, base),
		asm.LoadMem(size, size, lenStart, asm.Word),
		asm.JLT.Imm(size, ethHeader, "refused"),
		asm.JGT.Imm(size, slotSize, "refused"),
		asm.Mov.Reg(frame, asm.R1),
		asm.Mul.Imm(frame, slotSize),
		asm.Add.Reg(frame, base),
		asm.Add.Imm(frame, dataStart),

		asm.Mov.Reg(asm.R1, ctx),
		asm.Mov.Reg(asm.R2, size),
		asm.Mov.Imm(asm.R3, 0),
		asm.FnSkbChangeTail.Call(),
		asm.JNE.Imm(asm.R0, 0, "refused"),

		asm.Mov.Reg(asm.R1, ctx),
		asm.Mov.Imm(asm.R2, 0),
		asm.Mov.Reg(asm.R3, frame),
		asm.Mov.Reg(asm.R4, size),
		asm.Mov.Imm(asm.R5, 0),
		asm.FnSkbStoreBytes.Call(),
		asm.JNE.Imm(asm.R0, 0, "refused"),

		asm.Mov.Reg(asm.R1, ctx),
		asm.LoadMem(asm.R2, base, ifindexOffset, asm.Word),
		asm.Mov.Imm(asm.R3, bpfFIngress),
		asm.FnCloneRedirect.Call(),
		asm.JEq.Imm(asm.R0, 0, "done"),

		asm.LoadMem(asm.R1, base, refusedOffset, asm.Word).WithSymbol("refused"),
		asm.Add.Imm(asm.R1, 1),
		asm.StoreMem(base, refusedOffset, asm.R1, asm.Word),

		asm.Mov.Imm(asm.R0, 0).WithSymbol("done"),
		asm.Return(),
	}
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name:         "pvlua_pass",
		Type:         ebpf.SchedCLS,
		Instructions: insns,
		License:      "GPL",
	})
	if err != nil {
		return nil, fmt.Errorf("loading the program that hands frames to the stack: %w", err)
	}
	return prog, nil
}
