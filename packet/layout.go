// SPDX-License-Identifier: GPL-3.0-or-later

package packet

// Layout says where the headers of one packet are. The zero value is the
// layout of an empty packet. Walk fills it; it holds no reference to the
// packet and stays true until bytes that Structural fields cover change.
type Layout struct {
	// Off has the offset of each header that is present, in bytes from the
	// start of the packet, and 0 for the others.
	Off   [NumHeaders]uint16
	Has   uint16 // bit h is set when header h is present
	Facts Facts
	// Proto is the upper-layer protocol of an IP packet: the IPv4 protocol,
	// or what the last IPv6 extension header names; 0 without ip and ip6.
	Proto uint8
	// NetEnd is where the packet ends for its network layer: at the IP length
	// or, if that is cut short, at the end of the frame; after the last
	// address for ARP. What follows is Ethernet padding.
	NetEnd uint16
	// FragHeader is the offset of the first IPv6 Fragment header, 0 if there
	// is none.
	FragHeader uint16
	// Routing is the offset of the IPv6 Routing header or the IPv4 source
	// route option that has hops left to visit, 0 if there is none.
	Routing uint16

	from, to uint16 // the payload
	sum      uint16 // offset of the checksum of icmp, icmp6, tcp or udp; 0 if there is none
}

// Facts are what a walk found out about a packet besides its headers.
type Facts uint8

// The facts.
const (
	// Fragmented: the packet is a fragment, the first one included. Its L4
	// checksum covers bytes of other packets.
	Fragmented Facts = 1 << iota
	// LaterFragment: it is not the first one, so it has no L4 header.
	LaterFragment
	// Truncated: the frame ends before the IP packet does.
	Truncated
	// Routed: a source route has hops left, so that the destination address
	// is not the final one, which the pseudo-header holds (RFC 8200 §8.1).
	Routed
	// ChainCut: the IPv6 extension headers are cut short, too many or not in
	// order, so that Proto is not the upper-layer protocol.
	ChainCut
)

// Present reports whether the packet has header h.
func (l *Layout) Present(h HeaderID) bool { return l.Has>>(h&15)&1 != 0 }

// Payload gives the bytes from:to that follow the last known header, without
// Ethernet padding: the IP total length bounds them, and the length of UDP.
// In a frame too short for Ethernet they are all bytes.
func (l *Layout) Payload() (from, to int) { return int(l.from), int(l.to) }

// has reports whether any of the facts holds.
func (l *Layout) has(f Facts) bool { return l.Facts&f != 0 }
