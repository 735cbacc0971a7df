// SPDX-License-Identifier: GPL-3.0-or-later

package packet

import "encoding/binary"

// Lengths of the headers' fixed parts, in bytes.
const (
	ethLen  = 14
	vlanLen = 4
	arpLen  = 28
	ipLen   = 20
	ip6Len  = 40
	icmpLen = 8
	tcpLen  = 20
	udpLen  = 8

	maxLen = 65535 // of a packet
)

// Ethertypes and protocol numbers (IANA) that the walk knows.
const (
	typeIP   = 0x0800
	typeARP  = 0x0806
	typeVLAN = 0x8100 // 802.1Q
	typeQinQ = 0x88a8 // 802.1ad
	typeIP6  = 0x86dd
	minType  = 0x0600 // below: the length of an 802.3 frame

	protoICMP  = 1
	protoTCP   = 6
	protoUDP   = 17
	protoICMP6 = 58
)

// Where the checksums are, in bytes from the start of their headers.
const (
	ipSumAt   = 10
	icmpSumAt = 2
	tcpSumAt  = 16
	udpSumAt  = 6
)

func be16(b []byte, off int) uint16 { return binary.BigEndian.Uint16(b[off:]) }
func be32(b []byte, off int) uint32 { return binary.BigEndian.Uint32(b[off:]) }

// Walk finds the headers of packet b. A header that is cut short, or whose own
// length or version is impossible, is absent, and so are those above it.
// Any length and content will do; bytes after the first 65535 are not looked
// at. It does not allocate.
func (l *Layout) Walk(b []byte) {
	declared := l.Declared
	*l = Layout{Declared: declared}
	if len(b) > maxLen {
		b = b[:maxLen]
	}
	l.walk(b)
	if declared != nil && len(declared.list) > 0 {
		declared.walk(b, l)
	}
}

// walk finds the headers of the table in a packet of at most maxLen bytes.
func (l *Layout) walk(b []byte) {
	l.NetEnd, l.to = uint16(len(b)), uint16(len(b))
	if len(b) < ethLen {
		return
	}
	l.Has = 1 << Eth
	typ, off := be16(b, 12), ethLen
	if typ == typeVLAN || typ == typeQinQ {
		typ, off = l.walkTags(b)
	}
	l.from = uint16(off)
	switch typ {
	case typeIP:
		l.walkIP(b, off)
	case typeIP6:
		l.walkIP6(b, off)
	case typeARP:
		l.walkARP(b, off)
	default:
		if typ < minType && int(typ) < len(b)-off {
			l.NetEnd = uint16(off + int(typ))
			l.to = l.NetEnd
		}
	}
}

// walkTags takes up to two VLAN tags after the addresses. It returns the
// ethertype of what follows and its offset; the type is one that no header has
// when a tag is cut short or there is a third one.
func (l *Layout) walkTags(b []byte) (typ uint16, off int) {
	off = ethLen
	for h := VLAN; h <= VLAN2; h++ {
		if len(b) < off+vlanLen {
			return 0xffff, off
		}
		l.Has |= 1 << h
		l.Off[h] = uint16(off)
		typ = be16(b, off+2)
		off += vlanLen
		if typ != typeVLAN && typ != typeQinQ {
			break
		}
	}
	return typ, off
}

// walkARP takes an ARP packet for IPv4 over Ethernet.
func (l *Layout) walkARP(b []byte, off int) {
	if len(b) < off+arpLen || be32(b, off) != 1<<16|typeIP || be16(b, off+4) != 6<<8|4 {
		return
	}
	l.Has |= 1 << ARP
	l.Off[ARP] = uint16(off)
	l.NetEnd = uint16(off + arpLen)
	l.from, l.to = l.NetEnd, l.NetEnd
}

// walkIP takes an IPv4 header and what is above it.
func (l *Layout) walkIP(b []byte, off int) {
	if len(b) < off+ipLen {
		return
	}
	p := b[off : off+ipLen : len(b)]
	n := int(p[0]&15) * 4
	total := int(be16(p, 2))
	if p[0]>>4 != 4 || n < ipLen || total < n || len(b) < off+n {
		return
	}
	l.Has |= 1 << IP
	l.Off[IP] = uint16(off)
	l.Proto = p[9]
	end := off + total
	if end > len(b) {
		end = len(b)
		l.Facts |= Truncated
	}
	if n > ipLen {
		l.walkSourceRoute(b[:off+n], off+ipLen)
	}
	l.NetEnd, l.to, l.from = uint16(end), uint16(end), uint16(off+n)
	const moreFragments, fragOffset = 0x2000, 0x1fff
	if f := be16(p, 6) & (moreFragments | fragOffset); f != 0 {
		l.Facts |= Fragmented
		if f&fragOffset != 0 {
			l.Facts |= LaterFragment
			return
		}
	}
	switch l.Proto {
	case protoUDP:
		l.walkUDP(b[:end], off+n)
	case protoTCP:
		l.walkTCP(b[:end], off+n)
	case protoICMP:
		l.walkICMP(b[:end], off+n, ICMP)
	}
}

// walkSourceRoute looks for a source route with hops left among the IPv4
// options that begin at off and end with b (RFC 791 §3.1, loose and strict
// source and record route).
func (l *Layout) walkSourceRoute(b []byte, off int) {
	const end, nop, loose, strict = 0, 1, 131, 137
	for off < len(b) && b[off] != end {
		if b[off] == nop {
			off++
			continue
		}
		if off+2 > len(b) {
			return
		}
		n := int(b[off+1])
		if n < 2 || off+n > len(b) {
			return
		}
		if (b[off] == loose || b[off] == strict) && n >= 7 && int(b[off+2]) <= n-3 {
			l.Facts |= Routed
			l.Routing = uint16(off)
			return
		}
		off += n
	}
}

// walkUDP takes a UDP header; b ends with the IP packet.
func (l *Layout) walkUDP(b []byte, off int) {
	if len(b) < off+udpLen {
		return
	}
	l.Has |= 1 << UDP
	l.Off[UDP] = uint16(off)
	l.sum = uint16(off + udpSumAt)
	l.from = uint16(off + udpLen)
	if n := int(be16(b, off+4)); n >= udpLen && off+n < len(b) {
		l.to = uint16(off + n)
	}
}

// walkTCP takes a TCP header; b ends with the IP packet.
func (l *Layout) walkTCP(b []byte, off int) {
	if len(b) < off+tcpLen {
		return
	}
	n := int(b[off+12]>>4) * 4
	if n < tcpLen || len(b) < off+n {
		return
	}
	l.Has |= 1 << TCP
	l.Off[TCP] = uint16(off)
	l.sum = uint16(off + tcpSumAt)
	l.from = uint16(off + n)
}

// walkICMP takes an ICMP or ICMPv6 header, h; b ends with the IP packet.
func (l *Layout) walkICMP(b []byte, off int, h HeaderID) {
	if len(b) < off+icmpLen {
		return
	}
	l.Has |= 1 << h
	l.Off[h] = uint16(off)
	l.sum = uint16(off + icmpSumAt)
	l.from = uint16(off + icmpLen)
}
