// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"errors"
	"fmt"
	"net"
	"reflect"
	"slices"
	"strings"

	"github.com/safchain/ethtool"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"pvlua/luabind"
)

// linkFacts are what the kernel says of an interface.
type linkFacts struct {
	luabind.Port
	driver string // "veth", "ixgbe", ...; empty if the kernel does not say
	// oneQueue says that frames come onto the same queue at the other end however
	// they leave, by a transmit ring or redirected.
	oneQueue bool
}

// readFacts asks the kernel about the interface called name, which becomes
// port index. It must run in the network namespace of the interface.
func readFacts(index int, name string) (linkFacts, error) {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return linkFacts{}, noSuchInterface(name, err)
	}
	attrs := link.Attrs()
	facts := linkFacts{Port: luabind.Port{
		Index:   index,
		Name:    name,
		Ifindex: attrs.Index,
		MTU:     attrs.MTU,
		Up:      attrs.Flags&net.FlagUp != 0,
		Queues:  max(attrs.NumRxQueues, 1),
	}}
	for _, octet := range attrs.HardwareAddr {
		facts.MAC = facts.MAC<<8 | uint64(octet)
	}
	if len(attrs.HardwareAddr) != 6 {
		return facts, fmt.Errorf("%s is no Ethernet interface (%s): pvlua handles Ethernet frames", name, attrs.EncapType)
	}
	facts.IP, facts.IP6, err = readAddresses(link)
	if err != nil {
		return facts, err
	}
	if et, err := ethtool.NewEthtool(); err == nil {
		defer et.Close()
		if driver, err := et.DriverName(name); err == nil {
			facts.driver = driver
		}
		// NumRxQueues counts what was allocated; channels count what is in
		// use. Not every driver knows channels.
		if ch, err := et.GetChannels(name); err == nil && ch.RxCount+ch.CombinedCount > 0 {
			facts.Queues = int(ch.RxCount + ch.CombinedCount)
		}
	}
	if facts.driver == "veth" && facts.Queues == 1 {
		// Where the peer has NAPI for GRO alone, a veth with segmentation offload
		// puts onto that queue only what is redirected
		// (veth_skb_is_eligible_for_gro in drivers/net/veth.c). A peer with XDP
		// switches that offload off.
		tso, err := hasTSO(name)
		facts.oneQueue = err == nil && !tso
	}
	return facts, nil
}

// readAddresses lists the addresses of an interface, those of wider scope
// first: a handler's port.ip and port.ip6 are the first.
func readAddresses(link netlink.Link) (ip4 []uint32, ip6 [][16]byte, err error) {
	addrs, err := netlink.AddrList(link, netlink.FAMILY_ALL)
	// Where addresses come and go meanwhile, on whatever interface, the kernel
	// marks the list as doubtful (NLM_F_DUMP_INTR). It is asked again, but not
	// for ever: what it said last is nearly right, and the change is an event.
	for range 10 {
		if !errors.Is(err, netlink.ErrDumpInterrupted) {
			break
		}
		addrs, err = netlink.AddrList(link, netlink.FAMILY_ALL)
	}
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
		return nil, nil, fmt.Errorf("listing the addresses of %s: %w", link.Attrs().Name, err)
	}
	slices.SortStableFunc(addrs, func(a, b netlink.Addr) int { return a.Scope - b.Scope })
	for _, a := range addrs {
		if v4 := a.IP.To4(); v4 != nil {
			ip4 = append(ip4, uint32(v4[0])<<24|uint32(v4[1])<<16|uint32(v4[2])<<8|uint32(v4[3]))
		} else if v6 := a.IP.To16(); v6 != nil && a.Flags&(unix.IFA_F_TENTATIVE|unix.IFA_F_DADFAILED) == 0 {
			ip6 = append(ip6, [16]byte(v6))
		}
	}
	return ip4, ip6, nil
}

// noSuchInterface explains err, from looking an interface up by name, and
// lists the interfaces there are.
func noSuchInterface(name string, err error) error {
	var notFound netlink.LinkNotFoundError
	if !errors.As(err, &notFound) {
		return fmt.Errorf("looking up interface %s: %w", name, err)
	}
	links, _ := netlink.LinkList()
	var names []string
	for _, l := range links {
		names = append(names, l.Attrs().Name)
	}
	return fmt.Errorf("%w %s in this network namespace (there are: %s)", errNoInterface, name, strings.Join(names, ", "))
}

var errNoInterface = errors.New("there is no interface")

// samePort reports whether a handler could tell a and b apart.
func samePort(a, b luabind.Port) bool {
	same := slices.Equal(a.IP, b.IP) && slices.Equal(a.IP6, b.IP6)
	a.IP, a.IP6, b.IP, b.IP6 = nil, nil, nil, nil
	return same && reflect.DeepEqual(a, b)
}
