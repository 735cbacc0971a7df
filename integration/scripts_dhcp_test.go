// SPDX-License-Identifier: GPL-3.0-or-later

package integration

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pvlua/internal/labtest"
)

// dhcpEvents is what udhcpc calls when something happens: it says what, and
// gives the interface its address.
const dhcpEvents = `#!/bin/sh
[ $1 = bound ] && ip addr add $ip/24 dev $interface
echo "event $1 $ip mask $subnet router $router dns $dns lease $lease from $serverid"
`

// dhcpClient starts udhcpc on the link of A.
func dhcpClient(t *testing.T, lab *labtest.Lab, args ...string) *labtest.Process {
	t.Helper()
	events := filepath.Join(t.TempDir(), "events")
	if err := os.WriteFile(events, []byte(dhcpEvents), 0o755); err != nil {
		t.Fatal(err)
	}
	return lab.A.Start(t, "udhcpc", append([]string{"-f", "-i", lab.A.Link, "-s", events, "-t", "4", "-T", "1"}, args...)...)
}

// TestDHCPLeases gives udhcpc an address, which works, has it renewed, released
// and given to the next one.
func TestDHCPLeases(t *testing.T) {
	need(t, "udhcpc", "ping", "ip")
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	lab.A.Run(t, "ip", "addr", "flush", "dev", lab.A.Link)
	r := start(t, lab.B, lab.B.Link, "scripts/dhcp.lua", "--", "--first", "10.0.0.100", "--last", "10.0.0.100", "--router", "10.0.0.5", "--dns", "10.0.0.53", "--time", "120")
	const facts = " mask 255.255.255.0 router 10.0.0.5 dns 10.0.0.53 lease 120 from 10.0.0.5\n"

	client := dhcpClient(t, lab, "-n", "-R") // -n: fail if there is no lease, -R: release it at the end
	client.WaitOutput(t, "event bound 10.0.0.100"+facts, 10*time.Second)
	lab.A.Run(t, "ping", "-c", "1", "-W", "2", lab.B.IP.String())
	if err := client.Signal(unix.SIGUSR1); err != nil { // renew
		t.Fatal(err)
	}
	client.WaitOutput(t, "event renew 10.0.0.100"+facts, 10*time.Second)

	// Somebody else: the only address is taken.
	const other = "0x3d:0102030405"
	late := dhcpClient(t, lab, "-n", "-q", "-x", other)
	if err := late.Wait(t, 20*time.Second); err == nil || !strings.Contains(late.Output(), "no lease, failing") {
		t.Errorf("another client: %v\n%s", err, late.Output())
	}
	if err := client.Signal(unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := client.Wait(t, 5*time.Second); err != nil {
		t.Errorf("udhcpc: %v\n%s", err, client.Output())
	}
	lab.A.Run(t, "ip", "addr", "flush", "dev", lab.A.Link)
	next := dhcpClient(t, lab, "-n", "-q", "-x", other)
	if err := next.Wait(t, 10*time.Second); err != nil || !strings.Contains(next.Output(), "event bound 10.0.0.100"+facts) {
		t.Errorf("the address was released, but the next client got none: %v\n%s", err, next.Output())
	}
	r.stop(t).lossless(t)
	// udhcpc does not wait long before it asks again.
	if n := strings.Count(r.Output(), "10.0.0.100 is lent to "+lab.A.MAC.String()); n < 3 {
		t.Errorf("lent %d times, want 3 or more:\n%s", n, r.Output())
	}
}

// TestDHCPRefuses a client the renewal of an address that is none of the
// server's: it gets another one.
func TestDHCPRefuses(t *testing.T) {
	need(t, "udhcpc", "ip")
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	lab.A.Run(t, "ip", "addr", "flush", "dev", lab.A.Link)
	run := func(address string) *run {
		return start(t, lab.B, lab.B.Link, "scripts/dhcp.lua", "--", "--first", address, "--last", address)
	}
	r := run("10.0.0.100")
	client := dhcpClient(t, lab)
	client.WaitOutput(t, "event bound 10.0.0.100 mask 255.255.255.0 router  dns  lease 3600 from 10.0.0.5\n", 10*time.Second)
	r.stop(t).lossless(t)
	r = run("10.0.0.101")
	if err := client.Signal(unix.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	client.WaitOutput(t, "event nak", 10*time.Second)
	client.WaitOutput(t, "event bound 10.0.0.101 ", 15*time.Second)
	r.stop(t).lossless(t)
}

// TestDHCPWithManyQueues is served by several workers, which share the leases.
func TestDHCPWithManyQueues(t *testing.T) {
	need(t, "udhcpc", "ip")
	lab := labtest.New(t, labtest.Options{NoIPv6: true, Queues: 2})
	r := start(t, lab.B, lab.B.Link, "scripts/dhcp.lua", "--", "--first", "10.0.0.100", "--last", "10.0.0.103")
	for _, c := range []struct{ id, address string }{
		{"0x3d:01", "10.0.0.100"}, {"0x3d:02", "10.0.0.101"}, {"0x3d:01", "10.0.0.100"}, {"0x3d:03", "10.0.0.102"},
	} {
		client := dhcpClient(t, lab, "-n", "-q", "-x", c.id)
		if err := client.Wait(t, 10*time.Second); err != nil || !strings.Contains(client.Output(), "event bound "+c.address+" ") {
			t.Errorf("client %s: %v\n%s want %s", c.id, err, client.Output(), c.address)
		}
	}
	r.stop(t).lossless(t)
}
