// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

type unixErrno = unix.Errno

const (
	eagain  = unix.EAGAIN
	ebusy   = unix.EBUSY
	enobufs = unix.ENOBUFS
	eintr   = unix.EINTR
)

// step is what the kernel does in answer to one kick: how many packets it
// takes, how many of these it completes at once, what it says.
type step struct {
	take, complete uint32
	errno          unix.Errno
}

// TestKick feeds every errno of sendto, with and without progress (P1, P2, P3).
func TestKick(t *testing.T) {
	all := uint32(8) // queued in each case
	again := func(n int, s step) (steps []step) {
		for range n {
			steps = append(steps, s)
		}
		return steps
	}
	for _, c := range []struct {
		name     string
		zeroCopy bool
		steps    []step // a kick beyond these is a failure
		pending  int
		is       error // what errors.Is finds in the result; nil: there is none
		want     Stats // the counters of kicks
	}{
		{name: "all at once", steps: []step{{8, 8, 0}}, want: Stats{Kicks: 1}},
		{name: "batch budget: again until drained", steps: []step{{3, 3, eagain}, {3, 3, eagain}, {2, 2, 0}},
			want: Stats{Kicks: 3, KickAgain: 2}},
		{name: "success is no proof: completion ring full on old kernels", steps: []step{{3, 0, 0}, {5, 0, 0}}, want: Stats{Kicks: 2}},
		{name: "success without progress ends it", steps: []step{{0, 0, 0}}, pending: 8, want: Stats{Kicks: 1}},
		{name: "EAGAIN without progress ends it", steps: []step{{2, 0, eagain}, {0, 0, eagain}}, pending: 6,
			want: Stats{Kicks: 2, KickAgain: 2}},
		{name: "EAGAIN, but completions made room", steps: []step{{4, 4, eagain}, {0, 0, eagain}}, pending: 4,
			want: Stats{Kicks: 2, KickAgain: 2}},
		{name: "EBUSY: one dropped, the others go on", steps: []step{{1, 1, ebusy}, {1, 1, ebusy}, {6, 6, 0}},
			want: Stats{Kicks: 3, TxDropped: 2}},
		{name: "EBUSY for all: the peer is down", steps: again(8, step{1, 1, ebusy}), want: Stats{Kicks: 8, TxDropped: 8}},
		{name: "EBUSY without progress ends it", steps: []step{{0, 0, ebusy}}, pending: 8, want: Stats{Kicks: 1}},
		{name: "EINTR is tried again", steps: []step{{0, 0, eintr}, {0, 0, eintr}, {8, 8, 0}}, want: Stats{Kicks: 3}},
		{name: "EINTR for ever is given up", steps: again(maxInterrupts, step{0, 0, eintr}), pending: 8,
			want: Stats{Kicks: maxInterrupts}},
		{name: "no memory", steps: []step{{0, 0, enobufs}}, pending: 8, want: Stats{Kicks: 1, KickNoBufs: 1}},
		{name: "no memory after some", steps: []step{{5, 5, enobufs}, {0, 0, enobufs}}, pending: 3,
			want: Stats{Kicks: 2, KickNoBufs: 2}},
		{name: "link down: all stay queued", steps: []step{{0, 0, unix.ENETDOWN}}, pending: 8, is: ErrLinkDown,
			want: Stats{Kicks: 1, KickFailed: 1}},
		{name: "device unregistered", steps: []step{{2, 2, eagain}, {0, 0, unix.ENXIO}}, pending: 6, is: ErrGone,
			want: Stats{Kicks: 2, KickAgain: 1, KickFailed: 1}},
		{name: "a bug", steps: []step{{0, 0, unix.EOPNOTSUPP}}, pending: 8, is: unix.EOPNOTSUPP, want: Stats{Kicks: 1, KickFailed: 1}},
		{name: "zero-copy: the driver goes on by itself", zeroCopy: true, steps: []step{{2, 2, 0}}, pending: 6, want: Stats{Kicks: 1}},
		{name: "zero-copy: busy is no drop", zeroCopy: true, steps: []step{{0, 0, ebusy}}, pending: 8, want: Stats{Kicks: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newFakeKernel()
			k.zeroCopy, k.flags = c.zeroCopy, ringNeedWakeup
			u := k.umem(t, Config{ChunkCount: 16, TXRing: 8, CompletionRing: 8})
			s, _ := k.open(t, u, SocketConfig{Ifindex: 1, Name: "x"})
			steps := c.steps
			k.onSend = func(_ int, end *fakeSocket) unix.Errno {
				if len(steps) == 0 {
					t.Fatal("one kick too many")
				}
				next := steps[0]
				steps = steps[1:]
				for i := range end.tx.available(next.take) {
					if addr := end.tx.read().Addr; i < next.complete {
						end.completion.room(1)
						end.completion.write(addr)
					}
				}
				end.tx.release()
				end.completion.publish()
				return next.errno
			}
			queue(t, u, s, int(all))
			err := s.Kick()
			if !errors.Is(err, c.is) || (err == nil) != (c.is == nil) {
				t.Errorf("Kick: %v, want %v", err, c.is)
			}
			if len(steps) != 0 {
				t.Errorf("%d kicks were not made", len(steps))
			}
			if s.Pending() != c.pending {
				t.Errorf("%d pending, want %d", s.Pending(), c.pending)
			}
			got := s.stats
			got.Transmitted, got.Completed = 0, 0
			if got != c.want {
				t.Errorf("counted %+v, want %+v", got, c.want)
			}
			s.Complete()
			if l := u.Ledger(); l.Err() != nil {
				t.Error(l)
			}
		})
	}
}

// queue puts n fresh packets on the transmit ring.
func queue(t testing.TB, u *UMEM, s *Socket, n int) {
	t.Helper()
	for range n {
		addr, ok := u.Alloc()
		if !ok || s.Transmit([]Desc{{Addr: addr, Len: 60}}) != 1 {
			t.Fatal("no room to queue a packet")
		}
	}
}

// TestKickClearsCompletions: a completion ring that nobody read is full, and
// the one obstacle that Kick clears itself (P2, P7).
func TestKickClearsCompletions(t *testing.T) {
	for _, full := range []unix.Errno{unix.EAGAIN, 0} { // of newer kernels, and of older ones
		k := newFakeKernel()
		u := k.umem(t, Config{ChunkCount: 32, TXRing: 8, CompletionRing: 8})
		s, _ := k.open(t, u, SocketConfig{Ifindex: 1, Name: "x"})
		k.onSend = func(_ int, end *fakeSocket) unix.Errno {
			if end.transmit(8) == 0 {
				return full
			}
			return 0
		}
		for range 3 {
			queue(t, u, s, 8)
			if err := s.Kick(); err != nil || s.Pending() != 0 {
				t.Errorf("%v, %d pending", err, s.Pending())
			}
		}
		if s.stats.Kicks != 5 || s.stats.Completed != 16 {
			t.Errorf("%+v", s.stats)
		}
	}
}

func TestKickWithoutNeed(t *testing.T) {
	k := newFakeKernel()
	k.zeroCopy = true
	u := k.umem(t, Config{ChunkCount: 16})
	s, _ := k.open(t, u, SocketConfig{Ifindex: 1, Name: "x"})
	k.onSend = func(int, *fakeSocket) unix.Errno {
		t.Error("the kernel was called")
		return 0
	}
	if err := s.Kick(); err != nil { // nothing queued
		t.Error(err)
	}
	queue(t, u, s, 3)
	if err := s.Kick(); err != nil { // zero-copy, and the driver is awake
		t.Error(err)
	}
	if s.Pending() != 3 {
		t.Error(s.Pending(), "pending, want 3")
	}
}

func TestCheckAndRefillWakeup(t *testing.T) {
	k := newFakeKernel()
	u := k.umem(t, Config{ChunkCount: 16, Sockets: 2})
	s, end := k.open(t, u, SocketConfig{Ifindex: 1, Name: "x"})
	calls, errno := 0, unix.Errno(0)
	k.onRecv = func(int, *fakeSocket) unix.Errno {
		calls++
		return errno
	}
	s.Refill()
	if calls != 0 {
		t.Error("woken without need")
	}
	end.fill.flags.Store(ringNeedWakeup)
	for _, errno = range []unix.Errno{0, unix.EAGAIN, unix.EINTR, unix.ENOBUFS, unix.ENETDOWN} {
		s.Refill()
	}
	if calls != 5 || s.stats.Wakeups != 5 || s.gone {
		t.Errorf("%d calls, %d counted, gone %v", calls, s.stats.Wakeups, s.gone)
	}
	for errno, want := range map[unix.Errno]error{0: nil, unix.EAGAIN: nil, unix.ENETDOWN: ErrLinkDown} {
		k.onRecv = func(int, *fakeSocket) unix.Errno { return errno }
		if err := s.Check(); !errors.Is(err, want) {
			t.Errorf("Check with %v: %v, want %v", errno, err, want)
		}
	}
	k.onRecv = func(int, *fakeSocket) unix.Errno { return unix.ENXIO }
	s.Refill()
	if err := s.Check(); !s.gone || !errors.Is(err, ErrGone) || !errors.Is(err, unix.ENXIO) {
		t.Errorf("gone %v; Check: %v", s.gone, err)
	}
}
