// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestFramesModel does whatever a program and a kernel may do to a UMEM with
// two sockets on tiny rings whose indices wrap, and looks after each step
// whether every frame is where the model has it.
func TestFramesModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		k := newFakeKernel()
		k.start = ^uint32(0) - rapid.Uint32Range(0, 5).Draw(rt, "before the wrap")
		if rapid.Bool().Draw(rt, "need wake-up") {
			k.flags = ringNeedWakeup
		}
		size := func(name string) uint32 { return rapid.SampledFrom([]uint32{1, 2, 4}).Draw(rt, name) }
		c := Config{
			ChunkSize: 2048, ChunkCount: rapid.Uint32Range(4, 20).Draw(rt, "chunks"), Reserve: 1, Sockets: 2,
			RXRing: size("rx"), FillRing: size("fill"), TXRing: size("tx"),
		}
		c.CompletionRing = c.TXRing * size("completion/tx")
		u := k.umem(t, c)
		var sockets [2]*Socket
		var ends [2]*fakeSocket
		for i := range sockets {
			sockets[i], ends[i] = k.open(t, u, SocketConfig{Ifindex: 7, Name: "x", Queue: i})
		}
		k.onSend = func(_ int, s *fakeSocket) unixErrno {
			s.transmit(rapid.Uint32Range(0, 4).Draw(rt, "sent"))
			return rapid.SampledFrom([]unixErrno{0, eagain, ebusy, enobufs, eintr}).Draw(rt, "errno")
		}
		var held []Desc
		inKernel := [2]int{} // frames between Transmit and Complete
		which := func(t *rapid.T) int { return rapid.IntRange(0, 1).Draw(t, "socket") }
		rt.Repeat(map[string]func(*rapid.T){
			"alloc": func(t *rapid.T) {
				addr, ok := u.Alloc()
				if ok {
					for _, d := range held {
						if d.Addr>>11 == addr>>11 {
							t.Fatalf("%#x is held already", addr)
						}
					}
					held = append(held, Desc{Addr: addr, Len: 60})
				}
			},
			"free": func(t *rapid.T) {
				if len(held) == 0 {
					t.Skip()
				}
				i := rapid.IntRange(0, len(held)-1).Draw(t, "which")
				u.Free(held[i].Addr + rapid.Uint64Range(0, 2047-held[i].Addr&2047).Draw(t, "offset"))
				held = slices.Delete(held, i, i+1)
			},
			"refill": func(t *rapid.T) {
				before := u.Available()
				n := sockets[which(t)].Refill()
				if u.Available() != before-n || n > 0 && u.Available() < int(u.config.Reserve) {
					t.Fatalf("refilled %d: %d free became %d", n, before, u.Available())
				}
			},
			"deliver": func(t *rapid.T) {
				ends[which(t)].deliver(rapid.Uint32Range(0, 5).Draw(t, "n"), 256, rapid.Uint32Range(14, 1792).Draw(t, "length"))
			},
			"receive": func(t *rapid.T) {
				dst := make([]Desc, rapid.IntRange(0, 5).Draw(t, "batch"))
				held = append(held, dst[:sockets[which(t)].Receive(dst)]...)
			},
			"transmit": func(t *rapid.T) {
				i := which(t)
				n := rapid.IntRange(0, len(held)).Draw(t, "n")
				room := sockets[i].Room()
				got := sockets[i].Transmit(held[:n])
				if got != min(n, room) {
					t.Fatalf("Transmit took %d of %d with room for %d", got, n, room)
				}
				held = slices.Delete(held, 0, got)
				inKernel[i] += got
			},
			"kick": func(t *rapid.T) {
				i := which(t)
				completed := sockets[i].stats.Completed
				if err := sockets[i].Kick(); err != nil {
					t.Fatal(err)
				}
				inKernel[i] -= int(sockets[i].stats.Completed - completed)
			},
			"complete": func(t *rapid.T) {
				i := which(t)
				inKernel[i] -= sockets[i].Complete()
			},
			"close and open": func(t *rapid.T) {
				i := which(t)
				if err := sockets[i].Close(); err != nil {
					t.Fatal(err)
				}
				inKernel[i] = 0
				sockets[i], ends[i] = k.open(t, u, SocketConfig{Ifindex: 7, Name: "x", Queue: i})
			},
			"": func(t *rapid.T) {
				l := u.Ledger()
				if err := l.Err(); err != nil {
					t.Fatal(err)
				}
				if l.Held != len(held) || l.TX != inKernel[0]+inKernel[1] || l.Free != u.Available() || l.Lost != 0 ||
					l.Free+l.Fill+l.Held+l.TX != l.Total {
					t.Fatalf("%+v; want %d held, %v in transmission", l, len(held), inKernel)
				}
				for i, s := range sockets {
					if s.InFlight() != inKernel[i] {
						t.Fatalf("socket %d: InFlight %d, want %d", i, s.InFlight(), inKernel[i])
					}
				}
			},
		})
		for _, d := range held {
			u.Free(d.Addr)
		}
		if err := u.Close(); err != nil {
			rt.Fatal(err)
		}
		if l := u.Ledger(); l.Free != l.Total || l.Err() != nil {
			rt.Fatalf("in the end: %v", l)
		}
		if left := k.leaks(); left != "" {
			rt.Fatal(left)
		}
	})
}
