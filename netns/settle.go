// SPDX-License-Identifier: GPL-3.0-or-later

package netns

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// ── Waiting for the kernel ───────────────────────────────────────────────────
//
// Some of what Up asks for happens a little later, in work queues of the kernel. The
// end that was set up first drops what it sends until the link watch has seen its
// carrier (net/core/link_watch.c), and an IPv6 address is there before its host
// listens to neighbour solicitations for it (addrconf_dad_work in
// net/ipv6/addrconf.c). On a busy machine the first packets would be lost.

// settleTime is how long that may take; a millisecond is usual.
const settleTime = 10 * time.Second

// settle waits until every link of the lab can be used.
func (r *raiser) settle() error {
	for end := time.Now().Add(settleTime); ; time.Sleep(time.Millisecond) {
		why, err := r.unsettled()
		if err != nil || why == "" {
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("%s, even after %v", why, settleTime)
		}
	}
}

// unsettled says what can't be used yet; empty: all can.
func (r *raiser) unsettled() (why string, err error) {
	for _, p := range r.pairs {
		for _, e := range []End{p.A, p.B} {
			s := r.sites[e.Namespace]
			link, err := s.link(e.Link)
			if err != nil {
				return "", err
			}
			if link.Attrs().OperState != netlink.OperUp {
				return fmt.Sprintf("%s is %v", e.Link, link.Attrs().OperState), nil
			}
			if r.lab.NoIPv6 {
				continue
			}
			if why, err := s.unsettledIPv6(link); err != nil || why != "" {
				return why, err
			}
		}
	}
	return "", nil
}

// unsettledIPv6 says which IPv6 address of a link can't be used yet.
func (s *site) unsettledIPv6(link netlink.Link) (why string, err error) {
	var addrs []netlink.Addr
	err = redump(func() (err error) { addrs, err = s.nl.AddrList(link, netlink.FAMILY_V6); return err })
	if err != nil || len(addrs) == 0 {
		return "", err
	}
	var groups string
	err = s.ns.Do(func() error {
		b, err := os.ReadFile("/proc/thread-self/net/igmp6")
		groups = string(b)
		return err
	})
	if err != nil {
		return "", err
	}
	for _, a := range addrs {
		ip, _ := netip.AddrFromSlice(a.IP)
		if a.Flags&unix.IFA_F_TENTATIVE != 0 || !inGroup(groups, link.Attrs().Name, solicitedNode(ip)) {
			return fmt.Sprintf("%v is not in use at %s", ip, link.Attrs().Name), nil
		}
	}
	return "", nil
}

// inGroup says whether the text of /proc/net/igmp6 has the link in a multicast group.
// Its columns are index, link and group, and others.
func inGroup(igmp6, link string, group netip.Addr) bool {
	want := hex.EncodeToString(group.AsSlice())
	for line := range strings.Lines(igmp6) {
		if f := strings.Fields(line); len(f) > 2 && f[1] == link && f[2] == want {
			return true
		}
	}
	return false
}

// solicitedNode is the group that solicitations for an address are sent to: RFC 4291
// section 2.7.1.
func solicitedNode(a netip.Addr) netip.Addr {
	b := a.As16()
	return netip.AddrFrom16([16]byte{0xff, 2, 11: 1, 12: 0xff, 13: b[13], 14: b[14], 15: b[15]})
}
