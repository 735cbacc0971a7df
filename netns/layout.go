// SPDX-License-Identifier: GPL-3.0-or-later

package netns

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// Lab says how a lab is laid out: veth pairs, and the namespaces their ends are in.
// The zero value is the lab of [DefaultPairs]. A Lab holds no resources; [Lab.Up]
// makes what it says and [Lab.Down] removes it, in this process or another.
type Lab struct {
	// Prefix is put before the names of all namespaces and links, so that several
	// labs can stand side by side.
	Prefix string
	// Pairs is the layout; nil means DefaultPairs.
	Pairs []Pair
	// Queues is the number of receive and of transmit queues of every link. Queue k
	// of one end is connected to queue k of the other (P22). 0 means one, with the
	// room that the kernel makes for more.
	Queues int
	// MTU of every link in bytes, 68 to 65535; 0 means the kernel's 1500. With IPv6
	// addresses at least 1280 (RFC 8200 section 5). Native XDP takes at most
	// 3506 on the peer (P20).
	MTU int
	// PFIFO attaches a pfifo queueing discipline of this many packets to every
	// link. Without one a full link loses packets silently; with one it holds back
	// its sender, also a sender by AF_XDP, which passes the queue itself by (P4).
	// 0 leaves the links without.
	PFIFO int
	// NoIPv6 turns IPv6 off on the links, so that no router solicitations or
	// multicast reports of the kernel mix with the traffic.
	NoIPv6 bool

	before func(step string) error // called before each step of Up; its error fails the step
}

// Pair is a veth pair: what one end sends, the other receives.
type Pair struct{ A, B End }

// End is one end of a pair.
type End struct {
	// Namespace is the name of the namespace that the end is in. Empty means the
	// namespace of the thread that calls the methods of Lab; at most one end of a
	// pair may be there.
	Namespace string
	// Link is the name of the interface, at most 15 bytes with the prefix.
	Link string
	// Addrs are the addresses of the end with the lengths of their networks.
	Addrs []netip.Prefix
	// GRO turns generic receive offload on, which gives the end NAPI polling;
	// without that, and without an XDP program on it, frames that XDP_TX, XDP_REDIRECT
	// or the live frames of BPF_PROG_RUN send to this end are lost (P23). Never
	// set it on an end that is to run XDP in generic mode: that would see merged frames.
	GRO bool
}

// DefaultPairs is the lab of the documentation. veth0 and veth2 are in the caller's
// namespace, their peers veth1 and veth3 in the namespaces test1 and test2.
func DefaultPairs() []Pair {
	addrs := func(list ...string) []netip.Prefix {
		var p []netip.Prefix
		for _, s := range list {
			p = append(p, netip.MustParsePrefix(s))
		}
		return p
	}
	return []Pair{{
		A: End{Link: "veth0", Addrs: addrs("10.0.0.4/24", "2001:db8::1/64")},
		B: End{Link: "veth1", Addrs: addrs("10.0.0.5/24", "2001:db8::2/64"), Namespace: "test1"},
	}, {
		A: End{Link: "veth2", Addrs: addrs("10.0.0.6/24")},
		B: End{Link: "veth3", Addrs: addrs("10.0.0.7/24"), Namespace: "test2"},
	}}
}

const (
	maxLinkName = 15 // IFNAMSIZ without its final zero: netdevice(7)
	maxQueues   = 4096
)

// Check returns everything that is wrong with the layout, as one error, or nil. It
// looks at nothing outside the Lab.
func (l *Lab) Check() error {
	var errs []error
	fault := func(format string, a ...any) { errs = append(errs, fmt.Errorf(format, a...)) }
	if l.Queues < 0 || l.Queues > maxQueues {
		fault("%d queues: 1 to %d are possible", l.Queues, maxQueues)
	}
	if l.MTU != 0 && (l.MTU < 68 || l.MTU > 65535) {
		fault("an MTU of %d: 68 to 65535 are possible", l.MTU)
	}
	if l.PFIFO < 0 {
		fault("a pfifo of %d packets: at least 1 is possible", l.PFIFO)
	}
	seen := make(map[string]bool)
	for _, p := range l.pairs() {
		if p.A.Namespace == p.B.Namespace {
			fault("both %s and %s are in %s: the ends of a pair belong in different ones", p.A.Link, p.B.Link, place(p.A.Namespace))
		}
		for _, e := range []End{p.A, p.B} {
			if err := checkLink(e.Link); err != nil {
				errs = append(errs, err)
			}
			if seen[e.Link] {
				fault("link %s appears twice", e.Link)
			}
			seen[e.Link] = true
			if e.Namespace != "" {
				if err := checkName(e.Namespace); err != nil {
					errs = append(errs, err)
				}
			}
			for _, a := range e.Addrs {
				switch {
				case !a.IsValid() || a.Addr().Zone() != "" || a.Addr().Is4In6():
					fault("%s: %v is no address with the length of its network, like 10.0.0.4/24", e.Link, a)
				case a.Addr().Is6() && l.NoIPv6:
					fault("%s: address %v, but IPv6 is to be off", e.Link, a)
				case a.Addr().Is6() && l.MTU != 0 && l.MTU < 1280:
					fault("%s: address %v needs an MTU of at least 1280, not %d", e.Link, a, l.MTU)
				}
			}
		}
	}
	return errors.Join(errs...)
}

// checkLink refuses what the kernel's dev_valid_name refuses (net/core/dev.c).
func checkLink(name string) error {
	switch {
	case name == "" || len(name) > maxLinkName:
		return fmt.Errorf("link name %q has %d bytes: 1 to %d are possible, the prefix included", name, len(name), maxLinkName)
	case name == "." || name == ".." || name == "lo" || strings.ContainsAny(name, "/: \t\n\v\f\r\x00"):
		return fmt.Errorf("%q cannot be the name of a veth link", name)
	}
	return nil
}

// pairs returns the layout with the prefix put before all names. The caller may
// not change what its ends refer to.
func (l *Lab) pairs() []Pair {
	from := l.Pairs
	if from == nil {
		from = DefaultPairs()
	}
	pairs := make([]Pair, len(from))
	for i, p := range from {
		pairs[i] = Pair{l.prefixed(p.A), l.prefixed(p.B)}
	}
	return pairs
}

func (l *Lab) prefixed(e End) End {
	e.Link = l.Prefix + e.Link
	if e.Namespace != "" {
		e.Namespace = l.Prefix + e.Namespace
	}
	return e
}

// place names a namespace of the layout to a person.
func place(namespace string) string {
	if namespace == "" {
		return "the caller's namespace"
	}
	return "namespace " + namespace
}
