// SPDX-License-Identifier: GPL-3.0-or-later

package inject

import (
	"errors"
	"fmt"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// A witness writes down what becomes of redirected frames, which BPF_PROG_RUN
// itself does not tell, by two programs on tracepoints (include/trace/events/xdp.h):
//
//	xdp_devmap_xmit   a device was given a bunch of frames, and took so many
//	xdp_redirect_err  a frame could not even be put into a bunch
//
// The kernel tells everybody of every device there. What is ours comes while
// frames of ours are outstanding, on the processor that redirected them.
type witness struct {
	programs []*ebpf.Program
	links    []link.Link
}

// newWitness loads the programs, which write into the control that shared is, and
// attaches them.
func newWitness(shared *ebpf.Map) (_ *witness, err error) {
	w := new(witness)
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	for _, p := range []struct {
		tracepoint string
		insns      asm.Instructions
	}{
		{"xdp_devmap_xmit", onTransmit(shared)},
		{"xdp_redirect_err", onRefusal(shared)},
	} {
		explain := func(err error) error {
			return fmt.Errorf("following the tracepoint %s (CAP_PERFMON, or CAP_SYS_ADMIN): %w", p.tracepoint, err)
		}
		prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
			Name: "pvlua_witness", Type: ebpf.RawTracepoint, Instructions: p.insns, License: "GPL",
		})
		if err != nil {
			return nil, explain(err)
		}
		w.programs = append(w.programs, prog)
		l, err := link.AttachRawTracepoint(link.RawTracepointOptions{Name: p.tracepoint, Program: prog})
		if err != nil {
			return nil, explain(err)
		}
		w.links = append(w.links, l)
	}
	return w, nil
}

func (w *witness) close() error {
	var errs []error
	for _, l := range w.links {
		errs = append(errs, l.Close())
	}
	for _, p := range w.programs {
		errs = append(errs, p.Close())
	}
	return errors.Join(errs...)
}

// Registers of both programs.
const (
	witnessCtx = asm.R6
	witnessCtl = asm.R7
)

// argument loads the i-th argument of the tracepoint, an int.
func argument(to asm.Register, i int16) asm.Instruction {
	return asm.LoadMem(to, witnessCtx, 8*i, asm.Word)
}

func add(offset uintptr, what asm.Register, label string) asm.Instructions {
	return asm.Instructions{
		asm.LoadMem(asm.R0, witnessCtl, int16(offset), asm.Word).WithSymbol(label),
		asm.Add.Reg(asm.R0, what),
		asm.StoreMem(witnessCtl, int16(offset), asm.R0, asm.Word),
	}
}

// ifOurs begins both programs: they end unless frames are outstanding on this
// processor.
func ifOurs(shared *ebpf.Map) asm.Instructions {
	var c control
	return asm.Instructions{
		asm.Mov.Reg(witnessCtx, asm.R1),
		asm.LoadMapValue(witnessCtl, shared.FD(), 0),
		asm.LoadMem(asm.R8, witnessCtl, int16(unsafe.Offsetof(c.outstanding)), asm.Word),
		asm.JEq.Imm(asm.R8, 0, "end"),
		asm.FnGetSmpProcessorId.Call(),
		asm.LoadMem(asm.R1, witnessCtl, int16(unsafe.Offsetof(c.cpu)), asm.Word),
		asm.JNE.Reg(asm.R0, asm.R1, "end"),
	}
}

func end() asm.Instructions {
	return asm.Instructions{
		asm.Mov.Imm(asm.R0, 0).WithSymbol("end"),
		asm.Return(),
	}
}

// onTransmit assembles the program for
//
//	xdp_devmap_xmit(from_dev, to_dev, int sent, int drops, int err)
func onTransmit(shared *ebpf.Map) asm.Instructions {
	const sent, drops, errno = asm.R1, asm.R2, asm.R3
	var c control
	insns := append(ifOurs(shared),
		argument(sent, 2), argument(drops, 3), argument(errno, 4),
		// outstanding -= sent + drops
		asm.Sub.Reg(asm.R8, sent),
		asm.Sub.Reg(asm.R8, drops),
		asm.StoreMem(witnessCtl, int16(unsafe.Offsetof(c.outstanding)), asm.R8, asm.Word),
		asm.LoadMem(asm.R4, witnessCtl, int16(unsafe.Offsetof(c.failed)), asm.Word),
		asm.JNE.Imm(asm.R4, 0, "late"),
	)
	insns = append(insns, add(unsafe.Offsetof(c.sent), sent, "")...)
	insns = append(insns, asm.Ja.Label("drops"))
	insns = append(insns, add(unsafe.Offsetof(c.late), sent, "late")...)
	insns = append(insns,
		asm.JEq.Imm(drops, 0, "end").WithSymbol("drops"),
		asm.JNE.Imm32(errno, 0, "failed"),
		asm.Mov.Imm(errno, -int32(unix.ENOBUFS)), // no error: it took what it had room for
	)
	insns = append(insns, add(unsafe.Offsetof(c.failed), drops, "failed")...)
	insns = append(insns, asm.StoreMem(witnessCtl, int16(unsafe.Offsetof(c.errno)), errno, asm.Word))
	return append(insns, end()...)
}

// onRefusal assembles the program for
//
//	xdp_redirect_err(dev, xdp, tgt, int err, map_type, map_id, index)
func onRefusal(shared *ebpf.Map) asm.Instructions {
	var c control
	return append(append(ifOurs(shared),
		asm.Sub.Imm(asm.R8, 1),
		asm.StoreMem(witnessCtl, int16(unsafe.Offsetof(c.outstanding)), asm.R8, asm.Word),
		asm.Mov.Imm(asm.R1, 1),
		asm.StoreMem(witnessCtl, int16(unsafe.Offsetof(c.refused)), asm.R1, asm.Word),
		argument(asm.R1, 3),
		asm.StoreMem(witnessCtl, int16(unsafe.Offsetof(c.errno)), asm.R1, asm.Word),
	), end()...)
}
