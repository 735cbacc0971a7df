// SPDX-License-Identifier: GPL-3.0-or-later

package netns

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/safchain/ethtool"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// mark is the alias (ip-link(8)) of every link that a lab made, and of the loopback
// of every namespace that a lab made. Whatever lacks it is left alone.
const mark = "pvlua lab"

// ErrForeign is what errors match (errors.Is) that are about a namespace or link
// which has a name of the lab's but was not made by it.
var ErrForeign = errors.New("it was not made by a lab")

// foreignNamespace is the ErrForeign of a namespace.
type foreignNamespace struct{ name string }

func (f *foreignNamespace) Unwrap() error { return ErrForeign }

func (f *foreignNamespace) Error() string {
	return fmt.Sprintf("namespace %s is in the way: %v; remove it (ip netns del %[1]s) or choose another prefix", f.name, ErrForeign)
}

// site is one namespace of a lab, opened: netlink and ethtool sockets that stay
// in it whichever thread uses them.
type site struct {
	name string // empty: the caller's namespace
	ns   *NS
	nl   *netlink.Handle
	et   *ethtool.Ethtool
}

// openSite opens a namespace of the layout. Absent is [fs.ErrNotExist], one that
// no lab made is [ErrForeign].
func openSite(name string) (*site, error) {
	if name == "" {
		ns, err := Current()
		if err != nil {
			return nil, err
		}
		return newSite(ns)
	}
	ns, err := Open(name)
	if err != nil {
		return nil, err
	}
	s, err := newSite(ns)
	if err != nil {
		return nil, err
	}
	lo, err := s.nl.LinkByName("lo")
	if err == nil && lo.Attrs().Alias != mark {
		err = &foreignNamespace{name}
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// newSite takes over ns: it closes it when it fails.
func newSite(ns *NS) (*site, error) {
	s := &site{name: ns.Name(), ns: ns}
	err := ns.Do(func() (err error) {
		if s.nl, err = netlink.NewHandle(unix.NETLINK_ROUTE); err != nil {
			return fmt.Errorf("open netlink in %v: %w", ns, err)
		}
		if s.et, err = ethtool.NewEthtool(); err != nil {
			return fmt.Errorf("open ethtool in %v: %w", ns, err)
		}
		return nil
	})
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *site) close() {
	if s.nl != nil {
		s.nl.Close()
	}
	if s.et != nil {
		s.et.Close()
	}
	s.ns.Close()
}

// link finds a link of the lab's by name. Absent is [fs.ErrNotExist], one that no
// lab made is [ErrForeign]. In a namespace of the lab's own, a veth of the lab's name
// without the mark is what an Up left that was killed in the middle.
func (s *site) link(name string) (netlink.Link, error) {
	l, err := s.nl.LinkByName(name)
	var absent netlink.LinkNotFoundError
	switch {
	case errors.As(err, &absent):
		return nil, fmt.Errorf("link %s in %s: %w", name, place(s.name), fs.ErrNotExist)
	case err != nil:
		return nil, fmt.Errorf("find link %s in %s: %w", name, place(s.name), err)
	case l.Attrs().Alias != mark && (s.name == "" || l.Type() != "veth"):
		return nil, fmt.Errorf("link %s in %s is in the way: %w; remove it (ip link del %[1]s) or choose another prefix", name, place(s.name), ErrForeign)
	}
	return l, nil
}

// deleteLink deletes a link of the lab's, and with it its peer. Its absence is no
// error; one that no lab made stays, and is [ErrForeign].
func (s *site) deleteLink(name string) error {
	link, err := s.link(name)
	if err == nil {
		err = s.nl.LinkDel(link)
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENODEV) {
		return nil
	}
	return err
}

// sites are the opened namespaces of a lab by name.
type sites map[string]*site

func (m sites) close() {
	for _, s := range m {
		s.close()
	}
}

// openSites opens the namespaces of the layout that are there. A foreign one, or any
// other failure, is added to errs and left out.
func openSites(pairs []Pair) (m sites, errs []error) {
	m = make(sites)
	tried := make(map[string]bool)
	for _, p := range pairs {
		for _, e := range []End{p.A, p.B} {
			if tried[e.Namespace] {
				continue
			}
			tried[e.Namespace] = true
			s, err := openSite(e.Namespace)
			switch {
			case err == nil:
				m[e.Namespace] = s
			case !errors.Is(err, fs.ErrNotExist):
				errs = append(errs, err)
			}
		}
	}
	return m, errs
}
