// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/safchain/ethtool"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// pairs is the number of veth pairs of a lab: drop and reflect use the first,
// forward both.
const pairs = 2

// A lab is two network namespaces joined by veth pairs: far holds g0 and g1,
// where the generator sends and the sinks count, dut holds their peers d0 and
// d1, which the contenders drive.
//
//	far: g0 ---- d0 :dut
//	     g1 ---- d1
//
// The namespaces have no name, so nothing of them outlives the processes in
// them, however these end.
type lab struct {
	far, dut netns.NsHandle
	g, d     [pairs]int // interface indexes
	queues   int        // of each end of a pair

	links    *netlink.Handle  // in dut
	farLinks *netlink.Handle  // in far
	tool     *ethtool.Ethtool // in dut
	farTool  *ethtool.Ethtool // in far
}

// newLab makes the namespaces and links, with as many queues at each end. The
// caller closes it.
func newLab(queues int) (_ *lab, err error) {
	l := &lab{far: netns.None(), dut: netns.None(), queues: queues}
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	if l.far, l.farLinks, l.farTool, err = newSide(); err != nil {
		return nil, err
	}
	if l.dut, l.links, l.tool, err = newSide(); err != nil {
		return nil, err
	}
	for i := range pairs {
		g, d := farName(i), dutName(i)
		veth := &netlink.Veth{LinkAttrs: netlink.NewLinkAttrs(), PeerName: d, PeerNamespace: netlink.NsFd(l.dut)}
		veth.Name, veth.NumTxQueues, veth.NumRxQueues = g, queues, queues
		veth.PeerNumTxQueues, veth.PeerNumRxQueues = uint32(queues), uint32(queues)
		if err := l.farLinks.LinkAdd(veth); err != nil {
			return nil, fmt.Errorf("make veth pair %s, %s: %w", g, d, err)
		}
		if l.g[i], err = linkUp(l.farLinks, g); err != nil {
			return nil, err
		}
		if l.d[i], err = linkUp(l.links, d); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// newSide makes a namespace and what its links are asked and told with, sockets
// that stay in the namespace they were opened in.
func newSide() (ns netns.NsHandle, links *netlink.Handle, tool *ethtool.Ethtool, err error) {
	if ns, err = newNamespace(); err != nil {
		return ns, nil, nil, err
	}
	if links, err = netlink.NewHandleAt(ns); err != nil {
		return ns, nil, nil, fmt.Errorf("open netlink: %w", err)
	}
	err = onThread(ns, noCPU, func() (err error) {
		tool, err = ethtool.NewEthtool()
		return err
	})
	if err != nil {
		return ns, links, nil, fmt.Errorf("open ethtool: %w", err)
	}
	return ns, links, tool, nil
}

func farName(i int) string { return fmt.Sprint("g", i) }
func dutName(i int) string { return fmt.Sprint("d", i) }

func linkUp(h *netlink.Handle, name string) (index int, err error) {
	link, err := h.LinkByName(name)
	if err != nil {
		return 0, fmt.Errorf("find %s: %w", name, err)
	}
	if err := h.LinkSetUp(link); err != nil {
		return 0, fmt.Errorf("bring up %s: %w", name, err)
	}
	return link.Attrs().Index, nil
}

// close removes the namespaces and everything in them. Closing twice is fine.
func (l *lab) close() {
	for _, tool := range []**ethtool.Ethtool{&l.tool, &l.farTool} {
		if *tool != nil {
			(*tool).Close()
			*tool = nil
		}
	}
	for _, links := range []**netlink.Handle{&l.links, &l.farLinks} {
		if *links != nil {
			(*links).Close()
			*links = nil
		}
	}
	for _, ns := range []*netns.NsHandle{&l.far, &l.dut} {
		if ns.IsOpen() {
			ns.Close()
		}
	}
}

// attached says whether an XDP program sits on the device under test's port i.
func (l *lab) attached(i int) (bool, error) {
	link, err := l.links.LinkByIndex(l.d[i])
	if err != nil {
		return false, fmt.Errorf("find %s: %w", dutName(i), err)
	}
	xdp := link.Attrs().Xdp
	return xdp != nil && xdp.Attached, nil
}

// delivered is the number of packets that port i of the device under test has
// received and that an XDP program either dropped or redirected with success,
// since the port was made. Redirecting to an AF_XDP socket succeeds when the
// packet is on the socket's receive ring, so for receive-and-drop this counts
// every contender alike and in the kernel (drivers/net/veth.c, veth_rq_stats_desc).
func (l *lab) delivered(i int) (n uint64, err error) {
	stats, err := l.tool.Stats(dutName(i))
	if err != nil {
		return 0, fmt.Errorf("read the counters of %s: %w", dutName(i), err)
	}
	counted := false
	for name, value := range stats {
		if strings.HasPrefix(name, "rx_queue_") && (strings.HasSuffix(name, "_xdp_redirect") || strings.HasSuffix(name, "_xdp_drops")) {
			n, counted = n+value, true
		}
	}
	if !counted {
		return 0, errors.New("this kernel's veth doesn't count what XDP does")
	}
	return n, nil
}

// arrived is the number of packets that the far end's port i has received,
// whatever becomes of them there, since it was made.
func (l *lab) arrived(i int) (uint64, error) {
	link, err := l.farLinks.LinkByIndex(l.g[i])
	if err != nil {
		return 0, fmt.Errorf("find %s: %w", farName(i), err)
	}
	return link.Attrs().Statistics.RxPackets, nil
}

// newNamespace makes a network namespace that only the returned handle keeps
// alive. Nothing in it speaks IPv6 of its own accord: router solicitations and
// the like would be counted with the packets of the benchmark.
func newNamespace() (ns netns.NsHandle, err error) {
	ns = netns.None()
	err = onThread(netns.None(), noCPU, func() (err error) {
		if ns, err = netns.New(); err != nil {
			return err
		}
		err = os.WriteFile("/proc/sys/net/ipv6/conf/default/disable_ipv6", []byte("1"), 0)
		if errors.Is(err, os.ErrNotExist) { // a kernel without IPv6
			return nil
		}
		return err
	})
	if err != nil {
		return ns, fmt.Errorf("make a network namespace: %w", err)
	}
	return ns, nil
}

// noCPU leaves the choice of processor to the kernel.
const noCPU = -1

// onThread calls f on a thread of its own, which is in ns (if that is open) and
// bound to processor cpu, and waits for it. The thread ends with f, so nothing
// has to be restored.
func onThread(ns netns.NsHandle, cpu int, f func() error) error {
	errs := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlock: the runtime then ends the thread
		errs <- func() error {
			if ns.IsOpen() {
				if err := netns.Set(ns); err != nil {
					return fmt.Errorf("enter the network namespace: %w", err)
				}
			}
			if cpu != noCPU {
				var set unix.CPUSet
				set.Set(cpu)
				if err := unix.SchedSetaffinity(0, &set); err != nil {
					return fmt.Errorf("bind to processor %d: %w", cpu, err)
				}
			}
			return f()
		}()
	}()
	return <-errs
}
