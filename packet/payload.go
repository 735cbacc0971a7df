// SPDX-License-Identifier: GPL-3.0-or-later

package packet

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Reasons why a payload can't be replaced.
var (
	// ErrFragment: the packet is a fragment. Its lengths and its checksum
	// belong to a datagram of which it is a part.
	ErrFragment = errors.New("the packet is a fragment, whose checksum and place are those of the whole datagram")
	// ErrRoom: the packet's slice has not enough capacity.
	ErrRoom = errors.New("the packet's buffer has not enough room")
)

// max8023 is the largest length in the type field of an IEEE 802.3 frame, in
// bytes (IEEE 802.3, clause 3.2.6).
const max8023 = 1500

// CheckPayload reports why the payload of packet b, whose layout is l, can't be
// replaced by n bytes; nil if it can, given the room. The error is ErrFragment
// or says what is too long.
func CheckPayload(b []byte, l *Layout, n int) error {
	from, _ := l.Payload()
	switch {
	case l.has(Fragmented):
		return ErrFragment
	case from+n > maxLen:
		return fmt.Errorf("%w: %d bytes; at most %d are allowed", ErrTooLong, from+n, maxLen)
	case l.lengthType(b) != 0 && n > max8023: // such a frame has no declared header
		return fmt.Errorf("%w of IEEE 802.3: a payload of %d bytes; at most %d are allowed", ErrTooLong, n, max8023)
	}
	return nil
}

// SetPayload replaces what follows the last known header of packet b, whose
// layout is l, by p and returns the packet, which has b's memory and its new
// length: padding and all else behind the old payload is gone. The lengths in
// the headers are those of the new packet, l is walked again, and the checksums
// of the headers are computed anew as FixChecksums does, so that UDP's zero over IPv4 stays.
// On an error nothing has been written; it is one of CheckPayload, or ErrRoom
// if b's capacity does not suffice. It does not allocate when it succeeds.
func SetPayload[T string | []byte](b []byte, l *Layout, p T) ([]byte, error) {
	if err := CheckPayload(b, l, len(p)); err != nil {
		return b, err
	}
	from, _ := l.Payload()
	if from > len(b) || from+len(p) > cap(b) {
		return b, ErrRoom
	}
	b = b[:from+len(p)]
	copy(b[from:], p)
	l.fitLengths(b)
	had := l.Has
	l.Walk(b)
	// Where a header was cut short the payload may begin with a whole one. Its
	// checksum is the caller's.
	known := *l
	known.Has &= had
	FixChecksums(b, &known)
	return b, nil
}

// fitLengths writes the lengths of a packet that ends with b.
func (l *Layout) fitLengths(b []byte) {
	put := func(at, n int) { binary.BigEndian.PutUint16(b[at:], uint16(n)) }
	if at := l.lengthType(b); at != 0 {
		put(at, len(b)-int(l.from))
	}
	if l.Present(IP) {
		off := int(l.Off[IP])
		put(off+2, len(b)-off)
	}
	if l.Present(IP6) {
		off := int(l.Off[IP6])
		put(off+4, len(b)-off-ip6Len)
	}
	if l.Present(UDP) {
		off := int(l.Off[UDP])
		put(off+4, len(b)-off)
	}
}

// lengthType gives the offset of a type field that is the length of an IEEE
// 802.3 frame, 0 if there is none.
func (l *Layout) lengthType(b []byte) int {
	const above = 1<<ARP | 1<<IP | 1<<IP6
	from := int(l.from)
	if !l.Present(Eth) || l.Has&above != 0 || from > len(b) || be16(b, from-2) >= minType {
		return 0
	}
	return from - 2
}
