// SPDX-License-Identifier: GPL-3.0-or-later

package netns_test

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"pvlua/internal/labtest"
	"pvlua/netns"
)

func TestOtherLayouts(t *testing.T) {
	host := labtest.Host(t)
	addr := func(s string) []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix(s)} }
	// The end in the caller's namespace may be either.
	l := &netns.Lab{Prefix: labtest.Prefix(t), Pairs: []netns.Pair{
		{A: netns.End{Link: "x", Namespace: "n", Addrs: addr("192.0.2.1/24")}, B: netns.End{Link: "y", Addrs: addr("192.0.2.2/24"), GRO: true}},
		{A: netns.End{Link: "v", Namespace: "n"}, B: netns.End{Link: "w", Namespace: "m"}},
	}}
	raise(t, host, l)
	s := status(t, host, l)
	if err := s.Err(); err != nil {
		t.Error(err)
	}
	probeAll(t, host, l.Prefix+"y", "192.0.2.1", "")
	var spaces []string
	for _, n := range s.Namespaces {
		spaces = append(spaces, strings.TrimPrefix(n.Name, l.Prefix))
	}
	if !slices.Equal(spaces, []string{"n", "", "m"}) {
		t.Errorf("namespaces %q", spaces)
	}
}

func TestMTUQueuesPFIFOAndNoIPv6(t *testing.T) {
	host := labtest.Host(t)
	pairs := netns.DefaultPairs()
	for i := range pairs {
		for _, e := range []*netns.End{&pairs[i].A, &pairs[i].B} {
			e.Addrs = e.Addrs[:1]
		}
	}
	l := &netns.Lab{Prefix: labtest.Prefix(t), Pairs: pairs, MTU: 3000, Queues: 4, PFIFO: 77, NoIPv6: true}
	raise(t, host, l)
	s := status(t, host, l)
	if err := s.Err(); err != nil {
		t.Error(err)
	}
	for _, ls := range s.Links {
		if ls.MTU != 3000 || ls.RXQueues != 4 || ls.TXQueues != 4 {
			t.Errorf("%s: MTU %d, queues %d and %d", ls.Name, ls.MTU, ls.RXQueues, ls.TXQueues)
		}
	}
	for ns, name := range map[*netns.NS]string{host: "veth0", open(t, l, "test2"): "veth3"} {
		err := ns.Do(func() error {
			link, err := netlink.LinkByName(l.Prefix + name)
			if err != nil {
				return err
			}
			q, err := netlink.QdiscList(link)
			if err != nil || len(q) != 1 || q[0].Type() != "pfifo" {
				t.Errorf("queueing disciplines of %s: %v, %v", name, q, err)
			}
			v6, err := netlink.AddrList(link, netlink.FAMILY_V6)
			if err != nil || len(v6) != 0 {
				t.Errorf("IPv6 addresses of %s: %v, %v", name, v6, err)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	// Other wishes are fulfilled by the next up; another number of queues takes new links.
	l.MTU, l.Queues, l.PFIFO = 1400, 2, 55
	if err := status(t, host, l).Err(); err == nil || !strings.Contains(err.Error(), "MTU of 3000, not 1400") || !strings.Contains(err.Error(), "4 receive and 4 transmit queues, not 2") {
		t.Errorf("faults: %v", err)
	}
	if err := host.Do(l.Up); err != nil {
		t.Fatal(err)
	}
	for _, ls := range status(t, host, l).Links {
		if ls.MTU != 1400 || ls.RXQueues != 2 || ls.TXQueues != 2 {
			t.Errorf("%s: MTU %d, queues %d and %d", ls.Name, ls.MTU, ls.RXQueues, ls.TXQueues)
		}
	}
}

func TestAddressesSurviveLinkDown(t *testing.T) {
	host := labtest.Host(t)
	l := &netns.Lab{Prefix: labtest.Prefix(t)}
	raise(t, host, l)
	err := open(t, l, "test1").Do(func() error {
		link, err := netlink.LinkByName(l.Prefix + "veth1")
		if err != nil {
			return err
		}
		return errors.Join(netlink.LinkSetDown(link), netlink.LinkSetUp(link))
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := status(t, host, l).Err(); err != nil {
		t.Error(err)
	}
	probeAll(t, host, l.Prefix+"veth0", "10.0.0.5", "2001:db8::2")
}
