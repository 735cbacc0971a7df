// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"github.com/safchain/ethtool"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"pvlua/internal/labtest"
	"pvlua/xsk"
)

// numbering is a script that sends as many frames as it is asked for, numbered,
// in one batch.
const numbering = `
	local pv = require "pv"
	local number = 0
	function on_packet(pkt)
		if pkt:u16(12) ~= 0x88b5 then return pv.DROP end
		for i = 1, pkt:u16(14) do
			number = number + 1
			assert(pkt.port:send(string.pack(">I4I4I4I2I4", 0x02000000, 2, 3, 0x88b6, number) .. ("x"):rep(number % 60)))
		end
		return pv.DROP
	end
	`

// A numbered is a run of that script with somebody at the other end who asks and
// listens.
type numbered struct {
	*live
	lab  *labtest.Lab
	fd   int    // packet socket at A
	want uint32 // the number that comes next
	buf  []byte
}

func goNumbered(t *testing.T, lab *labtest.Lab, edit func(*Config)) *numbered {
	t.Helper()
	n := &numbered{lab: lab, want: 1, buf: make([]byte, 2048)}
	lab.A.Do(t, func() (err error) {
		if n.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		t.Cleanup(func() { unix.Close(n.fd) })
		unix.SetsockoptInt(n.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 64<<20)
		unix.SetsockoptTimeval(n.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 2})
		return unix.Bind(n.fd, &unix.SockaddrLinklayer{Protocol: 0xb688, Ifindex: lab.A.Ifindex})
	})
	n.live = goLive(t, lab.B, numbering, edit)
	return n
}

// ask has the script send so many frames at once.
func (n *numbered) ask(count int) {
	n.t.Helper()
	if err := n.tryToAsk(count); err != nil {
		n.t.Fatal(err)
	}
}

func (n *numbered) tryToAsk(count int) error {
	var b [60]byte
	b[0], b[12], b[13] = 2, 0x88, 0xb5
	binary.BigEndian.PutUint16(b[14:], uint16(count))
	return unix.Sendto(n.fd, b[:], 0, &unix.SockaddrLinklayer{Ifindex: n.lab.A.Ifindex})
}

// hear takes so many frames, all of which must come, in order.
func (n *numbered) hear(count int) {
	n.t.Helper()
	for end := n.want + uint32(count); n.want < end; {
		size, _, err := unix.Recvfrom(n.fd, n.buf, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			n.t.Fatalf("frame %d does not come: %v\n%s", n.want, err, n.log)
		}
		if got := binary.BigEndian.Uint32(n.buf[14:]); got != n.want || size != 18+int(got%60) {
			n.t.Fatalf("frame %d of %d bytes where %d was due\n%s", got, size, n.want, n.log)
		}
		n.want++
	}
}

// count asks for the counters of the port.
func (n *numbered) count() Counters { return n.Totals().Ports[0].Counters }

// xdp attaches a program to the link at A that passes all. The function takes it
// off again.
func xdp(t *testing.T, lab *labtest.Lab) (detach func()) {
	t.Helper()
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.XDP, License: "GPL", Instructions: asm.Instructions{
		asm.Mov.Imm(asm.R0, 2), asm.Return(), // XDP_PASS
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { prog.Close() })
	var l link.Link
	lab.A.Do(t, func() error {
		l, err = link.AttachXDP(link.XDPOptions{Program: prog, Interface: lab.A.Ifindex, Flags: link.XDPDriverMode})
		return err
	})
	return func() { l.Close() }
}

// offload switches one of a link.
func offload(t *testing.T, side *labtest.Side, what string, on bool) {
	t.Helper()
	side.Do(t, func() error {
		tool, err := ethtool.NewEthtool()
		if err != nil {
			return err
		}
		defer tool.Close()
		return tool.Change(side.Link, map[string]bool{what: on})
	})
}

// TestOrderAcrossWays sends bursts of all sizes with pauses between some, so that
// the way out changes all the time. Nothing may be lost or overtaken, whatever
// queues frames take at the receiver.
func TestOrderAcrossWays(t *testing.T) {
	for _, c := range []struct {
		name    string
		ordered bool
		prepare func(t *testing.T, lab *labtest.Lab)
	}{
		{"XDP at the peer", true, func(t *testing.T, lab *labtest.Lab) { t.Cleanup(xdp(t, lab)) }},
		{"GRO at the peer", true, func(t *testing.T, lab *labtest.Lab) { offload(t, lab.A, "rx-gro", true) }},
		// What comes over the ring then takes another queue than what is injected.
		{"GRO at the peer, TSO at the port", false, func(t *testing.T, lab *labtest.Lab) {
			offload(t, lab.A, "rx-gro", true)
			offload(t, lab.B, "tx-checksum-ip-generic", true) // which it takes
			offload(t, lab.B, "tx-scatter-gather", true)
			offload(t, lab.B, "tx-tcp-segmentation", true)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			lab := labtest.New(t, labtest.Options{NoIPv6: true})
			c.prepare(t, lab)
			n := goNumbered(t, lab, nil)
			n.workers[0].mail.call(func() {
				if n.workers[0].ports[0].way.ordered != c.ordered {
					t.Errorf("it is not as expected that frames are in order by both ways")
				}
			})
			r := rand.New(rand.NewPCG(1, 2))
			sizes := []int{1, 2, 7, 15, 16, 40, 64, 65, 255, 256, 257, 700}
			outstanding := 0
			for until := time.Now().Add(2 * time.Second); time.Now().Before(until); {
				count := sizes[r.IntN(len(sizes))]
				n.ask(count)
				if outstanding += count; outstanding > 4000 || r.IntN(4) == 0 {
					n.hear(outstanding)
					outstanding = 0
				}
				if r.IntN(3) == 0 {
					time.Sleep(time.Duration(r.IntN(3000)) * time.Microsecond)
				} else if r.IntN(20) == 0 {
					time.Sleep(quiet + 5*time.Millisecond)
				}
			}
			n.hear(outstanding)
			totals := n.stop(uint64(n.want) - 1)
			port := totals.Ports[0]
			if port.Tx != uint64(n.want)-1 || port.Injected < port.Tx/4 || port.Injected > port.Tx-20 {
				t.Errorf("%d frames came, %d were sent, %d of them by the injector", n.want-1, port.Tx, port.Injected)
			}
		})
	}
}

// TestFallBackToRing takes away, while frames are sent, what the injector needs,
// and gives it back.
func TestFallBackToRing(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	n := goNumbered(t, lab, nil)
	n.log.wait(t, "ring (the device takes no redirected frames)")
	expect := func(what string, injected bool) {
		t.Helper()
		time.Sleep(retryTime + 10*time.Millisecond)
		before := n.count()
		for range 20 {
			n.ask(300)
			n.hear(300)
		}
		after := n.count()
		if by := after.Injected - before.Injected; (by > 0) != injected || after.Tx-before.Tx != 6000 {
			t.Errorf("%s: of %d frames %d left by the injector\n%s", what, after.Tx-before.Tx, by, n.log)
		}
	}
	expect("neither XDP nor GRO at the peer", false)
	if strings.Contains(n.log.String(), "level=WARN") {
		t.Errorf("said twice:\n%s", n.log)
	}
	offload(t, lab.A, "rx-gro", true)
	expect("GRO", true)
	n.log.wait(t, "by the injector again")
	offload(t, lab.A, "rx-gro", false)
	expect("no GRO", false)
	n.log.wait(t, "frames leave by the transmit ring, for the injector does not work")
	detach := xdp(t, lab)
	expect("XDP", true)
	detach()
	expect("no XDP", false)
	n.stop(uint64(n.want) - 1)
	if said := strings.Count(n.log.String(), "frames leave by the transmit ring"); said != 2 {
		t.Errorf("said %d times, not when it changed:\n%s", said, n.log)
	}
}

// TestPeerDownAndUp counts what a peer that is down costs, whichever way it goes.
func TestPeerDownAndUp(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	t.Cleanup(xdp(t, lab))
	n := goNumbered(t, lab, nil)
	n.ask(300)
	n.hear(300)
	set := func(up bool) {
		lab.A.Do(t, func() error {
			l, err := netlink.LinkByName(lab.A.Link)
			if err == nil && up {
				return netlink.LinkSetUp(l)
			} else if err == nil {
				err = netlink.LinkSetDown(l)
			}
			return err
		})
	}
	set(false)
	n.Runtime.workers[0].mail.call(func() { // no packet can ask for them
		w := n.Runtime.workers[0]
		for range 300 {
			w.Send(0, make([]byte, 60))
		}
		w.flush()
	})
	set(true)
	deadline := time.Now().Add(5 * time.Second)
	for len(n.Totals().Ports) == 0 || n.Totals().Ports[0].Rx < 2 { // until there is a carrier
		n.tryToAsk(0) // to be told once more that the link was down
		if time.Sleep(10 * time.Millisecond); time.Now().After(deadline) {
			t.Fatalf("no packet comes in any more:\n%s", n.log)
		}
	}
	n.ask(300)
	n.hear(300)
	n.cancel()
	if err := <-n.ended; err != nil {
		t.Error(err)
	}
	totals := n.Totals()
	port := totals.Ports[0]
	lost := port.Kernel.TxDropped + port.InjectDropped + port.TxDown
	if port.Tx+port.TxDown != 900 || lost != 300 || !totals.FramesOK() {
		t.Errorf("%d sent, %d lost: %s; %v", port.Tx, lost, port, totals.Frames)
	}
}

// TestForcedWays has one way take all frames, or the start fail with the reason.
func TestForcedWays(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	offload(t, lab.A, "rx-gro", true)
	for _, c := range []struct {
		tx       TxMode
		injected uint64
		said     string
	}{{TxRing, 0, "tx=ring"}, {TxInject, 601, "tx=inject"}} {
		t.Run(c.tx.String(), func(t *testing.T) {
			n := goNumbered(t, lab, func(config *Config) { config.Tx = c.tx })
			for _, count := range []int{300, 1, 300} {
				n.ask(count)
				n.hear(count)
				time.Sleep(5 * calm)
			}
			if totals := n.stop(601); totals.Ports[0].Injected != c.injected || !strings.Contains(n.log.String(), c.said) {
				t.Errorf("%d left by the injector\n%s", totals.Ports[0].Injected, n.log)
			}
		})
	}
	refused := func(what string, edit func(*Config), reason string) {
		t.Helper()
		c := Config{Interfaces: []string{lab.B.Link}, Tx: TxInject}
		script := (&live{t: t, dir: t.TempDir()})
		script.write("main.lua", "function on_packet() end")
		c.Script = script.path("main.lua")
		if edit != nil {
			edit(&c)
		}
		lab.B.Do(t, func() error {
			r, err := New(c)
			if err == nil {
				r.Close()
			}
			if err == nil || !strings.Contains(err.Error(), lab.B.Link+": the injector does not work there: "+reason) {
				t.Errorf("%s: %v", what, err)
			}
			return nil
		})
	}
	refused("generic", func(c *Config) { c.Mode = xsk.ModeGeneric }, "generic mode")
	offload(t, lab.A, "rx-gro", false)
	refused("no GRO", nil, "redirected frames are refused: the device takes none; ")
}

// TestRedirectable asks of devices that differ.
func TestRedirectable(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	check := func(what string, ifindex int, want bool) {
		t.Helper()
		lab.B.Do(t, func() error {
			if got, err := Redirectable(ifindex); got != want || err != nil {
				t.Errorf("%s: %v, %v", what, got, err)
			}
			return nil
		})
	}
	check("peer as it comes", lab.B.Ifindex, false)
	offload(t, lab.A, "rx-gro", true)
	check("GRO", lab.B.Ifindex, true)
	offload(t, lab.A, "rx-gro", false)
	detach := xdp(t, lab)
	check("XDP", lab.B.Ifindex, true)
	detach()
	check("lo", 1, false)
	lab.B.Do(t, func() error {
		if _, err := Redirectable(1 << 20); err == nil {
			t.Error("there is no such device")
		}
		return nil
	})
}

// TestMapMemoryFallsBack has a kernel that does not take frames in a map.
func TestMapMemoryFallsBack(t *testing.T) {
	umem, err := xsk.NewUMEM(xsk.Config{ChunkCount: 64})
	if err != nil {
		t.Fatal(err)
	}
	r := &Runtime{cfg: Config{Frames: xsk.Config{ChunkCount: 64}}, workers: []*worker{{umem: umem}}}
	if r.moveFramesBack(xsk.ErrMapMemory) {
		t.Error("moved what is not in a map")
	}
	r.moveFrames()
	if r.noInjector != nil {
		t.Skip("needs CAP_BPF: ", r.noInjector)
	}
	if r.moveFramesBack(context.Canceled) || umem.Map() == nil {
		t.Error("moved for another reason")
	}
	refusal := fmt.Errorf("open: %w", xsk.ErrMapMemory)
	if !r.moveFramesBack(refusal) || r.noInjector != refusal {
		t.Errorf("not moved: %v", r.noInjector)
	}
	if w := r.workers[0]; w.umem == umem || w.umem.Map() != nil || w.umem.Available() != 64 {
		t.Error("still in the map")
	}
	r.workers[0].umem.Close()
}
