// SPDX-License-Identifier: GPL-3.0-or-later

package integration

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"pvlua/internal/labtest"
)

// iperfSums are the parts of iperf3 -J that the test compares.
type iperfSums struct {
	End struct {
		SumSent     struct{ Bytes int64 } `json:"sum_sent"`
		SumReceived struct{ Bytes int64 } `json:"sum_received"`
		Sum         struct {
			Bytes       int64
			Packets     int64
			LostPackets int64 `json:"lost_packets"`
		}
	}
}

func iperf(t *testing.T, lab *labtest.Lab, args ...string) (client, server iperfSums) {
	t.Helper()
	s := lab.B.Start(t, "iperf3", "-s", "-1", "-J", "--forceflush")
	time.Sleep(500 * time.Millisecond)
	out := lab.A.Run(t, "iperf3", append([]string{"-c", lab.B.IP.String(), "-J"}, args...)...)
	if err := s.Wait(t, 10*time.Second); err != nil {
		t.Errorf("iperf3 server: %v", err)
	}
	for _, side := range []struct {
		out  string
		into *iperfSums
	}{{out, &client}, {s.Output(), &server}} {
		if err := json.Unmarshal([]byte(side.out), side.into); err != nil {
			t.Fatalf("iperf3: %v\n%s", err, side.out)
		}
	}
	return client, server
}

// TestForwardCarriesIperf runs forward.lua between two pairs. With a queueing
// discipline a full veth ring holds the sender back instead of losing (P4), so
// that nothing may be lost anywhere.
func TestForwardCarriesIperf(t *testing.T) { bothEngines(t, testForwardCarriesIperf) }

func testForwardCarriesIperf(t *testing.T) {
	need(t, "iperf3", "ping", "ip")
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			// Without IPv6 the kernel in the middle sends nothing of its own.
			lab := newChain(t, labtest.Options{PFIFO: 1000, NoIPv6: true})
			// Rings that hold all that TCP may have under way: on a busy machine
			// the worker may not run for a while.
			r := start(t, lab.M, "--mode", mode, "-c", "32768", "-r", "8192", "-f", "16384",
				lab.M.Link, lab.M.Link2, "scripts/forward.lua")
			const size = 200 << 20
			wire := readWire(t, lab)
			client, server := iperf(t, lab, "-n", fmt.Sprint(size))
			// At the end of a run iperf3's server counts only what it has read by then.
			if sent, got := client.End.SumSent.Bytes, server.End.SumReceived.Bytes; sent < size || got > sent || got < sent*9/10 {
				t.Errorf("TCP: sent %d bytes, received %d", sent, got)
			}
			wire.conserved(t, lab)
			before := receiveBufferErrors(t, lab.B)
			client, server = iperf(t, lab, "-u", "-b", "50M", "-t", "2", "-l", "1400")
			// What a busy machine's server did not read in time was delivered all the same.
			late := receiveBufferErrors(t, lab.B) - before
			if sent, got := client.End.Sum, server.End.Sum; got.LostPackets > late || sent.Packets < 1000 || got.Packets < sent.Packets/2 {
				t.Errorf("UDP: sent %+v, received %+v, of these %d too late for the server", sent, got, late)
			}
			wire.conserved(t, lab)
			all := r.stop(t)
			all.lossless(t)
			one, two := all[lab.M.Link], all[lab.M.Link2]
			if one["rx"] != two["tx"] || two["rx"] != one["tx"] {
				t.Errorf("received and sent differ: %v %v", one, two)
			}
		})
	}
}

// same compares what one end sent with what another received. Whether a veth counts
// the Ethernet headers with a packet depends on the way it takes.
func same(l [2]link) bool {
	headers := l[1].Bytes - l[0].Bytes
	return l[0].Packets == l[1].Packets && (headers == 0 || headers == 14*l[0].Packets || headers == -14*l[0].Packets)
}

// receiveBufferErrors is the number of UDP datagrams that a side's kernel had
// for sockets whose buffers were full (RcvbufErrors of /proc/net/snmp).
func receiveBufferErrors(t *testing.T, side *labtest.Side) (n int64) {
	t.Helper()
	var names, values []string
	for _, line := range strings.Split(side.Run(t, "cat", "/proc/net/snmp"), "\n") {
		if rest, ok := strings.CutPrefix(line, "Udp: "); ok {
			names, values = values, strings.Fields(rest)
		}
	}
	for i, name := range names {
		if name == "RcvbufErrors" {
			if _, err := fmt.Sscan(values[i], &n); err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatal("no RcvbufErrors in /proc/net/snmp")
	return 0
}

func TestForwardCarriesIPv6(t *testing.T) { bothEngines(t, testForwardCarriesIPv6) }

func testForwardCarriesIPv6(t *testing.T) {
	need(t, "ping")
	lab := newChain(t, labtest.Options{})
	r := start(t, lab.M, lab.M.Link, lab.M.Link2, "scripts/forward.lua")
	lab.A.Run(t, "ping", "-6", "-c", "5", "-i", "0.02", "-W", "2", lab.B.IP6.String())
	lab.B.Run(t, "ping", "-6", "-c", "5", "-i", "0.02", "-W", "2", "-s", "1400", lab.A.IP6.String())
	r.stop(t).lossless(t)
}

// A wire holds what the links at both ends have counted, of each direction.
type wire struct{ aSent, aGot, bSent, bGot link }

// A link is what a network interface has counted in one direction.
type link struct{ Packets, Bytes int64 }

func (l link) minus(m link) link { return link{l.Packets - m.Packets, l.Bytes - m.Bytes} }

func readWire(t *testing.T, lab *labtest.Lab) (w wire) {
	t.Helper()
	read := func(side *labtest.Side) (sent, got link) {
		var links []struct {
			Stats64 struct{ RX, TX link }
		}
		if err := json.Unmarshal([]byte(side.Run(t, "ip", "-s", "-j", "link", "show", side.Link)), &links); err != nil || len(links) != 1 {
			t.Fatalf("ip -s -j link: %v", err)
		}
		return links[0].Stats64.TX, links[0].Stats64.RX
	}
	w.aSent, w.aGot = read(lab.A)
	w.bSent, w.bGot = read(lab.B)
	return w
}

// conserved checks that since w every packet and byte that one end sent has
// come to the other. Some may still be on their way at first.
//
// A veth whose peer has native XDP counts what it sends without the Ethernet
// header.
func (w wire) conserved(t *testing.T, lab *labtest.Lab) {
	t.Helper()
	var there, back [2]link
	for range 20 {
		now := readWire(t, lab)
		there = [2]link{now.aSent.minus(w.aSent), now.bGot.minus(w.bGot)}
		back = [2]link{now.bSent.minus(w.bSent), now.aGot.minus(w.aGot)}
		if same(there) && same(back) {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Errorf("A sent %+v, B received %+v; B sent %+v, A received %+v", there[0], there[1], back[0], back[1])
}
