// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestOpenFailsAtEveryStep makes the first system call of NewUMEM and Open
// fail, then the second, and so on until all succeed. Nothing may be left
// behind by a failure, and the next attempt must work.
func TestOpenFailsAtEveryStep(t *testing.T) {
	everything := SocketConfig{Ifindex: 1, Name: "x", Queue: 0, SendBuffer: 1 << 20}
	for _, second := range []bool{false, true} { // a first socket, or one that shares
		for n, done := 1, false; !done; n++ {
			t.Run(fmt.Sprintf("second %v, call %d", second, n), func(t *testing.T) {
				k := newFakeKernel()
				k.errno = unix.ENOMEM
				c := Config{ChunkCount: 16, Sockets: 2}
				c2 := everything
				before := 0
				if second {
					u := k.umem(t, c)
					k.open(t, u, everything)
					before, c2.Queue = len(k.calls), 1
					k.failAt = before + n
					sockets, mapped := len(k.sockets), len(k.mapped)
					s, err := u.Open(c2)
					if done = err == nil; done {
						t.Logf("%d calls: %q", len(k.calls)-before, k.calls[before:])
						s.Close()
					} else if !errors.Is(err, unix.ENOMEM) {
						t.Error(err)
					}
					if len(k.sockets) != sockets || len(k.mapped) != mapped || len(u.sockets) != 1 {
						t.Errorf("left behind: %s, %d in the UMEM", k.leaks(), len(u.sockets))
					}
					k.failAt = 0
					k.open(t, u, c2)
					finish(t, k, u)
					return
				}
				k.failAt = n
				u, err := newUMEM(c, k)
				if err != nil {
					if !errors.Is(err, unix.ENOMEM) || k.leaks() != "" {
						t.Error(err, k.leaks())
					}
					return
				}
				s, err := u.Open(c2)
				if done = err == nil; done {
					t.Logf("%d calls: %q", len(k.calls), k.calls)
					s.Close()
				}
				if len(k.sockets) != 0 || len(k.mapped) != 1 || len(u.sockets) != 0 {
					t.Errorf("left behind: %s, %d in the UMEM", k.leaks(), len(u.sockets))
				}
				k.failAt = 0
				k.open(t, u, everything)
				finish(t, k, u)
			})
		}
	}
}

// finish closes a UMEM and looks that all is well.
func finish(t testing.TB, k *fakeKernel, u *UMEM) {
	t.Helper()
	if err := u.Close(); err != nil {
		t.Error(err)
	}
	if l := u.Ledger(); l.Err() != nil || l.Free != l.Total {
		t.Errorf("%v; %+v", l, l)
	}
	if left := k.leaks(); left != "" {
		t.Error(left)
	}
}

// TestCloseFailures sees that closing goes through to the end whatever fails on
// the way.
func TestCloseFailures(t *testing.T) {
	for n := 1; ; n++ {
		k := newFakeKernel()
		u := k.umem(t, Config{ChunkCount: 16})
		s, _ := k.open(t, u, SocketConfig{Ifindex: 1, Name: "x"})
		s.Refill()
		before := len(k.calls)
		k.failAt, k.errno = before+n, unix.EIO
		err := u.Close()
		if k.leaks() != "" || u.Ledger().Free != 16 || len(u.sockets) != 0 {
			t.Errorf("call %d (%s) fails: %s, %+v", n, k.calls[before:], k.leaks(), u.Ledger())
		}
		if before+n > len(k.calls) {
			if err != nil {
				t.Error(err)
			}
			break
		}
		if name := k.calls[before+n-1]; !errors.Is(err, unix.EIO) && name != "getsockopt 283 7" { // statistics are not worth an error
			t.Errorf("%s fails: %v", name, err)
		}
	}
}

// TestBindIsPatient has the queue busy for a while after a close (P28).
func TestBindIsPatient(t *testing.T) {
	at := [2]uint32{1, 0}
	k := newFakeKernel()
	u := k.umem(t, Config{ChunkCount: 16})
	k.busy[at] = 8
	s, _ := k.open(t, u, SocketConfig{Ifindex: 1, Name: "x"})
	if k.paused < 10*time.Millisecond || k.paused > time.Second {
		t.Errorf("paused for %v", k.paused)
	}
	s.Close()

	k.busy[at], k.paused = 1<<30, 0
	_, err := u.Open(SocketConfig{Ifindex: 1, Name: "x"})
	if !errors.Is(err, ErrInUse) || k.paused < 1900*time.Millisecond || k.paused > 2200*time.Millisecond {
		t.Errorf("%v after %v", err, k.paused)
	}
	k.paused = 0
	_, err = u.Open(SocketConfig{Ifindex: 1, Name: "x", Patience: 10 * time.Millisecond})
	if !errors.Is(err, ErrInUse) || k.paused < 10*time.Millisecond || k.paused > 30*time.Millisecond {
		t.Errorf("%v after %v", err, k.paused)
	}
	k.paused = 0
	if _, err = u.Open(SocketConfig{Ifindex: 1, Name: "x", Patience: -1}); !errors.Is(err, ErrInUse) || k.paused != 0 {
		t.Errorf("%v after %v", err, k.paused)
	}
	finish(t, k, u)
}

// TestDonor opens sockets while others come and go: memory is registered
// exactly when no bound socket could share it (P29).
func TestDonor(t *testing.T) {
	k := newFakeKernel()
	u := k.umem(t, Config{ChunkCount: 16, Sockets: 4})
	open := func(ifindex int) (*Socket, *fakeSocket) {
		return k.open(t, u, SocketConfig{Ifindex: ifindex, Name: "x"})
	}
	a, atA := open(1)
	b, atB := open(2)
	if !atA.umem || atB.umem || atB.addr.Shared_umem_fd != uint32(a.fd) {
		t.Errorf("registered: first %v, second %v", atA.umem, atB.umem)
	}
	a.Close() // the memory lives on in b
	c, atC := open(1)
	if atC.umem || atC.addr.Shared_umem_fd != uint32(b.fd) {
		t.Error("the second socket was no donor")
	}
	// Both devices are deleted, of which one was noticed; the sockets are still
	// open.
	atB.gone, atC.gone = true, true
	c.gone = true
	d, atD := open(3)
	if !atD.umem || atD.addr.Flags&unix.XDP_SHARED_UMEM != 0 {
		t.Errorf("not registered anew: %+v", atD.addr)
	}
	// The interface of c came back with its number.
	_, atE := open(1)
	if atE.umem || atE.addr.Shared_umem_fd != uint32(d.fd) {
		t.Error("the new registration is not shared")
	}
	finish(t, k, u)

	// All closed: the next registers again.
	u = k.umem(t, Config{ChunkCount: 16})
	first, _ := open(1)
	first.Close()
	if _, again := open(1); !again.umem {
		t.Error("not registered after all were closed")
	}
	finish(t, k, u)
}

// TestBindFlags: who registered the memory chooses, the others inherit and may
// give no flag of their own (P29).
func TestBindFlags(t *testing.T) {
	for bind, want := range map[BindMode]uint16{
		BindAuto: unix.XDP_USE_NEED_WAKEUP, BindCopy: unix.XDP_USE_NEED_WAKEUP | unix.XDP_COPY,
		BindZeroCopy: unix.XDP_USE_NEED_WAKEUP | unix.XDP_ZEROCOPY,
	} {
		k := newFakeKernel()
		k.zeroCopy = true
		u := k.umem(t, Config{ChunkCount: 16, Sockets: 2})
		_, first := k.open(t, u, SocketConfig{Ifindex: 3, Name: "x", Queue: 2, Bind: bind})
		if a := first.addr; a.Flags != want || a.Ifindex != 3 || a.Queue_id != 2 || a.Family != unix.AF_XDP || a.Shared_umem_fd != 0 {
			t.Errorf("%v: %+v, want flags %#x", bind, a, want)
		}
		_, second := k.open(t, u, SocketConfig{Ifindex: 4, Name: "x", Bind: bind})
		if second.addr.Flags != unix.XDP_SHARED_UMEM {
			t.Errorf("%v: the second has flags %#x", bind, second.addr.Flags)
		}
		finish(t, k, u)
	}
}

func TestOpenRefuses(t *testing.T) {
	k := newFakeKernel()
	u := k.umem(t, Config{ChunkCount: 16, Sockets: 2})
	c := SocketConfig{Ifindex: 1, Name: "x"}
	k.open(t, u, c)
	if _, err := u.Open(c); !errors.Is(err, ErrInUse) {
		t.Errorf("same queue: %v", err)
	}
	c.Queue = 1
	k.open(t, u, c)
	c.Queue = 2
	want := "open AF_XDP socket on x queue 2: the UMEM was made for 2 at a time; raise Config.Sockets, " +
		"by which its frames are shared out, or close one"
	if _, err := u.Open(c); text(err) != want {
		t.Errorf("%v\nwant %s", err, want)
	}
	finish(t, k, u)
}

// TestZeroCopyMix has a second socket that can't do what the first does (P29).
func TestZeroCopyMix(t *testing.T) {
	k := newFakeKernel()
	k.zeroCopy = true
	u := k.umem(t, Config{ChunkCount: 16, Sockets: 2})
	a, _ := k.open(t, u, SocketConfig{Ifindex: 1, Name: "nic", Bind: BindZeroCopy})
	if !a.ZeroCopy() {
		t.Fatal("not zero-copy")
	}
	k.zeroCopy = false
	_, err := u.Open(SocketConfig{Ifindex: 2, Name: "veth", Bind: BindZeroCopy})
	if !errors.Is(err, ErrNoZeroCopy) {
		t.Errorf("%v", err)
	}
	a.Close()
	for i := range 2 {
		if s, _ := k.open(t, u, SocketConfig{Ifindex: i + 1, Name: "x", Bind: BindCopy}); s.ZeroCopy() {
			t.Error("zero-copy")
		}
	}
	finish(t, k, u)

	// Asked of a kernel that binds, but in copy mode.
	u = k.umem(t, Config{ChunkCount: 16, Sockets: 2})
	k.open(t, u, SocketConfig{Ifindex: 1, Name: "x", Bind: BindAuto})
	if _, err = u.Open(SocketConfig{Ifindex: 2, Name: "x", Bind: BindZeroCopy}); !errors.Is(err, ErrNoZeroCopy) {
		t.Errorf("%v", err)
	}
	finish(t, k, u)
}

// TestBudget sees that the kernel is only ever given a value in its range, and
// that one without the option is no failure (P1).
func TestBudget(t *testing.T) {
	for _, c := range []struct{ ring, asked, want uint32 }{
		{2048, 0, 2048}, {2048, 1, 32}, {2048, 32, 32}, {2048, 64, 64}, {2048, 1 << 31, 2048}, {32, 0, 32}, {16, 0, 0}, {16, 64, 0},
	} {
		k := newFakeKernel()
		u := k.umem(t, Config{ChunkCount: 16, TXRing: c.ring})
		k.open(t, u, SocketConfig{Ifindex: 1, Name: "x", TXBudget: c.asked})
		if got := k.optSizes[unix.XDP_MAX_TX_SKB_BUDGET]; got != c.want {
			t.Errorf("ring %d, asked for %d: set %d, want %d", c.ring, c.asked, got, c.want)
		}
	}
	k := newFakeKernel()
	u := k.umem(t, Config{ChunkCount: 16})
	k.open(t, u, SocketConfig{Ifindex: 1, Name: "x"})
	for i, name := range k.calls {
		if name == fmt.Sprintf("setsockopt %d %d", unix.SOL_XDP, unix.XDP_MAX_TX_SKB_BUDGET) {
			old := newFakeKernel()
			old.failAt, old.errno = i+1, unix.ENOPROTOOPT
			old.open(t, old.umem(t, Config{ChunkCount: 16}), SocketConfig{Ifindex: 1, Name: "x"})
			return
		}
	}
	t.Error("the budget was not set")
}

func TestSendBuffer(t *testing.T) {
	k := newFakeKernel()
	k.open(t, k.umem(t, Config{ChunkCount: 16}), SocketConfig{Ifindex: 1, Name: "x", SendBuffer: 1 << 20})
	if k.optSizes[unix.SO_SNDBUFFORCE] != 1<<20 || k.optSizes[unix.SO_SNDBUF] != 0 {
		t.Error(k.optSizes)
	}
	for i, name := range k.calls {
		if name == fmt.Sprintf("setsockopt %d %d", unix.SOL_SOCKET, unix.SO_SNDBUFFORCE) {
			weak := newFakeKernel()
			weak.failAt, weak.errno = i+1, unix.EPERM
			weak.open(t, weak.umem(t, Config{ChunkCount: 16}), SocketConfig{Ifindex: 1, Name: "x", SendBuffer: 1 << 20})
			if weak.optSizes[unix.SO_SNDBUF] != 1<<20 {
				t.Error("SO_SNDBUF was not tried")
			}
			return
		}
	}
	t.Error("SO_SNDBUFFORCE was not tried")
}
