// SPDX-License-Identifier: GPL-3.0-or-later

package integration

import (
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"pvlua/internal/labtest"
)

var generated = regexp.MustCompile(`(?m)^gen\.lua: sent (\d+) packets, (\d+) bytes, in (\d+\.\d+) s; no room for (\d+)$`)

// TestGenSendsSoMany compares what gen.lua says with what the kernel of the
// other side has counted.
func TestGenSendsSoMany(t *testing.T) {
	need(t, "ip")
	const rate, count, size = 20_000, 30_001, 200
	for _, queues := range []int{1, 2} {
		t.Run(fmt.Sprint(queues), func(t *testing.T) {
			lab := labtest.New(t, labtest.Options{NoIPv6: true, Queues: queues})
			// It tells that nobody listens, but must not ask B's kernel for its MAC.
			lab.A.Run(t, "ip", "neigh", "add", lab.B.IP.String(), "lladdr", lab.B.MAC.String(), "dev", lab.A.Link)
			before, _ := received(t, lab.A)
			// With rings that hold all that is made up for after a pause of a busy machine.
			r := start(t, lab.B, "-c", "65536", "-t", "32768", "-o", "32768", lab.B.Link, "scripts/gen.lua", "--", "--to", lab.A.IP.String(), "--mac", lab.A.MAC.String(),
				"--rate", fmt.Sprint(rate), "--count", fmt.Sprint(count), "--size", fmt.Sprint(size), "--flows", "10")
			if status := r.status(t); status != 0 {
				t.Errorf("status %d", status)
			}
			after, _ := received(t, lab.A)
			if n := after - before; n != count {
				t.Errorf("the other side has received %d packets, want %d", n, count)
			}
			m := generated.FindStringSubmatch(r.Output())
			if m == nil || m[1] != fmt.Sprint(count) || m[2] != fmt.Sprint(count*size) || m[4] != "0" {
				t.Fatalf("it says %q:\n%s", m, r.Output())
			}
			if seconds, _ := strconv.ParseFloat(m[3], 64); seconds < 0.98*count/rate {
				t.Errorf("too fast: %v s", seconds)
			}
			if n := readTotals(t, r.Output())[lab.B.Link]["tx"]; n != count {
				t.Errorf("tx %d", n)
			}
		})
	}
}

// TestGenReachesSockets has the other side's kernel judge lengths and checksums.
func TestGenReachesSockets(t *testing.T) {
	need(t)
	lab := labtest.New(t, labtest.Options{})
	for _, to := range []netip.Addr{lab.A.IP, lab.A.IP6} {
		var conn *net.UDPConn
		lab.A.Do(t, func() (err error) {
			conn, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(to, 4000)))
			return err
		})
		defer conn.Close()
		r := start(t, lab.B, lab.B.Link, "scripts/gen.lua", "--", "--to", to.String(), "--mac", lab.A.MAC.String(),
			"--rate", "200", "--count", "6", "--size", "1000", "--flows", "3", "--sport", "5000", "--dport", "4000")
		if status := r.status(t); status != 0 {
			t.Errorf("status %d:\n%s", status, r.Output())
		}
		want := strings.Repeat("x", 1000-14-20-8)
		if to.Is6() {
			want = want[20:]
		}
		buf := make([]byte, 2000)
		for i := range 6 {
			conn.SetReadDeadline(time.Now().Add(5 * time.Second))
			n, from, err := conn.ReadFromUDPAddrPort(buf)
			if err != nil || string(buf[:n]) != want || from.Port() != uint16(5000+(i+1)%3) {
				t.Errorf("datagram %d to %s: %d bytes from %s, %v", i+1, to, n, from, err)
			}
		}
	}
}
