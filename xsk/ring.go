// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import "sync/atomic"

// Desc is one descriptor of a receive or transmit ring, laid out as struct
// xdp_desc of linux/if_xdp.h.
type Desc struct {
	// Addr is the byte offset of the packet's first byte from the start of the
	// UMEM. It names the frame too: whatever lies in one chunk is one frame.
	Addr uint64
	// Len is the packet's length in bytes, from the Ethernet header on, without
	// the frame check sequence.
	Len uint32
	// Options holds XDP_PKT_CONTD and its like. It is zero in all that this
	// package receives, and must be in all that it is to transmit.
	Options uint32
}

// entry is what a ring carries: addresses in the fill and completion rings,
// descriptors in the receive and transmit rings.
type entry interface{ uint64 | Desc }

// ring is memory that exactly two parties share, one that only produces and one
// that only consumes. Both indices run freely over 32 bits and wrap there:
// entry i lives in slot i mod size, and producer-consumer, computed modulo
// 2^32, is the number of entries on the ring (net/xdp/xsk_queue.h). The size is
// a power of two and thus divides 2^32, so wrapping needs no case of its own.
//
// The order of memory accesses is the whole protocol (P43): a producer writes
// the entries and then releases them by storing its index; a consumer acquires
// them by loading that index, reads them, and gives the slots back by storing
// its own. Loads and stores of package sync/atomic are sequentially consistent,
// which is more than the acquire and release that the kernel's side uses. No
// index is ever touched by a plain access.
type ring[T entry] struct {
	producer *atomic.Uint32
	consumer *atomic.Uint32
	flags    *atomic.Uint32
	entries  []T
	size     uint32
	mask     uint32
}

// needWakeup tells whether the kernel asked to be woken by a system call
// (XDP_RING_NEED_WAKEUP) before it goes on with this ring. It does not
// allocate.
func (r *ring[T]) needWakeup() bool { return r.flags.Load()&ringNeedWakeup != 0 }

// ringNeedWakeup is XDP_RING_NEED_WAKEUP of linux/if_xdp.h.
const ringNeedWakeup = 1

// producerRing is user space's end of a fill or transmit ring: we produce, the
// kernel consumes.
type producerRing[T entry] struct {
	ring[T]
	next uint32 // index of the next entry to write; entries from *producer up to here are written but not yet published
	seen uint32 // the consumer index when it was last loaded
}

func newProducerRing[T entry](r ring[T]) producerRing[T] {
	return producerRing[T]{ring: r, next: r.producer.Load(), seen: r.consumer.Load()}
}

// room returns how many entries can be written now, at most want. The kernel's
// index, whose cache line it keeps writing, is loaded only when what was last
// seen of it does not satisfy want: a stale view can only be too small, and it
// is never trusted for "full". It does not allocate.
func (r *producerRing[T]) room(want uint32) uint32 {
	if r.size-(r.next-r.seen) < want {
		r.seen = r.consumer.Load()
		want = min(want, r.size-(r.next-r.seen))
	}
	return want
}

// write puts one entry behind those written before. The caller got a positive
// room first. The kernel does not see the entry until publish. It does not
// allocate.
func (r *producerRing[T]) write(v T) {
	r.entries[r.next&r.mask] = v
	r.next++
}

// publish hands everything written to the kernel. It does not allocate.
func (r *producerRing[T]) publish() { r.producer.Store(r.next) }

// pending returns how many published entries the kernel has not taken yet. It
// always loads the kernel's index. It does not allocate.
func (r *producerRing[T]) pending() uint32 {
	r.seen = r.consumer.Load()
	return r.next - r.seen
}

// consumerRing is user space's end of a receive or completion ring: the kernel
// produces, we consume.
type consumerRing[T entry] struct {
	ring[T]
	next uint32 // index of the next entry to read
	seen uint32 // the producer index when it was last loaded
}

func newConsumerRing[T entry](r ring[T]) consumerRing[T] {
	return consumerRing[T]{ring: r, next: r.consumer.Load(), seen: r.producer.Load()}
}

// available returns how many entries can be read now, at most want; the
// kernel's index is loaded when what was last seen of it does not satisfy want.
// It does not allocate.
func (r *consumerRing[T]) available(want uint32) uint32 {
	if r.seen-r.next < want {
		r.seen = r.producer.Load()
		want = min(want, r.seen-r.next)
	}
	return want
}

// read takes the next entry. The caller got a positive available first. The
// slot stays ours until release. It does not allocate.
func (r *consumerRing[T]) read() T {
	v := r.entries[r.next&r.mask]
	r.next++
	return v
}

// release gives the slots of everything read back to the kernel. It does not
// allocate.
func (r *consumerRing[T]) release() { r.consumer.Store(r.next) }
