// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import (
	"slices"
	"strings"
	"testing"
)

// TestMisuse does everything with frames that must not be done. Each is refused
// and told by the ledger; nothing is lost by it, and nothing panics.
func TestMisuse(t *testing.T) {
	const outside = 1 << 40
	for _, c := range []struct {
		name string
		do   func(u *UMEM, s *Socket, end *fakeSocket)
		want string // in the ledger's text
	}{
		{"double free", func(u *UMEM, _ *Socket, _ *fakeSocket) {
			a, _ := u.Alloc()
			u.Free(a)
			u.Free(a + 5)
		}, "double free: address 0x5, owner: free"},
		{"free of a frame on the fill ring", func(u *UMEM, s *Socket, _ *fakeSocket) {
			s.Refill()
			u.Free(0)
		}, "free of a frame not held: address 0x0, owner: fill of socket 1"},
		{"free of a frame in transmission", func(u *UMEM, s *Socket, _ *fakeSocket) {
			queue(t, u, s, 1)
			u.Free(0)
		}, "free of a frame not held: address 0x0, owner: tx of socket 1"},
		{"free outside", func(u *UMEM, _ *Socket, _ *fakeSocket) { u.Free(outside) }, "address outside the UMEM: 0x10000000000"},
		{"free just outside", func(u *UMEM, _ *Socket, _ *fakeSocket) { u.Free(16 * 2048) }, "address outside the UMEM: 0x8000"},
		{"transmit of a free frame", func(u *UMEM, s *Socket, _ *fakeSocket) {
			s.Transmit([]Desc{{Addr: 4096, Len: 60}})
		}, "transmit of a frame not held: address 0x1000, owner: free"},
		{"transmit twice", func(u *UMEM, s *Socket, _ *fakeSocket) {
			a, _ := u.Alloc()
			s.Transmit([]Desc{{Addr: a, Len: 60}, {Addr: a + 100, Len: 60}})
		}, "transmit of a frame not held: address 0x64, owner: tx of socket 1"},
		{"transmit outside", func(u *UMEM, s *Socket, _ *fakeSocket) {
			s.Transmit([]Desc{{Addr: outside, Len: 60}})
		}, "address outside the UMEM: 0x10000000000"},
		{"invalid packet in a frame not held", func(u *UMEM, s *Socket, _ *fakeSocket) {
			s.Transmit([]Desc{{Addr: 2048, Len: 0}})
		}, "transmit of a frame not held: address 0x800, owner: free"},
		{"completion of a frame never sent", func(u *UMEM, s *Socket, end *fakeSocket) {
			end.complete(2048)
			s.Complete()
		}, "completion of a frame not in transmission: address 0x800, owner: free"},
		{"completion twice", func(u *UMEM, s *Socket, end *fakeSocket) {
			queue(t, u, s, 1)
			end.transmit(1)
			end.complete(0)
			s.Complete()
		}, "completion of a frame not in transmission: address 0x0, owner: free"},
		{"completion outside", func(u *UMEM, s *Socket, end *fakeSocket) {
			end.complete(outside)
			s.Complete()
		}, "address outside the UMEM: 0x10000000000"},
		{"received twice", func(u *UMEM, s *Socket, end *fakeSocket) {
			s.Refill()
			end.deliver(1, 256, 60)
			end.rx.room(1)
			end.rx.write(Desc{Addr: 300, Len: 60}) // the same chunk again (P13)
			end.rx.publish()
			if n := s.Receive(make([]Desc, 4)); n != 1 {
				t.Errorf("received %d", n)
			}
		}, "received a frame not in the fill ring: address 0x12c, owner: held"},
		{"received outside", func(u *UMEM, s *Socket, end *fakeSocket) {
			end.rx.room(1)
			end.rx.write(Desc{Addr: outside, Len: 60})
			end.rx.publish()
			if n := s.Receive(make([]Desc, 4)); n != 0 {
				t.Errorf("received %d", n)
			}
		}, "address outside the UMEM: 0x10000000000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newFakeKernel()
			u := k.umem(t, Config{ChunkCount: 16})
			s, end := k.open(t, u, SocketConfig{Ifindex: 1, Name: "x"})
			c.do(u, s, end)
			l := u.Ledger()
			if l.Err() == nil || l.Misused != 1 || l.Lost != 0 || !strings.Contains(l.String(), c.want) {
				t.Errorf("%d misused, %d lost, %v; want %q", l.Misused, l.Lost, l, c.want)
			}
			if !strings.HasPrefix(l.String(), "frames: 16 owned, 16 accounted for; ") {
				t.Error(l)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			for i, o := range u.frames.owners {
				if o == ownerHeld {
					u.Free(uint64(i) << 11)
				}
			}
			if l := u.Ledger(); l.Free != 16 || l.Misused != 1 {
				t.Errorf("after closing: %+v", l)
			}
		})
	}
}

// complete puts any address on the completion ring.
func (s *fakeSocket) complete(addr uint64) {
	s.completion.room(1)
	s.completion.write(addr)
	s.completion.publish()
}

// TestMisuseIsBounded sees that a program that is wrong for ever costs no
// memory.
func TestMisuseIsBounded(t *testing.T) {
	u := newFakeKernel().umem(t, Config{ChunkCount: 16})
	if n := testing.AllocsPerRun(1000, func() { u.Free(0) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	l := u.Ledger()
	if l.Misused != 1001 || len(l.Problems) != 1+maxFaults {
		t.Errorf("%d misused, problems %q", l.Misused, l.Problems)
	}
}

// TestLedgerFindsLosses damages one book or the other, as a bug of this package
// or of the kernel would.
func TestLedgerFindsLosses(t *testing.T) {
	for _, c := range []struct {
		name   string
		damage func(u *UMEM, s *Socket, end *fakeSocket)
		lost   int
		want   string
	}{
		{"a frame that fell off the free list", func(u *UMEM, _ *Socket, _ *fakeSocket) {
			u.frames.free = u.frames.free[1:]
		}, 1, "missing: 15 (owner: free, but not on the free list)"},
		{"a held frame on the free list", func(u *UMEM, _ *Socket, _ *fakeSocket) {
			a, _ := u.Alloc()
			u.frames.free = append(u.frames.free, uint32(a>>11))
		}, 1, "missing: 0 (owner: held, but listed as free)"},
		{"on the free list twice", func(u *UMEM, _ *Socket, _ *fakeSocket) {
			u.frames.free[3] = u.frames.free[4]
		}, 1, "frame 11 is on the free list and elsewhere too"},
		{"a free frame on the fill ring", func(u *UMEM, s *Socket, _ *fakeSocket) {
			s.fill.write(2048)
			s.fill.publish()
		}, 0, "frame 1 is on a fill ring and elsewhere too"},
		{"another socket's frame", func(u *UMEM, s *Socket, _ *fakeSocket) {
			s.Refill()
			u.frames.owners[0] = ownerFill.of(77)
		}, 1, "missing: 0 (owner: fill of socket 77, but listed as fill of socket 1)"},
		{"a frame of a socket that is no more", func(u *UMEM, s *Socket, end *fakeSocket) {
			s.Refill()
			end.fill.available(14)
			end.fill.read()
			end.fill.release()
			u.frames.owners[0] = ownerFill.of(77)
		}, 1, "missing: 0 (fill of socket 77, which was closed while the device could still use it)"},
		{"a held frame that was never counted", func(u *UMEM, _ *Socket, _ *fakeSocket) {
			u.Alloc()
			u.frames.held++
		}, 0, "held: 1 by owner, 2 by count"},
		{"garbage on the transmit ring", func(u *UMEM, s *Socket, _ *fakeSocket) {
			s.tx.write(Desc{Addr: 1 << 40})
			s.tx.publish()
		}, 0, "a transmit ring has address 0x10000000000 outside the UMEM"},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newFakeKernel()
			u := k.umem(t, Config{ChunkCount: 16})
			s, end := k.open(t, u, SocketConfig{Ifindex: 1, Name: "x"})
			if l := u.Ledger(); l.Err() != nil || l.String() != "frames: 16 owned, 16 accounted for" {
				t.Fatal(l)
			}
			c.damage(u, s, end)
			l := u.Ledger()
			if l.Err() == nil || l.Lost != c.lost || !slices.ContainsFunc(l.Problems, func(p string) bool { return strings.Contains(p, c.want) }) {
				t.Errorf("%d lost, %v; want %d and %q", l.Lost, l, c.lost, c.want)
			}
			if l.Free+l.Fill+l.Held+l.TX+l.Lost != l.Total {
				t.Errorf("%+v does not sum up", l)
			}
		})
	}
}

func TestLedgerNamesFewOfManyLosses(t *testing.T) {
	u := newFakeKernel().umem(t, Config{ChunkCount: 100})
	u.frames.free = nil
	l := u.Ledger()
	if l.Lost != 100 || !strings.HasPrefix(l.String(), "frames: 100 owned, 0 accounted for; missing: 0 (") ||
		!strings.HasSuffix(l.String(), " and 84 more") {
		t.Error(l)
	}
}

// TestTransmitRefuses sees that what a kernel would take for invalid never
// reaches it, and that the frame is free again (P6).
func TestTransmitRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		d    Desc
		ok   bool
	}{
		{"a whole chunk", Desc{0, 2048, 0}, true},
		{"the shortest", Desc{0, 14, 0}, true},
		{"to the end of the chunk", Desc{256, 1792, 0}, true},
		{"the last bytes of the chunk", Desc{2034, 14, 0}, true},
		{"nothing", Desc{0, 0, 0}, false},
		{"less than an Ethernet header", Desc{0, 13, 0}, false},
		{"beyond the chunk", Desc{0, 2049, 0}, false},
		{"beyond the chunk from an offset", Desc{256, 1793, 0}, false},
		{"a length near 2^32", Desc{256, ^uint32(0), 0}, false},
		{"half a packet", Desc{0, 60, 1}, false},
		{"metadata", Desc{0, 60, 2}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newFakeKernel()
			u := k.umem(t, Config{ChunkCount: 16})
			s, end := k.open(t, u, SocketConfig{Ifindex: 1, Name: "x"})
			addr, _ := u.Alloc()
			c.d.Addr += addr
			other, _ := u.Alloc()
			if n := s.Transmit([]Desc{c.d, {Addr: other, Len: 60}}); n != 2 {
				t.Errorf("took %d", n)
			}
			want, refused := uint32(2), uint64(0)
			if !c.ok {
				want, refused = 1, 1
			}
			if n := end.tx.available(9); n != want || s.stats.TxRefused != refused || s.InFlight() != int(want) {
				t.Errorf("%d on the ring, %d refused, %d in flight", n, s.stats.TxRefused, s.InFlight())
			}
			if c.ok {
				if d := end.tx.read(); d != c.d {
					t.Errorf("%+v on the ring, want %+v", d, c.d)
				}
			}
			if l := u.Ledger(); l.Err() != nil || l.Free != 16-int(want) {
				t.Errorf("%+v", l)
			}
		})
	}
}
