// SPDX-License-Identifier: GPL-3.0-or-later

package integration

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pvlua/internal/labtest"
)

var roundTrip = regexp.MustCompile(`(?m)^64 bytes from 10\.0\.0\.4: seq=(\d+) ttl=64 time=(\d+\.\d+) ms$`)

// TestPingReachesKernel has ping.lua ping the kernel of the other side.
func TestPingReachesKernel(t *testing.T) {
	need(t, "ip")
	for _, queues := range []int{1, 2} {
		t.Run(fmt.Sprint(queues), func(t *testing.T) {
			lab := labtest.New(t, labtest.Options{NoIPv6: true, Queues: queues})
			const count = 20
			r := start(t, lab.B, lab.B.Link, "scripts/ping.lua", "--", "--to", lab.A.IP.String(), "--count", fmt.Sprint(count), "--interval", "0.05", "--timeout", "5")
			if status := r.status(t); status != 0 {
				t.Errorf("status %d:\n%s", status, r.Output())
			}
			readTotals(t, r.Output()).lossless(t)
			lines := roundTrip.FindAllStringSubmatch(r.Output(), -1)
			if len(lines) != count {
				t.Errorf("%d round trips; it wrote:\n%s", len(lines), r.Output())
			}
			for i, m := range lines {
				if ms, _ := strconv.ParseFloat(m[2], 64); m[1] != fmt.Sprint(i+1) || ms <= 0 || ms > 1000 {
					t.Errorf("round trip %d: %s", i+1, m[0])
				}
			}
			if want := "--- 10.0.0.4: 20 sent, 20 answered, 0 lost\nround trip min/avg/max = "; strings.Count(r.Output(), want) != 1 {
				t.Errorf("no %q in:\n%s", want, r.Output())
			}
		})
	}
}

// TestPingWithoutAnswer ends with status 1, also when it is interrupted.
func TestPingWithoutAnswer(t *testing.T) {
	need(t)
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	nobody := []string{lab.B.Link, "scripts/ping.lua", "--", "--to", "10.0.0.99", "--interval", "0.1", "--timeout", "0.2"}
	r := start(t, lab.B, nobody...)
	if status := r.status(t); status != 1 || !strings.Contains(r.Output(), "--- 10.0.0.99: 4 sent, 0 answered, 4 lost\n") {
		t.Errorf("status %d:\n%s", status, r.Output())
	}
	r = start(t, lab.B, append(nobody, "--count", "1000")...)
	time.Sleep(300 * time.Millisecond)
	r.Signal(unix.SIGINT)
	if status := r.status(t); status != 1 {
		t.Errorf("status %d:\n%s", status, r.Output())
	}
	r = start(t, lab.B, lab.B.Link, "scripts/ping.lua", "--", "--to", lab.A.IP.String(), "--count", "1000")
	r.WaitOutput(t, "seq=1 ttl=64", 5*time.Second)
	r.stop(t) // which wants status 0
}

// TestPingByRouter reaches an address that is not on the network.
func TestPingByRouter(t *testing.T) {
	need(t, "ip")
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	lab.A.Run(t, "ip", "addr", "add", "192.0.2.9/32", "dev", "lo")
	lab.A.Run(t, "ip", "link", "set", "lo", "up")
	r := start(t, lab.B, lab.B.Link, "scripts/ping.lua", "--", "--to", "192.0.2.9", "--via", lab.A.IP.String(), "--count", "2", "--interval", "0.1")
	if status := r.status(t); status != 0 || !strings.Contains(r.Output(), "64 bytes from 192.0.2.9: seq=2 ttl=64 time=") {
		t.Errorf("status %d:\n%s", status, r.Output())
	}
}
