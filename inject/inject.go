// SPDX-License-Identifier: GPL-3.0-or-later

// Package inject gives frames to the kernel by running BPF programs on them
// (BPF_PROG_RUN), a batch of distinct frames with one system call.
//
// An [Injector] hands frames to the kernel's own stack, as if they had just been
// received on an interface. AF_XDP has no way back: a frame that the XDP program
// redirected into a socket has left the stack. The injector's program is one of
// tc, which needs no second interface and keeps the interface's own taps, tc rules
// and netfilter in the path. In generic XDP mode the stack shows such frames to
// the interface's XDP program a second time. They must then be pushed with a
// [Mark], by which the program knows them and cuts it off again; package xsk does
// so.
//
// A [Transmitter] sends frames out of interfaces, faster than AF_XDP does where
// that copies them.
package inject

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

const (
	// Slots is how many frames an Injector holds between two flushes.
	Slots = 64
	// MaxFrame is the longest frame, in bytes from the Ethernet header on.
	MaxFrame = 4096
	// MarkSize is the length of a Mark in bytes.
	MarkSize = 16
)

// A Mark stands before frames injected on an interface with generic XDP. It is
// random, so that a sender on the wire cannot know it, but for bytes 12 and 13:
// there an Ethernet header has its type, and what comes without anybody to cut
// the mark off must be a frame of no known protocol.
//
// It stands before the frame because the kernel mends everything when a
// program moves the front of a generic XDP packet. When one moves the end, the
// skb keeps a tail pointer that is off by the Ethernet header (seen on 6.18),
// and the stack then misreads options of neighbour discovery.
type Mark [MarkSize]byte

// NewMark returns a Mark of its own.
func NewMark() (m Mark) {
	rand.Read(m[:])
	m[12], m[13] = 0x88, 0xb5 // for local experiments (IEEE 802)
	return m
}

// ErrFrameSize is returned by Push for a frame outside 14..MaxFrame bytes.
var ErrFrameSize = errors.New("frame of a length that cannot be handed to the stack")

// An Injector collects frames and hands them to the kernel in batches, as
// received on one interface. It belongs to one goroutine, which must be locked
// to a thread in the network namespace of that interface: the kernel looks the
// interface's index up there. Running the program needs no capability, only
// New does (CAP_BPF and CAP_NET_ADMIN).
type Injector struct {
	shared *ebpf.Map
	run    testRun
	mark   *Mark
	mem    []byte // the map's value, as laid out in program.go
	used   int    // slots filled since the last Flush
}

// New loads the program for the interface with the given index and maps the
// memory it shares with this process. A mark, if not nil, is put before
// every frame. Close releases all.
func New(ifindex int, mark *Mark) (*Injector, error) {
	shared, err := newShared()
	if err != nil {
		return nil, fmt.Errorf("creating the map that carries frames to the stack: %w", err)
	}
	prog, err := newProgram(shared)
	if err != nil {
		shared.Close()
		return nil, err
	}
	mem, err := mapValue(shared, sharedSize)
	if err != nil {
		prog.Close()
		shared.Close()
		return nil, fmt.Errorf("mapping the frames for the stack: %w", err)
	}
	binary.NativeEndian.PutUint32(mem[ifindexOffset:], uint32(ifindex))
	return &Injector{shared: shared, run: testRun{prog: prog}, mark: mark, mem: mem}, nil
}

// mapValue maps the one value of an mmapable array map, of size bytes.
func mapValue(m *ebpf.Map, size int) ([]byte, error) {
	page := os.Getpagesize()
	mem, err := unix.Mmap(m.FD(), 0, (size+page-1)/page*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	return mem, os.NewSyscallError("mmap", err)
}

// Full reports whether a Flush is due before the next Push.
func (j *Injector) Full() bool { return j.used == Slots }

// Push copies frame into the next slot, to be received at the next Flush. The
// caller keeps the frame. It fails with ErrFrameSize, and panics if the
// Injector is Full. It does not allocate.
func (j *Injector) Push(frame []byte) error {
	if len(frame) < ethHeader || len(frame) > MaxFrame {
		return ErrFrameSize
	}
	slot := j.mem[dataStart+j.used*slotSize:][:slotSize]
	n := 0
	if j.mark != nil {
		n = copy(slot, j.mark[:])
	}
	n += copy(slot[n:], frame)
	binary.NativeEndian.PutUint32(j.mem[lenStart+j.used*lenSize:], uint32(n))
	j.used++
	return nil
}

// Flush hands all pushed frames to the stack, in order. It returns how many
// the stack took, and how many it refused (the interface is down or gone, or
// the CPU's backlog is full: net.core.netdev_max_backlog), which are lost as
// they would be on reception. An error means that the program could not be
// run; the frames left count as refused. Flush does not allocate.
func (j *Injector) Flush() (passed, refused int, err error) {
	if j.used == 0 {
		return 0, 0, nil
	}
	count := uint32(j.used)
	j.used = 0
	binary.NativeEndian.PutUint32(j.mem[nextOffset:], 0)
	binary.NativeEndian.PutUint32(j.mem[countOffset:], count)
	binary.NativeEndian.PutUint32(j.mem[refusedOffset:], 0)

	taken := uint32(0)
	for taken < count && err == nil {
		errno := j.run.call(count-taken, 0, 0)
		before := taken
		taken = binary.NativeEndian.Uint32(j.mem[nextOffset:])
		// A signal (Go preempts by SIGURG) ends the call between two frames.
		if errno != 0 && errno != unix.EINTR {
			err = fmt.Errorf("handing frames to the stack: %w", os.NewSyscallError("bpf(BPF_PROG_RUN)", errno))
		} else if errno == 0 && taken == before {
			err = errors.New("handing frames to the stack: the program ran but took none")
		}
	}
	passed = int(taken - binary.NativeEndian.Uint32(j.mem[refusedOffset:]))
	return passed, int(count) - passed, err
}

// Close releases the program and its memory; frames not flushed are dropped.
// A second Close does nothing.
func (j *Injector) Close() error {
	if j.mem == nil {
		return nil
	}
	err := os.NewSyscallError("munmap", unix.Munmap(j.mem))
	j.mem = nil
	return errors.Join(err, j.run.prog.Close(), j.shared.Close())
}
