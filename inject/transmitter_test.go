// SPDX-License-Identifier: GPL-3.0-or-later

package inject

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"github.com/safchain/ethtool"
	"github.com/vishvananda/netlink"
	vnetns "github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"pvlua/xsk"
)

// A wire is a Transmitter with frames to send out of port.
type wire struct {
	t          testing.TB
	umem       *xsk.UMEM
	tx         *Transmitter
	port, peer netlink.Link
}

// onWire runs the test with a Transmitter in a fresh network namespace.
func onWire(t testing.TB, run func(w *wire)) {
	t.Helper()
	inNewNamespace(t, func(port, peer netlink.Link) {
		for _, l := range []netlink.Link{port, peer} { // nothing but the test speaks
			os.WriteFile("/proc/sys/net/ipv6/conf/"+l.Attrs().Name+"/disable_ipv6", []byte("1"), 0)
		}
		umem, err := xsk.NewUMEM(xsk.Config{ChunkSize: 4096})
		if err == nil {
			err = umem.MoveToMap()
		}
		if err != nil {
			t.Error(err)
			return
		}
		defer umem.Close()
		tx, err := NewTransmitter(umem.Map(), umem.Size())
		if err != nil {
			t.Error(err)
			return
		}
		defer tx.Close()
		run(&wire{t, umem, tx, port, peer})
	})
}

// frame puts a frame of that many random bytes, of a type that nobody knows, into
// the UMEM, anywhere that it fits within its chunk. Its first 4 bytes are the number.
func (w *wire) frame(r *rand.Rand, number, size int) xsk.Desc {
	w.t.Helper()
	addr, ok := w.umem.Alloc()
	if !ok {
		w.t.Error("no frame is free")
		return xsk.Desc{}
	}
	d := xsk.Desc{Addr: addr + uint64(r.IntN(4096-size+1)), Len: uint32(size)}
	b := w.umem.Packet(d)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	binary.BigEndian.PutUint32(b, uint32(number)<<8) // the first octet is that of a unicast address
	b[12], b[13] = 0x88, 0xb5
	return d
}

func (w *wire) free(frames []xsk.Desc) {
	for _, d := range frames {
		w.umem.Free(d.Addr)
	}
}

// gro switches the GRO of peer, which gives a veth a NAPI.
func (w *wire) gro(on bool) {
	w.t.Helper()
	tool, err := ethtool.NewEthtool()
	if err == nil {
		defer tool.Close()
		err = tool.Change("peer", map[string]bool{"rx-gro": on})
	}
	if err != nil {
		w.t.Errorf("GRO: %v", err)
	}
}

// listen opens a packet socket on peer.
func (w *wire) listen() (fd int) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 64<<20)
		timeout := unix.Timeval{Sec: 2}
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout)
		err = unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: 0x0300, Ifindex: w.peer.Attrs().Index}) // ETH_P_ALL
	}
	if err != nil {
		w.t.Errorf("packet socket: %v", err)
	}
	return fd
}

// Twenty thousand random frames arrive as they were, in order, however many go
// at once.
func TestTransmitterSendsFramesAsTheyAre(t *testing.T) {
	onWire(t, func(w *wire) {
		w.gro(true)
		if err := netlink.LinkSetMTU(w.port, 4000); err != nil {
			t.Error(err)
		}
		if err := netlink.LinkSetMTU(w.peer, 4000); err != nil {
			t.Error(err)
		}
		fd := w.listen()
		defer unix.Close(fd)
		r := rand.New(rand.NewPCG(1, 2))
		got := make([]byte, 8192)
		for number := 0; number < 20000; {
			count := 1 + r.IntN(MaxSend)
			if r.IntN(3) == 0 {
				count = 1 + r.IntN(8)
			}
			var frames []xsk.Desc
			for range count {
				size := 14 + r.IntN(1501)
				if r.IntN(50) == 0 {
					size = []int{14, 15, 60, 1514, MaxLive - 1, MaxLive}[r.IntN(6)]
				}
				frames = append(frames, w.frame(r, number, size))
				number++
			}
			sent, dropped, err := w.tx.Send(w.port.Attrs().Index, frames)
			if sent != count || dropped != 0 || err != nil {
				t.Errorf("sent %d of %d, dropped %d, %v", sent, count, dropped, err)
				return
			}
			for _, d := range frames {
				n, _, err := unix.Recvfrom(fd, got, 0)
				if err != nil {
					t.Errorf("frame does not arrive: %v", err)
					return
				}
				if !bytes.Equal(got[:n], w.umem.Packet(d)) {
					t.Errorf("%d bytes arrived, not the %d that were sent, or others", n, d.Len)
					return
				}
			}
			w.free(frames)
		}
	})
}

// What does not leave is told, and is the last.
func TestTransmitterTellsWhatDoesNotLeave(t *testing.T) {
	onWire(t, func(w *wire) {
		r := rand.New(rand.NewPCG(3, 4))
		var frames []xsk.Desc
		for i := range 200 {
			frames = append(frames, w.frame(r, i, 60))
		}
		index := w.port.Attrs().Index
		check := func(what string, frames []xsk.Desc, wantSent int, want error) {
			t.Helper()
			sent, dropped, err := w.tx.Send(index, frames)
			if sent != wantSent || dropped != 0 || !errors.Is(err, want) || (err == nil) != (want == nil) {
				t.Errorf("%s: sent %d, dropped %d, %v; want %d, 0, %v", what, sent, dropped, err, wantSent, want)
			}
		}
		check("no NAPI", frames, 0, unix.EOPNOTSUPP)
		w.gro(true)
		check("GRO", frames, 200, nil)
		w.gro(false)
		check("no GRO any more", frames, 0, unix.EOPNOTSUPP)
		count, detach := attachCounter(t, w.peer.Attrs().Index, link.XDPDriverMode)
		check("XDP", frames, 200, nil)
		if n := count(); n != 200 {
			t.Errorf("the peer's program saw %d frames", n)
		}
		check("nothing", nil, 0, nil)

		long := []xsk.Desc{frames[0], frames[1], w.frame(r, 0, 1600), frames[2]}
		check("longer than the MTU", long, 2, unix.EMSGSIZE)
		long[2].Len = MaxLive + 1
		check("longer than a live frame", long, 2, nil)
		check("next one too long", long[2:], 0, nil)
		long[2].Len = ethHeader - 1
		check("too short", long, 2, nil)

		netlink.LinkSetDown(w.peer)
		check("peer down", frames, 0, unix.ENXIO)
		netlink.LinkSetUp(w.peer)
		netlink.LinkSetDown(w.port)
		check("down", frames, 0, unix.ENETDOWN)
		netlink.LinkSetUp(w.port)
		check("up again", frames, 200, nil)
		detach()
		check("no XDP any more", frames, 0, unix.EOPNOTSUPP)
		if lo, _ := netlink.LinkByName("lo"); lo != nil {
			netlink.LinkSetUp(lo)
			index = lo.Attrs().Index
			check("device that takes none", frames, 0, unix.EOPNOTSUPP)
		}
		netlink.LinkDel(w.port)
		index = w.port.Attrs().Index
		check("gone", frames, 0, unix.EINVAL)
	})
}

// A receiver that is a thread of its own, and slower than the sender, makes it
// wait, but loses nothing.
func TestTransmitterWaitsForRoom(t *testing.T) {
	onWire(t, func(w *wire) {
		w.gro(true)
		if err := os.WriteFile("/sys/class/net/peer/threaded", []byte("1"), 0); err != nil {
			mountSys(t)
			if err := os.WriteFile("/sys/class/net/peer/threaded", []byte("1"), 0); err != nil {
				t.Error(err)
				return
			}
		}
		fd := w.listen()
		defer unix.Close(fd)
		r := rand.New(rand.NewPCG(15, 16))
		var frames []xsk.Desc
		for i := range MaxSend {
			frames = append(frames, w.frame(r, i, 60+i%100))
		}
		got := make([]byte, 8192)
		for range 20 {
			sent, dropped, err := w.tx.Send(w.port.Attrs().Index, frames)
			if sent+dropped != MaxSend || err != nil {
				t.Errorf("sent %d, dropped %d, %v", sent, dropped, err)
				return
			}
			if dropped > 0 { // only if the thread had no processor for so long
				t.Logf("dropped %d", dropped)
			}
			for range sent {
				if _, _, err := unix.Recvfrom(fd, got, 0); err != nil {
					t.Errorf("frame does not arrive: %v", err)
					return
				}
			}
		}
	})
}

// mountSys gives the thread a /sys of its network namespace.
func mountSys(t testing.TB) {
	err := unix.Unshare(unix.CLONE_NEWNS)
	if err == nil {
		err = unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, "")
	}
	if err == nil {
		err = unix.Mount("sysfs", "/sys", "sysfs", 0, "")
	}
	if err != nil {
		t.Error(err)
	}
}

// The control tells what is lost from what can be sent again.
func TestRewind(t *testing.T) {
	for _, c := range []struct {
		before, after control
		lost          int
	}{
		{control{next: 32, sent: 20, failed: 12, errno: -105}, control{next: 20, sent: 20}, 0},
		{control{next: 32, sent: 16, failed: 12, late: 4, errno: -105}, control{next: 32, sent: 20}, 12},
	} {
		got := c.before
		if lost := got.rewind(); lost != c.lost || got != c.after {
			t.Errorf("lost %d, %+v", lost, got)
		}
		sent, dropped := c.before.outcome()
		if sent != int(c.after.sent) || dropped != c.lost {
			t.Errorf("sent %d, dropped %d", sent, dropped)
		}
	}
}

// What becomes of frames of others, sent or refused on another processor at the
// same time, is not taken for what becomes of one's own.
func TestWitnessTellsOwnFromForeign(t *testing.T) {
	onWire(t, func(w *wire) {
		count, detach := attachCounter(t, w.peer.Attrs().Index, link.XDPDriverMode)
		defer detach()
		other, err := NewTransmitter(w.umem.Map(), w.umem.Size())
		if err != nil {
			t.Error(err)
			return
		}
		defer other.Close()
		r := rand.New(rand.NewPCG(5, 6))
		frames := []xsk.Desc{w.frame(r, 0, 60), w.frame(r, 1, 60), w.frame(r, 2, 60)}
		index := w.port.Attrs().Index
		there, err := vnetns.Get()
		if err != nil {
			t.Error(err)
			return
		}
		defer there.Close()
		stop, stopped := make(chan struct{}), make(chan error)
		go func() {
			runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
			err := vnetns.Set(there)
			for i := 0; err == nil; i++ {
				select {
				case <-stop:
					stopped <- nil
					return
				default:
				}
				if i%2 == 0 {
					_, _, err = other.Send(index, frames[:1])
				} else if sent, _, refusal := other.Send(1<<20, frames[:1]); sent != 0 || refusal == nil {
					err = errors.New("sent to nowhere")
				}
			}
			<-stop
			stopped <- err
		}()
		const rounds = 2000
		for range rounds {
			if sent, dropped, err := w.tx.Send(index, frames); sent != 3 || dropped != 0 || err != nil {
				t.Errorf("sent %d, dropped %d, %v", sent, dropped, err)
				break
			}
		}
		close(stop)
		if err := <-stopped; err != nil && !errors.Is(err, ErrStalled) {
			t.Error(err)
		}
		if n := count(); n < 3*rounds {
			t.Errorf("%d frames arrived, of %d", n, 3*rounds)
		}
	})
}

// Somebody who repeats a program that is attached nowhere holds everybody up.
func TestStallsAreTold(t *testing.T) {
	onWire(t, func(w *wire) {
		_, detach := attachCounter(t, w.peer.Attrs().Index, link.XDPDriverMode)
		defer detach()
		prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.XDP, License: "GPL", Instructions: asm.Instructions{
			asm.Mov.Imm(asm.R0, xdpDrop), asm.Return(),
		}})
		if err != nil {
			t.Error(err)
			return
		}
		defer prog.Close()
		stop, stopped := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(stopped)
			for foreign := (testRun{prog: prog}); ; {
				select {
				case <-stop:
					return
				default:
					foreign.call(2, 0, 0)
				}
			}
		}()
		defer func() { close(stop); <-stopped }()
		r := rand.New(rand.NewPCG(13, 14))
		frames := []xsk.Desc{w.frame(r, 0, 60), w.frame(r, 1, 60)}
		for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
			sent, dropped, err := w.tx.Send(w.port.Attrs().Index, frames)
			if sent != 2 || dropped != 0 || err != nil && err != ErrStalled {
				t.Errorf("sent %d, dropped %d, %v", sent, dropped, err)
				return
			}
			if err == ErrStalled {
				return
			}
		}
		t.Error("calls are not stalled, or nobody says so")
	})
}

// A Transmitter is not made where nobody could tell what becomes of frames.
func TestTransmitterNeedsItsWitness(t *testing.T) {
	onWire(t, func(w *wire) { // on a thread of its own, which ends with the test
		var data [2]unix.CapUserData
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		if err := unix.Capget(&header, &data[0]); err != nil {
			t.Error(err)
			return
		}
		data[0].Effective &^= 1 << unix.CAP_SYS_ADMIN
		data[1].Effective &^= 1 << (unix.CAP_PERFMON - 32)
		if err := unix.Capset(&header, &data[0]); err != nil {
			t.Error(err)
			return
		}
		tx, err := NewTransmitter(w.umem.Map(), w.umem.Size())
		if err == nil || !errors.Is(err, unix.EPERM) || !strings.Contains(err.Error(), "xdp_devmap_xmit (CAP_PERFMON") {
			t.Errorf("%v, %v", tx, err)
		}
	})
}

// A program that is not held costs some 28 ms a call.
func TestSendIsNotStalledByTheDispatcher(t *testing.T) {
	onWire(t, func(w *wire) {
		_, detach := attachCounter(t, w.peer.Attrs().Index, link.XDPDriverMode)
		defer detach()
		r := rand.New(rand.NewPCG(7, 8))
		frames := []xsk.Desc{w.frame(r, 0, 60), w.frame(r, 1, 60)}
		best := time.Hour
		for range 20 {
			start := time.Now()
			w.tx.Send(w.port.Attrs().Index, frames)
			best = min(best, time.Since(start))
		}
		if best > time.Millisecond {
			t.Errorf("a call takes %v", best)
		}
	})
}

func TestSendDoesNotAllocate(t *testing.T) {
	onWire(t, func(w *wire) {
		_, detach := attachCounter(t, w.peer.Attrs().Index, link.XDPDriverMode)
		defer detach()
		r := rand.New(rand.NewPCG(9, 10))
		var frames []xsk.Desc
		for i := range 256 {
			frames = append(frames, w.frame(r, i, 60))
		}
		if n := testing.AllocsPerRun(100, func() { w.tx.Send(w.port.Attrs().Index, frames) }); n != 0 {
			t.Errorf("%v allocations a call", n)
		}
	})
}

func TestCloseTransmitterTwice(t *testing.T) {
	onWire(t, func(w *wire) {
		for range 2 {
			if err := w.tx.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

// BenchmarkSend tells what a frame costs the thread that sends it, with the
// receiver's part, which drops it in XDP.
func BenchmarkSend(b *testing.B) {
	for _, size := range []int{64, 1500} {
		for _, count := range []int{1, 16, 64, 256, 1024} {
			b.Run(fmt.Sprintf("%d bytes, %d frames", size, count), func(b *testing.B) {
				onWire(b, func(w *wire) {
					detach := attachDrop(b, w.peer.Attrs().Index)
					defer detach()
					r := rand.New(rand.NewPCG(11, 12))
					var frames []xsk.Desc
					for i := range count {
						frames = append(frames, w.frame(r, i, size))
					}
					index := w.port.Attrs().Index
					b.ResetTimer()
					start := threadTime()
					for range b.N {
						if sent, _, err := w.tx.Send(index, frames); sent != count || err != nil {
							b.Errorf("sent %d of %d: %v", sent, count, err)
							return
						}
					}
					b.ReportMetric(float64(threadTime()-start)/float64(b.N*count), "cpu-ns/frame")
				})
			})
		}
	}
}

// threadTime is how much processor time the calling thread has had.
func threadTime() time.Duration {
	var ts unix.Timespec
	unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts)
	return time.Duration(ts.Nano())
}

// attachDrop attaches an XDP program that drops all.
func attachDrop(t testing.TB, ifindex int) (detach func()) {
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.XDP, License: "GPL", Instructions: asm.Instructions{
		asm.Mov.Imm(asm.R0, xdpDrop), asm.Return(),
	}})
	if err != nil {
		t.Fatal(err)
	}
	l, err := link.AttachXDP(link.XDPOptions{Program: prog, Interface: ifindex, Flags: link.XDPDriverMode})
	if err != nil {
		t.Fatal(err)
	}
	return func() { l.Close(); prog.Close() }
}
