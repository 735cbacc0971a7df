// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pvlua/internal/labtest"
	"pvlua/internal/pkttest"
	"pvlua/xsk"
)

// A bench is a Runtime whose loop the test turns by hand, with a raw socket
// at the other end of its port.
type bench struct {
	*Runtime
	w    *worker
	wire int // AF_PACKET socket on the peer of the (first) port
}

// newBench runs test in the namespace of side, with the script on its links.
func newBench(t *testing.T, lab *labtest.Lab, side *labtest.Side, links []string, mode xsk.Mode, source string, test func(b *bench)) {
	t.Helper()
	newBenchWith(t, lab, side, links, mode, source, func(*Config) {}, test)
}

// newBenchWith lets edit change the Config.
func newBenchWith(t *testing.T, lab *labtest.Lab, side *labtest.Side, links []string, mode xsk.Mode, source string, edit func(*Config), test func(b *bench)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.lua")
	if err := os.WriteFile(path, []byte(source), 0o666); err != nil {
		t.Fatal(err)
	}
	wire := -1
	lab.A.Do(t, func() (err error) {
		wire, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		if err == nil {
			err = unix.Bind(wire, &unix.SockaddrLinklayer{Ifindex: lab.A.Ifindex})
		}
		return err
	})
	defer unix.Close(wire)
	side.Do(t, func() error {
		c := Config{Interfaces: links, Script: path, Mode: mode, Log: slog.New(slog.DiscardHandler)}
		edit(&c)
		r, err := New(c)
		if err != nil {
			return err
		}
		if err := r.workers[0].state.Start(); err != nil {
			return err
		}
		test(&bench{r, r.workers[0], wire})
		if err := r.workers[0].drain(); err != nil {
			t.Error(err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if totals := r.Totals(); !totals.FramesOK() {
			t.Errorf("%v", totals.Frames)
		}
		return nil
	})
}

// send puts a frame onto the wire. It does not allocate.
func (b *bench) send(t *testing.T, frame []byte) {
	if _, err := unix.Write(b.wire, frame); err != nil {
		t.Fatal(err)
	}
}

// frame is a UDP datagram for the port, as the wire carries it.
func frame(lab *labtest.Lab, to *labtest.Side, dport uint16) []byte {
	return pkttest.UDP(pkttest.Options{
		SrcMAC: [6]byte(lab.A.MAC), DstMAC: [6]byte(to.MAC),
		DstPort: dport, Payload: make([]byte, 18),
	})
}

// TestTurnDoesNotAllocate is the promise of the data path, for every verdict.
func TestTurnDoesNotAllocate(t *testing.T) {
	for _, verdict := range []string{"pv.TX", "pv.DROP", "pv.PASS", "pv.ports[2]"} {
		for _, mode := range []xsk.Mode{xsk.ModeNative, xsk.ModeGeneric} {
			t.Run(verdict+" "+mode.String(), func(t *testing.T) {
				lab := labtest.NewChain(t, labtest.Options{NoIPv6: true})
				offload(t, lab.A, "rx-gro", true) // for the injector
				offload(t, lab.B, "rx-gro", true)
				newBench(t, lab, lab.M, []string{lab.M.Link, lab.M.Link2}, mode, `
					local pv = require "pv"
					local verdict = `+verdict+`
					function on_packet(pkt)
						local eth, udp = pkt.eth, pkt.udp
						if udp and udp.dport == 7 then
							eth.dst, eth.src = eth.src, eth.dst
							udp.dport, udp.sport = udp.sport, udp.dport
						end
						return verdict
					end`, func(b *bench) {
					f := frame(lab, lab.M, 7)
					before := b.counts()
					const runs, batch = 200, manyFrames
					turn := func() {
						for range batch {
							b.send(t, f)
						}
						for b.counts().Rx == before.Rx {
							b.w.turn()
						}
						before = b.counts()
					}
					turn() // the first packets may make what is then kept
					if n := testing.AllocsPerRun(runs, turn); n != 0 {
						t.Errorf("%v allocations per turn of %d packets", n, batch)
					}
					sent := b.w.ports[0].count.Injected + b.w.ports[1].count.Injected
					if sends := verdict != "pv.DROP" && verdict != "pv.PASS"; (sent > 0) != (sends && mode == xsk.ModeNative) {
						t.Errorf("%d frames left by the injector", sent)
					}
				})
			})
		}
	}
}

// counts returns the counters of the first port.
func (b *bench) counts() Counters { return b.w.ports[0].count }

// turnUntil turns the loop until the counters satisfy done.
func (b *bench) turnUntil(t *testing.T, done func(Counters) bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !done(b.counts()); {
		if time.Now().After(deadline) {
			t.Fatalf("counters stay at %+v", b.counts())
		}
		b.w.turn()
	}
}

// TestSendKeepsTheOrderOfDecisions has a handler send an extra frame for every
// packet: what leaves must be packet, extra, packet, extra.
func TestSendKeepsTheOrderOfDecisions(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	newBench(t, lab, lab.B, []string{lab.B.Link}, xsk.ModeNative, `
		local pv = require "pv"
		function on_packet(pkt)
			if not pkt.udp then return pv.DROP end
			if pkt.udp.dport % 2 == 0 then
				pkt:set_u8(0, 0xff) -- to everybody, so that the raw socket hears it
				return pv.TX
			end
			pkt:set_u8(0, 0xff)
			assert(pkt.port:send(pkt))
			return pv.DROP
		end`, func(b *bench) {
		var hear int
		lab.A.Do(t, func() (err error) {
			const ethPAll = 0x0300 // htons(ETH_P_ALL)
			hear, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, ethPAll)
			if err == nil {
				err = unix.SetsockoptTimeval(hear, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 2})
			}
			return err
		})
		defer unix.Close(hear)
		const frames = 40
		for i := range frames {
			b.send(t, frame(lab, lab.B, uint16(1000+i)))
		}
		b.turnUntil(t, func(c Counters) bool { return c.Tx >= frames })
		buf := make([]byte, 2048)
		for want := 1000; want < 1000+frames; {
			n, _, err := unix.Recvfrom(hear, buf, 0)
			if err != nil {
				t.Fatalf("waiting for the frame to port %d: %v", want, err)
			}
			if n < 42 || buf[0] != 0xff || buf[23] != unix.IPPROTO_UDP {
				continue
			}
			if port := int(buf[36])<<8 | int(buf[37]); port != want {
				t.Fatalf("frame to port %d where %d was due", port, want)
			}
			want++
		}
	})
}

// TestSendMakesRoom sends many times more than there are frames and places on the
// ring.
func TestSendMakesRoom(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	newBenchWith(t, lab, lab.B, []string{lab.B.Link}, xsk.ModeNative, `
		local pv = require "pv"
		local frame = string.rep("\255", 60)
		function on_start()
			for i = 1, 10000 do assert(pv.ports[1]:send(frame)) end
		end
		function on_packet() end`, func(c *Config) { c.Frames.TXRing, c.Frames.ChunkCount = 64, 512 }, func(b *bench) {
		b.w.flush()
		if c := b.counts(); c.Tx != 10000 || c.TxFull != 0 {
			t.Errorf("%+v", c)
		}
	})
}

// TestNoRoomDropsAndCounts has more frames for the ring than it holds while the
// kernel is not asked to take any, and then no frames.
func TestNoRoomDropsAndCounts(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	newBenchWith(t, lab, lab.B, []string{lab.B.Link}, xsk.ModeNative, "function on_packet() end",
		func(c *Config) { c.Frames.TXRing = 64 }, func(b *bench) {
			p := b.w.ports[0]
			p.down = true
			var frames []xsk.Desc
			for range 100 {
				addr, ok := b.w.umem.Alloc()
				if !ok {
					t.Fatal("no frame is free")
				}
				frames = append(frames, xsk.Desc{Addr: addr, Len: 60})
			}
			b.w.toRing(p.lanes[0], frames)
			if c := b.counts(); c.Tx != 64 || c.TxFull != 36 {
				t.Errorf("ring full: %+v", c)
			}
			if b.w.hasRoom(p.lanes[0]) {
				t.Error("there is room on a full ring")
			}
			p.down = false
			for b.w.flush(); p.lanes[0].socket.InFlight() > 0; time.Sleep(time.Millisecond) {
				p.lanes[0].socket.Complete()
			}
			var taken []uint64
			for addr, ok := b.w.umem.Alloc(); ok; addr, ok = b.w.umem.Alloc() {
				taken = append(taken, addr)
			}
			if b.w.Send(0, make([]byte, 60)) {
				t.Error("sent without a frame")
			}
			if c := b.counts(); c.Tx != 64 || c.TxFull != 37 {
				t.Errorf("no frames: %+v", c)
			}
			for _, addr := range taken {
				b.w.umem.Free(addr)
			}
		})
}

// TestScriptErrorsCostOnePacketEach mixes packets on which the handler fails,
// after having changed them, with others.
func TestScriptErrorsCostOnePacketEach(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	conn := listenUDP(t, lab.B)
	defer conn.Close()
	port := uint16(conn.LocalAddr().(*net.UDPAddr).Port)
	newBench(t, lab, lab.B, []string{lab.B.Link}, xsk.ModeNative, `
		local pv = require "pv"
		local n = 0
		function on_packet(pkt)
			n = n + 1
			if not pkt.udp then return pv.DROP end
			pkt.udp.dport = 1
			pkt.ip.src = 1
			if n % 2 == 0 then error("every second one") end
			return pv.DROP
		end`, func(b *bench) {
		f := pkttest.UDP(pkttest.Options{
			SrcMAC: [6]byte(lab.A.MAC), DstMAC: [6]byte(lab.B.MAC),
			Src: lab.A.IP, Dst: lab.B.IP, DstPort: port, Payload: []byte("unchanged"),
		})
		const frames = 100
		for range frames {
			b.send(t, f)
		}
		b.turnUntil(t, func(c Counters) bool { return c.Rx >= frames })
		b.w.turn()
		c := b.counts()
		if c.Error != frames/2 || c.Drop != frames/2 || c.Pass != frames/2 {
			t.Errorf("%+v", c)
		}
		buf := make([]byte, 100)
		for i := range frames / 2 {
			conn.SetReadDeadline(time.Now().Add(2 * time.Second))
			n, from, err := conn.ReadFromUDP(buf)
			if err != nil {
				t.Fatalf("datagram %d: %v", i, err)
			}
			if string(buf[:n]) != "unchanged" || from.IP.String() != lab.A.IP.String() {
				t.Errorf("got %q from %v", buf[:n], from)
			}
		}
	})
}

func listenUDP(t *testing.T, side *labtest.Side) (conn *net.UDPConn) {
	t.Helper()
	side.Do(t, func() (err error) {
		conn, err = net.ListenUDP("udp4", &net.UDPAddr{IP: side.IP.AsSlice()})
		return err
	})
	return conn
}
