// SPDX-License-Identifier: GPL-3.0-or-later

package netns_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"pvlua/internal/labtest"
	"pvlua/internal/probe"
	"pvlua/netns"
)

// raise ups a lab from the namespace host and has it removed after the test.

func raise(t *testing.T, host *netns.NS, l *netns.Lab) {
	t.Helper()
	t.Cleanup(func() {
		if err := host.Do(l.Down); err != nil {
			t.Error(err)
		}
	})
	if err := host.Do(l.Up); err != nil {
		t.Fatal(err)
	}
}

func status(t *testing.T, host *netns.NS, l *netns.Lab) *netns.Status {
	t.Helper()
	var s *netns.Status
	if err := host.Do(func() (err error) { s, err = l.Status(); return err }); err != nil {
		t.Fatal(err)
	}
	return s
}

// open opens a namespace of the lab for the time of the test.

func open(t *testing.T, l *netns.Lab, name string) *netns.NS {
	t.Helper()
	ns, err := netns.Open(l.Prefix + name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ns.Close() })
	return ns
}

// snapshot is everything about the lab that a second Up could spoil.

func snapshot(t *testing.T, host *netns.NS, l *netns.Lab) string {
	t.Helper()
	var b strings.Builder
	spaces := []*netns.NS{host, open(t, l, "test1"), open(t, l, "test2")}
	for _, ns := range spaces {
		err := ns.Do(func() error {
			links, err := netlink.LinkList()
			if err != nil {
				return err
			}
			for _, link := range links {
				a := link.Attrs()
				fmt.Fprintf(&b, "%v %d %s %v %v peer %d mtu %d alias %q queues %d %d\n", ns, a.Index, a.Name, a.HardwareAddr, a.Flags, a.ParentIndex, a.MTU, a.Alias, a.NumRxQueues, a.NumTxQueues)
				addrs, err := netlink.AddrList(link, netlink.FAMILY_ALL)
				if err != nil {
					return err
				}
				for _, ad := range addrs {
					fmt.Fprintf(&b, "\t%v flags %#x\n", ad.IPNet, ad.Flags)
				}
				for _, f := range []int{netlink.FAMILY_V4, netlink.FAMILY_V6} {
					routes, err := netlink.RouteList(link, f)
					if err != nil {
						return err
					}
					for _, r := range routes {
						fmt.Fprintf(&b, "\troute %v src %v scope %v\n", r.Dst, r.Src, r.Scope)
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

// gone fails the test if anything of the lab is left.

func gone(t *testing.T, host *netns.NS, l *netns.Lab) {
	t.Helper()
	if s := status(t, host, l); !s.Gone() {
		t.Errorf("the status has something left: %+v", s)
	}
	onlyLinks(t, host, "lo")
	names, err := netns.Names()
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		if strings.HasPrefix(n, l.Prefix) {
			t.Errorf("namespace %s is left", n)
		}
	}
}

func onlyLinks(t *testing.T, ns *netns.NS, want ...string) {
	t.Helper()
	if err := ns.Do(func() error {
		if got := linkNames(t); !slices.Equal(got, want) {
			t.Errorf("links in %v: %v, want %v", ns, got, want)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func TestUpTwiceAndDownTwice(t *testing.T) {
	host := labtest.Host(t)
	l := &netns.Lab{Prefix: labtest.Prefix(t)}
	gone(t, host, l)
	raise(t, host, l)
	if err := status(t, host, l).Err(); err != nil {
		t.Error(err)
	}
	first := snapshot(t, host, l)
	for _, want := range []string{"10.0.0.4/24", "2001:db8::1/64", "10.0.0.5/24", "2001:db8::2/64", "10.0.0.6/24", "10.0.0.7/24"} {
		if strings.Count(first, "\t"+want+" ") != 1 {
			t.Errorf("address %s is not there once", want)
		}
	}
	if err := host.Do(l.Up); err != nil {
		t.Errorf("a second up: %v", err)
	}
	if d := cmp.Diff(first, snapshot(t, host, l)); d != "" {
		t.Errorf("a second up changed the lab:\n%s", d)
	}
	for range 2 {
		if err := host.Do(l.Down); err != nil {
			t.Error(err)
		}
		gone(t, host, l)
	}
}

// reachable says whether an unbound client in ns gets an answer from an address:

// nobody listens there, so the answer is a refusal.

func reachable(t *testing.T, ns *netns.NS, addr string) bool {
	t.Helper()
	var err error
	if e := ns.Do(func() error {
		var c net.Conn
		if c, err = net.DialTimeout("tcp", net.JoinHostPort(addr, "1"), 500*time.Millisecond); err == nil {
			c.Close()
		}
		return nil
	}); e != nil {
		t.Fatal(e)
	}
	return errors.Is(err, unix.ECONNREFUSED)
}

func TestLabCarriesTraffic(t *testing.T) {
	host := labtest.Host(t)
	l := &netns.Lab{Prefix: labtest.Prefix(t)}
	raise(t, host, l)
	test1, test2 := open(t, l, "test1"), open(t, l, "test2")
	for _, c := range []struct {
		from *netns.NS
		to   string
		want bool
	}{
		{host, "10.0.0.5", true}, {host, "10.0.0.7", true}, {host, "2001:db8::2", true},
		{test1, "10.0.0.4", true}, {test1, "2001:db8::1", true},
		{test2, "10.0.0.6", true}, {test2, "10.0.0.4", true},
		{test1, "10.0.0.7", false}, {test2, "10.0.0.5", false}, // only pvlua joins the two
	} {
		if got := reachable(t, c.from, c.to); got != c.want {
			t.Errorf("%s reachable from %v: %v, want %v", c.to, c.from, got, c.want)
		}
	}
	probeAll(t, host, l.Prefix+"veth0", "10.0.0.5", "2001:db8::2")
	probeAll(t, host, l.Prefix+"veth2", "10.0.0.7", "")
	probeAll(t, test1, l.Prefix+"veth1", "10.0.0.4", "2001:db8::1")
	probeAll(t, test2, l.Prefix+"veth3", "10.0.0.6", "")
}

// probeAll has the kernel at the other end of a link answer.

func probeAll(t *testing.T, from *netns.NS, link, to4, to6 string) {
	t.Helper()
	for _, k := range []probe.Kind{probe.ARP, probe.ICMP, probe.ND, probe.ICMP6} {
		to := to4
		if k.IPv6() {
			to = to6
		}
		if to == "" {
			continue
		}
		err := from.Do(func() error {
			r, err := probe.Run(context.Background(), k, probe.Config{Link: link, To: netip.MustParseAddr(to), Count: 5})
			if err == nil && !r.OK() {
				err = fmt.Errorf("%+v", r)
			}
			return err
		})
		if err != nil {
			t.Errorf("%v of %s by %s: %v", k, to, link, err)
		}
	}
}

func TestLabsSideBySide(t *testing.T) {
	host := labtest.Host(t)
	a := &netns.Lab{Prefix: labtest.Prefix(t)}
	b := &netns.Lab{Prefix: labtest.Prefix(t)}
	raise(t, host, a)
	before := snapshot(t, host, a)
	raise(t, host, b)
	for _, l := range []*netns.Lab{a, b} {
		if err := status(t, host, l).Err(); err != nil {
			t.Error(err)
		}
		probeAll(t, host, l.Prefix+"veth0", "10.0.0.5", "2001:db8::2")
		probeAll(t, host, l.Prefix+"veth2", "10.0.0.7", "")
	}
	if err := host.Do(b.Down); err != nil {
		t.Error(err)
	}
	if d := cmp.Diff(before, snapshot(t, host, a)); d != "" {
		t.Errorf("another lab's up and down changed this one:\n%s", d)
	}
	if !reachable(t, host, "10.0.0.5") || !reachable(t, host, "10.0.0.7") {
		t.Error("the first lab is not reachable any more")
	}
}

func TestStatusOfNothing(t *testing.T) {
	host := labtest.Host(t)
	l := &netns.Lab{Prefix: labtest.Prefix(t)}
	s := status(t, host, l)
	if !s.Gone() || len(s.Links) != 4 || len(s.Namespaces) != 3 {
		t.Errorf("got %+v", s)
	}
	err := s.Err()
	for _, want := range []string{"there is no namespace " + l.Prefix + "test1", "there is no link " + l.Prefix + "veth0 in the caller's namespace"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("faults %v, want %q", err, want)
		}
	}
}

// TestPing has Debian's ping try the lab, as a person would.

func TestPing(t *testing.T) {
	host := labtest.Host(t)
	ping := tool(t, "ping")
	l := &netns.Lab{Prefix: labtest.Prefix(t)}
	raise(t, host, l)
	for _, args := range [][]string{
		{"-I", "10.0.0.4", "10.0.0.5"}, {"10.0.0.5"}, {"10.0.0.7"}, {"-I", l.Prefix + "veth2", "10.0.0.7"}, {"-6", "2001:db8::2"},
	} {
		cmd := exec.Command(ping, append([]string{"-c", "2", "-i", "0.1", "-W", "2"}, args...)...)
		var b strings.Builder
		cmd.Stdout, cmd.Stderr = &b, &b
		if err := host.Run(cmd); err != nil || !strings.Contains(b.String(), " 0% packet loss") {
			t.Errorf("ping %v: %v\n%s", args, err, &b)
		}
	}
}
