// SPDX-License-Identifier: GPL-3.0-or-later

package packet

import "math/bits"

// l4 gives the header above IP that has a checksum, NumHeaders if there is none.
func (l *Layout) l4() HeaderID {
	return HeaderID(bits.TrailingZeros16(l.Has>>ICMP<<ICMP | 1<<NumHeaders))
}

// stale reports whether packet b has become shorter than the layout says.
func (l *Layout) stale(b []byte) bool { return int(l.NetEnd) > len(b) }

// covered is what a checksum covers.
type covered struct {
	header   HeaderID
	at       int    // offset of the checksum itself
	from, to int    // as far as it is in the packet
	pseudo   uint64 // sum of the pseudo-header, not folded; 0 without one
	// known: the addresses in the pseudo-header are known.
	// whole: so is the rest that the checksum covers, as it is all in the
	// packet, and the checksum can be computed.
	known, whole bool
}

// sum gives the sum of all that c covers, the checksum included: 0xffff when
// it is right.
func (c *covered) sum(b []byte) uint64 {
	return uint64(fold(c.pseudo + sum16(b[c.from:c.to])))
}

// right gives what the checksum should be.
func (c *covered) right(b []byte) uint16 {
	sum := ^fold(c.pseudo + sum16(b[c.from:c.at]) + sum16(b[c.at+2:c.to]))
	if sum == 0 && c.header == UDP {
		return 0xffff // the other form of the same sum: RFC 768
	}
	return sum
}

// coverIP gives what the IPv4 header checksum covers. The packet has the
// header and is not stale.
func (l *Layout) coverIP(b []byte) covered {
	off := int(l.Off[IP])
	to := min(off+max(headerLen(b, l, IP), ipLen), len(b))
	return covered{header: IP, at: off + ipSumAt, from: off, to: to, known: true, whole: true}
}

// coverL4 gives what the checksum of header h above IP covers. The packet has
// the header and is not stale.
func (l *Layout) coverL4(b []byte, h HeaderID) covered {
	b = l.clip(b)
	from, length := int(l.Off[h]), l.segmentLen(b, h)
	fixed := icmpLen // which is also UDP's
	if h == TCP {
		fixed = tcpLen
	}
	c := covered{header: h, at: int(l.sum), from: from, known: true}
	c.whole = length >= fixed && from+length <= len(b) && !l.has(Fragmented)
	c.to = min(from+max(length, fixed), len(b))
	if h != ICMP {
		c.pseudo, c.known = l.pseudo(b, length)
		c.whole = c.whole && c.known
	}
	return c
}

// segmentLen gives the length of the segment of header h above IP as the
// pseudo-header holds it.
func (l *Layout) segmentLen(b []byte, h HeaderID) int {
	if h == UDP {
		// Over IPv6 a length of 0 stands for one that does not fit: RFC 2675 §4.
		if n := int(be16(b, int(l.Off[UDP])+4)); n != 0 || l.Present(IP) {
			return n
		}
	}
	if l.Present(IP) {
		ip := int(l.Off[IP])
		return ip + int(be16(b, ip+2)) - int(l.Off[h])
	}
	ip := int(l.Off[IP6])
	return ip + ip6Len + int(be16(b, ip+4)) - int(l.Off[h])
}

// pseudo gives the sum of the pseudo-header of a segment of the given length,
// not folded. The destination is the end of the source route (RFC 8200 §8.1);
// known is false when the packet has one of a kind that does not tell.
func (l *Layout) pseudo(b []byte, length int) (sum uint64, known bool) {
	sum = uint64(l.Proto) + uint64(uint16(length))
	off, n := int(l.Off[IP6])+8, 16
	if l.Present(IP) {
		off, n = int(l.Off[IP])+12, 4
	}
	if !l.has(Routed) {
		if n == 4 {
			return sum + words(uint64(be32(b, off))) + words(uint64(be32(b, off+4))), true
		}
		return sum + sum16(b[off:off+32]), true
	}
	dst := l.finalDst(b)
	return sum + sum16(b[off:off+n]) + sum16(dst), dst != nil
}

// finalDst gives the last address of the source route that has hops left; nil
// when its kind is unknown.
func (l *Layout) finalDst(b []byte) []byte {
	r := int(l.Routing)
	if r+8 > len(b) {
		return nil
	}
	from, to := 0, 0
	switch {
	case l.Present(IP):
		to = r + int(b[r+1])
		from = to - 4
	case b[r+2] == 0 || b[r+2] == 2: // RFC 2460 §4.4, RFC 6275 §6.4
		to = r + 8 + 8*int(b[r+1]&^1)
		from = to - 16
	case b[r+2] == 4: // RFC 8754 §2: Segment List[0] is the last one
		from, to = r+8, r+24
	}
	if from <= r || to > len(b) {
		return nil
	}
	return b[from:to]
}
