// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"sort"
	"strings"

	"github.com/safchain/ethtool"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"pvlua/inject"
	"pvlua/runtime"
	"pvlua/xsk"
)

// linkFacts are those of the interface itself.
type linkFacts struct {
	name      string
	lookup    error    // why it could not be looked up
	others    []string // where it does not exist: the Ethernet interfaces here
	elsewhere []string // and the namespaces that have one of that name

	exists    bool
	index     int
	kind      string // "veth", "bridge", ...; "device" for hardware
	ethernet  bool
	encap     string // what it is if no Ethernet
	up        bool
	carrier   bool
	promisc   bool
	mtu       int // bytes
	queues    int // receive queues in use
	driver    string
	features  map[string]bool // by the names of net/ethtool/common.c
	peerIndex int             // veth only
	peerNetNS int             // veth only; -1: the same namespace
	qdisc     string          // veth only; "noqueue" is none

	redirect      bool // veth only: it takes frames that are redirected to it
	redirectKnown bool // and that is known

	program      xsk.AttachedProgram
	foreign      bool  // there is such a program
	pass         error // why frames could not be handed to the stack
	passTried    bool
	defaultRoute bool // a default route goes over it
}

// gather looks the interface up in the namespace of the calling thread.
func (l *linkFacts) gather(name string) {
	l.name = name
	facts, err := xsk.CheckInterface(name)
	if err != nil && !errors.Is(err, xsk.ErrLinkDown) {
		l.lookup = err
		if errors.Is(err, os.ErrNotExist) {
			l.others, l.elsewhere = ethernetLinks(), namespacesWith(name)
		}
		return
	}
	link, err := netlink.LinkByIndex(facts.Index)
	if err != nil {
		l.lookup = err
		return
	}
	at := link.Attrs()
	l.exists, l.index, l.kind = true, facts.Index, link.Type()
	l.up, l.mtu, l.queues = facts.Up, facts.MTU, facts.Queues
	l.encap, l.ethernet = at.EncapType, at.EncapType == "ether" && len(at.HardwareAddr) == 6
	l.carrier = at.RawFlags&unix.IFF_LOWER_UP != 0
	l.promisc = at.Promisc > 0
	if et, err := ethtool.NewEthtool(); err == nil {
		l.driver, _ = et.DriverName(name)
		l.features, _ = et.Features(name)
		et.Close()
	}
	if l.kind == "veth" {
		l.peerIndex, l.peerNetNS = at.ParentIndex, at.NetNsID
		l.qdisc = rootQdisc(link)
		l.redirect, err = runtime.Redirectable(l.index)
		l.redirectKnown = err == nil
	}
	l.program, l.foreign = xsk.FindProgram(l.index, name)
	if stack, err := inject.New(l.index, nil); err != nil {
		l.pass, l.passTried = err, true
	} else {
		l.pass, l.passTried = stack.Close(), true
	}
	l.defaultRoute = hasDefaultRoute(link)
}

// ethernetLinks names the interfaces of this namespace that pvlua could run on.
func ethernetLinks() (names []string) {
	links, _ := netlink.LinkList()
	for _, l := range links {
		if l.Attrs().EncapType == "ether" {
			names = append(names, l.Attrs().Name)
		}
	}
	return names
}

// rootQdisc is the kind of the queueing discipline of a link with one transmit
// queue, or of the one above its queues.
func rootQdisc(link netlink.Link) string {
	qdiscs, _ := netlink.QdiscList(link)
	for _, q := range qdiscs {
		if q.Attrs().Parent == netlink.HANDLE_ROOT {
			return q.Type()
		}
	}
	return ""
}

func hasDefaultRoute(link netlink.Link) bool {
	routes, _ := netlink.RouteList(link, netlink.FAMILY_ALL)
	return slices.ContainsFunc(routes, func(r netlink.Route) bool {
		if r.Dst == nil {
			return true
		}
		ones, _ := r.Dst.Mask.Size()
		return ones == 0 && (r.Dst.IP.Equal(net.IPv4zero) || r.Dst.IP.Equal(net.IPv6zero))
	})
}

// checkInterface looks at the interface itself: is it there, and can packets come?
func checkInterface(f *doctorFacts) []finding {
	const topic = "interface"
	l := &f.link
	if !l.exists {
		return []finding{absent(f)}
	}
	if !l.ethernet {
		found := fail(topic, "%s is no Ethernet interface (%s): pvlua handles Ethernet frames", l.name, l.encap)
		return []finding{found.cure("%s    (makes veth0 to veth3 to try things on)", f.sudo(f.machine.exe+" lab up"))}
	}
	if !l.up {
		return []finding{fail(topic, "%s is down", l.name).cure("%s", f.here("ip link set dev "+l.name+" up"))}
	}
	driver := l.driver
	if driver == "" {
		driver = "unknown"
	}
	if !l.carrier {
		found := warn(topic, "%s is up, but has no carrier: nothing will arrive (driver %s)", l.name, driver)
		switch {
		case f.peer != nil && f.peer.name != "":
			found = found.cure("%s", f.sudo(f.peer.prefix+"ip link set dev "+f.peer.name+" up"))
		case l.kind == "veth":
			found = found.cure("ip link set dev PEER up    (at its other end)")
		default:
			found = found.cure("plug the cable in, or bring the other end up")
		}
		return []finding{found}
	}
	return []finding{ok(topic, "%s is Ethernet, up, driver %s", l.name, driver)}
}

// absent is what to say of an interface that is not there.
func absent(f *doctorFacts) finding {
	const topic = "interface"
	l := &f.link
	if !errors.Is(l.lookup, os.ErrNotExist) {
		return fail(topic, "%s cannot be looked up: %v", l.name, l.lookup)
	}
	found := fail(topic, "there is no %s here", l.name)
	if len(l.elsewhere) > 0 {
		found.text += ", but in another network namespace"
		for _, ns := range l.elsewhere {
			found = found.cure("%s", f.sudo(fmt.Sprintf("ip netns exec %s %s doctor %s", ns, f.machine.exe, l.name)))
		}
		return found
	}
	if len(l.others) == 0 {
		return found.cure("%s    (makes veth0 to veth3 to try things on)", f.sudo(f.machine.exe+" lab up"))
	}
	return found.cure("choose one of %s", strings.Join(l.others, ", "))
}

// checkMTU compares the longest frames with the chunks they have to fit (P12).
func checkMTU(f *doctorFacts) []finding {
	const topic = "mtu"
	l := &f.link
	if !l.ethernet {
		return nil
	}
	if f.frames.Check(l.mtu) == nil {
		return []finding{ok(topic, "%d bytes, chunks of %d hold frames up to %d", l.mtu, f.frames.ChunkSize, f.frames.MaxFrame())}
	}
	found := fail(topic, "frames of an MTU of %d do not fit chunks of %d, which hold %d bytes", l.mtu, f.frames.ChunkSize, f.frames.MaxFrame())
	other := f.frames
	other.ChunkSize = 0
	if other = other.Defaults(l.mtu); other.Check(l.mtu) == nil {
		return []finding{found.cure("pvlua --chunk-size %d ...", other.ChunkSize)}
	}
	fits := sort.Search(l.mtu, func(mtu int) bool { return other.Check(mtu+1) != nil })
	found = found.cure("%s    (and at the other hosts of its network)", f.here(fmt.Sprintf("ip link set dev %s mtu %d", l.name, fits)))
	return []finding{found}
}

// checkQueues counts the workers that pvlua would have.
func checkQueues(f *doctorFacts) []finding {
	const topic = "queues"
	l := &f.link
	switch {
	case !l.ethernet:
		return nil
	case l.queues <= 1:
		return []finding{ok(topic, "1, so one thread and one Lua state")}
	case f.machine.cpus > 0 && l.queues > f.machine.cpus:
		channels := "combined %d"
		if l.kind == "veth" {
			channels = "rx %[1]d tx %[1]d"
		}
		return []finding{note(topic, "%d, each with a thread and a Lua state of its own, but only %d CPUs for them", l.queues, f.machine.cpus).
			cure("%s", f.here("ethtool -L "+l.name+" "+fmt.Sprintf(channels, f.machine.cpus)))}
	case l.kind == "veth" && f.generic():
		return []finding{note(topic, "%d, but in generic mode a veth gives queue 0 the packets of two queues, and the last queue none", l.queues)}
	case l.kind == "veth":
		return []finding{ok(topic, "%d, each with a thread and a Lua state of its own; packets come in on the queue that the peer sends them by", l.queues)}
	}
	return []finding{ok(topic, "%d, each with a thread and a Lua state of its own; the card spreads flows over them (ethtool -x %s)", l.queues, l.name)}
}

// checkProgram looks for a program in the way (P40).
func checkProgram(f *doctorFacts) []finding {
	const topic = "xdp"
	l := &f.link
	if !l.ethernet {
		return nil
	}
	if !l.foreign {
		return []finding{ok(topic, "no other XDP program is attached")}
	}
	found := fail(topic, "%v", l.program)
	if len(f.machine.missing) > 0 && !f.machine.root {
		// Whose it is, and thus how it is removed, only root is told.
		return []finding{found.cure("sudo %s doctor %s    (as root it can tell whose it is)", f.machine.exe, f.name)}
	}
	for _, c := range l.program.Removal() {
		if strings.HasPrefix(c, "ip ") { // the others do their work from anywhere
			c = f.machine.prefix + c
		}
		found = found.cure("%s", f.sudo(c))
	}
	return []finding{found}
}

// checkPass tells whether the way back into the kernel could be made.
func checkPass(f *doctorFacts) []finding {
	const topic = "pass"
	l := &f.link
	switch {
	case !l.ethernet || !l.passTried || len(f.machine.missing) > 0:
		return nil // the capabilities have their own line
	case l.pass != nil:
		return []finding{warn(topic, "what a script passes does not reach the kernel's stack: %v", l.pass)}
	}
	return []finding{ok(topic, "what a script passes reaches the kernel's own stack")}
}

// checkBackPressure looks for what keeps a veth from losing what its full peer
// cannot take (P4).
func checkBackPressure(f *doctorFacts) []finding {
	l := &f.link
	if l.kind != "veth" || l.qdisc != "noqueue" {
		return nil
	}
	major, minor, err := kernelVersion(f.machine.kernel)
	if err != nil || major < 6 || major == 6 && minor < 12 {
		return nil // a qdisc does not help AF_XDP there
	}
	return []finding{note("overload", "a veth without a qdisc loses silently what its peer is too slow for").
		cure("%s", f.here("tc qdisc add dev "+l.name+" root pfifo limit 1000"))}
}

// checkPromiscuous notes that a card filters by address (P31); a veth does not.
func checkPromiscuous(f *doctorFacts) []finding {
	l := &f.link
	if !l.ethernet || l.promisc || l.kind == "veth" {
		return nil
	}
	return []finding{note("addresses", "it receives frames to its own address; scripts that forward want those to others too").
		cure("%s", f.here("ip link set dev "+l.name+" promisc on"))}
}

// checkDefaultRoute warns of cutting off one's own ssh session (P42).
func checkDefaultRoute(f *doctorFacts) []finding {
	if !f.link.defaultRoute {
		return nil
	}
	return []finding{note("route", "the default route goes over %s: what the script leaves alone goes on working,\nbut one that drops or answers too much cuts this machine off", f.name).
		cure("%s    (makes veth0 to veth3 to try a script on first)", f.sudo(f.machine.exe+" lab up"))}
}
