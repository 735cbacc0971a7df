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
func TestForwardCarriesIperf(t *testing.T) {
	need(t, "iperf3", "ping")
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			lab := labtest.NewChain(t, labtest.Options{PFIFO: 1000})
			r := start(t, lab.M, "--mode", mode, lab.M.Link, lab.M.Link2, "scripts/forward.lua")
			lab.A.Run(t, "ping", "-c", "3", "-i", "0.02", "-W", "2", lab.B.IP.String())
			lab.A.Run(t, "ping", "-6", "-c", "3", "-i", "0.02", "-W", "2", lab.B.IP6.String())

			const size = 200 << 20
			client, server := iperf(t, lab, "-n", fmt.Sprint(size))
			if sent, got := client.End.SumSent.Bytes, server.End.SumReceived.Bytes; sent < size || sent != got {
				t.Errorf("TCP: sent %d bytes, received %d", sent, got)
			}
			before := receiveBufferErrors(t, lab.B)
			client, server = iperf(t, lab, "-u", "-b", "50M", "-t", "2", "-l", "1400")
			// What a busy machine's server did not read in time was delivered all the same.
			late := receiveBufferErrors(t, lab.B) - before
			if sent, got := client.End.Sum, server.End.Sum; sent.Packets != got.Packets || got.LostPackets != late || sent.Packets < 1000 {
				t.Errorf("UDP: sent %+v, received %+v, of these %d too late for the server", sent, got, late)
			}
			all := r.stop(t)
			all.lossless(t)
			one, two := all[lab.M.Link], all[lab.M.Link2]
			if one["rx"] != two["tx"] || two["rx"] != one["tx"] {
				t.Errorf("received and sent differ: %v %v", one, two)
			}
		})
	}
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
