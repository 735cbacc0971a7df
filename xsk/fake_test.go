// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import (
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// fakeKernel stands in for Linux: its sockets' rings are on the heap, and a
// test is the other party to them. It keeps the kernel's rules on opening that
// this package must obey, counts what is open, and fails the call it is told
// to.
type fakeKernel struct {
	start  uint32 // where ring indices start
	flags  uint32 // of every ring: XDP_RING_NEED_WAKEUP, or not
	failAt int    // the call that fails, from 1; 0: none
	errno  unix.Errno
	// failOption is the option that cannot be set, for errno; 0: none.
	failOption int
	calls      []string

	nextFD   int
	sockets  map[int]*fakeSocket
	mapped   map[*byte]int
	zeroCopy bool                                   // the devices can
	busy     map[[2]uint32]int                      // how many binds to (ifindex, queue) are still to fail with EBUSY
	onSend   func(fd int, s *fakeSocket) unix.Errno // the kernel's part of a kick; nil: takes all, completes all
	onRecv   func(fd int, s *fakeSocket) unix.Errno
	paused   time.Duration
	stats    unix.XDPStatistics
	optSizes map[int]uint32 // the value given to each option
	napi     uint32         // that packets come in by
}

// fakeSocket has the kernel's end of the rings.
type fakeSocket struct {
	sizes      map[int]uint32
	umem       bool // registered on this socket
	bound      bool
	gone       bool
	addr       unix.RawSockaddrXDP
	zeroCopy   bool
	rx         producerRing[Desc]
	tx         consumerRing[Desc]
	fill       consumerRing[uint64]
	completion producerRing[uint64]
}

func newFakeKernel() *fakeKernel {
	return &fakeKernel{
		nextFD: 100, sockets: map[int]*fakeSocket{}, mapped: map[*byte]int{}, busy: map[[2]uint32]int{}, optSizes: map[int]uint32{},
	}
}

// failer is what testing.TB and *rapid.T have in common that is needed here.
type failer interface {
	Helper()
	Fatal(...any)
}

// umem makes a UMEM on this kernel, which sleeps without taking time.
func (k *fakeKernel) umem(t failer, c Config) *UMEM {
	t.Helper()
	u, err := newUMEM(c, k)
	if err != nil {
		t.Fatal(err)
	}
	u.pause = func(d time.Duration) { k.paused += d }
	return u
}

func (k *fakeKernel) open(t failer, u *UMEM, c SocketConfig) (*Socket, *fakeSocket) {
	t.Helper()
	s, err := u.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	return s, k.sockets[s.fd]
}

// leaks tells what is still open.
func (k *fakeKernel) leaks() string {
	if len(k.sockets) == 0 && len(k.mapped) == 0 {
		return ""
	}
	return fmt.Sprintf("%d sockets and %d mappings left", len(k.sockets), len(k.mapped))
}

func (k *fakeKernel) call(name string) unix.Errno {
	k.calls = append(k.calls, name)
	if k.failAt == len(k.calls) {
		return k.errno
	}
	return 0
}

func (k *fakeKernel) socket() (int, unix.Errno) {
	if errno := k.call("socket"); errno != 0 {
		return -1, errno
	}
	k.nextFD++
	k.sockets[k.nextFD] = &fakeSocket{sizes: map[int]uint32{}}
	return k.nextFD, 0
}

func (k *fakeKernel) closeFD(fd int) unix.Errno {
	errno := k.call("close")
	if k.sockets[fd] == nil {
		return unix.EBADF
	}
	delete(k.sockets, fd) // Linux closes the descriptor whatever it answers
	return errno
}

func (k *fakeKernel) setsockopt(fd, level, option int, value unsafe.Pointer, size uintptr) unix.Errno {
	if errno := k.call(fmt.Sprintf("setsockopt %d %d", level, option)); errno != 0 {
		return errno
	}
	if option == k.failOption {
		return k.errno
	}
	s := k.sockets[fd]
	if level != unix.SOL_XDP {
		k.optSizes[option] = *(*uint32)(value)
		return 0
	}
	switch option {
	case unix.XDP_UMEM_REG:
		if s.umem || size != unsafe.Sizeof(unix.XDPUmemReg{}) {
			return unix.EBUSY
		}
		s.umem = true
	default:
		s.sizes[option] = *(*uint32)(value)
		k.optSizes[option] = *(*uint32)(value)
	}
	return 0
}

// fakeOffsets are any, but not Linux's, so that no offset is taken for granted.
var fakeOffsets = unix.XDPRingOffset{Producer: 64, Consumer: 8, Flags: 128, Desc: 192}

func (k *fakeKernel) getsockopt(fd, level, option int, value unsafe.Pointer, size *uint32) unix.Errno {
	if errno := k.call(fmt.Sprintf("getsockopt %d %d", level, option)); errno != 0 {
		return errno
	}
	if level == unix.SOL_SOCKET && option == unix.SO_INCOMING_NAPI_ID {
		*(*uint32)(value) = k.napi
		return 0
	}
	switch option {
	case unix.XDP_MMAP_OFFSETS:
		*(*unix.XDPMmapOffsets)(value) = unix.XDPMmapOffsets{Rx: fakeOffsets, Tx: fakeOffsets, Fr: fakeOffsets, Cr: fakeOffsets}
		*size = uint32(unsafe.Sizeof(unix.XDPMmapOffsets{}))
	case unix.XDP_OPTIONS:
		*(*uint32)(value) = 0
		if k.sockets[fd].zeroCopy {
			*(*uint32)(value) = unix.XDP_OPTIONS_ZEROCOPY
		}
	case unix.XDP_STATISTICS:
		*(*unix.XDPStatistics)(value) = k.stats
	}
	return 0
}

// heap returns memory aligned to 8 bytes, and counts it as mapped.
func (k *fakeKernel) heap(size int) []byte {
	words := make([]uint64, (size+7)/8)
	mem := unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), size)
	k.mapped[&mem[0]] = size
	return mem
}

func (k *fakeKernel) mmap(fd int, offset int64, size int) ([]byte, unix.Errno) {
	if errno := k.call("mmap"); errno != 0 {
		return nil, errno
	}
	s := k.sockets[fd]
	mem := k.heap(size)
	*(*uint32)(unsafe.Pointer(&mem[fakeOffsets.Producer])) = k.start
	*(*uint32)(unsafe.Pointer(&mem[fakeOffsets.Consumer])) = k.start
	*(*uint32)(unsafe.Pointer(&mem[fakeOffsets.Flags])) = k.flags
	switch offset {
	case unix.XDP_UMEM_PGOFF_FILL_RING:
		s.fill = newConsumerRing(ringOver[uint64](mem, fakeOffsets, s.sizes[unix.XDP_UMEM_FILL_RING]))
	case unix.XDP_UMEM_PGOFF_COMPLETION_RING:
		s.completion = newProducerRing(ringOver[uint64](mem, fakeOffsets, s.sizes[unix.XDP_UMEM_COMPLETION_RING]))
	case unix.XDP_PGOFF_RX_RING:
		s.rx = newProducerRing(ringOver[Desc](mem, fakeOffsets, s.sizes[unix.XDP_RX_RING]))
	case unix.XDP_PGOFF_TX_RING:
		s.tx = newConsumerRing(ringOver[Desc](mem, fakeOffsets, s.sizes[unix.XDP_TX_RING]))
	default:
		return nil, unix.EINVAL
	}
	return mem, 0
}

func (k *fakeKernel) mmapAnonymous(size int) ([]byte, unix.Errno) {
	if errno := k.call("mmap"); errno != 0 {
		return nil, errno
	}
	return k.heap(size), 0
}

func (k *fakeKernel) munmap(mem []byte) unix.Errno {
	errno := k.call("munmap")
	if k.mapped[&mem[0]] != len(mem) {
		return unix.EINVAL
	}
	delete(k.mapped, &mem[0])
	return errno
}

func (k *fakeKernel) bind(fd int, addr *unix.RawSockaddrXDP) unix.Errno {
	if errno := k.call("bind"); errno != 0 {
		return errno
	}
	s, at := k.sockets[fd], [2]uint32{addr.Ifindex, addr.Queue_id}
	if k.busy[at] > 0 {
		k.busy[at]--
		return unix.EBUSY
	}
	for _, other := range k.sockets {
		if other.bound && !other.gone && other.addr.Ifindex == addr.Ifindex && other.addr.Queue_id == addr.Queue_id {
			return unix.EBUSY
		}
	}
	if addr.Flags&unix.XDP_SHARED_UMEM != 0 {
		donor := k.sockets[int(addr.Shared_umem_fd)]
		switch {
		case addr.Flags != unix.XDP_SHARED_UMEM || s.umem:
			return unix.EINVAL
		case donor == nil || !donor.bound || donor.gone:
			return unix.EBADF
		case donor.zeroCopy && !k.zeroCopy:
			return unix.EOPNOTSUPP
		}
		s.zeroCopy = donor.zeroCopy
	} else {
		switch {
		case !s.umem:
			return unix.EINVAL
		case addr.Flags&unix.XDP_ZEROCOPY != 0 && !k.zeroCopy:
			return unix.EOPNOTSUPP
		}
		s.zeroCopy = k.zeroCopy && addr.Flags&unix.XDP_COPY == 0
	}
	s.bound, s.addr = true, *addr
	return 0
}

func (k *fakeKernel) send(fd int) unix.Errno {
	if k.onSend != nil {
		return k.onSend(fd, k.sockets[fd])
	}
	k.sockets[fd].transmit(1 << 30)
	return 0
}

func (k *fakeKernel) receive(fd int) unix.Errno {
	if k.onRecv != nil {
		return k.onRecv(fd, k.sockets[fd])
	}
	return 0
}

// transmit takes up to n descriptors off the transmit ring and completes them,
// as far as the completion ring has room.
func (s *fakeSocket) transmit(n uint32) (sent uint32) {
	n = s.completion.room(s.tx.available(n))
	for range n {
		s.completion.write(s.tx.read().Addr)
	}
	s.tx.release()
	s.completion.publish()
	return n
}

// deliver receives up to n packets of a length, as far as fill and receive ring
// allow.
func (s *fakeSocket) deliver(n uint32, headroom uint64, length uint32) (got uint32) {
	n = s.rx.room(s.fill.available(n))
	for range n {
		s.rx.write(Desc{Addr: s.fill.read() + headroom, Len: length})
	}
	s.fill.release()
	s.rx.publish()
	return n
}
