// SPDX-License-Identifier: GPL-3.0-or-later

package netns

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Status is what there is of a lab at one moment.
type Status struct {
	Namespaces []NamespaceStatus // in the order of the layout, each once
	Links      []LinkStatus      // in the order of the layout: A, B, A, B, ...
}

// NamespaceStatus is one namespace of a lab.
type NamespaceStatus struct {
	Name   string  // empty: the caller's
	There  bool    // it exists, and a lab made it
	Faults []error // what differs from the layout
}

// LinkStatus is one end of a pair.
type LinkStatus struct {
	Namespace, Name string
	Peer            string // by the layout
	There           bool   // it exists, and a lab made it; if not, what follows is zero
	Up              bool   // set up by the administrator
	Carrier         bool   // the peer is up too
	MTU             int    // bytes
	RXQueues        int
	TXQueues        int
	MAC             net.HardwareAddr
	Addrs           []netip.Prefix // without link-local ones
	Offloads        []string       // those on that make frames differ from those on a wire, by the kernel's names
	Faults          []error        // what differs from the layout
}

// Err returns everything that differs from the layout as one error; nil says that
// the lab is up and whole.
func (s *Status) Err() error {
	var errs []error
	for _, n := range s.Namespaces {
		errs = append(errs, n.Faults...)
	}
	for _, l := range s.Links {
		errs = append(errs, l.Faults...)
	}
	return errors.Join(errs...)
}

// Gone says that nothing at all is there of the lab.
func (s *Status) Gone() bool {
	return !slices.ContainsFunc(s.Namespaces, func(n NamespaceStatus) bool { return n.There && n.Name != "" }) &&
		!slices.ContainsFunc(s.Links, func(l LinkStatus) bool { return l.There })
}

// Status tells what there is of the lab. It changes nothing. The error says why it
// could not be told; what is wrong with the lab is in the Status.
func (l *Lab) Status() (*Status, error) {
	if err := l.Check(); err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	m, errs := openSites(l.pairs())
	defer m.close()
	for _, err := range errs {
		if !errors.Is(err, ErrForeign) {
			return nil, fmt.Errorf("lab status: %w", err)
		}
	}
	s := survey(l, m)
	for i := range s.Namespaces {
		n := &s.Namespaces[i]
		for _, err := range errs { // now all of them foreign namespaces
			var f *foreignNamespace
			if errors.As(err, &f) && f.name == n.Name {
				n.Faults = []error{err}
			}
		}
	}
	return s, nil
}

// survey compares the layout with what is there, in the namespaces that are open.
func survey(l *Lab, m sites) *Status {
	st := new(Status)
	pairs := l.pairs()
	routes := neighbourRoutes(pairs)
	for _, p := range pairs {
		for _, d := range []struct{ e, peer End }{{p.A, p.B}, {p.B, p.A}} {
			s := m[d.e.Namespace]
			if !slices.ContainsFunc(st.Namespaces, func(n NamespaceStatus) bool { return n.Name == d.e.Namespace }) {
				st.Namespaces = append(st.Namespaces, surveyNamespace(d.e.Namespace, s))
			}
			ls := LinkStatus{Namespace: d.e.Namespace, Name: d.e.Link, Peer: d.peer.Link}
			ls.survey(l, d.e, s, m[d.peer.Namespace], routes)
			st.Links = append(st.Links, ls)
		}
	}
	return st
}

func surveyNamespace(name string, s *site) NamespaceStatus {
	n := NamespaceStatus{Name: name, There: s != nil}
	if s == nil {
		n.Faults = append(n.Faults, fmt.Errorf("there is no namespace %s", name))
	} else if lo, err := s.nl.LinkByName("lo"); name != "" && (err != nil || lo.Attrs().RawFlags&unix.IFF_UP == 0) {
		n.Faults = append(n.Faults, fmt.Errorf("lo in %s is down", place(name)))
	}
	return n
}

// survey fills in what there is of the end e, which is in s and whose peer is in
// far; either namespace may be missing (nil).
func (ls *LinkStatus) survey(l *Lab, e End, s, far *site, routes []neighbourRoute) {
	fault := func(format string, a ...any) {
		ls.Faults = append(ls.Faults, fmt.Errorf(ls.Name+" "+format, a...))
	}
	if s == nil {
		return // the namespace has the fault
	}
	link, err := s.link(ls.Name)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("there is no link %s in %s", ls.Name, place(s.name))
		}
		ls.Faults = append(ls.Faults, err)
		return
	}
	at := link.Attrs()
	ls.There, ls.MTU, ls.MAC = true, at.MTU, at.HardwareAddr
	ls.Up, ls.Carrier = at.RawFlags&unix.IFF_UP != 0, at.RawFlags&unix.IFF_LOWER_UP != 0
	if !ls.Up {
		fault("is down")
	}
	if l.MTU != 0 && ls.MTU != l.MTU {
		fault("has an MTU of %d, not %d", ls.MTU, l.MTU)
	}
	if ch, err := s.et.GetChannels(ls.Name); err != nil {
		fault("does not tell its queues: %w", err)
	} else {
		ls.RXQueues, ls.TXQueues = int(ch.RxCount), int(ch.TxCount)
		if l.Queues != 0 && (ls.RXQueues != l.Queues || ls.TXQueues != l.Queues) {
			fault("has %d receive and %d transmit queues, not %d", ls.RXQueues, ls.TXQueues, l.Queues)
		}
	}
	if ls.Offloads, err = spoilersOn(s.et, ls.Name, spoilers); err != nil {
		fault("%w", err)
	}
	for _, o := range ls.Offloads {
		if slices.Contains(unwanted(e), o) {
			fault("has %s on", o)
		}
	}
	if far != nil {
		if peer, err := far.link(ls.Peer); err == nil && !arePeers(s, link, far, peer) {
			fault("is not the peer of %s", ls.Peer)
		}
	}
	ls.surveyAddrs(e, s, link, fault)
	for _, r := range routes {
		if r.namespace != s.name || r.link != ls.Name {
			continue
		}
		if ok, err := r.find(s); err != nil {
			fault("does not tell its routes: %w", err)
		} else if !ok {
			fault("lacks %v", r)
		}
	}
}

func (ls *LinkStatus) surveyAddrs(e End, s *site, link netlink.Link, fault func(string, ...any)) {
	var addrs []netlink.Addr
	err := redump(func() (err error) { addrs, err = s.nl.AddrList(link, netlink.FAMILY_ALL); return err })
	if err != nil {
		fault("does not tell its addresses: %w", err)
		return
	}
	for _, a := range addrs {
		ip, ok := netip.AddrFromSlice(a.IP)
		if !ok || ip.Unmap().IsLinkLocalUnicast() {
			continue
		}
		bits, _ := a.Mask.Size()
		p := netip.PrefixFrom(ip.Unmap(), bits)
		ls.Addrs = append(ls.Addrs, p)
		if a.Flags&unix.IFA_F_TENTATIVE != 0 && slices.Contains(e.Addrs, p) {
			fault("cannot use %v yet: the kernel still looks for duplicates", p)
		}
	}
	for _, p := range e.Addrs {
		if !slices.Contains(ls.Addrs, p) {
			fault("lacks the address %v", p)
		}
	}
}
