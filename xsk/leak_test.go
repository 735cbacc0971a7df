// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import (
	"errors"
	"fmt"
	"testing"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// failing is Linux, but for one call.
type failing struct {
	linux
	left *int // calls until the one that fails
}

func (f failing) fails() bool { *f.left--; return *f.left == 0 }

func (f failing) socket() (int, unix.Errno) {
	if f.fails() {
		return -1, unix.ENOMEM
	}
	return f.linux.socket()
}

func (f failing) setsockopt(fd, level, option int, value unsafe.Pointer, size uintptr) unix.Errno {
	if f.fails() {
		return unix.ENOMEM
	}
	return f.linux.setsockopt(fd, level, option, value, size)
}

func (f failing) getsockopt(fd, level, option int, value unsafe.Pointer, size *uint32) unix.Errno {
	if f.fails() {
		return unix.ENOMEM
	}
	return f.linux.getsockopt(fd, level, option, value, size)
}

func (f failing) mmap(fd int, offset int64, size int) ([]byte, unix.Errno) {
	if f.fails() {
		return nil, unix.ENOMEM
	}
	return f.linux.mmap(fd, offset, size)
}

func (f failing) bind(fd int, addr *unix.RawSockaddrXDP) unix.Errno {
	if f.fails() {
		return unix.ENOMEM
	}
	return f.linux.bind(fd, addr)
}

// TestRealOpenFailsAtEveryStep is TestOpenFailsAtEveryStep against the kernel:
// no descriptor and no mapping stays, and the queue can be bound by the next.
func TestRealOpenFailsAtEveryStep(t *testing.T) {
	enterNamespace(t)
	w := newWire(t, 1)
	for n, done := 1, false; !done; n++ {
		left := 1 << 30
		u, err := newUMEM(Config{ChunkCount: 16}, failing{left: &left})
		if err != nil {
			t.Fatal(err)
		}
		fds, maps := len(descriptors()), mappings(t)
		left = n
		s, err := u.Open(SocketConfig{Ifindex: w.dutIndex, Name: w.dut, SendBuffer: 1 << 20})
		left = 1 << 30
		if done = err == nil; done {
			if n < 13 {
				t.Errorf("only %d calls", n)
			}
			if got := mappings(t); got != maps+4 {
				t.Errorf("%d mappings, want 4 more than %d", got, maps)
			}
			s.Close()
		} else if !errors.Is(err, unix.ENOMEM) {
			t.Error(err)
		}
		if f, m := len(descriptors()), mappings(t); f != fds || m != maps {
			t.Errorf("call %d fails: %d descriptors and %d mappings became %d and %d", n, fds, maps, f, m)
		}
		if s, err = u.Open(SocketConfig{Ifindex: w.dutIndex, Name: w.dut}); err != nil {
			t.Error(err)
		}
		if err := u.Close(); err != nil || s.FD() >= 0 {
			t.Error(err)
		}
		if l := u.Ledger(); l.Free != 16 || l.Err() != nil {
			t.Error(l)
		}
	}
}

// TestAttachFailsAtEveryStep: map, program, attaching, in both modes; nothing
// stays.
func TestAttachFailsAtEveryStep(t *testing.T) {
	enterNamespace(t)
	w := newWire(t, 1)
	warm, err := Attach(ProgramConfig{Ifindex: w.dutIndex, Name: w.dut}) // what cilium/ebpf probes once stays open
	if err != nil {
		t.Fatal(err)
	}
	warm.Close()
	for n, done := 1, false; !done; n++ {
		fds := len(descriptors())
		left := n
		fails := func() error {
			if left--; left == 0 {
				return fmt.Errorf("step %d: %w", n, unix.ENOMEM)
			}
			return nil
		}
		p, err := attach(ProgramConfig{Ifindex: w.dutIndex, Name: w.dut, Mode: ModeNative}, bpf{
			func(s *ebpf.MapSpec) (*ebpf.Map, error) {
				if err := fails(); err != nil {
					return nil, err
				}
				return ebpf.NewMap(s)
			},
			func(s *ebpf.ProgramSpec) (*ebpf.Program, error) {
				if err := fails(); err != nil {
					return nil, err
				}
				return ebpf.NewProgram(s)
			},
			func(o link.XDPOptions) (link.Link, error) {
				if err := fails(); err != nil {
					return nil, err
				}
				return link.AttachXDP(o)
			},
		})
		if done = err == nil; done {
			if n != 4 {
				t.Errorf("attached although step %d failed", n)
			}
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		} else if !errors.Is(err, unix.ENOMEM) {
			t.Error(err)
		}
		if got := len(descriptors()); got != fds {
			t.Errorf("step %d fails: %d descriptors became %d", n, fds, got)
		}
		if id, _ := attachedProgram(w.dutIndex); id != 0 {
			t.Errorf("step %d fails: program %d is attached", n, id)
		}
	}
}

func TestAttachRefused(t *testing.T) {
	enterNamespace(t)
	w := newWire(t, 1)
	_, err := Attach(ProgramConfig{Ifindex: 1 << 30, Name: "gone0"})
	if !errors.Is(err, ErrNoInterface) || !errors.Is(err, unix.EINVAL) {
		t.Errorf("no interface: %v", err)
	}
	// lo has no native XDP.
	_, err = Attach(ProgramConfig{Ifindex: 1, Mode: ModeZeroCopy})
	if !errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, ErrForeignProgram) {
		t.Errorf("lo: %v", err)
	}
	p, err := Attach(ProgramConfig{Ifindex: 1})
	if err != nil || p.Mode() != Generic {
		t.Fatalf("lo: %v", err)
	}
	p.Close()
	_ = w
}
