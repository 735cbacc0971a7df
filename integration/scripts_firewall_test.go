// SPDX-License-Identifier: GPL-3.0-or-later

package integration

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pvlua/internal/labtest"
)

// withTables writes a copy of a script with other tables at its top, and
// returns its path. Each table begins with "local name = {" on a line.
func withTables(t *testing.T, script string, tables map[string]string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", script))
	if err != nil {
		t.Fatal(err)
	}
	source := string(text)
	for name, table := range tables {
		head := "local " + name + " = {"
		before, after, found := strings.Cut(source, head)
		if !found {
			t.Fatalf("%s has no %q", script, head)
		}
		end := strings.Index(after, "}\n") // of a table in one line, or of a rule
		if strings.HasPrefix(after, "\n") {
			end = strings.Index(after, "\n}\n") + 1
		}
		source = before + head + table + after[end:]
	}
	path := filepath.Join(t.TempDir(), filepath.Base(script))
	if err := os.WriteFile(path, []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// patience is how long to wait for what should come, or should not: a busy
// machine may be slow.
func patience(should bool) time.Duration {
	if should {
		return 5 * time.Second
	}
	return 500 * time.Millisecond
}

// wantReach checks whether A reaches B's TCP port from an address and port of
// its own; 0 is any.
func wantReach(t *testing.T, lab *labtest.Lab, from, to netip.AddrPort, want bool) {
	t.Helper()
	ok := false
	lab.A.Do(t, func() error {
		d := net.Dialer{Timeout: patience(want), LocalAddr: net.TCPAddrFromAddrPort(from)}
		if c, err := d.Dial("tcp", to.String()); err == nil {
			ok = true
			c.(*net.TCPConn).SetLinger(0) // so that the port is free again at once
			c.Close()
		}
		return nil
	})
	if ok != want {
		t.Errorf("%v reaches %v: %v", from, to, ok)
	}
}

// TestFirewallBetweenPorts follows its rules, the first one that fits.
func TestFirewallBetweenPorts(t *testing.T) { bothEngines(t, testFirewallBetweenPorts) }

func testFirewallBetweenPorts(t *testing.T) {
	need(t, "ip", "ping", "arping")
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			lab := newChain(t, labtest.Options{})
			const friend, blocked, blocked6 = "10.0.0.44", "10.0.0.66", "2001:db8::66"
			for _, address := range []string{friend + "/24", blocked + "/24", blocked6 + "/64"} {
				add := []string{"ip", "address", "add", address, "dev", lab.A.Link}
				if strings.Contains(address, ":") {
					add = append(add, "nodad")
				}
				lab.A.Run(t, add[0], add[1:]...)
			}
			script := withTables(t, "scripts/firewall.lua", map[string]string{
				"addresses": `"` + blocked + `", "` + blocked6 + `"`,
				"rules": `
  {"allow", proto = "tcp", src = "` + friend + `", dport = 22},
  {"drop",  proto = "tcp", dport = 22},
  {"drop",  proto = "tcp", src = "10.0.0.4", sport = 4000, dst = "10.0.0.5", dport = 5000},
  {"drop",  proto = "udp", src = "2001:db8::1"},
  {"allow", proto = "udp", dport = 5001},
  {"drop",  proto = 17, src = "10.0.0.4"},
`})
			r := start(t, lab.M, "--mode", mode, lab.M.Link, lab.M.Link2, script)
			for _, at := range []netip.Addr{lab.B.IP, lab.B.IP6} {
				for _, port := range []uint16{22, 80, 5000} {
					answer(t, lab.B, netip.AddrPortFrom(at, port), "")
				}
			}
			addr := netip.MustParseAddr
			any4, any6 := lab.A.IP, lab.A.IP6
			for _, c := range []struct {
				from  netip.Addr
				sport uint16
				to    netip.Addr
				dport uint16
				want  bool
			}{
				{any4, 0, lab.B.IP, 80, true},
				{any6, 0, lab.B.IP6, 80, true},
				{any4, 0, lab.B.IP, 22, false},
				{any6, 0, lab.B.IP6, 22, false},
				{addr(friend), 0, lab.B.IP, 22, true},
				{addr(friend), 0, lab.B.IP, 80, true},
				{any4, 4000, lab.B.IP, 5000, false},
				{any4, 4001, lab.B.IP, 5000, true},
				{addr(friend), 4000, lab.B.IP, 5000, true},
				{addr(blocked), 0, lab.B.IP, 80, false},
				{addr(blocked6), 0, lab.B.IP6, 80, false},
			} {
				wantReach(t, lab, netip.AddrPortFrom(c.from, c.sport), netip.AddrPortFrom(c.to, c.dport), c.want)
			}
			arrives := func(from, to netip.AddrPort, text string, should bool) bool {
				var a, b *net.UDPConn
				lab.A.Do(t, func() (err error) {
					a, err = net.DialUDP("udp", net.UDPAddrFromAddrPort(from), net.UDPAddrFromAddrPort(to))
					return err
				})
				defer a.Close()
				lab.B.Do(t, func() (err error) {
					b, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(to))
					return err
				})
				defer b.Close()
				a.Write([]byte(text))
				b.SetReadDeadline(time.Now().Add(patience(should)))
				n, err := b.Read(make([]byte, 1<<16))
				return err == nil && n == len(text)
			}
			for _, c := range []struct {
				from, to netip.Addr
				dport    uint16
				length   int
				want     bool
			}{
				{any4, lab.B.IP, 5001, 10, true},
				{any4, lab.B.IP, 5002, 10, false},
				{any6, lab.B.IP6, 5001, 10, false},
				{addr(friend), lab.B.IP, 5002, 10, true},
				{addr(friend), lab.B.IP, 5002, 5000, true}, // in fragments
				{any4, lab.B.IP, 5002, 5000, false},
				{any4, lab.B.IP, 5001, 5000, false}, // the later fragments have no port for the rule that allows
				{addr(blocked), lab.B.IP, 5001, 5000, false},
			} {
				from, to := netip.AddrPortFrom(c.from, 0), netip.AddrPortFrom(c.to, c.dport)
				if got := arrives(from, to, strings.Repeat("x", c.length), c.want); got != c.want {
					t.Errorf("UDP %v to %v, %d bytes: %v", from, to, c.length, got)
				}
			}
			lab.A.Run(t, "arping", "-c", "1", "-w", "3", "-I", lab.A.Link, lab.B.IP.String())
			lab.B.Run(t, "ping", "-c", "2", "-i", "0.1", "-W", "2", lab.A.IP.String())
			for _, to := range []string{blocked, blocked6} { // the answers have to come from there
				if out, err := lab.B.Try(t, "ping", "-c", "2", "-i", "0.1", "-W", "1", to); err == nil {
					t.Errorf("ping %s: %s", to, out)
				}
			}
			all := r.stop(t)
			all.lossless(t)
			one, two := all[lab.M.Link], all[lab.M.Link2]
			if one["drop"] < 20 || one["rx"] != two["tx"]+one["drop"] || two["rx"] != one["tx"]+two["drop"] {
				t.Errorf("%v %v", one, two)
			}
		})
	}
}

// TestFirewallOfOneHost lets what is allowed through to the kernel. Its own
// tables do what they say.
func TestFirewallOfOneHost(t *testing.T) { bothEngines(t, testFirewallOfOneHost) }

func testFirewallOfOneHost(t *testing.T) {
	need(t, "ip", "ping")
	lab := newLab(t, labtest.Options{})
	r := start(t, lab.B, lab.B.Link, "scripts/firewall.lua")
	lab.A.Run(t, "ip", "address", "add", "10.0.0.9/24", "dev", lab.A.Link)
	lab.A.Run(t, "ip", "address", "add", "2001:db8::66/64", "dev", lab.A.Link, "nodad")
	for _, at := range []netip.Addr{lab.B.IP, lab.B.IP6} {
		for _, port := range []uint16{22, 23, 80} {
			answer(t, lab.B, netip.AddrPortFrom(at, port), "")
		}
	}
	lab.A.Run(t, "ping", "-c", "2", "-i", "0.1", "-W", "2", lab.B.IP.String())
	for _, c := range []struct {
		from string
		to   netip.Addr
		port uint16
		want bool
	}{
		{"10.0.0.4", lab.B.IP, 22, true},
		{"10.0.0.9", lab.B.IP, 22, false},
		{"10.0.0.9", lab.B.IP, 80, true},
		{"10.0.0.4", lab.B.IP, 23, false},
		{"2001:db8::1", lab.B.IP6, 80, true},
		{"2001:db8::1", lab.B.IP6, 23, false},
		{"2001:db8::66", lab.B.IP6, 80, false},
	} {
		wantReach(t, lab, netip.AddrPortFrom(netip.MustParseAddr(c.from), 0), netip.AddrPortFrom(c.to, c.port), c.want)
	}
	all := r.stop(t)
	all.lossless(t)
	if port := all[lab.B.Link]; port["drop"] == 0 || port["pass"] != port["rx"]-port["drop"] {
		t.Errorf("%v", port)
	}
}

// TestFirewallRulesThatMakeNoSense end it with status 3.
func TestFirewallRulesThatMakeNoSense(t *testing.T) { bothEngines(t, testFirewallRulesThatMakeNoSense) }

func testFirewallRulesThatMakeNoSense(t *testing.T) {
	need(t)
	lab := newLab(t, labtest.Options{NoIPv6: true})
	for rule, want := range map[string]string{
		`{"drop"}, {"drop", port = 23}`:       "firewall.lua: rule 2 is wrong: port = 23",
		`{"drop", proto = "tpc"}`:             "firewall.lua: rule 1 is wrong: proto = tpc",
		`{"drop", dport = "telnet"}`:          "firewall.lua: rule 1 is wrong: dport = telnet",
		`{"drop", src = "10.0.0"}`:            `pv.ip: `,
		`{"deny", dport = 23}`:                "firewall.lua: rule 1 is wrong: 1 = deny",
		`{dport = 23}`:                        "firewall.lua: rule 1 is wrong: 1 = no verdict",
		`{"drop", dport = 23, "and another"}`: "firewall.lua: rule 1 is wrong: 2 = and another",
	} {
		script := withTables(t, "scripts/firewall.lua", map[string]string{"rules": "\n  " + rule + "\n"})
		r := launch(t, lab.B, lab.B.Link, script)
		if status := r.status(t); status != 3 || !strings.Contains(r.Output(), want) {
			t.Errorf("%s: status %d: %s; want %s", rule, status, r.Output(), want)
		}
	}
}
