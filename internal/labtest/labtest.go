// SPDX-License-Identifier: GPL-3.0-or-later

// Package labtest gives a test a network of its own: namespaces joined by veth pairs,
// with unique names, which are gone when the test is over. Nothing of it touches the
// namespace that the test runs in, so tests that use it may run in parallel, on
// any machine, as often as they like.
//
//	lab := labtest.New(t, labtest.Options{})
//	lab.A.Run(t, "ping", "-c", "1", lab.B.IP.String())
package labtest

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"pvlua/internal/privileged"
	"pvlua/netns"
)

// Options vary the links; the zero value is right for most tests. On all of them
// checksum, segmentation and VLAN offloads are off, and addresses work at once.
type Options struct {
	// Queues is the number of receive and of transmit queues of each link; 0 means one.
	Queues int
	// MTU of each link in bytes; 0 means 1500.
	MTU int
	// PFIFO attaches a pfifo queueing discipline of so many packets to each link, which
	// makes a full link hold its sender back instead of losing packets (P4).
	PFIFO int
	// NoIPv6 leaves out the IPv6 addresses and turns IPv6 off, so that no packets of
	// the kernel's own (router solicitations, multicast reports) mix with the test's.
	NoIPv6 bool
	// GRO turns generic receive offload on at A, and in a chain at B as well, which gives
	// them NAPI: what XDP_TX and XDP_REDIRECT at the other end send would be lost without
	// it (P23).
	GRO bool
}

// Lab is a network. Its sides are in namespaces of their own.
type Lab struct {
	A, B *Side
	M    *Side // between A and B, by NewChain only
}

// Side is one namespace of a Lab and its link.
type Side struct {
	NS      *netns.NS // open until the test is over
	Link    string    // the (first) link: veth0 in A, veth1 in M, veth1 or veth3 in B
	Link2   string    // veth2 in M; empty in A and B
	Ifindex int       // of Link
	MAC     net.HardwareAddr
	IP, IP6 netip.Addr // of Link; invalid if it has none
}

// The addresses of A and B, with their networks.
var (
	a4, a6 = netip.MustParsePrefix("10.0.0.4/24"), netip.MustParsePrefix("2001:db8::1/64")
	b4, b6 = netip.MustParsePrefix("10.0.0.5/24"), netip.MustParsePrefix("2001:db8::2/64")
)

// New makes a pair of namespaces, A with veth0 (10.0.0.4/24, 2001:db8::1/64) and B
// with its peer veth1 (10.0.0.5/24, 2001:db8::2/64). It skips the test when that
// needs privilege it hasn't got, see package privileged.
func New(t testing.TB, o Options) *Lab {
	t.Helper()
	a := netns.End{Namespace: "a", Link: "veth0", Addrs: o.addrs(a4, a6), GRO: o.GRO}
	b := netns.End{Namespace: "b", Link: "veth1", Addrs: o.addrs(b4, b6)}
	name := raise(t, o, []netns.Pair{{A: a, B: b}})
	return &Lab{A: openSide(t, name, a, ""), B: openSide(t, name, b, "")}
}

// NewChain makes three namespaces in a row: A with veth0, M with veth1 and veth2, B with
// veth3. A and B have the addresses of [New], on one network; M's links have none. So
// A and B reach each other when something in M moves packets between its two links.
func NewChain(t testing.TB, o Options) *Lab {
	t.Helper()
	a := netns.End{Namespace: "a", Link: "veth0", Addrs: o.addrs(a4, a6), GRO: o.GRO}
	m1 := netns.End{Namespace: "m", Link: "veth1"}
	m2 := netns.End{Namespace: "m", Link: "veth2"}
	b := netns.End{Namespace: "b", Link: "veth3", Addrs: o.addrs(b4, b6), GRO: o.GRO}
	name := raise(t, o, []netns.Pair{{A: a, B: m1}, {A: m2, B: b}})
	return &Lab{
		A: openSide(t, name, a, ""),
		M: openSide(t, name, m1, m2.Link),
		B: openSide(t, name, b, ""),
	}
}

func (o Options) addrs(v4, v6 netip.Prefix) []netip.Prefix {
	if o.NoIPv6 {
		return []netip.Prefix{v4}
	}
	return []netip.Prefix{v4, v6}
}

var count atomic.Int64

const prefix = "pvtest"

// Host makes an empty namespace that stands in for the machine's own one: a test that
// raises a lab of its own calls netns.Lab.Up inside Host's Do.
func Host(t testing.TB) *netns.NS {
	t.Helper()
	privileged.Require(t)
	sweep()
	name := fmt.Sprintf("%s%d-%d-host", prefix, os.Getpid(), count.Add(1))
	ns, err := netns.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(ns.Close(), netns.Delete(name)); err != nil {
			t.Error(err)
		}
	})
	return ns
}

// Prefix returns a prefix for the names of a lab that no other test has, of at most
// 10 bytes so that 5 are left for the name of a link. When the test is over no
// namespace may be left that has it; one that is there fails the test, and is removed.
func Prefix(t testing.TB) string {
	t.Helper()
	p := "p" + strconv.FormatInt(int64(os.Getpid()), 36) + "." + strconv.FormatInt(count.Add(1), 36) + "."
	t.Cleanup(func() {
		names, err := netns.Names()
		if err != nil {
			t.Error(err)
		}
		for _, n := range names {
			if strings.HasPrefix(n, p) {
				t.Errorf("namespace %s was left (removing it: %v)", n, netns.Delete(n))
			}
		}
	})
	return p
}

// raise makes the lab and has it removed at the end of the test. It returns what to
// put before the names of namespaces; links keep their plain names, since each
// namespace has its own.
func raise(t testing.TB, o Options, pairs []netns.Pair) (name string) {
	t.Helper()
	privileged.Require(t)
	sweep()
	name = fmt.Sprintf("%s%d-%d-", prefix, os.Getpid(), count.Add(1))
	for i := range pairs {
		pairs[i].A.Namespace = name + pairs[i].A.Namespace
		pairs[i].B.Namespace = name + pairs[i].B.Namespace
	}
	lab := &netns.Lab{Pairs: pairs, Queues: o.Queues, MTU: o.MTU, PFIFO: o.PFIFO, NoIPv6: o.NoIPv6}
	if err := lab.Up(); err != nil {
		t.Fatalf("raising the test's lab: %v", err)
	}
	t.Cleanup(func() {
		if err := lab.Down(); err != nil {
			t.Errorf("removing the test's lab: %v", err)
		}
	})
	return name
}

func openSide(t testing.TB, name string, e netns.End, link2 string) *Side {
	t.Helper()
	ns, err := netns.Open(name + e.Namespace)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ns.Close() })
	s := &Side{NS: ns, Link: e.Link, Link2: link2}
	s.Do(t, func() error {
		ifi, err := net.InterfaceByName(e.Link)
		if err != nil {
			return err
		}
		s.Ifindex, s.MAC = ifi.Index, ifi.HardwareAddr
		return nil
	})
	for _, p := range e.Addrs {
		if p.Addr().Is4() {
			s.IP = p.Addr()
		} else {
			s.IP6 = p.Addr()
		}
	}
	return s
}

// sweep removes, once per process, what tests left behind that were killed: such
// namespaces bear the number of a process that is no more.
var sweep = sync.OnceFunc(func() {
	names, _ := netns.Names()
	for _, n := range names {
		var pid, serial int
		if !strings.HasPrefix(n, prefix) {
			continue
		}
		if _, err := fmt.Sscanf(n, prefix+"%d-%d-", &pid, &serial); err != nil || pid <= 0 {
			continue
		}
		if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			_ = netns.Delete(n) // another process may sweep too
		}
	}
})

// Do runs fn in the side's namespace, see [netns.NS.Do], and fails the test if it
// fails. fn may itself call t.Fatal.
func (s *Side) Do(t testing.TB, fn func() error) {
	t.Helper()
	if err := s.NS.Do(fn); err != nil {
		t.Fatal(err)
	}
}
