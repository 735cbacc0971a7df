// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import (
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"pvlua/internal/privileged"
)

var vethCount atomic.Uint32

// wire is a veth pair in a network namespace of its own, which the test's
// thread has entered and is locked to. Both ends are in it: dut is the one that
// AF_XDP drives, peer the one that packet sockets speak through. Nothing but
// the test speaks on it: IPv6 is off, and there are no addresses.
type wire struct {
	dut, peer         string
	dutIndex, peerIdx int
}

// enterNamespace locks the test to its thread and moves that to a new network
// namespace; the clean-up goes back. A thread that could not be moved back is
// not unlocked, and so ends with the test's goroutine.
func enterNamespace(t testing.TB) {
	t.Helper()
	privileged.Require(t)
	runtime.LockOSThread()
	old, err := netns.Get()
	if err != nil {
		t.Fatal(err)
	}
	ns, err := netns.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ns.Close()
		if err := netns.Set(old); err != nil {
			t.Errorf("back to the first namespace: %v", err)
		} else {
			runtime.UnlockOSThread()
		}
		old.Close()
	})
	setSysctl(t, "/proc/sys/net/ipv6/conf/all/disable_ipv6")
	setSysctl(t, "/proc/sys/net/ipv6/conf/default/disable_ipv6")
}

// setSysctl writes 1. Files below /proc/sys/net belong to the namespace of the
// thread that opens them.
func setSysctl(t testing.TB, path string) {
	t.Helper()
	if err := os.WriteFile(path, []byte("1"), 0); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
}

// newWire makes a pair, with that many queues on each end, and brings both ends
// up.
func newWire(t testing.TB, queues int) wire {
	t.Helper()
	n := vethCount.Add(1)
	w := wire{dut: fmt.Sprintf("xd%d", n), peer: fmt.Sprintf("xp%d", n)}
	w.make(t, queues)
	t.Cleanup(func() {
		if l, err := netlink.LinkByName(w.dut); err == nil {
			netlink.LinkDel(l)
		}
	})
	return w
}

func (w *wire) make(t testing.TB, queues int) { w.makeUneven(t, queues, queues) }

// makeUneven makes the pair with another number of queues on either end.
func (w *wire) makeUneven(t testing.TB, dut, peer int) {
	t.Helper()
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.NumTxQueues, attrs.NumRxQueues = w.dut, dut, dut
	pair := netlink.NewVeth(attrs)
	pair.PeerName, pair.PeerNumTxQueues, pair.PeerNumRxQueues = w.peer, uint32(peer), uint32(peer)
	if err := netlink.LinkAdd(pair); err != nil {
		t.Fatalf("make veth pair: %v", err)
	}
	w.dutIndex = index(t, w.dut)
	w.peerIdx = index(t, w.peer)
	up(t, w.dut)
	up(t, w.peer)
	// Until then, a qdisc drops what is sent (net/core/link_watch.c).
	eventually(t, "both ends operational", func() bool {
		return mustLink(t, w.dut).Attrs().OperState == netlink.OperUp && mustLink(t, w.peer).Attrs().OperState == netlink.OperUp
	})
}

func mustLink(t testing.TB, name string) netlink.Link {
	t.Helper()
	l, err := netlink.LinkByName(name)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return l
}

func index(t testing.TB, name string) int { return mustLink(t, name).Attrs().Index }

func up(t testing.TB, name string) {
	t.Helper()
	if err := netlink.LinkSetUp(mustLink(t, name)); err != nil {
		t.Fatalf("%s up: %v", name, err)
	}
}

func down(t testing.TB, name string) {
	t.Helper()
	if err := netlink.LinkSetDown(mustLink(t, name)); err != nil {
		t.Fatalf("%s down: %v", name, err)
	}
}

// packetSocket is an AF_PACKET socket on an interface: it sends whole frames,
// and sees those that the stack is given.
type packetSocket int

func newPacketSocket(t testing.TB, ifindex int) packetSocket {
	t.Helper()
	proto := uint16(unix.ETH_P_ALL<<8 | unix.ETH_P_ALL>>8)
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, int(proto))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: proto, Ifindex: ifindex}); err != nil {
		t.Fatal(err)
	}
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 64<<20)
	timeout := unix.Timeval{Sec: 1}
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout); err != nil {
		t.Fatal(err)
	}
	return packetSocket(fd)
}

func (p packetSocket) send(t testing.TB, frame []byte) {
	t.Helper()
	if _, err := unix.Write(int(p), frame); err != nil {
		t.Fatalf("send %d bytes: %v", len(frame), err)
	}
}

// receive returns the next frame that came in, not one of our own going out;
// nil after a second without.
func (p packetSocket) receive(t testing.TB) []byte {
	t.Helper()
	b := make([]byte, 65536)
	for {
		n, from, err := unix.Recvfrom(int(p), b, 0)
		if err == unix.EAGAIN {
			return nil
		}
		if err != nil {
			if err == unix.EINTR {
				continue
			}
			t.Fatalf("receive: %v", err)
		}
		if from.(*unix.SockaddrLinklayer).Pkttype != unix.PACKET_OUTGOING {
			return b[:n]
		}
	}
}

// testFrame is a broadcast frame of an ethertype for experiments (RFC 5342),
// numbered, with recognisable bytes.
func testFrame(n, size int) []byte {
	b := make([]byte, size)
	copy(b, "\xff\xff\xff\xff\xff\xff\x02\x00\x00\x00\x00\x01\x88\xb5")
	for i := 14; i < size; i++ {
		b[i] = byte(n*7 + i)
	}
	if size >= 18 {
		b[14], b[15], b[16], b[17] = byte(n>>24), byte(n>>16), byte(n>>8), byte(n)
	}
	return b
}

// eventually polls a condition for up to ten seconds.
func eventually(t testing.TB, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !f(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never happened: %s", what)
		}
	}
}
