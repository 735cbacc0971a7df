// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"pvlua/internal/privileged"
)

// Packets received lie in the map's value, and leave from there.
func TestMemoryInMap(t *testing.T) {
	for _, mode := range []Mode{ModeCopy, ModeGeneric} {
		t.Run(mode.String(), func(t *testing.T) {
			enterNamespace(t)
			w := newWire(t, 1)
			u := newTestUMEM(t, Config{ChunkCount: 64})
			for range 2 { // the second time it is there already
				if err := u.MoveToMap(); err != nil {
					t.Fatal(err)
				}
			}
			if u.Map().ValueSize() != uint32(u.Size()+mapTail) || u.Size() != 64*2048 {
				t.Errorf("a map of %d bytes for frames of %d", u.Map().ValueSize(), u.Size())
			}
			_, sockets := open(t, u, w, mode, 1)
			s, peer := sockets[0], newPacketSocket(t, w.peerIdx)
			value := make([]byte, u.Map().ValueSize())
			for i := range 200 { // all frames, and more than once
				want := testFrame(i, 60+i)
				peer.send(t, want)
				d := receive(t, s, 1)
				if err := u.Map().Lookup(uint32(0), &value); err != nil {
					t.Fatal(err)
				}
				if got := value[d[0].Addr:][:d[0].Len]; !bytes.Equal(got, want) {
					t.Fatalf("the map has %x, want %x", got, want)
				}
				s.Transmit(d)
				if err := s.Kick(); err != nil {
					t.Fatal(err)
				}
				if got := peer.receive(t); !bytes.Equal(got, want) {
					t.Fatalf("peer got %x, want %x", got, want)
				}
				eventually(t, "completion", func() bool { s.Complete(); return s.InFlight() == 0 })
				s.Refill()
			}
		})
	}
}

// Memory in use stays where it is, and so does memory that can't be moved.
func TestMoveToMapRefused(t *testing.T) {
	k := newFakeKernel()
	u, err := newUMEM(Config{ChunkCount: 8}, k)
	if err != nil {
		t.Fatal(err)
	}
	before := &u.mem[0]
	same := func(err error, want string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) || &u.mem[0] != before || u.Map() != nil {
			t.Errorf("%v, not %s; or it was moved", err, want)
		}
	}
	refuse := func(*ebpf.MapSpec) (*ebpf.Map, error) { return nil, unix.EPERM }
	same(u.moveToMap(refuse), "not permitted")
	addr, _ := u.Alloc()
	same(u.MoveToMap(), "in use")
	u.Free(addr)
	s, err := u.Open(SocketConfig{Ifindex: 1, Name: "x"})
	if err != nil {
		t.Fatal(err)
	}
	same(u.MoveToMap(), "in use")
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := u.Close(); err != nil {
		t.Error(err)
	}
	if err := u.MoveToMap(); err == nil {
		t.Error("moved a closed UMEM")
	}
	if len(k.mapped) != 0 {
		t.Errorf("%d mappings are left", len(k.mapped))
	}

	big, err := newUMEM(Config{ChunkCount: maxMapped/2048 + 1}, linux{}) // mapped, but never touched
	if err != nil {
		t.Fatal(err)
	}
	defer big.Close()
	if err := big.MoveToMap(); !errors.Is(err, unix.E2BIG) {
		t.Error(err)
	}
}

// A kernel that does not pin such memory is told from one that has other reasons.
func TestMapMemoryRefused(t *testing.T) {
	for errno, want := range map[unix.Errno]error{unix.EFAULT: ErrMapMemory, unix.ENOBUFS: ErrMemlock} {
		err := explainRegister(SocketConfig{Name: "x"}, &UMEM{inMap: new(ebpf.Map)}, errno)
		if !errors.Is(err, want) || !errors.Is(err, errno) {
			t.Errorf("%v: %v", errno, err)
		}
	}
}

// The map is closed with the UMEM, and when it can't be mapped.
func TestMoveToMapFails(t *testing.T) {
	privileged.Require(t)
	k := newFakeKernel()
	u, err := newUMEM(Config{ChunkCount: 8}, k)
	if err != nil {
		t.Fatal(err)
	}
	k.failAt, k.errno = len(k.calls)+1, unix.ENOMEM
	var made *ebpf.Map
	err = u.moveToMap(func(spec *ebpf.MapSpec) (_ *ebpf.Map, err error) {
		made, err = ebpf.NewMap(spec)
		return made, err
	})
	if !errors.Is(err, unix.ENOMEM) || u.Map() != nil {
		t.Errorf("%v, or it was moved", err)
	}
	if made == nil || made.FD() >= 0 {
		t.Error("the map is still open")
	}
	if err := u.Close(); err != nil {
		t.Error(err)
	}
}
