// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import "testing"

// rig is a wire with a program and sockets on the dut's queues.
type rig struct {
	wire
	umem    *UMEM
	program *Program
	sockets []*Socket
}

// newRig opens it all; the clean-up closes all and checks that no frame is
// missing.
func newRig(t testing.TB, c Config, mode Mode, queues int) *rig {
	t.Helper()
	enterNamespace(t)
	r := &rig{wire: newWire(t, queues)}
	if c.Sockets == 0 {
		c.Sockets = uint32(queues)
	}
	r.umem = newTestUMEM(t, c)
	r.program, r.sockets = open(t, r.umem, r.wire, mode, queues)
	return r
}

func newTestUMEM(t testing.TB, c Config) *UMEM {
	t.Helper()
	u, err := NewUMEM(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for len(u.sockets) > 0 {
			if err := u.sockets[0].Close(); err != nil {
				t.Error(err)
			}
		}
		if l := u.Ledger(); l.Err() != nil || l.Free+l.Held != l.Total {
			t.Errorf("in the end: %v; %+v", l, l)
		}
		if err := u.Close(); err != nil {
			t.Error(err)
		}
	})
	return u
}

func open(t testing.TB, u *UMEM, w wire, mode Mode, queues int) (*Program, []*Socket) {
	t.Helper()
	p, err := Attach(ProgramConfig{Ifindex: w.dutIndex, Name: w.dut, Queues: queues, Mode: mode, Reinjected: testMark})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	var sockets []*Socket
	for q := range queues {
		s, err := u.Open(SocketConfig{Ifindex: w.dutIndex, Name: w.dut, Queue: q, Bind: BindCopy})
		if err != nil {
			t.Fatal(err)
		}
		sockets = append(sockets, s)
	}
	for q, s := range sockets {
		s.Refill()
		if err := p.Register(q, s); err != nil {
			t.Fatal(err)
		}
	}
	return p, sockets
}

var testMark = [16]byte{1, 0xfe, 2, 3, 4, 5, 6, 0xff, 8, 0x80, 10, 11, 12, 13, 14, 0x8f}

// receive waits for n packets on a socket.
func receive(t testing.TB, s *Socket, n int) []Desc {
	t.Helper()
	got := make([]Desc, 0, n)
	eventually(t, "packets on the socket", func() bool {
		got = got[:len(got)+s.Receive(got[len(got):n])]
		return len(got) == n
	})
	return got
}
