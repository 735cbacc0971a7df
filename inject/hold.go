// SPDX-License-Identifier: GPL-3.0-or-later

package inject

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// A hold keeps an XDP program attached where it does nothing: to the loopback
// interface, which is down, of a network namespace with nobody in it.
//
// On machines where the kernel has an XDP dispatcher, such as x86-64, each
// BPF_PROG_RUN that repeats a program first writes it into the dispatcher's code
// and then waits for all processors, twice, which takes some 28 ms; unless the
// program is there already, for it is attached to a device
// (bpf_prog_test_run_xdp, bpf_dispatcher_change_prog).
type hold struct {
	ns   *os.File // nothing else keeps the namespace
	link link.Link
}

// loopback is the index of the interface lo in every network namespace.
const loopback = 1

func newHold(prog *ebpf.Program) (*hold, error) {
	h := new(hold)
	made := make(chan error)
	go h.makeOnThread(prog, made)
	if err := <-made; err != nil {
		h.close()
		return nil, err
	}
	return h, nil
}

// makeOnThread is make on a thread of its own, which ends with the goroutine,
// and is never the process's first one: that can't end, and what /proc says of
// the process is what its first thread has.
func (h *hold) makeOnThread(prog *ebpf.Program, made chan<- error) {
	runtime.LockOSThread() // and not unlocked, so that the thread ends
	if unix.Gettid() != os.Getpid() {
		made <- h.make(prog)
		return
	}
	other := make(chan error)
	go h.makeOnThread(prog, other)
	err := <-other // the first thread is taken until here
	runtime.UnlockOSThread()
	made <- err
}

func (h *hold) make(prog *ebpf.Program) (err error) {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("making a network namespace to keep a program in (CAP_SYS_ADMIN): %w", os.NewSyscallError("unshare", err))
	}
	if h.ns, err = os.Open("/proc/thread-self/ns/net"); err != nil {
		return fmt.Errorf("keeping a network namespace: %w", err)
	}
	h.link, err = link.AttachXDP(link.XDPOptions{Program: prog, Interface: loopback, Flags: link.XDPGenericMode})
	if err != nil {
		return fmt.Errorf("keeping the program that sends attached: %w", err)
	}
	return nil
}

func (h *hold) close() error {
	var errs []error
	if h.link != nil {
		errs = append(errs, h.link.Close())
	}
	if h.ns != nil {
		errs = append(errs, h.ns.Close())
	}
	return errors.Join(errs...)
}
