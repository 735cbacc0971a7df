// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

func TestReceiveAndTransmit(t *testing.T) {
	for _, mode := range []Mode{ModeCopy, ModeGeneric} {
		t.Run(mode.String(), func(t *testing.T) {
			r := newRig(t, Config{}, mode, 1)
			s := r.sockets[0]
			peer := newPacketSocket(t, r.peerIdx)
			for i, size := range []int{14, 60, 64, 1514} {
				want := testFrame(i, size)
				peer.send(t, want)
				d := receive(t, s, 1)
				if got := r.umem.Packet(d[0]); !bytes.Equal(got, want) {
					t.Fatalf("received %x, want %x", got, want)
				}
				r.umem.Packet(d[0])[5] = byte(i)
				want[5] = byte(i)
				if n := s.Transmit(d); n != 1 {
					t.Fatalf("Transmit took %d", n)
				}
				if err := s.Kick(); err != nil {
					t.Fatal(err)
				}
				if got := peer.receive(t); !bytes.Equal(got, want) {
					t.Fatalf("peer got %x, want %x", got, want)
				}
				eventually(t, "completion", func() bool { s.Complete(); return s.InFlight() == 0 })
			}
			if l := r.umem.Ledger(); l.Err() != nil || l.String() != "frames: 4096 owned, 4096 accounted for" {
				t.Error(l)
			}
		})
	}
}

// TestLengths sends the longest frame that a chunk holds, and one byte more
// (P12).
func TestLengths(t *testing.T) {
	for _, c := range []struct {
		mode Mode
		Config
	}{
		{ModeCopy, Config{ChunkSize: 2048}},
		{ModeGeneric, Config{ChunkSize: 2048}},
		{ModeCopy, Config{ChunkSize: 2048, Headroom: 128}},
		{ModeCopy, Config{ChunkSize: 2048, Headroom: 1344}},
		{ModeCopy, Config{ChunkSize: 4096, Headroom: 384}},
		{ModeGeneric, Config{ChunkSize: 4096}},
	} {
		t.Run(fmt.Sprintf("%v %d-%d", c.mode, c.ChunkSize, c.Headroom), func(t *testing.T) {
			enterNamespace(t)
			w := newWire(t, 1)
			setMTU(t, w.dut, 5000)
			setMTU(t, w.peer, 3506)
			if c.mode == ModeGeneric {
				setMTU(t, w.peer, 5000)
			}
			u := newTestUMEM(t, c.Config)
			_, sockets := open(t, u, w, c.mode, 1)
			s, peer := sockets[0], newPacketSocket(t, w.peerIdx)
			longest := testFrame(1, u.Config().MaxFrame())
			if longer := u.Config().MaxFrame() + 1; longer <= 3506+14 || c.mode == ModeGeneric {
				peer.send(t, testFrame(2, longer))
			} else {
				t.Fatalf("frames of %d bytes can't be sent here", longer)
			}
			peer.send(t, longest)
			d := receive(t, s, 1)[0]
			if got := u.Packet(d); !bytes.Equal(got, longest) {
				t.Errorf("got %d bytes, want %d", len(got), len(longest))
			}
			if offset := d.Addr & uint64(u.config.ChunkSize-1); offset != 256+uint64(c.Headroom) {
				t.Errorf("the packet starts at %d of its chunk", offset)
			}
			if st, err := s.Stats(); err != nil || st.RxDropped != 1 || st.Received != 1 {
				t.Errorf("%+v, %v", st, err)
			}
			u.Free(d.Addr)
		})
	}
}

func setMTU(t testing.TB, name string, mtu int) {
	t.Helper()
	if err := netlink.LinkSetMTU(mustLink(t, name), mtu); err != nil {
		t.Fatalf("%s mtu %d: %v", name, mtu, err)
	}
}

// TestNothingToReceiveInto lets the fill ring run empty (P10), and the receive
// ring run full (P11).
func TestNothingToReceiveInto(t *testing.T) {
	r := newRig(t, Config{ChunkCount: 64, RXRing: 16}, ModeCopy, 1) // 56 frames on the fill ring
	s, peer := r.sockets[0], newPacketSocket(t, r.peerIdx)
	stats := func() Stats {
		st, err := s.Stats()
		if err != nil {
			t.Fatal(err)
		}
		return st
	}
	for i := range 20 {
		peer.send(t, testFrame(i, 60))
	}
	eventually(t, "receive ring full", func() bool { return stats().RxRingFull == 4 })
	held := receive(t, s, 16)
	for len(held) < 56 {
		peer.send(t, testFrame(0, 60))
		held = append(held, receive(t, s, 1)...)
	}
	peer.send(t, testFrame(0, 60))
	eventually(t, "fill ring empty", func() bool { return stats().RxFillRingEmpty == 1 && stats().RxDropped == 1 })
	for _, d := range held {
		r.umem.Free(d.Addr)
	}
	if n := s.Refill(); n != 56 {
		t.Errorf("refilled %d", n)
	}
	peer.send(t, testFrame(0, 60))
	r.umem.Free(receive(t, s, 1)[0].Addr)
}

// TestBurst sends 1000 packets by one Kick, in one system call where the kernel
// can, and in batches of 32 where it is told to (P1).
func TestBurst(t *testing.T) {
	for _, budget := range []uint32{0, 32, 100} {
		t.Run(fmt.Sprint("budget ", budget), func(t *testing.T) {
			enterNamespace(t)
			w := newWire(t, 1)
			u := newTestUMEM(t, Config{})
			s, err := u.Open(SocketConfig{Ifindex: w.dutIndex, Name: w.dut, TXBudget: budget})
			if err != nil {
				t.Fatal(err)
			}
			peer := newPacketSocket(t, w.peerIdx)
			const total = 1000
			for i := range total {
				addr, _ := u.Alloc()
				copy(u.Chunk(addr), testFrame(i, 60))
				s.Transmit([]Desc{{Addr: addr, Len: 60}})
			}
			if err := s.Kick(); err != nil {
				t.Fatal(err)
			}
			if s.Pending() != 0 {
				t.Errorf("%d left", s.Pending())
			}
			for i := range total {
				if got := peer.receive(t); !bytes.Equal(got, testFrame(i, 60)) {
					t.Fatalf("packet %d: %x", i, got)
				}
			}
			eventually(t, "completion", func() bool { s.Complete(); return s.InFlight() == 0 })
			st, _ := s.Stats()
			t.Logf("%d kicks, %d EAGAIN", st.Kicks, st.KickAgain)
			want := uint64(total/32 + 1)
			switch {
			case budget == 100 && hasBudget(t):
				want = total / 100
			case budget == 0 && hasBudget(t):
				want = 1
			}
			if st.Kicks < want || st.Kicks > want+2 || st.TxDropped != 0 || st.Completed != total {
				t.Errorf("%+v, want %d kicks", st, want)
			}
		})
	}
}

// hasBudget tells whether this kernel has XDP_MAX_TX_SKB_BUDGET.
func hasBudget(t testing.TB) bool {
	t.Helper()
	fd, err := unix.Socket(unix.AF_XDP, unix.SOCK_RAW, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	return unix.SetsockoptInt(fd, unix.SOL_XDP, unix.XDP_MAX_TX_SKB_BUDGET, 32) != unix.ENOPROTOOPT
}

// TestPeerDown burns one packet a kick: each is counted as dropped, and its
// frame comes back (P3).
func TestPeerDown(t *testing.T) {
	r := newRig(t, Config{}, ModeCopy, 1)
	s := r.sockets[0]
	down(t, r.peer)
	queue(t, r.umem, s, 10)
	if err := s.Kick(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "completion", func() bool { s.Complete(); return s.InFlight() == 0 })
	if s.stats.TxDropped != 10 || s.Pending() != 0 {
		t.Errorf("%+v, %d pending", s.stats, s.Pending())
	}
}

// TestForward moves packets between two interfaces of two queues each, by four
// sockets that share one UMEM (P29).
func TestForward(t *testing.T) {
	for _, mode := range []Mode{ModeCopy, ModeGeneric} {
		t.Run(mode.String(), func(t *testing.T) {
			enterNamespace(t)
			a, b := newWire(t, 2), newWire(t, 2)
			u := newTestUMEM(t, Config{ChunkCount: 4096, Sockets: 4})
			_, in := open(t, u, a, mode, 2)
			_, out := open(t, u, b, mode, 2)
			for _, s := range append(in, out...) {
				if l := u.Ledger(); s.filled != 896 || l.Fill != 4*896 || l.Free != 512 {
					t.Fatalf("%d frames filled; %+v", s.filled, l)
				}
			}
			// AF_XDP on the peer decides which queue of ours a packet comes in
			// by.
			source := newTestUMEM(t, Config{Sockets: 2})
			var senders []*Socket
			for q := range 2 {
				s, err := source.Open(SocketConfig{Ifindex: a.peerIdx, Name: a.peer, Queue: q})
				if err != nil {
					t.Fatal(err)
				}
				senders = append(senders, s)
			}
			sink := newPacketSocket(t, b.peerIdx)
			const rounds, batch = 50, 20
			got, batchOf := map[string]int{}, make([]Desc, 64)
			for round := range rounds {
				for q, s := range senders {
					for i := range batch {
						addr, ok := source.Alloc()
						if !ok {
							t.Fatal("no frame to send")
						}
						copy(source.Chunk(addr), testFrame((round*2+q)*batch+i, 100))
						s.Transmit([]Desc{{Addr: addr, Len: 100}})
					}
					if err := s.Kick(); err != nil {
						t.Fatal(err)
					}
				}
				for moved := 0; moved < 2*batch; {
					for q := range in {
						n := in[q].Receive(batchOf)
						if n > 0 && n != out[q].Transmit(batchOf[:n]) {
							t.Fatal("no room")
						}
						moved += n
						if err := out[q].Kick(); err != nil {
							t.Fatal(err)
						}
						out[q].Complete()
						in[q].Refill()
					}
				}
				for _, s := range senders {
					s.Complete()
				}
				for range 2 * batch {
					got[string(sink.receive(t))]++
				}
			}
			for i := range rounds * 2 * batch {
				if n := got[string(testFrame(i, 100))]; n != 1 {
					t.Fatalf("packet %d arrived %d times", i, n)
				}
			}
			// In generic mode veth does not record the queue in the skb, so
			// that all comes in by queue 0.
			want := [2]uint64{rounds * batch, rounds * batch}
			if mode == ModeGeneric {
				want = [2]uint64{2 * rounds * batch, 0}
			}
			for q := range in {
				if in[q].stats.Received != want[q] || out[q].stats.Transmitted != want[q] {
					t.Errorf("queue %d: in %+v, out %+v", q, in[q].stats, out[q].stats)
				}
			}
		})
	}
}
