// SPDX-License-Identifier: GPL-3.0-or-later

package netns_test

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"pvlua/internal/labtest"
	"pvlua/netns"
)

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
