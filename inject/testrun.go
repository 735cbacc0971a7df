// SPDX-License-Identifier: GPL-3.0-or-later

package inject

import (
	"runtime"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// ethHeader is the least that BPF_PROG_RUN takes as a frame, and that the kernel
// delivers.
const ethHeader = 14

// A testRun runs a program by BPF_PROG_RUN (BPF_PROG_TEST_RUN). It belongs to
// one goroutine, and needs no capability.
type testRun struct {
	prog  *ebpf.Program
	input [ethHeader]byte
	attr  testRunAttr
}

// testRunAttr is the BPF_PROG_TEST_RUN part of union bpf_attr
// (include/uapi/linux/bpf.h). cilium/ebpf would build one per call.
type testRunAttr struct {
	progFD      uint32
	retval      uint32
	dataSizeIn  uint32
	dataSizeOut uint32
	dataIn      uint64
	dataOut     uint64
	repeat      uint32
	duration    uint32
	ctxSizeIn   uint32
	ctxSizeOut  uint32
	ctxIn       uint64
	ctxOut      uint64
	flags       uint32
	cpu         uint32
	batchSize   uint32
	_           uint32
}

// call runs the program repeat times, with flags of BPF_F_TEST_*, and frames in
// batches of batchSize, which is for live frames alone. A signal, such as those
// by which Go preempts, ends it early with EINTR. It does not allocate.
func (r *testRun) call(repeat, flags, batchSize uint32) unix.Errno {
	// All of it anew, since the kernel writes into it.
	r.attr = testRunAttr{
		progFD:     uint32(r.prog.FD()),
		dataSizeIn: uint32(len(r.input)),
		dataIn:     uint64(uintptr(unsafe.Pointer(&r.input))),
		repeat:     repeat,
		flags:      flags,
		batchSize:  batchSize,
	}
	// Raw, so that Go's monitor does not take the processor away and look for the
	// next one every 20 microseconds. A collection does not wait: its signal ends it.
	_, _, errno := unix.RawSyscall(unix.SYS_BPF, unix.BPF_PROG_TEST_RUN,
		uintptr(unsafe.Pointer(&r.attr)), unsafe.Sizeof(r.attr))
	runtime.KeepAlive(r)
	return errno
}
