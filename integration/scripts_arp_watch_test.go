// SPDX-License-Identifier: GPL-3.0-or-later

package integration

import (
	"strings"
	"testing"
	"time"

	"pvlua/internal/labtest"
)

// TestARPWatchSeesTakeover has a host come to the network, and another MAC take
// over its addresses.
func TestARPWatchSeesTakeover(t *testing.T) {
	need(t, "ip", "ping", "arping")
	lab := labtest.New(t, labtest.Options{})
	r := start(t, lab.B, lab.B.Link, "scripts/arp_watch.lua")
	says := func(line string) {
		t.Helper()
		r.WaitOutput(t, lab.B.Link+": "+line+"\n", 5*time.Second)
	}
	lab.A.Run(t, "ping", "-c", "1", "-W", "2", lab.B.IP.String())
	says("new station 10.0.0.4 at " + lab.A.MAC.String())
	lab.A.Run(t, "ping", "-6", "-c", "1", "-W", "2", lab.B.IP6.String())
	says("new station 2001:db8::1 at " + lab.A.MAC.String())

	const taker = "02:00:00:00:00:99"
	lab.A.Run(t, "ip", "link", "set", lab.A.Link, "address", taker)
	lab.A.Run(t, "arping", "-U", "-c", "1", "-I", lab.A.Link, lab.A.IP.String())
	says("10.0.0.4 moved from " + lab.A.MAC.String() + " to " + taker)
	lab.A.Run(t, "ip", "-6", "neigh", "flush", "dev", lab.A.Link)
	lab.A.Run(t, "ping", "-6", "-c", "1", "-W", "2", lab.B.IP6.String())
	says("2001:db8::1 moved from " + lab.A.MAC.String() + " to " + taker)

	lab.A.Run(t, "ip", "addr", "add", "10.0.0.44/24", "dev", lab.A.Link)
	lab.A.Run(t, "arping", "-c", "1", "-I", lab.A.Link, "-s", "10.0.0.44", lab.B.IP.String())
	says("new station 10.0.0.44 at " + taker)
	all := r.stop(t)
	all.lossless(t)
	if c := all[lab.B.Link]; c["rx"] != c["pass"] {
		t.Errorf("not all was passed: %v", c)
	}
	if n := strings.Count(r.Output(), "10.0.0.4 "); n != 2 {
		t.Errorf("%d lines about 10.0.0.4:\n%s", n, r.Output())
	}
}
