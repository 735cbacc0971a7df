// SPDX-License-Identifier: GPL-3.0-or-later

package integration

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"pvlua/internal/labtest"
)

// TestForwardByFourWorkers carries several TCP connections between ports of four
// queues.
func TestForwardByFourWorkers(t *testing.T) {
	need(t, "iperf3", "ip")
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			lab := labtest.NewChain(t, labtest.Options{PFIFO: 1000, NoIPv6: true, Queues: 4})
			r := start(t, lab.M, "--mode", mode, "-c", "32768", "-r", "8192", "-f", "16384", "--stats=100ms",
				lab.M.Link, lab.M.Link2, "scripts/forward.lua")
			for _, link := range []string{lab.M.Link, lab.M.Link2} {
				if !strings.Contains(r.Output(), "port="+link+` mode="`+mode+` copy" queues="4 of 4"`) {
					t.Errorf("not four queues of %s:\n%s", link, r.Output())
				}
			}
			const size = 50 << 20
			wire := readWire(t, lab)
			client, server := iperf(t, lab, "-P", "8", "-n", fmt.Sprint(size))
			// At the end iperf3's server counts only what it has read by then, of eight connections.
			if sent, got := client.End.SumSent.Bytes, server.End.SumReceived.Bytes; sent < size || got > sent || got < sent/2 {
				t.Errorf("TCP: sent %d bytes, received %d", sent, got)
			}
			wire.conserved(t, lab)
			all := r.stop(t)
			all.lossless(t)
			one, two := all[lab.M.Link], all[lab.M.Link2]
			if one["rx"] != two["tx"] || two["rx"] != one["tx"] {
				t.Errorf("received and sent differ: %v %v", one, two)
			}
			if !strings.Contains(r.Output(), fmt.Sprintf("frames: %d owned, ", 4*32768)) {
				t.Errorf("the ledgers of four workers:\n%s", r.Output())
			}
		})
	}
}

// TestHubOfFourPorts has four hosts ping each other through a script of a line.
func TestHubOfFourPorts(t *testing.T) {
	need(t, "ping")
	star := labtest.NewStar(t, 4, labtest.Options{NoIPv6: true, Queues: 2})
	hub := script(t, `
local pv = require "pv"
function on_packet(pkt)
  for _, port in ipairs(pv.ports) do
    if port ~= pkt.port then port:send(pkt) end
  end
  return pv.DROP
end`)
	r := start(t, star.M, append(append([]string{}, star.Links...), hub)...)
	for _, link := range star.Links {
		r.WaitOutput(t, "receiving port="+link, 10*time.Second)
	}
	var pinging sync.WaitGroup
	for i, from := range star.Spokes {
		for _, to := range star.Spokes[i+1:] {
			pinging.Go(func() {
				if out, err := from.Try(t, "ping", "-c", "5", "-i", "0.05", "-W", "3", to.IP.String()); err != nil {
					t.Errorf("%v to %v: %v\n%s", from.IP, to.IP, err, out)
				}
			})
		}
	}
	pinging.Wait()
	all := r.stop(t)
	all.lossless(t)
	sum := map[string]int{}
	for _, counts := range all {
		for word, n := range counts {
			sum[word] += n
		}
	}
	if len(all) != 4 || sum["drop"] != sum["rx"] || sum["tx"] != 3*sum["rx"] || sum["rx"] < 6*5*2 {
		t.Errorf("totals %v", all)
	}
}
