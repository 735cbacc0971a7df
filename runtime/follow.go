// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// changes tell that links or addresses of a network namespace changed, not
// which: one look at the kernel answers for any number of events, so that a
// burst of them (a host that starts its containers) costs little more than one.
type changes struct {
	changed chan struct{} // holds at most one
	lost    atomic.Bool   // the kernel dropped events (rtnetlink(7), ENOBUFS), and netlink gave up
	done    chan struct{}
}

// follow subscribes to the changes in the namespace of the calling thread.
func follow() (*changes, error) {
	c := &changes{changed: make(chan struct{}, 1), done: make(chan struct{})}
	links := make(chan netlink.LinkUpdate)
	addrs := make(chan netlink.AddrUpdate)
	// An overrun ends a subscription, which closes its channel; anything else
	// that there is to report still means that something changed.
	onError := func(error) { c.notify() }
	if err := netlink.LinkSubscribeWithOptions(links, c.done, netlink.LinkSubscribeOptions{ErrorCallback: onError}); err != nil {
		c.close()
		return nil, fmt.Errorf("following link changes: %w", err)
	}
	go drain(c, links)
	if err := netlink.AddrSubscribeWithOptions(addrs, c.done, netlink.AddrSubscribeOptions{ErrorCallback: onError}); err != nil {
		c.close()
		return nil, fmt.Errorf("following address changes: %w", err)
	}
	go drain(c, addrs)
	c.followXDP()
	return c, nil
}

// followXDP subscribes to changes of what devices can do with XDP, such as of a
// veth whose peer gets or loses its NAPI, and to those of links in namespaces that
// this one knows, where peers get and lose their programs. Kernels that do not
// tell (before 6.3) are looked at now and then all the same.
func (c *changes) followXDP() {
	c.listen(unix.NETLINK_ROUTE, unix.RTNLGRP_LINK)
	family, err := netlink.GenlFamilyGet(netdevFamily)
	if err != nil {
		return
	}
	for _, g := range family.Groups {
		if g.Name == netdevGroup {
			c.listen(unix.NETLINK_GENERIC, int(g.ID))
		}
	}
}

// listen takes all that a netlink group tells, of all namespaces, for a change.
func (c *changes) listen(protocol, group int) {
	s, err := nl.Subscribe(protocol)
	if err != nil {
		return
	}
	unix.SetsockoptInt(s.GetFd(), unix.SOL_NETLINK, unix.NETLINK_LISTEN_ALL_NSID, 1)
	if err := unix.SetsockoptInt(s.GetFd(), unix.SOL_NETLINK, unix.NETLINK_ADD_MEMBERSHIP, group); err != nil {
		s.Close()
		return
	}
	go func() {
		<-c.done
		s.Close()
	}()
	go func() {
		for {
			if _, _, err := s.Receive(); err != nil && !errors.Is(err, unix.ENOBUFS) {
				return
			}
			c.notify()
		}
	}()
}

// drain turns what comes over a subscription into notices, until it ends.
func drain[T any](c *changes, updates <-chan T) {
	for range updates {
		c.notify()
	}
	c.lost.Store(true)
	c.notify()
}

func (c *changes) notify() {
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

// renew returns a new subscription in place of a lost one, which it closes. It
// returns c itself if that is good, or nothing better can be had yet.
func (c *changes) renew() *changes {
	if !c.lost.Load() {
		return c
	}
	again, err := follow()
	if err != nil {
		return c
	}
	c.close()
	return again
}

// close ends the subscriptions. It must be called once.
func (c *changes) close() { close(c.done) }
