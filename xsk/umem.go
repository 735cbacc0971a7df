// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import (
	"fmt"
	"math/bits"
	"os"
	"time"

	"github.com/cilium/ebpf"

	"golang.org/x/sys/cpu"
)

// UMEM is the memory that packets are received into and transmitted from, cut
// into frames of one chunk each, and the free list of those frames. One UMEM
// serves any number of sockets, on several interfaces and queues (P29), so that
// a frame received on one goes out of another without a copy.
//
// A UMEM and all its sockets belong to one goroutine: nothing here takes a
// lock.
type UMEM struct {
	config  Config
	kernel  kernel
	mem     []byte
	inMap   *ebpf.Map // whose value mem is; nil: mem is anonymous
	frames  frames
	sockets []*Socket           // open ones
	opened  uint32              // how many sockets were ever opened; numbers them, and is never used twice
	pause   func(time.Duration) // time.Sleep, but in tests

	_ cpu.CacheLinePad // between this and what another goroutine writes
}

// NewUMEM checks c (Config.Check without an MTU) and maps the memory. The
// kernel pins it when the first socket is opened.
func NewUMEM(c Config) (*UMEM, error) { return newUMEM(c, linux{}) }

func newUMEM(c Config, k kernel) (*UMEM, error) {
	const op = "make UMEM"
	if err := c.Check(0); err != nil {
		return nil, opError(op, "", noQueue, nil, err, "")
	}
	c = c.Defaults(0)
	size := int(c.ChunkSize) * int(c.ChunkCount)
	mem, errno := k.mmapAnonymous(size)
	if errno != 0 {
		return nil, opError(op, "", noQueue, nil, sysError("mmap", errno),
			fmt.Sprintf("%d chunks of %d bytes are %d bytes: use fewer", c.ChunkCount, c.ChunkSize, size))
	}
	return &UMEM{
		config: c, kernel: k, mem: mem, pause: time.Sleep,
		frames: newFrames(c.ChunkCount, uint8(bits.TrailingZeros32(c.ChunkSize))),
	}, nil
}

// Config returns the configuration with all defaults filled in.
func (u *UMEM) Config() Config { return u.config }

// Alloc takes a free frame. The caller holds it until Free or Transmit. addr is
// where its chunk starts; ok is false when no frame is free. It does not
// allocate memory.
func (u *UMEM) Alloc() (addr uint64, ok bool) {
	addr, ok = u.frames.pop(ownerHeld)
	if ok {
		u.frames.held++
	}
	return addr, ok
}

// Free gives back a frame that the caller holds. addr may be any address within
// its chunk. A frame that the caller does not hold is left where it is; that is
// counted, and the Ledger tells. It does not allocate.
func (u *UMEM) Free(addr uint64) {
	if u.frames.push(addr, ownerHeld, misuseFreeNotHeld) {
		u.frames.held--
	}
}

// Available returns how many frames are free. It does not allocate.
func (u *UMEM) Available() int { return len(u.frames.free) }

// Chunk returns the whole chunk that addr lies in; it can't be appended to or
// resliced beyond. Its bytes are the caller's only while the caller holds the
// frame, and gone when the UMEM is closed. For an address outside the UMEM it
// is nil. It does not allocate.
func (u *UMEM) Chunk(addr uint64) []byte {
	size := uint64(u.config.ChunkSize)
	from := addr &^ (size - 1)
	if from >= uint64(len(u.mem)) {
		return nil
	}
	return u.mem[from : from+size : from+size]
}

// Packet returns the bytes that d describes, or nil if they are not within one
// chunk. They can be resliced up to the end of the chunk, not beyond. Whose
// they are, and how long, is as for Chunk. It does not allocate.
func (u *UMEM) Packet(d Desc) []byte {
	offset, n := int(d.Addr)&int(u.config.ChunkSize-1), int(d.Len)
	chunk := u.Chunk(d.Addr)
	if offset+n > len(chunk) {
		return nil
	}
	return chunk[offset : offset+n]
}

// Close closes all sockets that are still open and unmaps the memory. Chunks
// must no longer be used then: touching one is a fault that ends the process
// (P44). The Ledger can still be asked. A second Close does nothing and returns
// nil.
func (u *UMEM) Close() error {
	if u.mem == nil {
		return nil
	}
	var first error
	for len(u.sockets) > 0 {
		if err := u.sockets[0].Close(); err != nil && first == nil {
			first = err
		}
	}
	errno := u.kernel.munmap(u.mem)
	u.mem = nil
	if u.inMap != nil {
		if err := u.inMap.Close(); err != nil && first == nil {
			first = opError("close UMEM", "", noQueue, nil, err, "")
		}
		u.inMap = nil
	}
	if first == nil {
		first = opError("close UMEM", "", noQueue, nil, sysError("munmap", errno), "")
	}
	return first
}

// closed is what every operation on a closed UMEM returns.
func (u *UMEM) closed(op string) error {
	if u.mem != nil {
		return nil
	}
	return opError(op, "", noQueue, nil, os.ErrClosed, "the UMEM was closed")
}
