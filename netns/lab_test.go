// SPDX-License-Identifier: GPL-3.0-or-later

package netns_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
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

func TestForeignThingsAreReportedAndKept(t *testing.T) {
	host := labtest.Host(t)
	l := &netns.Lab{Prefix: labtest.Prefix(t)}
	foreign, err := netns.Create(l.Prefix + "test2")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(foreign.Close(), netns.Delete(foreign.Name())); err != nil {
			t.Error(err)
		}
	})
	if err := host.Do(func() error {
		return netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: l.Prefix + "veth0"}, PeerName: "theirs"})
	}); err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]func() error{
		"up": l.Up, "down": l.Down,
		"status": func() error {
			s, err := l.Status()
			if err != nil {
				t.Errorf("status: %v", err)
			}
			if !s.Gone() {
				t.Errorf("nothing of the lab is there, but the status has %+v", s)
			}
			return s.Err()
		},
	} {
		err := host.Do(f)
		if !errors.Is(err, netns.ErrForeign) || !strings.Contains(err.Error(), "namespace "+l.Prefix+"test2 is in the way") ||
			!strings.Contains(err.Error(), "link "+l.Prefix+"veth0 in the caller's namespace is in the way") {
			t.Errorf("%s: %v", name, err)
		}
		onlyLinks(t, host, "lo", l.Prefix+"veth0", "theirs")
		onlyLinks(t, foreign, "lo")
		if _, err := netns.Open(l.Prefix + "test1"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: test1 should not have been made: %v", name, err)
		}
	}
}

func TestDownWhileInUse(t *testing.T) {
	host := labtest.Host(t)
	l := &netns.Lab{Prefix: labtest.Prefix(t)}
	raise(t, host, l)
	test1 := open(t, l, "test1")
	cmd, r := subjectPipe(t, "sleep")
	if err := test1.Start(cmd); err != nil {
		t.Fatal(err)
	}
	waitFor(t, r, "<asleep>")
	if err := host.Do(l.Down); err != nil {
		t.Error(err)
	}
	gone(t, host, l)
	onlyLinks(t, test1, "lo") // it lives on, as the process does
	if !running(cmd.Process.Pid) {
		t.Error("down killed a process")
	}
	// The names are free at once.
	if err := host.Do(l.Up); err != nil {
		t.Error(err)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

func TestUpRepairs(t *testing.T) {
	host := labtest.Host(t)
	l := &netns.Lab{Prefix: labtest.Prefix(t)}
	raise(t, host, l)
	at := func(ns *netns.NS, name string, f func(netlink.Link) error) func() error {
		return func() error {
			return ns.Do(func() error {
				link, err := netlink.LinkByName(name)
				if err != nil {
					return err
				}
				return f(link)
			})
		}
	}
	veth0, veth1, veth2, veth3 := l.Prefix+"veth0", l.Prefix+"veth1", l.Prefix+"veth2", l.Prefix+"veth3"
	del := func(addr string) func(netlink.Link) error {
		return func(link netlink.Link) error {
			a, err := netlink.ParseAddr(addr)
			if err != nil {
				return err
			}
			return netlink.AddrDel(link, a)
		}
	}
	for _, c := range []struct {
		name   string
		damage func() error
		fault  string
	}{
		{"link down", at(open(t, l, "test1"), veth1, netlink.LinkSetDown), veth1 + " is down"},
		{"link here down", at(host, veth2, netlink.LinkSetDown), veth2 + " is down"},
		{"lo down", at(open(t, l, "test2"), "lo", netlink.LinkSetDown), "lo in namespace " + l.Prefix + "test2 is down"},
		{"IPv4 address", at(host, veth0, del("10.0.0.4/24")), "lacks the address 10.0.0.4/24"},
		{"IPv6 address", at(open(t, l, "test1"), veth1, del("2001:db8::2/64")), "lacks the address 2001:db8::2/64"},
		{"route", at(host, veth2, func(link netlink.Link) error {
			return netlink.RouteDel(&netlink.Route{LinkIndex: link.Attrs().Index, Dst: &net.IPNet{IP: net.IPv4(10, 0, 0, 7), Mask: net.CIDRMask(32, 32)}, Scope: netlink.SCOPE_LINK})
		}), "lacks the route to 10.0.0.7 by " + veth2},
		{"offload", func() error {
			return host.Do(func() error { return setFeatures(veth0, true, "tx-generic-segmentation") })
		}, "has tx-generic-segmentation on"},
		{"pair deleted", at(host, veth2, netlink.LinkDel), "there is no link " + veth3},
		{"namespace deleted", func() error { return netns.Delete(l.Prefix + "test1") }, "there is no namespace " + l.Prefix + "test1"},
		{"other peer", func() error {
			// veth3 is ours and in its place, but its peer is another link.
			test2 := open(t, l, "test2")
			return errors.Join(
				at(host, veth2, netlink.LinkDel)(),
				test2.Do(func() error {
					return netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: veth3}, PeerName: "other"})
				}),
				at(test2, veth3, func(link netlink.Link) error { return netlink.LinkSetAlias(link, "pvlua lab") })(),
				host.Do(func() error {
					return netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: veth2}, PeerName: "another"})
				}),
				at(host, veth2, func(link netlink.Link) error { return netlink.LinkSetAlias(link, "pvlua lab") })(),
			)
		}, veth3 + " is not the peer of " + veth2},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := status(t, host, l).Err(); err != nil {
				t.Fatalf("before: %v", err)
			}
			if err := c.damage(); err != nil {
				t.Fatal(err)
			}
			if err := status(t, host, l).Err(); err == nil || !strings.Contains(err.Error(), c.fault) {
				t.Errorf("status says %v, want %q", err, c.fault)
			}
			if err := host.Do(l.Up); err != nil {
				t.Fatal(err)
			}
			if err := status(t, host, l).Err(); err != nil {
				t.Errorf("after up: %v", err)
			}
			probeAll(t, host, veth0, "10.0.0.5", "2001:db8::2")
			probeAll(t, host, veth2, "10.0.0.7", "")
			if !reachable(t, host, "10.0.0.7") {
				t.Error("10.0.0.7 is not reachable")
			}
		})
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
	ping, err := exec.LookPath("ping")
	if err != nil {
		t.Skip("needs ping: make deps")
	}
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

func TestNoDescriptorsAreLeaked(t *testing.T) {
	host := labtest.Host(t)
	l := &netns.Lab{Prefix: labtest.Prefix(t)}
	raise(t, host, l)
	before := openFiles(t)
	for range 3 {
		_ = status(t, host, l)
		for _, f := range []func() error{l.Up, l.Down, l.Up} {
			if err := host.Do(f); err != nil {
				t.Fatal(err)
			}
		}
	}
	if after := openFiles(t); after != before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range entries {
		// The runtime's own poller may appear at any time.
		if to, err := os.Readlink(filepath.Join("/proc/self/fd", e.Name())); err == nil && !strings.HasPrefix(to, "anon_inode:") {
			n++
		}
	}
	return n
}
