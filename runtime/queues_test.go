// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"pvlua/internal/labtest"
	"pvlua/internal/pkttest"
	"pvlua/xsk"
)

// TestEachQueueHasOneWorker shares out queues of every number among ports.
func TestEachQueueHasOneWorker(t *testing.T) {
	for a := 1; a <= 9; a++ {
		for b := 1; b <= 9; b++ {
			ports := []int{a, b, 9}
			workers, most := workersFor(ports), 0
			if workers != min(a, b) {
				t.Fatalf("%v: %d workers", ports, workers)
			}
			served := make([][]int, len(ports))
			for w := range workers {
				sockets := 0
				for p, queues := range ports {
					mine := queuesOf(w, workers, queues)
					if len(mine) == 0 {
						t.Errorf("%v: worker %d can't send on port %d", ports, w, p)
					}
					served[p] = append(served[p], mine...)
					sockets += len(mine)
				}
				most = max(most, sockets)
			}
			if most != mostSockets(workers, ports) {
				t.Errorf("%v: %d sockets, %d were expected", ports, most, mostSockets(workers, ports))
			}
			for p, queues := range ports {
				slices.Sort(served[p])
				var all []int
				for q := range queues {
					all = append(all, q)
				}
				if diff := cmp.Diff(all, served[p]); diff != "" {
					t.Errorf("%v: queues of port %d: want -, got +\n%s", ports, p, diff)
				}
			}
		}
	}
}

// received returns how many packets each worker has received on a port.
func (l *live) received(port int) (counts []uint64) {
	for _, w := range l.workers {
		w.mail.call(func() { counts = append(counts, w.ports[port].count.Rx) })
	}
	return counts
}

// busy returns how many of them are not zero.
func busy(counts []uint64) (n int) {
	for _, c := range counts {
		if c > 0 {
			n++
		}
	}
	return n
}

// TestWorkersAddUp answers several flows by four workers, and holds what is
// counted, dumped and reported to each other. That each flow stays on a worker,
// in order, the script itself checks.
func TestWorkersAddUp(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true, Queues: 4})
	dump, report := new(journal), new(journal)
	l := goLive(t, lab.B, answering(1000), func(c *Config) {
		c.Dump, c.Report, c.Stats = dump, report, 20*time.Millisecond
	})
	if len(l.workers) != 4 || !strings.Contains(l.log.String(), `queues="4 of 4"`) {
		t.Errorf("%d workers:\n%s", len(l.workers), l.log)
	}
	flows, end := startFlows(t, lab, 32)
	for _, f := range flows {
		f.await(t, 1000)
	}
	time.Sleep(200 * time.Millisecond)
	sent := end()
	counts := l.received(0)
	if busy(counts) < 2 {
		t.Errorf("32 flows on so many workers: %v", counts)
	}
	totals := l.stop(0)
	port, sum := totals.Ports[0], uint64(0)
	for _, c := range counts {
		sum += c
	}
	if port.Rx != sum || port.Tx != uint64(sent) || len(totals.Frames) != 4 {
		t.Errorf("sent %d, workers received %v, totals %v, %d ledgers", sent, counts, port, len(totals.Frames))
	}
	// Each line of the dump is whole, whoever wrote it.
	line := regexp.MustCompile(`^\d\d:\d\d:\d\d\.\d{6} veth1 (?:IP 10\.0\.0\.4\.\d+ > 10\.0\.0\.5\.7: UDP, length 18 -> tx|(?:ARP|IP).* -> pass)$`)
	lines := strings.Split(strings.TrimSuffix(dump.String(), "\n"), "\n")
	for _, text := range lines {
		if !line.MatchString(text) {
			t.Fatalf("in the dump: %q", text)
		}
	}
	if len(lines) != int(port.Rx) || strings.Count(dump.String(), "-> tx\n") != sent {
		t.Errorf("%d lines for %d packets", len(lines), port.Rx)
	}
	last := 0
	for _, m := range regexp.MustCompile(`(?m)^veth1: rx (\d+) tx`).FindAllStringSubmatch(report.String(), -1) {
		n, _ := strconv.Atoi(m[1])
		if n < last {
			t.Errorf("statistics go back from %d to %d", last, n)
		}
		last = n
	}
	if last == 0 || last > int(port.Rx) {
		t.Errorf("statistics end with %d, totals with %d:\n%s", last, port.Rx, report)
	}
}

// forwarding joins two ports and checks that each direction of a flow stays on
// one worker, in order.
const forwarding = `
	local pv = require "pv"
	local last = {}
	function on_packet(pkt)
		local udp = pkt.udp
		if udp then
			local flow, seq = udp.sport * 65536 + udp.dport, pkt:u32(42)
			assert(seq == (last[flow] or -1) + 1, "out of order, or on another worker")
			last[flow] = seq
		end
		return pkt.port.index == 1 and pv.ports[2] or pv.ports[1]
	end`

// TestPortsWithDifferentQueues joins a port of four queues with one of two, or
// of three.
func TestPortsWithDifferentQueues(t *testing.T) {
	for _, right := range []string{"2", "3", "1"} {
		t.Run("4 and "+right, func(t *testing.T) {
			lab := labtest.NewChain(t, labtest.Options{NoIPv6: true, Queues: 4})
			lab.M.Run(t, "ethtool", "-L", lab.M.Link2, "rx", right, "tx", right)
			lab.B.Run(t, "ethtool", "-L", lab.B.Link, "rx", right, "tx", right)
			echo := listenUDP7(t, lab.B)
			l := goLive(t, lab.M, forwarding, nil)
			if strconv.Itoa(len(l.workers)) != right {
				t.Errorf("%d workers", len(l.workers))
			}
			flows, end := startFlows(t, lab, 16)
			for _, f := range flows {
				f.await(t, 7)
			}
			time.Sleep(100 * time.Millisecond)
			sent := end()
			echo()
			if n := busy(l.received(0)); n != len(l.workers) && n < 2 {
				t.Errorf("%d workers of %d had something to do", n, len(l.workers))
			}
			totals := l.stop(0)
			for i, p := range totals.Ports {
				if other := totals.Ports[1-i]; p.Rx != other.Tx || p.Rx < uint64(sent) || p.Drop+p.Pass != 0 {
					t.Errorf("%d questions: %v; %v", sent, p, other)
				}
			}
		})
	}
}

// listenUDP7 has the kernel's side of UDP port 7 answered in a namespace.
func listenUDP7(t *testing.T, side *labtest.Side) (stop func()) {
	t.Helper()
	fd := -1
	side.Do(t, func() (err error) {
		fd, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err == nil {
			err = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 20000})
		}
		if err == nil {
			err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 4<<20)
		}
		if err == nil {
			err = unix.Bind(fd, &unix.SockaddrInet4{Port: 7, Addr: side.IP.As4()})
		}
		return err
	})
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		defer unix.Close(fd)
		for buf := make([]byte, 2048); ; {
			n, from, err := unix.Recvfrom(fd, buf, 0)
			if err == nil {
				unix.Sendto(fd, buf[:n], 0, from)
			}
			select {
			case <-quit:
				return
			default:
			}
		}
	}()
	return func() { close(quit); <-ended }
}

// TestFourPortsFlood has a script repeat each packet out of all other ports. All
// four spokes send, a few frames at a time, and each must hear all others in
// their order.
func TestFourPortsFlood(t *testing.T) {
	for _, queues := range []int{1, 2} {
		t.Run(fmt.Sprint(queues, " queues"), func(t *testing.T) {
			star := labtest.NewStar(t, 4, labtest.Options{NoIPv6: true, Queues: queues})
			l := goLive(t, star.M, `
				local pv = require "pv"
				function on_packet(pkt)
					for _, port in ipairs(pv.ports) do
						if port ~= pkt.port then assert(port:send(pkt)) end
					end
					return pv.DROP
				end`, func(c *Config) { c.Interfaces = star.Links })
			const rounds, atOnce = 25, 8
			wires := make([]int, len(star.Spokes))
			for i, s := range star.Spokes {
				wires[i] = openWire(t, s)
				defer unix.Close(wires[i])
			}
			next := make([][]int, len(wires)) // by hearer and sender
			for i := range next {
				next[i] = make([]int, len(wires))
			}
			buf := make([]byte, 2048)
			for round := range rounds {
				for i, wire := range wires {
					for n := range atOnce {
						f := pkttest.UDP(pkttest.Options{
							SrcMAC: [6]byte(star.Spokes[i].MAC), DstMAC: [6]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
							SrcPort: uint16(5000 + i), Payload: []byte{byte(round), byte(n)}, PadTo: 60,
						})
						if _, err := unix.Write(wire, f); err != nil {
							t.Fatal(err)
						}
					}
				}
				for i, wire := range wires {
					for range atOnce * (len(wires) - 1) {
						n, _, err := unix.Recvfrom(wire, buf, 0)
						if err != nil {
							t.Fatalf("round %d, spoke %d: %v; heard %v", round, i, err, next[i])
						}
						from, seq := (int(buf[34])<<8|int(buf[35]))-5000, int(buf[42])*atOnce+int(buf[43])
						if n != 60 || from < 0 || from >= len(wires) || from == i || seq != next[i][from] {
							t.Fatalf("spoke %d hears frame %d of spoke %d, %d bytes, where %v were due", i, seq, from, n, next[i])
						}
						next[i][from]++
					}
				}
			}
			const each = rounds * atOnce
			totals := l.stop(4 * 3 * each)
			for _, p := range totals.Ports {
				if p.Rx != each || p.Drop != each || p.Tx != 3*each {
					t.Errorf("%v", p)
				}
			}
		})
	}
}

// openWire opens a raw socket on a side's link that hears and sends.
func openWire(t *testing.T, side *labtest.Side) (fd int) {
	t.Helper()
	side.Do(t, func() (err error) {
		const ethPIP = 0x0008 // htons(ETH_P_IP): and not what it sends itself
		fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, ethPIP)
		if err == nil {
			err = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 3})
		}
		if err == nil {
			err = unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: side.Ifindex, Protocol: ethPIP})
		}
		return err
	})
	return fd
}

// TestGenericVethShiftsQueues holds what the log says of it to what happens.
func TestGenericVethShiftsQueues(t *testing.T) {
	for _, queues := range []int{2, 4} {
		lab := labtest.New(t, labtest.Options{NoIPv6: true, Queues: queues})
		for mode, want := range map[xsk.Mode]bool{xsk.ModeGeneric: true, xsk.ModeNative: false} {
			l := goLive(t, lab.B, answering(1000), func(c *Config) { c.Mode = mode })
			if said := strings.Contains(l.log.String(), "and the last queue none"); said != want {
				t.Errorf("%v: the log says so: %v", mode, said)
			}
			flows, end := startFlows(t, lab, 32)
			for _, f := range flows {
				f.await(t, 1000)
			}
			end()
			counts := l.received(0)
			if none := counts[queues-1] == 0; none != want || counts[0] == 0 {
				t.Errorf("%v: workers received %v", mode, counts)
			}
			l.stop(0)
		}
	}
}

// TestInterfaceComesBackWithOtherQueues replaces an interface of two queues by
// one with too few, and then by one with more.
func TestInterfaceComesBackWithOtherQueues(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true, Queues: 2})
	l := goLive(t, lab.B, answering(1000), nil)
	replace := func(queues string) {
		t.Helper()
		lab.B.Run(t, "ip", "link", "del", lab.B.Link)
		lab.A.Run(t, "ip", "link", "add", lab.A.Link, "numrxqueues", queues, "numtxqueues", queues, "type", "veth",
			"peer", "name", lab.B.Link, "numrxqueues", queues, "numtxqueues", queues, "address", "02:00:00:12:34:56", "netns", lab.B.NS.Name())
		lab.A.Run(t, "ethtool", "-K", lab.A.Link, "tx", "off")
		lab.A.Run(t, "ip", "addr", "add", lab.A.IP.String()+"/24", "dev", lab.A.Link)
		lab.A.Run(t, "ip", "link", "set", lab.A.Link, "up")
		lab.A.Run(t, "ip", "neigh", "add", lab.B.IP.String(), "lladdr", "02:00:00:12:34:56", "dev", lab.A.Link)
		lab.B.Run(t, "ip", "link", "set", lab.B.Link, "up")
	}
	replace("1")
	l.log.wait(t, "it has 1 queues now, 2 workers need one each")
	replace("4")
	l.log.wait(t, `queues="2 of 4"`)
	lab.A.Run(t, "ethtool", "-L", lab.A.Link, "tx", "2") // first: B needs a queue for each of A's
	lab.B.Run(t, "ethtool", "-L", lab.B.Link, "rx", "2")
	awaitCarrier(t, lab)
	flows, end := startFlows(t, lab, 8)
	for _, f := range flows {
		f.await(t, 1000)
	}
	end()
	if counts := l.received(0); busy(counts) != 2 {
		t.Errorf("workers received %v", counts)
	}
	for queues := 0; queues != 2; time.Sleep(10 * time.Millisecond) { // until that is known
		l.workers[0].mail.call(func() { queues = l.workers[0].ports[0].facts.Queues })
	}
	lab.B.Run(t, "ethtool", "-L", lab.B.Link, "rx", "4")
	l.log.wait(t, `there are more queues now, whose packets go to the kernel's stack`)
	l.stop(0)
}
