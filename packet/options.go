// SPDX-License-Identifier: GPL-3.0-or-later

package packet

// Fields that are not at a fixed place: ND options, TCP options, the IPv6
// Fragment header, and fields that only some ICMPv6 messages have.

// ICMPv6 message types of neighbour discovery (RFC 4861 §4).
const (
	ndRouterSolicit   = 133
	ndRouterAdvert    = 134
	ndNeighborSolicit = 135
	ndNeighborAdvert  = 136
	ndRedirect        = 137
)

// maxNDOptions is how many options of a message are looked at; the
// link-layer address comes first in the messages that have one.
const maxNDOptions = 32

// ndOptions gives the offset of the options of an ICMPv6 message of the given
// type, from its start; 0 when the type has none (RFC 4861 §4.1 to §4.5).
func ndOptions(typ uint8) int {
	switch typ {
	case ndRouterSolicit:
		return 8
	case ndRouterAdvert:
		return 16
	case ndNeighborSolicit, ndNeighborAdvert:
		return 24
	case ndRedirect:
		return 40
	}
	return 0
}

// hasTarget reports whether ICMPv6 message m is of a type with a target address.
func hasTarget(m []byte) bool {
	return len(m) > 0 && (m[0] == ndNeighborSolicit || m[0] == ndNeighborAdvert || m[0] == ndRedirect)
}

// clip gives the packet up to where its network layer ends.
func (l *Layout) clip(b []byte) []byte { return b[:min(int(l.NetEnd), len(b))] }

// ndOption finds the first link-layer address option of the given type, or of
// either type when it is 0. It returns the offset from the start of the
// packet, 0 if there is none. Only options of 8 bytes, which hold an Ethernet
// address, count.
func (l *Layout) ndOption(b []byte, typ uint8) int {
	b = l.clip(b)
	off := int(l.Off[ICMP6])
	if l.Has>>ICMP6&1 == 0 || off >= len(b) {
		return 0
	}
	first := ndOptions(b[off])
	if first == 0 {
		return 0
	}
	off += first
	for range maxNDOptions {
		if off+8 > len(b) || b[off+1] == 0 {
			return 0
		}
		if b[off+1] == 1 && (b[off] == ndSource || b[off] == ndTarget) && (typ == 0 || b[off] == typ) {
			return off
		}
		off += 8 * int(b[off+1])
	}
	return 0
}

// tcpOptionLen is the length that each option with fields must have.
var tcpOptionLen = [16]uint8{tcpMSS: 4, tcpScale: 3, tcpSackOK: 2, tcpTimestamp: 10}

// tcpOption finds the first TCP option of the given kind that has its proper
// length. It returns the offset from the start of the packet, 0 if there is
// none.
func (l *Layout) tcpOption(b []byte, kind uint8) int {
	off := int(l.Off[TCP]) + tcpLen
	if l.Has>>TCP&1 == 0 || int(l.from) > len(b) {
		return 0
	}
	b = b[:l.from]
	for off < len(b) {
		switch b[off] {
		case tcpEnd:
			return 0
		case tcpNop:
			off++
			continue
		}
		if off+2 > len(b) {
			return 0
		}
		n := int(b[off+1])
		if n < 2 || off+n > len(b) {
			return 0
		}
		if b[off] == kind && n == int(tcpOptionLen[kind&15]) {
			return off
		}
		off += n
	}
	return 0
}

// locate gives the offset of the load that f lies in, and whether the packet
// has the field, wherever it is. The load is inside b when it has.
func (f *Field) locate(b []byte, l *Layout) (off int, ok bool) {
	if !l.Present(f.Header) {
		return 0, false
	}
	off = int(l.Off[f.Header])
	switch f.Locate {
	case Fixed:
	case Advert:
		if off >= len(b) || b[off] != ndNeighborAdvert {
			return 0, false
		}
	case Target:
		if off > len(b) || !hasTarget(b[off:]) {
			return 0, false
		}
	case NDOption:
		off = l.ndOption(b, f.Option)
	case TCPOption:
		off = l.tcpOption(b, f.Option)
	case Fragment:
		off = int(l.FragHeader)
	default:
		return 0, false
	}
	if off == 0 && f.Header != Eth {
		return 0, false
	}
	off += int(f.byteOff)
	n := int(f.size)
	if n == 0 {
		n = int(f.Width / 8)
	}
	return off, off+n <= len(l.clip(b))
}
