// SPDX-License-Identifier: GPL-3.0-or-later

package netns

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Up makes the lab, or what is missing of it: what stands already, from an earlier
// or interrupted Up, is kept and put right; addresses added by others stay.
//
// Names that are taken by namespaces or links that no lab made are reported, all
// of them at once and before anything is touched, with an error that matches
// [ErrForeign]. When Up fails later it removes what it made itself, so the lab is
// as before or, where pieces had to be made anew, smaller.
func (l *Lab) Up() (err error) {
	if err := l.Check(); err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	r := &raiser{lab: l, pairs: l.pairs()}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("lab up: %w", err), r.rollBack())
		}
		r.sites.close()
	}()
	var errs []error
	r.sites, errs = openSites(r.pairs)
	errs = append(errs, r.foreignLinks()...)
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	for _, p := range r.pairs {
		for _, e := range []End{p.A, p.B} {
			if err := r.namespace(e.Namespace); err != nil {
				return err
			}
		}
	}
	for _, p := range r.pairs {
		if err := r.pair(p); err != nil {
			return err
		}
	}
	for _, rt := range neighbourRoutes(r.pairs) {
		if err := r.step("add "+rt.String(), func() error { return rt.add(r.sites[rt.namespace]) }); err != nil {
			return err
		}
	}
	if err := r.step("wait for the links", r.settle); err != nil {
		return err
	}
	// Whatever the kernel was asked for: what counts is what is there.
	return survey(l, r.sites).Err()
}

// raiser carries one Up: the opened namespaces, and what to undo if it fails.
type raiser struct {
	lab   *Lab
	pairs []Pair
	sites sites
	undo  []func() error // in the order of making
}

// step does one thing that changes the system. Tests make each step fail in turn.
func (r *raiser) step(what string, do func() error) error {
	if r.lab.before != nil {
		if err := r.lab.before(what); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	if err := do(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// rollBack undoes what was made, latest first.
func (r *raiser) rollBack() error {
	var errs []error
	for i := len(r.undo) - 1; i >= 0; i-- {
		if err := r.undo[i](); err != nil {
			errs = append(errs, fmt.Errorf("while removing what was made: %w", err))
		}
	}
	return errors.Join(errs...)
}

// foreignLinks reports the links that have names of the lab's but no lab made.
func (r *raiser) foreignLinks() (errs []error) {
	for _, p := range r.pairs {
		for _, e := range []End{p.A, p.B} {
			s := r.sites[e.Namespace]
			if s == nil {
				continue
			}
			if _, err := s.link(e.Link); err != nil && !errors.Is(err, fs.ErrNotExist) {
				errs = append(errs, err)
			}
		}
	}
	return errs
}

// namespace makes the namespace unless it is there, and sets its loopback up.
func (r *raiser) namespace(name string) error {
	if s := r.sites[name]; s != nil {
		if name == "" {
			return nil // the caller's loopback is the caller's business
		}
		return r.step("set up lo in "+place(name), func() error {
			lo, err := s.nl.LinkByName("lo")
			if err != nil {
				return err
			}
			return s.nl.LinkSetUp(lo)
		})
	}
	return r.step("make "+place(name), func() error {
		ns, err := create(name, markLoopback)
		if err != nil {
			return err
		}
		r.undo = append(r.undo, func() error { return Delete(name) })
		r.sites[name], err = newSite(ns)
		if err != nil {
			delete(r.sites, name)
		}
		return err
	})
}

// markLoopback marks the calling thread's namespace as made by a lab.
func markLoopback() error {
	nl, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer nl.Close()
	lo, err := nl.LinkByName("lo")
	if err != nil {
		return err
	}
	return nl.LinkSetAlias(lo, mark)
}
