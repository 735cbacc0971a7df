// SPDX-License-Identifier: GPL-3.0-or-later

package netns

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// ── Routes to the neighbours ─────────────────────────────────────────────────
//
// veth0 and veth2 are in one namespace and on one network, 10.0.0.0/24, yet reach
// different neighbours: 10.0.0.5 is behind veth0, 10.0.0.7 behind veth2. The kernel
// would send to all of 10.0.0.0/24 by whichever link got its address first. A route
// to each neighbour, by its link and with that link's address as source, makes plain
// `ping 10.0.0.7` work. Labs of different prefixes may repeat the addresses; then
// the first lab's routes win, and programs choose by binding to a link.
//
// The kernel drops these routes when the link goes down; Up restores them.

// neighbourRoute is the route to the address of a peer.
type neighbourRoute struct {
	namespace, link string
	from, to        netip.Addr
}

func (r neighbourRoute) String() string {
	return fmt.Sprintf("the route to %v by %s", r.to, r.link)
}

// neighbourRoutes lists the routes of a layout. Only a namespace that several links
// compete in needs them: the caller's, and one with several ends.
func neighbourRoutes(pairs []Pair) (routes []neighbourRoute) {
	ends := make(map[string]int)
	for _, p := range pairs {
		ends[p.A.Namespace]++
		ends[p.B.Namespace]++
	}
	for _, p := range pairs {
		for _, d := range []struct{ near, far End }{{p.A, p.B}, {p.B, p.A}} {
			if d.near.Namespace != "" && ends[d.near.Namespace] < 2 {
				continue
			}
			for _, to := range d.far.Addrs {
				for _, from := range d.near.Addrs {
					if from.Contains(to.Addr()) && from.Addr() != to.Addr() {
						routes = append(routes, neighbourRoute{d.near.Namespace, d.near.Link, from.Addr(), to.Addr()})
						break
					}
				}
			}
		}
	}
	return routes
}

// find says whether the route is there.
func (r neighbourRoute) find(s *site) (bool, error) {
	link, err := s.link(r.link)
	if err != nil {
		return false, err
	}
	var found []netlink.Route
	err = redump(func() (err error) {
		want := r.route(link)
		found, err = s.nl.RouteListFiltered(family(r.to), want, netlink.RT_FILTER_OIF|netlink.RT_FILTER_DST)
		return err
	})
	return len(found) > 0, err
}

// add adds the route unless it is there.
func (r neighbourRoute) add(s *site) error {
	if ok, err := r.find(s); ok || err != nil {
		return err
	}
	link, err := s.link(r.link)
	if err != nil {
		return err
	}
	// Append: another lab's route to the same address by another link may be there.
	return s.nl.RouteAppend(r.route(link))
}

func (r neighbourRoute) route(link netlink.Link) *netlink.Route {
	return &netlink.Route{
		LinkIndex: link.Attrs().Index,
		Dst:       ipNet(netip.PrefixFrom(r.to, r.to.BitLen())),
		Src:       r.from.AsSlice(),
		Scope:     netlink.SCOPE_LINK,
		Protocol:  unix.RTPROT_STATIC,
	}
}

func family(a netip.Addr) int {
	if a.Is4() {
		return netlink.FAMILY_V4
	}
	return netlink.FAMILY_V6
}

func isIPv6(p netip.Prefix) bool { return p.Addr().Is6() }

// redump repeats a listing that the kernel says was overtaken by a change
// (NLM_F_DUMP_INTR), a bounded number of times.
func redump(list func() error) error {
	for range 20 {
		if err := list(); !errors.Is(err, netlink.ErrDumpInterrupted) {
			return err
		}
	}
	return list()
}
