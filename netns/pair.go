// SPDX-License-Identifier: GPL-3.0-or-later

package netns

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// pair makes the veth pair, unless it stands already, and sets up both ends.
func (r *raiser) pair(p Pair) error {
	a, b := r.sites[p.A.Namespace], r.sites[p.B.Namespace]
	la, errA := a.link(p.A.Link)
	lb, errB := b.link(p.B.Link)
	for _, err := range []error{errA, errB} {
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	whole := errA == nil && errB == nil && arePeers(a, la, b, lb) &&
		hasQueues(a, p.A.Link, r.lab.Queues) && hasQueues(b, p.B.Link, r.lab.Queues)
	if !whole {
		if errA == nil {
			if err := r.step("remove the misfit "+p.A.Link, func() error { return a.deleteLink(p.A.Link) }); err != nil {
				return err
			}
		}
		if errB == nil {
			if err := r.step("remove the misfit "+p.B.Link, func() error { return b.deleteLink(p.B.Link) }); err != nil {
				return err
			}
		}
		if err := r.makePair(a, b, p); err != nil {
			return err
		}
	}
	if err := r.end(a, p.A); err != nil {
		return err
	}
	return r.end(b, p.B)
}

// makePair makes both ends in one of the lab's own namespaces and moves the one
// out only when it bears the mark. So at no moment, not even if this process is
// killed, is there anything that a later Up or Down would not know as its own.
func (r *raiser) makePair(a, b *site, p Pair) error {
	if b.name == "" {
		a, b, p = b, a, Pair{A: p.B, B: p.A}
	}
	both := p.A.Link + " and " + p.B.Link
	err := r.step("make the pair "+both, func() error {
		// A killed Up may have left the end that was to move.
		if err := b.deleteLink(p.A.Link); err != nil {
			return err
		}
		v := netlink.NewVeth(netlink.NewLinkAttrs())
		v.Name, v.PeerName = p.B.Link, p.A.Link
		v.NumTxQueues, v.NumRxQueues = r.lab.Queues, r.lab.Queues // for the peer too
		v.MTU = r.lab.MTU
		if err := b.nl.LinkAdd(v); err != nil {
			return err
		}
		r.undo = append(r.undo, func() error { return b.deleteLink(p.B.Link) }) // takes the peer along
		return nil
	})
	if err != nil {
		return err
	}
	for _, name := range []string{p.A.Link, p.B.Link} {
		err := r.step("mark "+name, func() error {
			link, err := b.nl.LinkByName(name)
			if err != nil {
				return err
			}
			return b.nl.LinkSetAlias(link, mark)
		})
		if err != nil {
			return err
		}
	}
	return r.step("move "+p.A.Link+" to "+place(a.name), func() error {
		link, err := b.nl.LinkByName(p.A.Link)
		if err != nil {
			return err
		}
		return a.ns.fd(func(fd int) error { return b.nl.LinkSetNsFd(link, fd) })
	})
}

// end gives one end of a standing pair everything the layout says about it. Each of
// these steps changes nothing if all is well already.
func (r *raiser) end(s *site, e End) error {
	var link netlink.Link
	steps := []struct {
		what string
		do   func() error
	}{
		{"find " + e.Link, func() (err error) { link, err = s.link(e.Link); return err }},
		{"set the MTU of " + e.Link, func() error {
			if r.lab.MTU == 0 || link.Attrs().MTU == r.lab.MTU {
				return nil
			}
			return s.nl.LinkSetMTU(link, r.lab.MTU)
		}},
		{"turn off the offloads of " + e.Link, func() error { return turnOff(s.et, e.Link, unwanted(e)) }},
		{"turn on GRO at " + e.Link, func() error {
			if !e.GRO { // off at a veth, unless somebody turns it on
				return nil
			}
			return turnOn(s.et, e.Link, gro)
		}},
		{"set the kernel's knobs of " + e.Link, func() error { return s.ns.Do(func() error { return setKnobs(e, r.lab.NoIPv6) }) }},
		{"attach a pfifo to " + e.Link, func() error {
			if r.lab.PFIFO == 0 {
				return nil
			}
			return s.ns.Do(func() error { return attachPFIFO(link.Attrs().Index, r.lab.PFIFO) })
		}},
		{"set up " + e.Link, func() error { return s.nl.LinkSetUp(link) }},
	}
	for _, step := range steps {
		if err := r.step(step.what, step.do); err != nil {
			return err
		}
	}
	// After the link is up: IPv6 addresses of a link that is down begin as tentative.
	for _, p := range e.Addrs {
		err := r.step(fmt.Sprintf("give %v to %s", p, e.Link), func() error {
			addr := &netlink.Addr{IPNet: ipNet(p)}
			if p.Addr().Is6() {
				addr.Flags = unix.IFA_F_NODAD
			}
			return s.nl.AddrReplace(link, addr)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// arePeers says whether the two links are the ends of one veth pair. Each end
// names the other's index and namespace (IFLA_LINK, IFLA_LINK_NETNSID).
func arePeers(a *site, la netlink.Link, b *site, lb netlink.Link) bool {
	names := func(from *site, l netlink.Link, to *site, peer netlink.Link) bool {
		id := -1
		err := to.ns.fd(func(fd int) (err error) { id, err = from.nl.GetNetNsIdByFd(fd); return err })
		return err == nil && l.Type() == "veth" && l.Attrs().ParentIndex == peer.Attrs().Index && l.Attrs().NetNsID == id
	}
	return names(a, la, b, lb) && names(b, lb, a, la)
}

// hasQueues says whether the link has want queues each way; any number will do for 0.
func hasQueues(s *site, link string, want int) bool {
	if want == 0 {
		return true
	}
	ch, err := s.et.GetChannels(link)
	return err == nil && int(ch.RxCount) == want && int(ch.TxCount) == want
}
