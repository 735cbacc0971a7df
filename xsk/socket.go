// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/cpu"
)

// Socket is one AF_XDP socket: one queue of one interface. Made by UMEM.Open.
// It belongs to the goroutine of its UMEM.
type Socket struct {
	umem      *UMEM
	number    uint32 // unlike any other of this UMEM, ever: part of its frames' owners
	config    SocketConfig
	fd        int // negative once closed
	zeroCopy  bool
	gone      bool     // the kernel said ENXIO: the device is unregistered
	program   *Program // kept alive while packets are to come in (P39)
	napi      uint32   // what Poll polls; 0: nothing
	napiKnown bool     // it is

	rx         consumerRing[Desc]
	tx         producerRing[Desc]
	fill       producerRing[uint64]
	completion consumerRing[uint64]
	mappings   [][]byte

	filled int // frames that the kernel has to receive into
	sent   int // frames that the kernel has to transmit
	stats  Stats

	// Made at opening, so that reporting them allocates nothing, however often.
	errLinkDown, errGone, errClosed error

	_ cpu.CacheLinePad // between this and what another goroutine writes
}

// FD returns the descriptor, for ppoll alone; it is negative once the socket is
// closed. It must never reach the Go netpoller (os.NewFile, SyscallConn): a
// poll by the idle runtime would transmit frames behind the owner's back (P38).
// Ask for POLLOUT only while the transmit ring is full, for it is nearly always
// ready (P37), and bound the time: poll reports neither completions (P7) nor
// what becomes of the interface (P35).
func (s *Socket) FD() int { return s.fd }

// ZeroCopy tells how the kernel really bound the socket (XDP_OPTIONS, P25).
func (s *Socket) ZeroCopy() bool { return s.zeroCopy }

// Ifindex and Queue tell what the socket is bound to.
func (s *Socket) Ifindex() int { return s.config.Ifindex }

// Queue returns the queue's number, from 0.
func (s *Socket) Queue() int { return s.config.Queue }

// where names the socket in messages.
func (s *Socket) where() string { return fmt.Sprintf("%s queue %d", s.config.Name, s.config.Queue) }

// Close takes the socket off its queue and hands all its frames back to the
// UMEM: those on its rings, and those inside the kernel. Frames that the caller
// holds stay held. A second Close does nothing and returns nil.
//
// Frames may be used again at once, because when close(2) has returned nothing
// in the kernel touches them any more. close(2) really releases the socket,
// since the rings, whose mappings would keep it alive, are unmapped before.
// Releasing it removes it from every XSKMAP, marks it unbound and then waits
// for an RCU grace period (xsk_release, xsk_unbind_dev and synchronize_net in
// net/xdp/xsk.c): a receive path that had found it before has finished copying.
// What was being transmitted in copy mode had been copied into an skb. (On a
// device that takes its payload out of the UMEM even then,
// IFF_TX_SKB_NO_LINEAR, the last frames in flight may leave with other bytes;
// the skb holds a reference on the pages, so memory is safe.)
//
// A zero-copy driver is told to stop only later, from a work queue
// (xp_release_deferred). There Close waits until the queue can be bound again,
// which is after that; should that not come about, the frames stay lost, and
// the Ledger says so.
func (s *Socket) Close() error {
	if s.fd < 0 {
		return nil
	}
	if st, err := s.Stats(); err == nil {
		s.stats = st // the kernel's counters end with the socket
	}
	u := s.umem
	err := release(u.kernel, s.mappings, s.fd)
	s.fd = -1
	s.rx, s.tx = consumerRing[Desc]{}, producerRing[Desc]{}
	s.fill, s.completion = producerRing[uint64]{}, consumerRing[uint64]{}
	s.mappings, s.program = nil, nil
	for i, other := range u.sockets {
		if other == s {
			u.sockets = append(u.sockets[:i], u.sockets[i+1:]...)
			break
		}
	}
	if s.zeroCopy && !u.quiet(s.config) {
		return opError("close AF_XDP socket", s.config.Name, s.config.Queue, nil, errors.Join(err, errDMA), "")
	}
	u.frames.reclaim(s.number)
	s.filled, s.sent = 0, 0
	return opError("close AF_XDP socket", s.config.Name, s.config.Queue, nil, err, "")
}

var errDMA = errors.New("the driver did not let go of the frames in time: they are not used again")

// release unmaps rings and closes a descriptor, whatever fails on the way; the
// first error is returned.
func release(k kernel, mappings [][]byte, fd int) error {
	var first error
	for _, m := range mappings {
		if errno := k.munmap(m); errno != 0 && first == nil {
			first = sysError("munmap", errno)
		}
	}
	if errno := k.closeFD(fd); errno != 0 && first == nil {
		first = sysError("close", errno)
	}
	return first
}

// closedError is what operations on a closed socket return.
func closedError(c SocketConfig) error {
	return opError("use AF_XDP socket", c.Name, c.Queue, nil, os.ErrClosed, "")
}
