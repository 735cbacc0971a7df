// SPDX-License-Identifier: GPL-3.0-or-later

package packet

import "encoding/binary"

// adjust updates the checksums in the set sum. d is the sum of the changed
// 16-bit words and of the complements of what they were; the pseudo-header
// does not hold the field under the facts in except.
func (l *Layout) adjust(b []byte, sum Sum, except Facts, d uint64) {
	if sum&SumIP != 0 {
		l.patchIP(b, d)
	}
	// ICMP over IPv4 has no pseudo-header (RFC 792).
	if sum&SumL4 != 0 || sum&SumPseudo != 0 && l.Has&(1<<ICMP) == 0 && !l.has(except) {
		l.patchL4(b, d)
	}
}

// patchIP updates the IPv4 header checksum by d: RFC 1624, equation 3.
func (l *Layout) patchIP(b []byte, d uint64) {
	at := int(l.Off[IP]) + ipSumAt
	if at+2 > len(b) {
		return
	}
	p := b[at : at+2]
	binary.BigEndian.PutUint16(p, ^carry(uint64(^binary.BigEndian.Uint16(p))+d))
}

// patchL4 updates the checksum of icmp, icmp6, tcp or udp by d, if the packet
// has one of them.
func (l *Layout) patchL4(b []byte, d uint64) {
	at := int(l.sum)
	if at == 0 || at+2 > len(b) {
		return
	}
	p := b[at : at+2]
	c := binary.BigEndian.Uint16(p)
	if c == 0 && l.Has&(1<<UDP) != 0 {
		return // no checksum (RFC 768)
	}
	c = ^carry(uint64(^c) + d)
	binary.BigEndian.PutUint16(p, c)
	if c == 0 {
		l.fixZero(b, p)
	}
}

// fixZero turns a checksum of 0 at p into 0xffff, the other form of the same
// sum, where it must be: in UDP, where 0 is no checksum (RFC 768), and in an
// ICMP message of zeros, whose words add up to 0 and not to 0xffff. Other
// checksums cover something that is not zero.
func (l *Layout) fixZero(b, p []byte) {
	if l.Has&(1<<UDP) != 0 || l.Has&(1<<ICMP) != 0 && sum16(l.clip(b)[l.Off[ICMP]:]) == 0 {
		p[0], p[1] = 0xff, 0xff
	}
}
