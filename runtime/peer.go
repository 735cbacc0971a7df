// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// peerHasXDP reports whether the other end of a veth has a native XDP program. Only then
// does the driver wake that end for what XDP_TX puts on its ring; NAPI for GRO alone
// gets no more than what is redirected there (veth_xdp_flush in
// drivers/net/veth.c). False if the kernel does not say.
func peerHasXDP(ifindex int) bool {
	link, err := netlink.LinkByIndex(ifindex)
	if err != nil || link.Attrs().ParentIndex == 0 {
		return false
	}
	attrs := link.Attrs()
	req := nl.NewNetlinkRequest(unix.RTM_GETLINK, 0)
	msg := nl.NewIfInfomsg(unix.AF_UNSPEC)
	msg.Index = int32(attrs.ParentIndex)
	req.AddData(msg)
	if attrs.NetNsID >= 0 { // it is in another namespace, which has this number here
		req.AddData(nl.NewRtAttr(unix.IFLA_TARGET_NETNSID, nl.Uint32Attr(uint32(attrs.NetNsID))))
	}
	msgs, err := req.Execute(unix.NETLINK_ROUTE, 0)
	if err != nil || len(msgs) != 1 {
		return false
	}
	peer, err := netlink.LinkDeserialize(nil, msgs[0])
	return err == nil && peer.Attrs().Xdp != nil && peer.Attrs().Xdp.AttachMode == nl.XDP_ATTACHED_DRV
}
