// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// TestLinkDownAndUp: what is queued when the link goes down leaves when it is
// up again, and nothing needs to be set up anew (P36).
func TestLinkDownAndUp(t *testing.T) {
	for _, mode := range []Mode{ModeCopy, ModeGeneric} {
		t.Run(mode.String(), func(t *testing.T) {
			r := newRig(t, Config{}, mode, 1)
			s, peer := r.sockets[0], newPacketSocket(t, r.peerIdx)
			if err := s.Check(); err != nil {
				t.Fatal(err)
			}
			down(t, r.dut)
			const n = 50
			for i := range n {
				addr, _ := r.umem.Alloc()
				copy(r.umem.Chunk(addr), testFrame(i, 60))
				s.Transmit([]Desc{{Addr: addr, Len: 60}})
			}
			for range 3 {
				if err := s.Kick(); !errors.Is(err, ErrLinkDown) || !errors.Is(err, unix.ENETDOWN) ||
					!strings.Contains(text(err), "ip link set dev "+r.dut+" up") {
					t.Errorf("Kick: %v", err)
				}
				if err := s.Check(); !errors.Is(err, ErrLinkDown) {
					t.Errorf("Check: %v", err)
				}
			}
			if s.Pending() != n || s.InFlight() != n {
				t.Errorf("%d pending, %d in flight", s.Pending(), s.InFlight())
			}
			up(t, r.dut)
			if err := s.Check(); err != nil {
				t.Fatal(err)
			}
			if err := s.Kick(); err != nil {
				t.Fatal(err)
			}
			for i := range n {
				if got := peer.receive(t); !bytes.Equal(got, testFrame(i, 60)) {
					t.Fatalf("packet %d: %x", i, got)
				}
			}
			receiveAgain(t, peer, s)
		})
	}
}

// receiveAgain sends until a packet arrives. The peer's qdisc, which drops
// everything while there is no carrier, is changed some time after the link
// came up (linkwatch_event in net/core/link_watch.c).
func receiveAgain(t testing.TB, peer packetSocket, s *Socket) {
	t.Helper()
	eventually(t, "a packet after the link came up", func() bool {
		peer.send(t, testFrame(7, 60))
		var d [4]Desc
		n := s.Receive(d[:])
		for _, d := range d[:n] {
			s.umem.Free(d.Addr)
		}
		return n > 0
	})
}

// TestOpenOnDownLink: all can be set up while the interface is down, and works
// once it is up. CheckInterface tells beforehand.
func TestOpenOnDownLink(t *testing.T) {
	for _, mode := range []Mode{ModeCopy, ModeGeneric} {
		t.Run(mode.String(), func(t *testing.T) {
			enterNamespace(t)
			w := newWire(t, 1)
			down(t, w.dut)
			i, err := CheckInterface(w.dut)
			if want := w.dut + ": link is down; ip link set dev " + w.dut + " up"; text(err) != want || !errors.Is(err, ErrLinkDown) {
				t.Errorf("%v, want %s", err, want)
			}
			if i.Index != w.dutIndex || i.Name != w.dut || i.MTU != 1500 || i.Up || i.Queues != 1 {
				t.Errorf("%+v", i)
			}
			u := newTestUMEM(t, Config{})
			_, sockets := open(t, u, w, mode, 1)
			if err := sockets[0].Check(); !errors.Is(err, ErrLinkDown) {
				t.Errorf("Check: %v", err)
			}
			up(t, w.dut)
			receiveAgain(t, newPacketSocket(t, w.peerIdx), sockets[0])
		})
	}
}

// TestDeleteAndRecreate takes the interface away under two sockets that share a
// UMEM with a third elsewhere, and brings it back.
func TestDeleteAndRecreate(t *testing.T) {
	for _, mode := range []Mode{ModeCopy, ModeGeneric} {
		for _, alone := range []bool{false, true} {
			for _, closeFirst := range []bool{true, false} {
				name := mode.String()
				if alone {
					name += ", no other interface"
				}
				if !closeFirst {
					name += ", old sockets still open"
				}
				t.Run(name, func(t *testing.T) { deleteAndRecreate(t, mode, alone, closeFirst) })
			}
		}
	}
}

func deleteAndRecreate(t *testing.T, mode Mode, alone, closeFirst bool) {
	enterNamespace(t)
	w := newWire(t, 2)
	u := newTestUMEM(t, Config{Sockets: 5})
	// The deleted interface registered the memory.
	program, sockets := open(t, u, w, mode, 2)
	var other *Socket
	if !alone {
		_, others := open(t, u, newWire(t, 1), mode, 1)
		other = others[0]
	}
	for _, s := range sockets {
		queue(t, u, s, 10)
	}
	peer := newPacketSocket(t, w.peerIdx)
	peer.send(t, testFrame(0, 60))
	held := []Desc{receiveAny(t, sockets)}
	if err := netlink.LinkDel(mustLink(t, w.dut)); err != nil {
		t.Fatal(err)
	}
	for _, s := range sockets {
		if err := s.Kick(); !errors.Is(err, ErrGone) || !errors.Is(err, unix.ENXIO) {
			t.Errorf("Kick: %v", err)
		}
		if err := s.Check(); !errors.Is(err, ErrGone) {
			t.Errorf("Check: %v", err)
		}
		s.Refill()
		s.Complete()
		if closeFirst {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	if err := program.Close(); err != nil {
		t.Errorf("closing the program: %v", err)
	}
	if l := u.Ledger(); l.Err() != nil || l.Held != len(held) {
		t.Errorf("%+v", l)
	}
	w.make(t, 2)
	_, again := open(t, u, w, mode, 2)
	if !closeFirst {
		for _, s := range sockets {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
		for _, s := range again {
			s.Refill()
		}
	}
	peer = newPacketSocket(t, w.peerIdx)
	for i := range 20 {
		// What is held since before the deletion goes out of the new interface:
		// it is the same memory.
		held = append(held, u.frame(t, testFrame(i, 60)))
	}
	for i, d := range held[1:] {
		if again[1].Transmit([]Desc{d}) != 1 || again[1].Kick() != nil {
			t.Fatal("can't transmit")
		}
		if got := peer.receive(t); !bytes.Equal(got, testFrame(i, 60)) {
			t.Fatalf("packet %d: %x", i, got)
		}
	}
	u.Free(held[0].Addr)
	peer.send(t, testFrame(1, 60))
	u.Free(receiveAny(t, again).Addr)
	if other != nil {
		if err := other.Check(); err != nil {
			t.Errorf("the other interface: %v", err)
		}
	}
}

// receiveAny waits for a packet on any of several sockets.
func receiveAny(t testing.TB, sockets []*Socket) Desc {
	t.Helper()
	var d [1]Desc
	eventually(t, "a packet on some socket", func() bool {
		for _, s := range sockets {
			if s.Receive(d[:]) == 1 {
				return true
			}
		}
		return false
	})
	return d[0]
}

// frame allocates a frame with a packet in it.
func (u *UMEM) frame(t testing.TB, packet []byte) Desc {
	t.Helper()
	addr, ok := u.Alloc()
	if !ok {
		t.Fatal("no frame")
	}
	copy(u.Chunk(addr), packet)
	return Desc{Addr: addr, Len: uint32(len(packet))}
}

func TestCheckInterface(t *testing.T) {
	i, err := CheckInterface("no-such-if0")
	if !errors.Is(err, ErrNoInterface) || !errors.Is(err, os.ErrNotExist) || i != (Interface{}) {
		t.Errorf("%+v, %v", i, err)
	}
	if !strings.HasPrefix(text(err), "no-such-if0: no such interface; there are: ") || !strings.Contains(text(err), "lo") {
		t.Error(err)
	}
	if _, err := queueCount("a-name-far-too-long-for-an-interface"); err == nil {
		t.Error("a long name has queues")
	}
	enterNamespace(t)
	w := newWire(t, 3)
	want := Interface{Index: w.dutIndex, Name: w.dut, MTU: 1500, Up: true, Queues: 3}
	if i, err := CheckInterface(w.dut); err != nil || i != want {
		t.Errorf("%+v, %v; want %+v", i, err, want)
	}
	if nameOf(w.dutIndex, "") != w.dut || nameOf(1<<30, "") != "interface 1073741824" || nameOf(1, "x") != "x" {
		t.Error("names are wrong")
	}
}
