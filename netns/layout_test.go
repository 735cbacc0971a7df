// SPDX-License-Identifier: GPL-3.0-or-later

package netns

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func TestDefaultLayout(t *testing.T) {
	var got []string
	for _, p := range (&Lab{}).pairs() {
		for _, e := range []End{p.A, p.B} {
			got = append(got, fmt.Sprintf("%s:%s %v", e.Namespace, e.Link, e.Addrs))
		}
	}
	want := []string{
		":veth0 [10.0.0.4/24 2001:db8::1/64]", "test1:veth1 [10.0.0.5/24 2001:db8::2/64]",
		":veth2 [10.0.0.6/24]", "test2:veth3 [10.0.0.7/24]",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if err := (&Lab{}).Check(); err != nil {
		t.Error(err)
	}
}

func TestPrefixIsPutBeforeAllNames(t *testing.T) {
	for _, p := range (&Lab{Prefix: "x-"}).pairs() {
		if p.A.Namespace != "" || !strings.HasPrefix(p.A.Link, "x-veth") ||
			!strings.HasPrefix(p.B.Namespace, "x-test") || !strings.HasPrefix(p.B.Link, "x-veth") {
			t.Errorf("got %+v", p)
		}
	}
}

func TestImpossibleLayoutsAreRefused(t *testing.T) {
	addr := func(s string) []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix(s)} }
	pair := func(a, b End) Lab { return Lab{Pairs: []Pair{{a, b}}} }
	good := End{Link: "b", Namespace: "n"}
	for _, c := range []struct {
		lab  Lab
		want string
	}{
		{Lab{Prefix: "elevenbytes"}, `"elevenbytesveth0" has 16 bytes: 1 to 15`},
		{Lab{Prefix: "a/"}, `"a/veth0" cannot be the name`},
		{Lab{Queues: -1}, "-1 queues: 1 to 4096"},
		{Lab{Queues: 4097}, "4097 queues"},
		{Lab{MTU: 67}, "MTU of 67: 68 to 65535"},
		{Lab{MTU: 65536}, "MTU of 65536"},
		{Lab{MTU: 1279}, "2001:db8::1/64 needs an MTU of at least 1280, not 1279"},
		{Lab{PFIFO: -1}, "pfifo of -1"},
		{Lab{NoIPv6: true}, "2001:db8::1/64, but IPv6 is to be off"},
		{pair(End{Link: "a"}, End{Link: "b"}), "both a and b are in the caller's namespace"},
		{pair(End{Link: "a", Namespace: "n"}, End{Link: "b", Namespace: "n"}), "both a and b are in namespace n"},
		{pair(End{Link: "b"}, good), "link b appears twice"},
		{pair(End{Link: ""}, good), `"" has 0 bytes`},
		{pair(End{Link: "a b"}, good), `"a b" cannot be the name`},
		{pair(End{Link: "lo"}, good), `"lo" cannot be the name`},
		{pair(End{Link: "a", Namespace: "x/y"}, good), `"x/y" cannot be the name of a namespace`},
		{pair(End{Link: "a", Namespace: ".."}, good), `".." cannot be the name of a namespace`},
		{pair(End{Link: "a", Addrs: make([]netip.Prefix, 1)}, good), "is no address"},
		{pair(End{Link: "a", Addrs: addr("::ffff:10.0.0.1/120")}, good), "is no address"},
	} {
		err := c.lab.Check()
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v, want one with %q", c.lab, err, c.want)
		}
		for name, f := range map[string]func() error{
			"Up": c.lab.Up, "Down": c.lab.Down, "Status": func() error { _, err := c.lab.Status(); return err },
		} {
			if err := f(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s of %+v: error %v, want one with %q", name, c.lab, err, c.want)
			}
		}
	}
	both := Lab{Queues: -1, MTU: 1}
	if err := both.Check(); err == nil || !strings.Contains(err.Error(), "queues") || !strings.Contains(err.Error(), "MTU") {
		t.Errorf("all faults should be named at once, got %v", err)
	}
}

func TestNeighbourRoutes(t *testing.T) {
	var got []string
	for _, r := range neighbourRoutes(DefaultPairs()) {
		got = append(got, fmt.Sprintf("%s %v by %s from %v", r.namespace, r.to, r.link, r.from))
	}
	want := []string{" 10.0.0.5 by veth0 from 10.0.0.4", " 2001:db8::2 by veth0 from 2001:db8::1", " 10.0.0.7 by veth2 from 10.0.0.6"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	// A neighbour outside of the networks of a link needs a router, which is not for the lab to know.
	far := []Pair{{A: End{Link: "a", Addrs: []netip.Prefix{netip.MustParsePrefix("10.1.0.1/24")}},
		B: End{Link: "b", Namespace: "n", Addrs: []netip.Prefix{netip.MustParsePrefix("10.2.0.1/24")}}}}
	if r := neighbourRoutes(far); len(r) != 0 {
		t.Errorf("got %v", r)
	}
}

func TestSolicitedNodeGroups(t *testing.T) {
	const igmp6 = `1    lo              ff020000000000000000000000000001     1 0000000C 0
7    veth1           ff0200000000000000000001ff000002     2 00000004 0
8    veth10          ff0200000000000000000001ff123456     1 00000004 0
`
	for _, c := range []struct {
		link, addr string
		want       bool
	}{
		{"veth1", "2001:db8::2", true},
		{"veth1", "fe80::2", true},
		{"veth1", "2001:db8::3", false},
		{"veth1", "2001:db8::12:3456", false},
		{"veth10", "2001:db8::12:3456", true},
		{"veth0", "2001:db8::2", false},
	} {
		if got := inGroup(igmp6, c.link, solicitedNode(netip.MustParseAddr(c.addr))); got != c.want {
			t.Errorf("%s at %s: %v, want %v", c.addr, c.link, got, c.want)
		}
	}
}
