// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// The part of the netdev family of generic netlink that is needed (Linux 6.3,
// include/uapi/linux/netdev.h).
const (
	netdevFamily        = "netdev"
	netdevGroup         = "mgmt" // which is told of changes
	netdevDevGet        = 1
	netdevAttrIfindex   = 1
	netdevAttrFeatures  = 3
	netdevActNdoXmit    = 1 << 2
	netdevFamilyVersion = 1
)

// Redirectable reports whether the device with the given index, in the network
// namespace of the calling thread, takes frames that an XDP program redirects to
// it (NETDEV_XDP_ACT_NDO_XMIT). A veth does while its peer has an XDP program or
// GRO, even where the peer is down, and the frames are lost. Whether it can
// change at any time. An error means that the kernel does not say.
//
// XDP_TX is another matter: a veth wakes its peer for that only if the peer has
// an XDP program; with GRO alone frames wait until something else wakes it
// (veth_xdp_flush in drivers/net/veth.c).
func Redirectable(ifindex int) (bool, error) {
	family, err := netlink.GenlFamilyGet(netdevFamily)
	if err != nil {
		return false, fmt.Errorf("asking what XDP the device has (Linux 6.3): %w", err)
	}
	req := nl.NewNetlinkRequest(int(family.ID), 0)
	req.AddData(genlHeader{netdevDevGet, netdevFamilyVersion})
	req.AddData(nl.NewRtAttr(netdevAttrIfindex, nl.Uint32Attr(uint32(ifindex))))
	msgs, err := req.Execute(unix.NETLINK_GENERIC, 0)
	if err != nil {
		return false, fmt.Errorf("asking what XDP the device has: %w", err)
	}
	for _, m := range msgs {
		attrs, err := nl.ParseRouteAttr(m[nl.SizeofGenlmsg:])
		if err != nil {
			return false, err
		}
		for _, a := range attrs {
			if a.Attr.Type == netdevAttrFeatures && len(a.Value) >= 8 {
				return binary.NativeEndian.Uint64(a.Value)&netdevActNdoXmit != 0, nil
			}
		}
	}
	return false, errors.New("the kernel does not say what XDP the device has")
}

// A genlHeader is struct genlmsghdr: command, version, and two bytes that must be
// zero, which nl.Genlmsg does not have.
type genlHeader [4]byte

// Len and Serialize make it part of a request.
func (h genlHeader) Len() int          { return len(h) }
func (h genlHeader) Serialize() []byte { return h[:] }
