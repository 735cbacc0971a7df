// SPDX-License-Identifier: GPL-3.0-or-later

package integration

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"pvlua/internal/labtest"
)

// A tunnel joins two networks: A's, with the host one, and B's, with the host
// two. Between the hosts there is a third network, of which A and B know
// nothing.
type tunnel struct {
	labtest.Lab // A and B
	one, two    *labtest.Side
	runs        [2]*run
}

// newTunnel starts tunnel.lua on both hosts, over IPv4 or IPv6.
func newTunnel(t *testing.T, mode string, hosts [2]string, prefix string, args ...string) *tunnel {
	t.Helper()
	left := labtest.New(t, labtest.Options{NoIPv6: true, PFIFO: 1000})
	right := labtest.New(t, labtest.Options{NoIPv6: true, PFIFO: 1000})
	tn := &tunnel{Lab: labtest.Lab{A: left.A, B: right.B}, one: left.B, two: right.A}
	for _, host := range []*labtest.Side{tn.one, tn.two} {
		// The network between is the only one that has IPv6.
		host.Run(t, "sh", "-c", "echo 0 >/proc/sys/net/ipv6/conf/default/disable_ipv6")
	}
	tn.one.Run(t, "ip", "link", "add", "under", "type", "veth", "peer", "name", "under", "netns", tn.two.NS.Name())
	bind := [2]string{hosts[0] + ":5000", hosts[1] + ":5000"}
	for i, host := range []*labtest.Side{tn.one, tn.two} {
		address := []string{"ip", "address", "add", strings.Trim(hosts[i], "[]") + prefix, "dev", "under"}
		if strings.HasPrefix(hosts[i], "[") {
			address = append(address, "nodad")
		}
		host.Run(t, address[0], address[1:]...)
		host.Run(t, "ip", "link", "set", "under", "up")
	}
	for i, host := range []*labtest.Side{tn.one, tn.two} {
		all := []string{"--mode", mode, "-c", "32768", "-r", "8192", "-f", "16384", host.Link, "scripts/tunnel.lua", "--",
			"--bind", bind[i], "--peer", bind[1-i]}
		tn.runs[i] = start(t, host, append(all, args...)...)
	}
	return tn
}

// fragments counts the datagrams that both hosts have divided so far.
func (tn *tunnel) fragments(t *testing.T) (n int) {
	t.Helper()
	for _, host := range []*labtest.Side{tn.one, tn.two} {
		// Columns of the Ip: lines; IPv6 has a line for each number.
		var names []string
		for _, line := range strings.Split(host.Run(t, "cat", "/proc/net/snmp", "/proc/net/snmp6"), "\n") {
			fields := strings.Fields(line)
			switch {
			case len(fields) == 2 && fields[0] == "Ip6FragOKs":
				n += number(t, fields[1])
			case len(fields) > 0 && fields[0] == "Ip:" && names == nil:
				names = fields
			case len(fields) > 0 && fields[0] == "Ip:":
				for i, name := range names {
					if name == "FragOKs" {
						n += number(t, fields[i])
					}
				}
			}
		}
	}
	return n
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

var tunnelLine = regexp.MustCompile(`tunnel.lua: sent (\d+) received (\d+) lost 0\n`)

// stop ends both. What one has sent the other one must have received, and
// nothing may be lost in either.
func (tn *tunnel) stop(t *testing.T) {
	t.Helper()
	var sent, received [2]int
	for i, r := range tn.runs {
		all := r.stop(t)
		all.lossless(t)
		m := tunnelLine.FindStringSubmatch(r.Output())
		if m == nil {
			t.Fatalf("it wrote:\n%s", r.Output())
		}
		sent[i], received[i] = number(t, m[1]), number(t, m[2])
		for _, port := range all {
			if port["rx"] != sent[i] || port["drop"] != sent[i] || port["tx"] != received[i] {
				t.Errorf("host %d: %v, but %s", i+1, port, m[0])
			}
		}
	}
	if sent[0] != received[1] || sent[1] != received[0] || sent[0] == 0 {
		t.Errorf("sent %v, received %v", sent, received)
	}
}

// TestTunnelJoinsNetworks over IPv4 and IPv6. TCP must fit the network between
// the hosts both ways; what does not fit gets through all the same.
func TestTunnelJoinsNetworks(t *testing.T) {
	need(t, "ip", "ping", "arping", "iperf3")
	four, six := [2]string{"192.0.2.1", "192.0.2.2"}, [2]string{"[2001:db8:1::1]", "[2001:db8:1::2]"}
	for _, c := range []struct {
		name, mode string
		hosts      [2]string
		prefix     string
		args       []string
		fragments  bool
	}{
		{"IPv4", "native", four, "/24", nil, false},
		{"IPv4 generic", "generic", four, "/24", nil, false},
		{"IPv6", "native", six, "/64", nil, false},
		{"told that all fits", "native", four, "/24", []string{"--mtu", "9000"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			tn := newTunnel(t, c.mode, c.hosts, c.prefix, c.args...)
			tn.A.Run(t, "arping", "-c", "1", "-w", "3", "-I", tn.A.Link, tn.B.IP.String())
			tn.A.Run(t, "ping", "-c", "5", "-i", "0.02", "-W", "2", tn.B.IP.String())
			tn.B.Run(t, "ping", "-c", "5", "-i", "0.02", "-W", "2", tn.A.IP.String())
			if n := tn.fragments(t); n != 0 {
				t.Errorf("%d small packets were divided", n)
			}
			const size = 20 << 20
			for _, way := range [][]string{nil, {"-R"}} {
				// With a window that no queue on the way is too short for.
				client, server := iperf(t, &tn.Lab, append(way, "-n", fmt.Sprint(size), "-w", "256K")...)
				if way != nil {
					client, server = server, client
				}
				if sent, got := client.End.SumSent.Bytes, server.End.SumReceived.Bytes; sent < size || got < size*9/10 {
					t.Errorf("%v: sent %d bytes, received %d", way, sent, got)
				}
			}
			if n := tn.fragments(t); (n > 1000) != c.fragments || !c.fragments && n != 0 {
				t.Errorf("%d packets were divided", n)
			}
			before := tn.fragments(t)
			tn.A.Run(t, "ping", "-c", "3", "-i", "0.02", "-W", "2", "-M", "do", "-s", "1472", tn.B.IP.String())
			if n := tn.fragments(t) - before; n < 6 {
				t.Errorf("of 3 long packets and their answers %d were divided", n)
			}
			tn.stop(t)
		})
	}
}

// TestTunnelWithoutPeer goes on: it says what it could not send, and works once
// there is somebody.
func TestTunnelWithoutPeer(t *testing.T) {
	need(t, "ip", "ping")
	tn := newTunnel(t, "native", [2]string{"192.0.2.1", "192.0.2.2"}, "/24")
	tn.runs[1].stop(t)
	if _, err := tn.A.Try(t, "ping", "-c", "3", "-i", "0.1", "-W", "1", tn.B.IP.String()); err == nil {
		t.Error("got through without the other end")
	}
	tn.two.Run(t, "ip", "link", "set", "under", "down")
	tn.one.Run(t, "ip", "address", "del", "192.0.2.1/24", "dev", "under") // no way out
	tn.A.Try(t, "ping", "-c", "3", "-i", "0.1", "-W", "1", tn.B.IP.String())
	tn.one.Run(t, "ip", "address", "add", "192.0.2.1/24", "dev", "under")
	tn.two.Run(t, "ip", "link", "set", "under", "up")
	tn.runs[1] = start(t, tn.two, tn.two.Link, "scripts/tunnel.lua", "--", "--bind", "192.0.2.2:5000", "--peer", "192.0.2.1:5000")
	for range 20 {
		if _, err := tn.A.Try(t, "ping", "-c", "1", "-W", "1", tn.B.IP.String()); err == nil {
			break
		}
	}
	tn.A.Run(t, "ping", "-c", "3", "-i", "0.02", "-W", "2", tn.B.IP.String())
	tn.runs[1].stop(t).lossless(t)
	tn.runs[0].stop(t).lossless(t)
	if !regexp.MustCompile(`tunnel.lua: sent \d+ received \d+ lost [1-9]`).MatchString(tn.runs[0].Output()) {
		t.Errorf("it wrote:\n%s", tn.runs[0].Output())
	}
}

// TestTunnelIgnoresStrangers and what is no frame.
func TestTunnelIgnoresStrangers(t *testing.T) {
	need(t, "ip", "ping", "nc")
	tn := newTunnel(t, "native", [2]string{"192.0.2.1", "192.0.2.2"}, "/24")
	tn.two.Run(t, "ip", "address", "add", "192.0.2.3/24", "dev", "under")
	for _, from := range [][]string{{"-s", "192.0.2.3", "-p", "5000"}, {"-s", "192.0.2.2", "-p", "5001"}} {
		netcat(t, tn.two, strings.Repeat("not from the peer", 5), append(from, "-u", "-w", "1", "192.0.2.1", "5000")...)
	}
	tn.runs[1].stop(t)
	netcat(t, tn.two, "short", "-s", "192.0.2.2", "-p", "5000", "-u", "-w", "1", "192.0.2.1", "5000")
	time.Sleep(100 * time.Millisecond)
	all := tn.runs[0].stop(t)
	if port := all[tn.one.Link]; port["tx"] != 0 {
		t.Errorf("sent what is not from the peer, or no frame: %v", port)
	}
	if out := tn.runs[0].Output(); !strings.Contains(out, "send: a frame of 5 bytes is too short") || !strings.Contains(out, "sockets: error 1\n") {
		t.Errorf("it wrote:\n%s", out)
	}
}
