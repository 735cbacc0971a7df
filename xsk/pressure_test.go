// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// TestBackPressure sends faster than the peer takes it. With a qdisc on our end
// a full ring at the peer is EAGAIN and nothing is lost, where without one it
// would be EBUSY and a loss (P4). Kick gives up and is called again.
func TestBackPressure(t *testing.T) {
	enterNamespace(t)
	w := newWire(t, 1)
	qdisc := &netlink.GenericQdisc{
		QdiscAttrs: netlink.QdiscAttrs{LinkIndex: w.dutIndex, Handle: netlink.MakeHandle(1, 0), Parent: netlink.HANDLE_ROOT},
		QdiscType:  "pfifo",
	}
	if err := netlink.QdiscAdd(qdisc); err != nil {
		t.Fatal(err)
	}
	// A program on the peer gives it NAPI, and a thread of its own for that
	// lets the ring of 256 fill up (P24).
	sink := newTestUMEM(t, Config{ChunkCount: 8192, RXRing: 8192, FillRing: 8192})
	peer := wire{dut: w.peer, dutIndex: w.peerIdx}
	_, sockets := open(t, sink, peer, ModeCopy, 1)
	threadedNAPI(t, w.peer)

	u := newTestUMEM(t, Config{})
	s, err := u.Open(SocketConfig{Ifindex: w.dutIndex, Name: w.dut, Bind: BindCopy})
	if err != nil {
		t.Fatal(err)
	}
	const total = 50_000
	batch, received, waits := make([]Desc, 64), 0, 0
	drain := func() {
		for n := -1; n != 0; {
			n = sockets[0].Receive(batch)
			for _, d := range batch[:n] {
				sink.Free(d.Addr)
			}
			received += n
			sockets[0].Refill()
		}
	}
	for sent := 0; sent < total; {
		for s.Room() > 0 && sent < total {
			addr, ok := u.Alloc()
			if !ok {
				break
			}
			copy(u.Chunk(addr), testFrame(sent, 60))
			s.Transmit([]Desc{{Addr: addr, Len: 60}})
			sent++
		}
		if err := s.Kick(); err != nil {
			t.Fatal(err)
		}
		if s.Pending() > 0 {
			waits++
		}
		s.Complete()
		drain()
	}
	eventually(t, "all received", func() bool {
		if err := s.Kick(); err != nil {
			t.Fatal(err)
		}
		s.Complete()
		drain()
		return received == total
	})
	st, _ := s.Stats()
	t.Logf("%d kicks, %d ended by EAGAIN, %d that left some", st.Kicks, st.KickAgain, waits)
	if st.TxDropped != 0 || st.KickAgain == 0 {
		t.Errorf("%+v", st)
	}
	eventually(t, "completion", func() bool { s.Complete(); return s.InFlight() == 0 })
}

// threadedNAPI gives an interface's NAPI a kernel thread. /sys shows the
// namespace it was mounted in, so it is mounted again.
func threadedNAPI(t testing.TB, name string) {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("sysfs", dir, "sysfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	defer unix.Unmount(dir, unix.MNT_DETACH)
	if err := os.WriteFile(filepath.Join(dir, "class/net", name, "threaded"), []byte("1"), 0); err != nil {
		t.Fatal(err)
	}
}
