// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"
)

// A track runs a program many times on the same packet, by BPF_PROG_RUN. The
// kernel gives each run the packet as the one before has left it. So the runs are
// of a prologue, which writes the packet anew and then tail-calls the program: the
// same prologue for all of them.
type track struct {
	frame    []byte
	slots    *ebpf.Map // of programs; slot 0 is what runs
	prologue *ebpf.Program
}

// newTrack makes a track for a program, which stays its caller's. The caller
// closes the track.
func newTrack(p *ebpf.Program, frame []byte) (_ *track, err error) {
	t := &track{frame: frame}
	defer func() {
		if err != nil {
			t.close()
		}
	}()
	t.slots, err = ebpf.NewMap(&ebpf.MapSpec{Name: "slots", Type: ebpf.ProgramArray, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	if err != nil {
		return nil, fmt.Errorf("make the track of a program: %w", err)
	}
	t.prologue, err = ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "prologue", Type: ebpf.XDP, License: "GPL", Instructions: prologue(frame, t.slots.FD()),
	})
	if err != nil {
		return nil, fmt.Errorf("load the prologue of a program: %w", err)
	}
	if err := t.slots.Put(uint32(0), p); err != nil {
		return nil, fmt.Errorf("put a program on its track: %w", err)
	}
	return t, nil
}

func (t *track) close() {
	if t.prologue != nil {
		t.prologue.Close()
	}
	if t.slots != nil {
		t.slots.Close()
	}
}

// prologue writes the frame and goes on with the program of slot 0.
func prologue(frame []byte, slots int) asm.Instructions {
	const context, data, word, end = asm.R6, asm.R2, asm.R3, asm.R4
	insns := asm.Instructions{
		asm.Mov.Reg(context, asm.R1),
		asm.LoadMem(data, context, 0, asm.Word), // struct xdp_md: data, data_end
		asm.LoadMem(end, context, 4, asm.Word),
		asm.Mov.Reg(word, data),
		asm.Add.Imm(word, int32(len(frame))),
		asm.JGT.Reg(word, end, "out"),
	}
	off := 0
	for ; off+8 <= len(frame); off += 8 {
		insns = append(insns,
			asm.LoadImm(word, int64(binary.NativeEndian.Uint64(frame[off:])), asm.DWord),
			asm.StoreMem(data, int16(off), word, asm.DWord))
	}
	for ; off < len(frame); off++ {
		insns = append(insns, asm.StoreImm(data, int16(off), int64(int8(frame[off])), asm.Byte))
	}
	return append(insns,
		// A locked instruction empties the processor's store buffer. A load that
		// spans two of the stores above would otherwise wait for both, which is
		// nothing that happens to packets, and a matter of the widths that a
		// compiler chooses.
		asm.Mov.Imm(word, 0),
		asm.StoreMem(asm.RFP, -8, word, asm.DWord),
		asm.AddAtomic.Mem(asm.RFP, word, asm.DWord, -8),

		asm.Mov.Reg(asm.R1, context),
		asm.LoadMapPtr(asm.R2, slots),
		asm.Mov.Imm(asm.R3, 0),
		asm.FnTailCall.Call(),
		asm.Mov.Imm(asm.R0, 0).WithSymbol("out"), // XDP_ABORTED: never from a handler
		asm.Return())
}

// time is how many nanoseconds a run takes, of so many, prologue included. It is
// the processor time of the thread, which has to be locked.
func (t *track) time(runs int) (ns float64, err error) {
	begin, err := processorTime(unix.Gettid(), oneThread)
	if err != nil {
		return 0, err
	}
	verdict, err := t.prologue.Run(&ebpf.RunOptions{Data: t.frame, Repeat: uint32(runs)})
	if err != nil {
		return 0, fmt.Errorf("run a program: %w", err)
	}
	if verdict == 0 {
		return 0, errors.New("run a program: it was not reached, or it failed")
	}
	end, err := processorTime(unix.Gettid(), oneThread)
	return float64(end-begin) / float64(runs), err
}
