// SPDX-License-Identifier: GPL-3.0-or-later

package packet

// Layout says where the headers of one packet are. The zero value is the
// layout of an empty packet. Walk fills it; it holds no reference to the
// packet and stays true until bytes that Structural fields cover change, or
// what Declared goes by.
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

	// Declared is what Walk looks for above the headers of the table: nil for
	// nothing. It is the caller's, and Walk leaves it as it is.
	Declared *Protocols
	// Above is the declared header that the packet has, nil if it has none;
	// AboveAt is its offset.
	Above   *Protocol
	AboveAt uint16

	from, to uint16 // what follows the last header of the table
	skip     uint16 // length of the declared header after it
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
	// AboveCut: a declared header should be there, but it is cut short.
	AboveCut
)

// Present reports whether the packet has header h.
func (l *Layout) Present(h HeaderID) bool { return l.Has>>(h&15)&1 != 0 }

// Payload gives the bytes from:to that follow the last known header, without
// Ethernet padding: the IP total length bounds them, and the length of UDP.
// In a frame too short for Ethernet they are all bytes.
// A declared header is a known one.
func (l *Layout) Payload() (from, to int) { return int(l.from) + int(l.skip), int(l.to) }

// Uncover makes the declared header a part of the payload, until the next walk.
func (l *Layout) Uncover() { l.Above, l.AboveAt, l.skip = nil, 0, 0 }

// has reports whether any of the facts holds.
func (l *Layout) has(f Facts) bool { return l.Facts&f != 0 }
