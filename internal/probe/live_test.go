// SPDX-License-Identifier: GPL-3.0-or-later

package probe

import (
	"context"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"pvlua/internal/labtest"
)

// probeFromA probes B from A.
func probeFromA(t *testing.T, lab *labtest.Lab, k Kind, edit func(*Config)) Result {
	t.Helper()
	c := Config{Link: lab.A.Link, To: lab.B.IP, Count: 50, Timeout: 2 * time.Second}
	if k.IPv6() {
		c.To = lab.B.IP6
	}
	if edit != nil {
		edit(&c)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var r Result
	lab.A.Do(t, func() (err error) { r, err = Run(ctx, k, c); return err })
	return r
}

// serveUDP answers datagrams to port 7 of both of B's addresses with what reply makes of them.
func serveUDP(t *testing.T, lab *labtest.Lab, reply func(b []byte) [][]byte) {
	t.Helper()
	for _, a := range []netip.Addr{lab.B.IP, lab.B.IP6} {
		var c net.PacketConn
		lab.B.Do(t, func() (err error) {
			c, err = net.ListenPacket("udp", net.JoinHostPort(a.String(), "7"))
			return err
		})
		t.Cleanup(func() { c.Close() })
		go func() {
			b := make([]byte, 65536)
			for {
				n, from, err := c.ReadFrom(b)
				if err != nil {
					return // closed by the cleanup
				}
				for _, r := range reply(b[:n]) {
					if _, err := c.WriteTo(r, from); err != nil {
						t.Errorf("echo server: %v", err)
						return
					}
				}
			}
		}()
	}
}

func TestKernelAnswersAllKinds(t *testing.T) {
	lab := labtest.New(t, labtest.Options{})
	serveUDP(t, lab, func(b []byte) [][]byte { return [][]byte{b} })
	var all []Result
	for k := range numKinds {
		r := probeFromA(t, lab, k, nil)
		if !r.OK() || r.Sent != 50 || len(r.RTTs) != 50 {
			t.Errorf("%v: %+v", k, r)
		}
		if r.Median() <= 0 || r.P99() < r.Median() || r.P99() > 2*time.Second {
			t.Errorf("%v: median %v, 99th percentile %v", k, r.Median(), r.P99())
		}
		all = append(all, r)
	}
	var b strings.Builder
	if err := WriteTable(&b, all); err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s", &b)
}

func TestLargePayloadIsFragmentedAndEchoed(t *testing.T) {
	lab := labtest.New(t, labtest.Options{})
	serveUDP(t, lab, func(b []byte) [][]byte { return [][]byte{b} })
	for _, k := range []Kind{ICMP, UDP, ICMP6, UDP6} {
		for _, size := range []int{minPayload, 1472, 9000} {
			if r := probeFromA(t, lab, k, func(c *Config) { c.Payload, c.Count = size, 5 }); !r.OK() {
				t.Errorf("%v of %d bytes: %+v", k, size, r)
			}
		}
	}
}

func TestLinkLocalAddressesWork(t *testing.T) {
	lab := labtest.New(t, labtest.Options{})
	var to netip.Addr
	lab.B.Do(t, func() error {
		l, err := net.InterfaceByName(lab.B.Link)
		if err != nil {
			return err
		}
		addrs, err := l.Addrs()
		for _, a := range addrs {
			if p := netip.MustParsePrefix(a.String()); p.Addr().Is6() && p.Addr().IsLinkLocalUnicast() {
				to = p.Addr()
			}
		}
		return err
	})
	if !to.IsValid() {
		t.Fatal("B has no link-local address")
	}
	for _, k := range []Kind{ND, ICMP6} {
		if r := probeFromA(t, lab, k, func(c *Config) { c.To, c.Count = to, 5 }); !r.OK() {
			t.Errorf("%v: %+v", k, r)
		}
	}
}

func TestNobodyThere(t *testing.T) {
	lab := labtest.New(t, labtest.Options{})
	for k := range numKinds {
		r := probeFromA(t, lab, k, func(c *Config) {
			c.To = netip.MustParseAddr("10.0.0.99")
			if k.IPv6() {
				c.To = netip.MustParseAddr("2001:db8::99")
			}
			c.Count, c.Timeout = 3, 100*time.Millisecond
		})
		if r.Sent != 3 || r.Answered != 0 || r.OK() {
			t.Errorf("%v: %+v", k, r)
		}
	}
}

func TestNobodyAtThePort(t *testing.T) {
	lab := labtest.New(t, labtest.Options{})
	for _, k := range []Kind{UDP, UDP6} {
		r := probeFromA(t, lab, k, func(c *Config) { c.Count, c.Timeout = 3, 100*time.Millisecond })
		if r.Answered != 0 || r.Fault != "connection refused" {
			t.Errorf("%v: %+v", k, r)
		}
	}
}

func TestWrongAnswersAreFound(t *testing.T) {
	lab := labtest.New(t, labtest.Options{})
	n := 0
	serveUDP(t, lab, func(b []byte) [][]byte {
		switch n++; n {
		case 2:
			b[len(b)-1]++
		case 3:
			return [][]byte{b[:len(b)-1]}
		case 4:
			return [][]byte{b, b}
		}
		return [][]byte{b}
	})
	r := probeFromA(t, lab, UDP, func(c *Config) { c.Count, c.Timeout, c.Interval = 6, 300*time.Millisecond, 20*time.Millisecond })
	if r.Sent != 6 || r.Answered != 4 || r.Wrong != 3 || r.OK() {
		t.Errorf("%+v", r)
	}
}

func TestNoSuchLinkOrAddress(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	for _, c := range []struct {
		edit func(*Config)
		kind Kind
		want string
	}{
		{func(c *Config) { c.Link = "nolink" }, ICMP, "no such network interface"},
		{func(c *Config) { c.To = netip.MustParseAddr("2001:db8::2") }, ICMP6, "no address that suits 2001:db8::2"},
		{func(c *Config) { c.From = netip.MustParseAddr("10.0.0.77") }, UDP, "bind to 10.0.0.77"},
		{func(c *Config) { c.Link, c.From = "lo", netip.MustParseAddr("127.0.0.1") }, ARP, "no Ethernet link"},
	} {
		cfg := Config{Link: lab.A.Link, To: lab.B.IP, Count: 1, Timeout: time.Millisecond}
		c.edit(&cfg)
		before := openFiles(t)
		err := lab.A.NS.Do(func() error { _, err := Run(context.Background(), c.kind, cfg); return err })
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v, want one with %q", cfg, err, c.want)
		}
		if after := openFiles(t); after != before {
			t.Errorf("%+v: %d files open before, %d after", cfg, before, after)
		}
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
