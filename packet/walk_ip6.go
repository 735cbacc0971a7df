// SPDX-License-Identifier: GPL-3.0-or-later

package packet

// IPv6 extension headers (RFC 8200 §4, IANA "IPv6 Extension Header Types").
// ESP is not among them: what follows it is encrypted.
const (
	extHopByHop    = 0
	extRouting     = 43
	extFragment    = 44
	extAH          = 51 // RFC 4302 §2
	extDestination = 60
	extMobility    = 135 // RFC 6275 §6.1
	extHIP         = 139 // RFC 7401 §5.1
	extShim6       = 140 // RFC 5533 §5

	// maxExtensions is how many the walk takes; RFC 8200 §4.1 recommends an
	// order in which there are at most 7.
	maxExtensions = 8
)

// isExtension reports whether p numbers an extension header that the walk can
// step over.
func isExtension(p uint8) bool {
	switch p {
	case extHopByHop, extRouting, extFragment, extAH, extDestination, extMobility, extHIP, extShim6:
		return true
	}
	return false
}

// walkIP6 takes an IPv6 header and what is above it.
func (l *Layout) walkIP6(b []byte, off int) {
	if len(b) < off+ip6Len || b[off]>>4 != 6 {
		return
	}
	l.Has |= 1 << IP6
	l.Off[IP6] = uint16(off)
	l.Proto = b[off+6]
	end := off + ip6Len + int(be16(b, off+4))
	if end > len(b) {
		end = len(b)
		l.Facts |= Truncated
	}
	l.NetEnd, l.to = uint16(end), uint16(end)
	b = b[:end]
	off += ip6Len
	if isExtension(l.Proto) {
		off = l.walkExtensions(b, off)
	}
	l.from = uint16(off)
	if l.has(ChainCut | LaterFragment) {
		return
	}
	switch l.Proto {
	case protoUDP:
		l.walkUDP(b, off)
	case protoTCP:
		l.walkTCP(b, off)
	case protoICMP6:
		l.walkICMP(b, off, ICMP6)
	}
}

// walkExtensions takes the extension headers from off on; b ends with the IP
// packet. It returns the offset of what follows them. A hop-by-hop header is
// one only directly after the IPv6 header (RFC 8200 §4.1), and a fragment
// after the first has nothing more to walk.
func (l *Layout) walkExtensions(b []byte, off int) int {
	for i := 0; isExtension(l.Proto); i++ {
		if i == maxExtensions || l.Proto == extHopByHop && i > 0 || len(b) < off+8 {
			l.Facts |= ChainCut
			return off
		}
		n := 8 + 8*int(b[off+1])
		switch l.Proto {
		case extAH:
			n = 8 + 4*int(b[off+1])
		case extFragment:
			n = 8
			l.walkFragment(b, off)
		}
		if len(b) < off+n {
			l.Facts |= ChainCut
			return off
		}
		const segmentsLeft = 3
		if l.Proto == extRouting && b[off+segmentsLeft] != 0 {
			l.Facts |= Routed
			l.Routing = uint16(off)
		}
		l.Proto = b[off]
		off += n
		if l.has(LaterFragment) {
			return off
		}
	}
	return off
}

// walkFragment takes a Fragment header of 8 bytes (RFC 8200 §4.5). One with
// offset 0 and no more fragments is a whole packet (RFC 6946).
func (l *Layout) walkFragment(b []byte, off int) {
	const moreFragments, fragOffset = 1, 0xfff8
	f := be16(b, off+2)
	if f&(moreFragments|fragOffset) != 0 {
		l.Facts |= Fragmented
	}
	if f&fragOffset != 0 {
		l.Facts |= LaterFragment
	}
	if l.FragHeader == 0 {
		l.FragHeader = uint16(off)
	}
}
