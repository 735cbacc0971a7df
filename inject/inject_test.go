// SPDX-License-Identifier: GPL-3.0-or-later

package inject

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"
	vnetns "github.com/vishvananda/netns"

	"pvlua/internal/privileged"
)

// inNewNamespace moves the test onto a thread of its own in a fresh network
// namespace with a veth pair "port"-"peer", both up; port has 10.9.0.1/24.
// The namespace and all in it vanish with the thread.
func inNewNamespace(t testing.TB, run func(port, peer netlink.Link)) {
	t.Helper()
	privileged.Require(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked: the thread dies with the goroutine
		ns, err := vnetns.New()
		if err != nil {
			t.Errorf("new network namespace: %v", err)
			return
		}
		defer ns.Close()
		pair := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "port"}, PeerName: "peer"}
		if err := netlink.LinkAdd(pair); err != nil {
			t.Errorf("veth pair: %v", err)
			return
		}
		var links [2]netlink.Link
		for i, name := range []string{"port", "peer"} {
			if links[i], err = netlink.LinkByName(name); err == nil {
				err = netlink.LinkSetUp(links[i])
			}
			if err != nil {
				t.Errorf("link %s: %v", name, err)
				return
			}
		}
		addr, _ := netlink.ParseAddr("10.9.0.1/24")
		if err := netlink.AddrAdd(links[0], addr); err != nil {
			t.Errorf("address: %v", err)
			return
		}
		run(links[0], links[1])
	}()
	<-done
}

// udpFrame is a UDP datagram from 10.9.0.2:9 to 10.9.0.1:port without
// checksum, for the interface with address mac.
func udpFrame(mac net.HardwareAddr, port int, payload []byte) []byte {
	b := append([]byte{}, mac...)
	b = append(b, 2, 0, 0, 0, 0, 9, 0x08, 0x00)
	ip := []byte{0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 10, 9, 0, 2, 10, 9, 0, 1}
	binary.BigEndian.PutUint16(ip[2:], uint16(28+len(payload)))
	sum := uint32(0)
	for i := 0; i < len(ip); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(ip[i:]))
	}
	sum = sum>>16 + sum&0xffff
	binary.BigEndian.PutUint16(ip[10:], ^uint16(sum+sum>>16))
	b = append(b, ip...)
	b = append(b, 0, 9, 0, 0, 0, 0, 0, 0)
	binary.BigEndian.PutUint16(b[36:], uint16(port))
	binary.BigEndian.PutUint16(b[38:], uint16(8+len(payload)))
	return append(b, payload...)
}

func newInjector(t *testing.T, port netlink.Link) *Injector {
	t.Helper()
	j, err := New(port.Attrs().Index, nil)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func listen(t *testing.T) *net.UDPConn {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(10, 9, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	conn.SetReadBuffer(4 << 20)
	return conn
}

func expect(t *testing.T, conn *net.UDPConn, want []byte) {
	buf := make([]byte, 8192)
	conn.SetReadDeadline(time.Now().Add(2 * time.Second))
	n, from, err := conn.ReadFromUDP(buf)
	if err != nil {
		t.Errorf("the stack did not deliver the datagram: %v", err)
		return
	}
	if !bytes.Equal(buf[:n], want) {
		t.Errorf("delivered %d bytes, want %d, or other content", n, len(want))
	}
	if from.String() != "10.9.0.2:9" {
		t.Errorf("delivered from %v", from)
	}
}

func TestStackReceivesWhatWasPushed(t *testing.T) {
	inNewNamespace(t, func(port, _ netlink.Link) {
		j := newInjector(t, port)
		defer j.Close()
		conn := listen(t)
		defer conn.Close()
		dport := conn.LocalAddr().(*net.UDPAddr).Port

		// Shrinking and growing lengths share the one skb of a run.
		var want [][]byte
		for i, size := range []int{0, 1, 1400, 3, 3900, 18, 64, 0, 700} {
			want = append(want, bytes.Repeat([]byte{byte(i + 1)}, size))
		}
		for round := range 20 {
			for _, payload := range want {
				if err := j.Push(udpFrame(port.Attrs().HardwareAddr, dport, payload)); err != nil {
					t.Error(err)
				}
			}
			n, refused, err := j.Flush()
			if err != nil || n != len(want) || refused != 0 {
				t.Errorf("round %d: flushed %d of %d: %v", round, n, len(want), err)
			}
			for _, payload := range want {
				expect(t, conn, payload)
			}
		}
	})
}

func TestFlushCountsRefusedFrames(t *testing.T) {
	inNewNamespace(t, func(port, _ netlink.Link) {
		j := newInjector(t, port)
		defer j.Close()
		conn := listen(t)
		defer conn.Close()
		dport := conn.LocalAddr().(*net.UDPAddr).Port
		frame := udpFrame(port.Attrs().HardwareAddr, dport, []byte("x"))

		if err := netlink.LinkSetDown(port); err != nil {
			t.Error(err)
		}
		j.Push(frame)
		j.Push(frame)
		if n, refused, err := j.Flush(); n != 0 || refused != 2 || err != nil {
			t.Errorf("down: passed %d, refused %d, %v", n, refused, err)
		}
		if err := netlink.LinkSetUp(port); err != nil {
			t.Error(err)
		}
		j.Push(frame)
		if n, refused, err := j.Flush(); n != 1 || refused != 0 || err != nil {
			t.Errorf("up again: passed %d, refused %d, %v", n, refused, err)
		}
		if n, refused, err := j.Flush(); n != 0 || refused != 0 || err != nil {
			t.Errorf("empty flush: passed %d, refused %d, %v", n, refused, err)
		}
		if err := netlink.LinkDel(port); err != nil {
			t.Error(err)
		}
		j.Push(frame)
		if n, refused, err := j.Flush(); n != 0 || refused != 1 || err != nil {
			t.Errorf("deleted: passed %d, refused %d, %v", n, refused, err)
		}
	})
}

func TestPushRefusesImpossibleLengths(t *testing.T) {
	j := &Injector{mem: make([]byte, sharedSize), mark: &Mark{}}
	for _, n := range []int{0, 13, MaxFrame + 1} {
		if err := j.Push(make([]byte, n)); err != ErrFrameSize {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	for range Slots {
		if j.Full() {
			t.Fatal("full too early")
		}
		if err := j.Push(make([]byte, MaxFrame)); err != nil {
			t.Fatal(err)
		}
	}
	if !j.Full() {
		t.Error("not full after all slots were filled")
	}
}

// attachCounter attaches an XDP program that passes all frames and counts them.
func attachCounter(t *testing.T, ifindex int, flags link.XDPAttachFlags) (count func() uint64, detach func()) {
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1})
	if err != nil {
		t.Fatal(err)
	}
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.XDP, License: "GPL", Instructions: asm.Instructions{
		asm.LoadMapValue(asm.R1, m.FD(), 0),
		asm.Mov.Imm(asm.R2, 1),
		asm.StoreXAdd(asm.R1, asm.R2, asm.DWord),
		asm.Mov.Imm(asm.R0, 2),
		asm.Return(),
	}})
	if err != nil {
		t.Fatal(err)
	}
	l, err := link.AttachXDP(link.XDPOptions{Program: prog, Interface: ifindex, Flags: flags})
	if err != nil {
		t.Fatal(err)
	}
	return func() (n uint64) {
			m.Lookup(uint32(0), &n)
			return n
		}, func() {
			l.Close()
			prog.Close()
			m.Close()
		}
}

// The facts that package xsk's redirect program and its mark rest on.
func TestWhoSeesInjectedFramesAgain(t *testing.T) {
	for _, mode := range []struct {
		name  string
		flags link.XDPAttachFlags
		again bool
	}{{"native", link.XDPDriverMode, false}, {"generic", link.XDPGenericMode, true}} {
		t.Run(mode.name, func(t *testing.T) {
			inNewNamespace(t, func(port, _ netlink.Link) {
				j := newInjector(t, port)
				defer j.Close()
				count, detach := attachCounter(t, port.Attrs().Index, mode.flags)
				defer detach()
				conn := listen(t)
				defer conn.Close()
				dport := conn.LocalAddr().(*net.UDPAddr).Port
				time.Sleep(50 * time.Millisecond) // let the stack's own chatter pass
				before := count()
				const frames = 50
				for i := range frames {
					j.Push(udpFrame(port.Attrs().HardwareAddr, dport, fmt.Appendf(nil, "%d", i)))
				}
				if n, _, err := j.Flush(); n != frames || err != nil {
					t.Errorf("passed %d, %v", n, err)
				}
				for i := range frames {
					expect(t, conn, fmt.Appendf(nil, "%d", i))
				}
				if seen := count() - before; (seen >= frames) != mode.again {
					t.Errorf("XDP program saw %d frames again", seen)
				}
			})
		})
	}
}

func TestPushAndFlushDoNotAllocate(t *testing.T) {
	inNewNamespace(t, func(port, _ netlink.Link) {
		j := newInjector(t, port)
		defer j.Close()
		frame := udpFrame(port.Attrs().HardwareAddr, 9, make([]byte, 64))
		if n := testing.AllocsPerRun(100, func() {
			for !j.Full() {
				j.Push(frame)
			}
			j.Flush()
		}); n != 0 {
			t.Errorf("%v allocations per batch", n)
		}
	})
}

func TestCloseTwice(t *testing.T) {
	privileged.Require(t)
	j, err := New(1, nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	}
}

func BenchmarkFlush(b *testing.B) {
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		b.Skip(err)
	}
	j, err := New(lo.Index, nil)
	if err != nil {
		b.Skip("needs CAP_BPF and CAP_NET_ADMIN: ", err)
	}
	defer j.Close()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	// Ethertype 0x88b5 (local experimental): the stack drops it at once.
	frame := make([]byte, 64)
	frame[12], frame[13] = 0x88, 0xb5
	for _, n := range []int{1, 8, 64} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for i := 0; i < b.N; i += n {
				for range n {
					j.Push(frame)
				}
				if _, _, err := j.Flush(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
