// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import (
	"testing"

	"golang.org/x/sys/unix"
)

// TestDataPathDoesNotAllocate covers every method that says so, and the ways
// out of Kick.
func TestDataPathDoesNotAllocate(t *testing.T) {
	k := newFakeKernel()
	u := k.umem(t, Config{ChunkCount: 64, RXRing: 16, TXRing: 16})
	s, end := k.open(t, u, SocketConfig{Ifindex: 1, Name: "x"})
	dst, errno := make([]Desc, 8), unix.Errno(0)
	k.onSend = func(_ int, end *fakeSocket) unix.Errno {
		end.transmit(4)
		return errno
	}
	k.onRecv = func(int, *fakeSocket) unix.Errno { return errno }
	end.fill.flags.Store(ringNeedWakeup)
	for _, errno = range []unix.Errno{0, unix.EAGAIN, unix.EBUSY, unix.ENOBUFS, unix.EINTR, unix.ENETDOWN, unix.ENXIO} {
		if n := testing.AllocsPerRun(100, func() {
			s.Complete()
			s.Refill()
			end.deliver(8, 256, 60)
			n := s.Receive(dst)
			u.Packet(dst[0])
			addr, _ := u.Alloc()
			u.Chunk(addr)
			u.Free(addr)
			dst[0].Len = 0 // refused
			for _, d := range dst[min(n, s.Transmit(dst[:n])):n] {
				u.Free(d.Addr)
			}
			s.Kick()
			s.Check()
			_ = s.Pending() + s.Room() + s.InFlight() + u.Available()
		}); n != 0 {
			t.Errorf("errno %v: %v allocations", errno, n)
		}
	}
	if s.stats.Completed == 0 || s.stats.TxRefused == 0 || s.stats.KickFailed == 0 {
		t.Errorf("not all was run: %+v", s.stats)
	}
	s.Close()
	if n := testing.AllocsPerRun(100, func() {
		s.Kick()
		s.Check()
		s.Refill()
	}); n != 0 {
		t.Errorf("closed: %v allocations", n)
	}
}

// TestRealDataPathDoesNotAllocate is the same with the kernel's own system
// calls.
func TestRealDataPathDoesNotAllocate(t *testing.T) {
	r := newRig(t, Config{}, ModeCopy, 1)
	s, dst := r.sockets[0], make([]Desc, 64)
	peer, err := NewUMEM(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	from, err := peer.Open(SocketConfig{Ifindex: r.peerIdx, Name: r.peer, Bind: BindCopy})
	if err != nil {
		t.Fatal(err)
	}
	packets := make([]Desc, 8)
	if n := testing.AllocsPerRun(200, func() {
		for i := range packets {
			addr, _ := peer.Alloc()
			packets[i] = Desc{Addr: addr, Len: 60}
		}
		from.Transmit(packets)
		from.Kick()
		from.Complete()
		s.Complete()
		s.Refill()
		n := s.Receive(dst)
		s.Transmit(dst[:n])
		s.Kick()
		s.Check()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if s.stats.Received < 1000 || s.stats.Transmitted != s.stats.Received {
		t.Errorf("not all was run: %+v", s.stats)
	}
}
