// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestBindRefused: the errors of bind on a veth (P25).
func TestBindRefused(t *testing.T) {
	r := newRig(t, Config{}, ModeCopy, 1)
	u := newTestUMEM(t, Config{})
	c := SocketConfig{Ifindex: r.dutIndex, Name: r.dut, Bind: BindZeroCopy, Patience: -1}
	if _, err := u.Open(c); !errors.Is(err, ErrInUse) || !errors.Is(err, unix.EBUSY) {
		t.Errorf("a queue in use: %v", err)
	}
	r.sockets[0].Close()
	c.Patience = 0
	if _, err := u.Open(c); !errors.Is(err, ErrNoZeroCopy) || !errors.Is(err, unix.EOPNOTSUPP) {
		t.Errorf("zero-copy: %v", err)
	}
	c.Bind, c.Queue = BindCopy, 1
	if _, err := u.Open(c); !errors.Is(err, ErrQueueRange) || !strings.Contains(text(err), r.dut+" has one queue, number 0") {
		t.Errorf("queue 1 of 1: %v", err)
	}
	c.Ifindex, c.Queue = 1<<30, 0
	if _, err := u.Open(c); !errors.Is(err, ErrNoInterface) || !strings.Contains(text(err), r.dut) {
		t.Errorf("no interface: %v", err)
	}
	c.Ifindex, c.Bind = r.dutIndex, BindAuto
	s, err := u.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	if s.ZeroCopy() {
		t.Error("zero-copy on veth")
	}
}

// TestReopen binds again at once after closing, while the kernel is still
// taking the old socket down (P28).
func TestReopen(t *testing.T) {
	r := newRig(t, Config{}, ModeCopy, 1)
	peer := newPacketSocket(t, r.peerIdx)
	s := r.sockets[0]
	for i := range 20 {
		queue(t, r.umem, s, 5)
		peer.send(t, testFrame(i, 60))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		var err error
		if s, err = r.umem.Open(SocketConfig{Ifindex: r.dutIndex, Name: r.dut, Bind: BindCopy}); err != nil {
			t.Fatal(err)
		}
		s.Refill()
		if err := r.program.Register(0, s); err != nil {
			t.Fatal(err)
		}
	}
	peer.send(t, testFrame(0, 60))
	r.umem.Free(receive(t, s, 1)[0].Addr)
}
