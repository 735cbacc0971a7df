// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestCloseReturnsFrames closes a socket that has frames everywhere: on the
// fill ring, inside the kernel, on the receive ring, with the caller, on the
// transmit ring, in flight, and on the completion ring.
func TestCloseReturnsFrames(t *testing.T) {
	k := newFakeKernel()
	u := k.umem(t, Config{ChunkCount: 64, Reserve: 20})
	s, end := k.open(t, u, SocketConfig{Ifindex: 1, Name: "x"})
	k.stats.Rx_dropped = 9
	s.Refill()
	end.deliver(10, 256, 60)
	end.fill.available(3) // three are inside the kernel
	for range 3 {
		end.fill.read()
	}
	end.fill.release()
	got := make([]Desc, 4)
	if n := s.Receive(got); n != 4 {
		t.Fatal(n)
	}
	if n := s.Transmit(got[:2]); n != 2 {
		t.Fatal(n)
	}
	queue(t, u, s, 6)
	end.transmit(2)
	for range end.tx.available(3) { // three are in flight
		end.tx.read()
	}
	end.tx.release()
	want := Ledger{Total: 64, Free: 14, Fill: 40, Held: 2, TX: 8}
	if l := u.Ledger(); l.Free != want.Free || l.Fill != want.Fill || l.Held != want.Held || l.TX != want.TX || l.Err() != nil {
		t.Fatalf("%+v, want %+v", l, want)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if l := u.Ledger(); l.Free != 62 || l.Held != 2 || l.Err() != nil {
		t.Errorf("%+v", l)
	}
	if st, err := s.Stats(); err != nil || st.Received != 4 || st.Transmitted != 8 || st.RxDropped != 9 {
		t.Errorf("final statistics: %+v, %v", st, err)
	}
	u.Free(got[2].Addr)
	u.Free(got[3].Addr)
	finish(t, k, u)
}

func TestUseAfterClose(t *testing.T) {
	k := newFakeKernel()
	u := k.umem(t, Config{ChunkCount: 16})
	s, _ := k.open(t, u, SocketConfig{Ifindex: 1, Name: "x"})
	addr, _ := u.Alloc()
	s.Close()
	use := func() {
		if n := s.Refill() + s.Receive(make([]Desc, 4)) + s.Transmit([]Desc{{Addr: addr, Len: 60}}) + s.Complete() +
			s.Room() + s.Pending() + s.InFlight(); n != 0 {
			t.Errorf("something was done: %d", n)
		}
		for what, err := range map[string]error{"Kick": s.Kick(), "Check": s.Check(), "Register": (&Program{}).Register(0, s)} {
			if !errors.Is(err, os.ErrClosed) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if s.FD() >= 0 {
			t.Error("it has a descriptor")
		}
	}
	use()
	u.Free(addr)
	finish(t, k, u)
	use()
	if err := u.Close(); err != nil {
		t.Error(err)
	}
	if _, err := u.Open(SocketConfig{Ifindex: 1, Name: "x"}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Open: %v", err)
	}
	if b := u.Chunk(0); b != nil {
		t.Error("a chunk of unmapped memory")
	}
}

func TestChunk(t *testing.T) {
	u := newFakeKernel().umem(t, Config{ChunkCount: 4})
	for addr := uint64(0); addr < 4*2048; addr += 500 {
		b := u.Chunk(addr)
		if len(b) != 2048 || cap(b) != 2048 || &b[0] != &u.mem[addr&^2047] {
			t.Errorf("%d: %d bytes, capacity %d", addr, len(b), cap(b))
		}
	}
	for _, addr := range []uint64{4 * 2048, 1 << 40, ^uint64(0)} {
		if u.Chunk(addr) != nil {
			t.Errorf("%#x has a chunk", addr)
		}
	}
}

func TestPacket(t *testing.T) {
	u := newFakeKernel().umem(t, Config{ChunkCount: 4})
	for _, c := range []struct {
		d  Desc
		ok bool
	}{
		{Desc{0, 0, 0}, true}, {Desc{2048, 2048, 0}, true}, {Desc{4096 + 256, 60, 0}, true}, {Desc{4*2048 - 1, 1, 0}, true},
		{Desc{0, 2049, 0}, false}, {Desc{256, 1793, 0}, false}, {Desc{4*2048 - 1, 2, 0}, false}, {Desc{4 * 2048, 0, 0}, true},
		{Desc{4 * 2048, 1, 0}, false}, {Desc{1 << 63, 60, 0}, false}, {Desc{0, ^uint32(0), 0}, false},
	} {
		b := u.Packet(c.d)
		if c.ok && len(b) != int(c.d.Len) || !c.ok && b != nil {
			t.Errorf("%+v: %d bytes", c.d, len(b))
		}
		if len(b) > 0 && (&b[0] != &u.mem[c.d.Addr] || cap(b) != 2048-int(c.d.Addr&2047)) {
			t.Errorf("%+v: capacity %d", c.d, cap(b))
		}
	}
}

// TestCloseZeroCopy waits for the driver to let go before frames are used
// again, and never uses them if it does not.
func TestCloseZeroCopy(t *testing.T) {
	at := [2]uint32{1, 0}
	for _, c := range []struct {
		name  string
		busy  int
		errno unix.Errno // of the bind that looks
		lost  bool
	}{
		{"at once", 0, 0, false},
		{"after a while", 6, 0, false},
		{"never", 1 << 30, 0, true},
		{"the device is gone", 0, unix.ENODEV, false},
		{"we may not look", 0, unix.EPERM, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newFakeKernel()
			k.zeroCopy = true
			u := k.umem(t, Config{ChunkCount: 16, Sockets: 2})
			s, _ := k.open(t, u, SocketConfig{Ifindex: 1, Name: "x"})
			s.Refill()
			k.busy[at] = c.busy
			if c.errno != 0 {
				// Five unmappings and closings, then the memory, the socket,
				// its registration, three rings, and bind.
				k.failAt, k.errno = len(k.calls)+1+5+6+1, c.errno
			}
			err := s.Close()
			l := u.Ledger()
			if c.errno != 0 && k.calls[k.failAt-1] != "bind" {
				t.Fatalf("%s failed instead of bind", k.calls[k.failAt-1])
			}
			if c.lost {
				if err == nil || l.Lost != 7 || l.Free != 9 || l.Err() == nil {
					t.Errorf("%v; %v", err, l)
				}
			} else if err != nil || l.Free != 16 || l.Err() != nil {
				t.Errorf("%v; %v", err, l)
			}
			if c.busy == 6 && k.paused == 0 {
				t.Error("did not wait")
			}
			if err := u.Close(); err != nil {
				t.Error(err)
			}
			if left := k.leaks(); left != "" {
				t.Error(left)
			}
		})
	}
}
