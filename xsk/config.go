// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import (
	"errors"
	"fmt"
	"math/bits"
	"os"
)

// Config gives a UMEM its frames, and each of its sockets its rings. The zero
// value of every field means the documented default; Defaults fills them in.
type Config struct {
	// ChunkSize is the size of one frame in bytes: a power of two from 2048 to
	// the page size (4096 on amd64). Zero: 2048, or the page size for an
	// interface whose MTU needs it.
	ChunkSize uint32
	// ChunkCount is the number of frames. Zero: 4096 for each socket. All memory,
	// ChunkSize*ChunkCount bytes, is pinned and counts against RLIMIT_MEMLOCK
	// unless the process has CAP_IPC_LOCK (P32).
	ChunkCount uint32
	// Sockets is how many sockets of this UMEM will be open at a time. Each
	// gets an equal share of the frames to receive into: what is once on a fill
	// ring can't be had back, and the first of several would take all. Zero: 1.
	Sockets uint32
	// Headroom is how many bytes the kernel leaves free before a received
	// packet, beyond the 256 that it always leaves.
	Headroom uint32
	// Reserve is how many frames Refill never takes, so that there is always
	// something to transmit from however slowly the packets that were received
	// are let go. Zero: an eighth of ChunkCount.
	Reserve uint32
	// RXRing and TXRing are the sizes of the receive and transmit rings in
	// descriptors: powers of two. Zero: 2048.
	RXRing, TXRing uint32
	// FillRing and CompletionRing are the sizes of these rings in frames:
	// powers of two. Zero: 4096, or TXRing for a bigger transmit ring. The fill
	// ring should hold what the hardware's ring and the receive ring hold
	// together (P10), and the completion ring at least what the transmit ring
	// holds (P7).
	FillRing, CompletionRing uint32
}

// FrameOverhead is what a frame of MTU bytes of payload has besides, in bytes:
// Ethernet header and one VLAN tag.
const FrameOverhead = 14 + 4

const (
	defaultChunkSize  = 2048
	defaultChunkCount = 4096
	defaultRing       = 2048
	defaultFrameRing  = 4096

	// packetHeadroom is XDP_PACKET_HEADROOM: what the kernel leaves free before
	// every packet that it receives (P12).
	packetHeadroom = 256
	// headroomSlack is what must be left of a chunk beside all headroom: an
	// skb's shared info (320 bytes) and room for a packet (128). Kernels differ
	// in how much of it they check (net/xdp/xdp_umem.c); this is the strictest
	// (P12).
	headroomSlack = 320 + 128
	// maxRing bounds the rings. The kernel has no such bound, but sets aside
	// the memory of whatever it is asked for.
	maxRing = 1 << 20
	// maxChunks keeps frame numbers, and byte counts of a UMEM of the biggest
	// chunks, far from overflow.
	maxChunks = 1 << 24
)

// Defaults returns c with every zero field replaced by its default. A positive
// mtu, in bytes, chooses the chunk size.
func (c Config) Defaults(mtu int) Config {
	set := func(v *uint32, to uint32) {
		if *v == 0 {
			*v = to
		}
	}
	if c.ChunkSize == 0 {
		c.ChunkSize = defaultChunkSize
		if mtu+FrameOverhead > c.MaxFrame() {
			c.ChunkSize = maxChunkSize()
		}
	}
	set(&c.Sockets, 1)
	if c.ChunkCount == 0 {
		c.ChunkCount = min(defaultChunkCount, maxChunks/c.Sockets) * c.Sockets
	}
	set(&c.Reserve, c.ChunkCount/8)
	set(&c.RXRing, defaultRing)
	set(&c.TXRing, defaultRing)
	set(&c.FillRing, defaultFrameRing)
	set(&c.CompletionRing, max(defaultFrameRing, c.TXRing))
	return c
}

// maxChunkSize is the biggest chunk of the aligned mode: a page
// (net/xdp/xdp_umem.c).
func maxChunkSize() uint32 { return uint32(os.Getpagesize()) }

// MaxFrame is the length in bytes of the longest frame that can be received: a
// chunk without its headroom (P12). A longer one is dropped by the kernel and
// counted in Stats.RxDropped.
func (c Config) MaxFrame() int {
	size := c.ChunkSize
	if size == 0 {
		size = defaultChunkSize
	}
	return int(size) - packetHeadroom - int(c.Headroom)
}

// Misfit is one value of a Config that can't be used, with the values that
// would do.
type Misfit struct {
	Field string // in words, such as "rx ring"
	Value uint32
	Want  string // completes the sentence "must be ..."
}

// Error says what is wrong and what would do.
func (m *Misfit) Error() string { return fmt.Sprintf("%s %d: must be %s", m.Field, m.Value, m.Want) }

// Check returns every misfit of c, joined (each is a *Misfit), or nil. It opens
// nothing. Zero fields stand for their defaults. A positive mtu, in bytes, is
// checked against the chunk: frames of that MTU, with one VLAN tag, must fit
// (P12).
func (c Config) Check(mtu int) error {
	c = c.Defaults(mtu)
	var errs []error
	bad := func(field string, value uint32, format string, args ...any) {
		errs = append(errs, &Misfit{field, value, fmt.Sprintf(format, args...)})
	}
	chunkOK := isPowerOfTwo(c.ChunkSize) && c.ChunkSize >= 2048 && c.ChunkSize <= maxChunkSize()
	if !chunkOK {
		bad("chunk size", c.ChunkSize, "%s", powersBetween(2048, maxChunkSize()))
	}
	if c.ChunkCount < 2 || c.ChunkCount > maxChunks {
		bad("chunk count", c.ChunkCount, "from 2 to %d", maxChunks)
	} else if c.Reserve >= c.ChunkCount {
		bad("reserve", c.Reserve, "less than the %d chunks", c.ChunkCount)
	} else if frames := c.ChunkCount - c.Reserve; frames < c.Sockets {
		bad("chunk count", c.ChunkCount, "at least %d, one for each of %d sockets and %d in reserve", c.Reserve+c.Sockets, c.Sockets, c.Reserve)
	}
	for _, r := range []struct {
		name string
		size uint32
	}{{"rx ring", c.RXRing}, {"tx ring", c.TXRing}, {"fill ring", c.FillRing}, {"completion ring", c.CompletionRing}} {
		switch {
		case r.size > maxRing:
			bad(r.name, r.size, "a power of two up to %d", maxRing)
		case !isPowerOfTwo(r.size):
			below := uint32(1) << (bits.Len32(r.size) - 1)
			bad(r.name, r.size, "a power of two, such as %d or %d", below, min(below*2, maxRing))
		}
	}
	if isPowerOfTwo(c.TXRing) && c.CompletionRing < c.TXRing {
		bad("completion ring", c.CompletionRing, "at least as big as the tx ring, %d", c.TXRing)
	}
	if chunkOK {
		if limit := c.ChunkSize - packetHeadroom - headroomSlack; c.Headroom > limit {
			bad("headroom", c.Headroom, "at most %d for chunks of %d", limit, c.ChunkSize)
		} else if need := mtu + FrameOverhead; mtu > 0 && need > c.MaxFrame() {
			errs = append(errs, c.tooSmall(mtu))
		}
	}
	return errors.Join(errs...)
}

// tooSmall says how to make an MTU fit: a bigger chunk, less headroom, or a
// smaller MTU.
func (c Config) tooSmall(mtu int) error {
	need := uint32(mtu + FrameOverhead + packetHeadroom)
	for size := c.ChunkSize; size <= maxChunkSize(); size *= 2 {
		if size > c.ChunkSize && size >= need+c.Headroom {
			return &Misfit{"chunk size", c.ChunkSize, fmt.Sprintf("%d for an MTU of %d", size, mtu)}
		}
	}
	biggest := Config{ChunkSize: maxChunkSize(), Headroom: c.Headroom}
	return &Misfit{"MTU", uint32(mtu), fmt.Sprintf("at most %d with chunks of %d and headroom %d",
		biggest.MaxFrame()-FrameOverhead, biggest.ChunkSize, c.Headroom)}
}

func isPowerOfTwo(v uint32) bool { return v != 0 && v&(v-1) == 0 }

// powersBetween lists powers of two in words: "2048 or 4096".
func powersBetween(from, to uint32) string {
	s := fmt.Sprint(from)
	for v := from * 2; v <= to; v *= 2 {
		s += fmt.Sprintf(" or %d", v)
	}
	return s
}
