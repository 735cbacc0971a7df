// SPDX-License-Identifier: GPL-3.0-or-later

package inject

import (
	"fmt"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"

	"pvlua/xsk"
)

// A control is what a Transmitter shares with its programs: the one value of an
// mmapable array map. User space fills it, and reads what came of it, while no
// program runs: they run only inside the system call, on its processor, one after
// the other.
type control struct {
	next    uint32 // the frame that is taken next
	count   uint32 // how many there are
	ifindex uint32 // where they leave

	// outstanding is how many frames were redirected whose end the kernel has
	// not told yet; cpu is the processor that runs all this. While there are
	// any, softirqs are off there (xdp_test_run_batch in net/bpf/test_run.c),
	// so what is told on that processor is about these frames.
	outstanding uint32
	cpu         uint32

	sent    uint32 // frames that the device took
	failed  uint32 // that it refused
	late    uint32 // that it took after it had refused others
	refused uint32 // that were not even queued for it: the last one that was taken
	errno   int32  // of the last refusal, negative; ENOBUFS: there was no room

	_     [24]byte
	descs [MaxSend]xsk.Desc
}

const controlSize = int(unsafe.Sizeof(control{}))

// begin prepares the control for sending frames, of which there are at most
// MaxSend.
func (c *control) begin(ifindex int, frames []xsk.Desc) {
	c.next, c.count, c.ifindex = 0, uint32(len(frames)), uint32(ifindex)
	c.outstanding = 0
	c.sent, c.failed, c.late, c.refused, c.errno = 0, 0, 0, 0, 0
	copy(c.descs[:], frames)
}

// rewind has the frames that were refused taken again, which are the last, and
// returns how many are lost: all of them, if the device took others later, since
// order would be lost by sending them again.
func (c *control) rewind() (lost int) {
	if c.late > 0 {
		lost = int(c.failed)
	} else {
		c.next -= c.failed
	}
	c.sent += c.late
	c.failed, c.late, c.errno = 0, 0, 0
	return lost
}

// outcome is what became of the frames that were taken and not refused for good;
// these come last, but for those that rewind would take for lost. What nobody told
// anything about was not sent either.
func (c *control) outcome() (sent, dropped int) {
	dropped = int(c.outstanding)
	if c.late > 0 {
		dropped += int(c.failed)
	}
	return int(c.sent + c.late), dropped
}

// newControl makes the map.
func newControl() (*ebpf.Map, error) {
	return ebpf.NewMap(&ebpf.MapSpec{
		Name:       "pvlua_tx",
		Type:       ebpf.Array,
		KeySize:    4,
		ValueSize:  uint32(controlSize),
		MaxEntries: 1,
		Flags:      unix.BPF_F_MMAPABLE,
	})
}

const (
	xdpDrop = 1 // enum xdp_action of linux/bpf.h

	// maxOffset is the verifier's bound for offsets into a map's value
	// (BPF_MAX_VAR_OFF in include/linux/bpf_verifier.h).
	maxOffset = 1 << 29
)

// newTransmitProgram loads the XDP program that makes one frame of the next
// descriptor and redirects it. After the first refusal it takes no more, so that
// those which did not leave are the last.
func newTransmitProgram(shared, frames *ebpf.Map, size int) (*ebpf.Program, error) {
	if size > maxOffset {
		return nil, fmt.Errorf("loading the program that sends: %d MiB of frames, a program reaches %d", size>>20, maxOffset>>20)
	}
	if int(frames.ValueSize()) < size+MaxLive {
		return nil, fmt.Errorf("loading the program that sends: the map of the frames has no room of %d bytes after them", MaxLive)
	}
	const (
		ctx    = asm.R6
		ctl    = asm.R7
		length = asm.R8
		frame  = asm.R9
	)
	load := func(to asm.Register, offset uintptr) asm.Instruction {
		return asm.LoadMem(to, ctl, int16(offset), asm.Word)
	}
	store := func(offset uintptr, from asm.Register) asm.Instruction {
		return asm.StoreMem(ctl, int16(offset), from, asm.Word)
	}
	var c control
	insns := asm.Instructions{
		asm.Mov.Reg(ctx, asm.R1),
		asm.LoadMapValue(ctl, shared.FD(), 0),

		// Take the next descriptor, if there is one and nothing was refused.
		load(asm.R1, unsafe.Offsetof(c.next)),
		load(asm.R2, unsafe.Offsetof(c.count)),
		asm.JGE.Reg(asm.R1, asm.R2, "none"),
		load(asm.R2, unsafe.Offsetof(c.failed)),
		load(asm.R3, unsafe.Offsetof(c.refused)),
		asm.Or.Reg(asm.R2, asm.R3),
		asm.JNE.Imm(asm.R2, 0, "none"),
		asm.Mov.Reg(asm.R2, asm.R1),
		asm.Add.Imm(asm.R2, 1),
		store(unsafe.Offsetof(c.next), asm.R2),

		// The bounds tell the verifier what user space guarantees. The map's
		// value goes on after the last frame for as long as a frame can be.
		asm.And.Imm(asm.R1, MaxSend-1),
		asm.LSh.Imm(asm.R1, 4),
		asm.Add.Reg(asm.R1, ctl),
		asm.LoadMem(asm.R2, asm.R1, int16(unsafe.Offsetof(c.descs)+unsafe.Offsetof(c.descs[0].Addr)), asm.DWord),
		asm.LoadMem(length, asm.R1, int16(unsafe.Offsetof(c.descs)+unsafe.Offsetof(c.descs[0].Len)), asm.Word),
		asm.JGE.Imm(asm.R2, int32(size), "refuse"),
		asm.JLT.Imm(length, ethHeader, "refuse"),
		asm.JGT.Imm(length, MaxLive, "refuse"),
		asm.LoadMapValue(frame, frames.FD(), 0),
		asm.Add.Reg(frame, asm.R2),

		asm.Mov.Reg(asm.R1, ctx),
		asm.Mov.Reg(asm.R2, length),
		asm.Sub.Imm(asm.R2, ethHeader), // the frame that BPF_PROG_RUN made is as long
		asm.FnXdpAdjustTail.Call(),
		asm.JNE.Imm(asm.R0, 0, "refuse"),

		asm.Mov.Reg(asm.R1, ctx),
		asm.Mov.Imm(asm.R2, 0),
		asm.Mov.Reg(asm.R3, frame),
		asm.Mov.Reg(asm.R4, length),
		asm.FnXdpStoreBytes.Call(),
		asm.JNE.Imm(asm.R0, 0, "refuse"),

		asm.FnGetSmpProcessorId.Call(),
		store(unsafe.Offsetof(c.cpu), asm.R0),
		load(asm.R1, unsafe.Offsetof(c.outstanding)),
		asm.Add.Imm(asm.R1, 1),
		store(unsafe.Offsetof(c.outstanding), asm.R1),

		load(asm.R1, unsafe.Offsetof(c.ifindex)),
		asm.Mov.Imm(asm.R2, 0),
		asm.FnRedirect.Call(),
		asm.Return(),

		asm.Mov.Imm(asm.R1, 1).WithSymbol("refuse"),
		store(unsafe.Offsetof(c.refused), asm.R1),
		asm.Mov.Imm(asm.R1, -int32(unix.EMSGSIZE)),
		store(unsafe.Offsetof(c.errno), asm.R1),
		asm.Mov.Imm(asm.R0, xdpDrop).WithSymbol("none"),
		asm.Return(),
	}
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name:         "pvlua_tx",
		Type:         ebpf.XDP,
		Instructions: insns,
		License:      "GPL",
	})
	if err != nil {
		return nil, fmt.Errorf("loading the program that sends: %w", err)
	}
	return prog, nil
}
