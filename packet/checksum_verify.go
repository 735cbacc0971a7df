// SPDX-License-Identifier: GPL-3.0-or-later

package packet

import (
	"encoding/binary"
	"fmt"
)

// ChecksumError says which checksum of a packet is wrong.
type ChecksumError struct {
	Header    HeaderID
	Got, Want uint16
}

// Error gives "udp checksum is 0x1234, should be 0x5678".
func (e *ChecksumError) Error() string {
	return fmt.Sprintf("%s checksum is 0x%04x, should be 0x%04x", e.Header, e.Got, e.Want)
}

// VerifyChecksums checks the IPv4 header checksum and the one above it of
// packet b, whose layout is l. The first wrong one is a *ChecksumError. UDP's
// zero is right over IPv4 and wrong over IPv6 (RFC 8200 §8.1). What cannot be
// computed counts as right: in fragments, in packets cut short, under a source
// route of unknown kind.
func VerifyChecksums(b []byte, l *Layout) error {
	if l.stale(b) {
		return nil
	}
	if l.Present(IP) {
		if err := l.verify(b, l.coverIP(b)); err != nil {
			return err
		}
	}
	if h := l.l4(); h != NumHeaders {
		return l.verify(b, l.coverL4(b, h))
	}
	return nil
}

// verify checks the checksum of c.
func (l *Layout) verify(b []byte, c covered) error {
	got := be16(b, c.at)
	switch {
	case !c.whole:
		return nil
	case c.header == UDP && got == 0:
		if l.Present(IP) {
			return nil
		}
	case c.sum(b) == 0xffff:
		return nil
	}
	return &ChecksumError{c.header, got, c.right(b)}
}

// FixChecksums computes the IPv4 header checksum and the one above it of
// packet b, whose layout is l, anew. UDP's zero over IPv4 stays. What cannot be
// computed is left alone, as in VerifyChecksums. It does not allocate.
func FixChecksums(b []byte, l *Layout) {
	if l.stale(b) {
		return
	}
	if l.Present(IP) {
		c := l.coverIP(b)
		binary.BigEndian.PutUint16(b[c.at:], c.right(b))
	}
	h := l.l4()
	if h == NumHeaders {
		return
	}
	if h == UDP && l.Present(IP) && be16(b, int(l.sum)) == 0 {
		return
	}
	if c := l.coverL4(b, h); c.whole {
		binary.BigEndian.PutUint16(b[c.at:], c.right(b))
	}
}

// CompletePartial computes the TCP or UDP checksum of packet b, whose layout is
// l, if the sender's kernel left that to its network card, and reports whether
// it did. Such a packet, which veth delivers as it is, has only the sum of the
// pseudo-header in its checksum field (CHECKSUM_PARTIAL in the kernel's
// include/linux/skbuff.h) (P17). Call it before fields are assigned: they
// update the field as a checksum, which it is not yet. The payload is looked
// at only when there is work to do. It does not allocate.
func CompletePartial(b []byte, l *Layout) bool {
	if l.Has&(1<<TCP|1<<UDP) == 0 || l.stale(b) {
		return false
	}
	h := l.l4()
	sum, _ := l.pseudo(b, l.segmentLen(b, h))
	if be16(b, int(l.sum)) != carry(sum) {
		return false
	}
	c := l.coverL4(b, h)
	if !c.whole {
		return false
	}
	binary.BigEndian.PutUint16(b[c.at:], c.right(b))
	return true
}
