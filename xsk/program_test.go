// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// TestReinjected: in generic mode, what begins with the mark is for the stack,
// without the mark. In native mode all is for the socket.
func TestReinjected(t *testing.T) {
	for _, mode := range []Mode{ModeGeneric, ModeCopy} {
		t.Run(mode.String(), func(t *testing.T) {
			r := newRig(t, Config{ChunkSize: 4096}, mode, 1)
			s, peer, stack := r.sockets[0], newPacketSocket(t, r.peerIdx), newPacketSocket(t, r.dutIndex)
			for _, size := range []int{14, 15, 60, 1000, 1498} {
				plain := testFrame(size, size)
				marked := append(bytes.Clone(testMark[:]), plain...)
				peer.send(t, marked)
				if mode == ModeCopy {
					d := receive(t, s, 1)[0]
					if got := r.umem.Packet(d); !bytes.Equal(got, marked) {
						t.Fatalf("%d bytes: %x on the socket", size, got)
					}
					r.umem.Free(d.Addr)
					continue
				}
				if got := stack.receive(t); !bytes.Equal(got, plain) {
					t.Fatalf("%d bytes: the stack got %x, want %x", size, got, plain)
				}
			}
			// Near misses: a bit wrong in each byte of the mark; the mark
			// elsewhere; too short for a mark.
			misses := [][]byte{
				append(append([]byte{0}, testMark[:]...), testFrame(0, 60)...),
				append(testFrame(0, 60), testMark[:]...),
				append(bytes.Clone(testMark[:]), testFrame(0, 13)...),
				testFrame(0, 14), testFrame(0, 16), testFrame(0, 29), testFrame(0, 30),
			}
			for i := range testMark {
				miss := append(bytes.Clone(testMark[:]), testFrame(0, 60)...)
				miss[i] ^= 1 << (i % 8)
				misses = append(misses, miss)
			}
			for _, miss := range misses {
				peer.send(t, miss)
				d := receive(t, s, 1)[0]
				if got := r.umem.Packet(d); !bytes.Equal(got, miss) {
					t.Errorf("%x on the socket, want %x", got, miss)
				}
				r.umem.Free(d.Addr)
			}
			if got := stack.receive(t); got != nil {
				t.Errorf("the stack got %x", got)
			}
		})
	}
}

// TestNoMark: all zero means no test.
func TestNoMark(t *testing.T) {
	enterNamespace(t)
	w := newWire(t, 1)
	u := newTestUMEM(t, Config{})
	p, err := Attach(ProgramConfig{Ifindex: w.dutIndex, Queues: 1, Mode: ModeGeneric})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	s, err := u.Open(SocketConfig{Ifindex: w.dutIndex, Bind: BindCopy})
	if err != nil {
		t.Fatal(err)
	}
	s.Refill()
	if err := p.Register(0, s); err != nil {
		t.Fatal(err)
	}
	frame := make([]byte, 64)
	copy(frame, testFrame(0, 14))
	newPacketSocket(t, w.peerIdx).send(t, frame)
	d := receive(t, s, 1)[0]
	if got := u.Packet(d); !bytes.Equal(got, frame) {
		t.Errorf("%x", got)
	}
	u.Free(d.Addr)
}

// TestPassWithoutSocket: before Register, and after Close, packets go to the
// stack (P31).
func TestPassWithoutSocket(t *testing.T) {
	for _, mode := range []Mode{ModeCopy, ModeGeneric} {
		t.Run(mode.String(), func(t *testing.T) {
			r := newRig(t, Config{}, mode, 1)
			peer, stack := newPacketSocket(t, r.peerIdx), newPacketSocket(t, r.dutIndex)
			frame := testFrame(1, 60)
			peer.send(t, frame)
			r.umem.Free(receive(t, r.sockets[0], 1)[0].Addr)
			if err := r.sockets[0].Close(); err != nil {
				t.Fatal(err)
			}
			peer.send(t, frame)
			if got := stack.receive(t); !bytes.Equal(got, frame) {
				t.Errorf("socket closed: the stack got %x", got)
			}
			for range 2 {
				if err := r.program.Close(); err != nil {
					t.Fatal(err)
				}
			}
			peer.send(t, frame)
			if got := stack.receive(t); !bytes.Equal(got, frame) {
				t.Errorf("program detached: the stack got %x", got)
			}
			if id, _ := attachedProgram(r.dutIndex); id != 0 {
				t.Errorf("program %d is still attached", id)
			}
		})
	}
}

// TestLadder has native mode fail for each reason that veth has, and generic
// mode work all the same (P20, P21, P22).
func TestLadder(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(t *testing.T, w *wire)
		errno unix.Errno
		words string
	}{
		{"peer's MTU", func(t *testing.T, w *wire) { setMTU(t, w.peer, 9000) }, unix.ERANGE, "MTU"},
		{"peer's queues", func(t *testing.T, w *wire) {
			if err := netlink.LinkDel(mustLink(t, w.dut)); err != nil {
				t.Fatal(err)
			}
			w.makeUneven(t, 1, 2)
		}, unix.ENOSPC, "receive queues"},
	} {
		t.Run(c.name, func(t *testing.T) {
			enterNamespace(t)
			w := newWire(t, 1)
			c.spoil(t, &w)
			config := ProgramConfig{Ifindex: w.dutIndex, Name: w.dut, Queues: 1, Mode: ModeNative}
			if p, err := Attach(config); !errors.Is(err, c.errno) || !strings.Contains(text(err), c.words) {
				t.Errorf("%v, %v", p, err)
			}
			var log bytes.Buffer
			config.Mode, config.Log = ModeAuto, slog.New(slog.NewTextHandler(&log, nil))
			p, err := Attach(config)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			if p.Mode() != Generic {
				t.Errorf("attached %v", p.Mode())
			}
			if s := log.String(); !strings.Contains(s, "trying generic") || !strings.Contains(s, c.words) {
				t.Errorf("log: %s", s)
			}
		})
	}
}

func TestRegisterRefuses(t *testing.T) {
	r := newRig(t, Config{Sockets: 3}, ModeCopy, 2)
	if err := r.program.Register(0, r.sockets[1]); !errors.Is(err, unix.EINVAL) {
		t.Errorf("another queue's socket: %v", err)
	}
	if err := r.program.Register(2, r.sockets[1]); !errors.Is(err, ErrQueueRange) {
		t.Errorf("a queue too many: %v", err)
	}
	if err := r.program.Register(-1, r.sockets[1]); !errors.Is(err, ErrQueueRange) {
		t.Errorf("a negative queue: %v", err)
	}
	other := newWire(t, 1)
	s, err := r.umem.Open(SocketConfig{Ifindex: other.dutIndex, Name: other.dut, Bind: BindCopy})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.program.Register(0, s); !errors.Is(err, unix.EINVAL) || !strings.Contains(text(err), other.dut) {
		t.Errorf("another interface's socket: %v", err)
	}
}
