// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import (
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ringOver lays a ring over mapped memory at the offsets that the kernel gave
// (XDP_MMAP_OFFSETS). The memory is outside the Go heap, which may point into
// it freely (P44); it must stay mapped as long as the ring is used.
func ringOver[T entry](mem []byte, off unix.XDPRingOffset, size uint32) ring[T] {
	return ring[T]{
		producer: (*atomic.Uint32)(unsafe.Pointer(&mem[off.Producer])),
		consumer: (*atomic.Uint32)(unsafe.Pointer(&mem[off.Consumer])),
		flags:    (*atomic.Uint32)(unsafe.Pointer(&mem[off.Flags])),
		entries:  unsafe.Slice((*T)(unsafe.Pointer(&mem[off.Desc])), size),
		size:     size,
		mask:     size - 1,
	}
}
