// SPDX-License-Identifier: GPL-3.0-or-later

package packet

import "encoding/binary"

// SetUint assigns a field of at most 48 bits in packet b, whose layout is l,
// and updates the checksums that cover it by the difference (RFC 1624,
// equation 3): a correct one stays correct, a wrong one stays wrong, UDP's
// zero stays zero. A Structural field walks l again. On an error, a
// *FieldError, nothing has been written. It does not allocate when it succeeds.
func (f *Field) SetUint(b []byte, l *Layout, v uint64) error {
	if l.Has>>(f.Header&15)&1 == 0 || f.slow || v > f.max {
		return f.setElsewhere(b, l, v)
	}
	off := int(l.Off[f.Header]) + int(f.byteOff)
	old, ok := load(b, off, f.size)
	if !ok {
		return f.refuseUint(b, l, v)
	}
	x := old&^(f.mask<<(f.shift&63)) | v<<(f.shift&63)
	if x == old {
		return nil
	}
	store(b, off, f.size, x)
	if f.Sum != SumNone {
		// Equation 3 needs the sum of the new words and of the complements
		// of the old ones.
		d := words(x<<(f.sumShift&63)) + words(old<<(f.sumShift&63)^f.ones)
		l.adjust(b, f.Sum, f.except, d)
	}
	return nil
}

// setElsewhere is SetUint for all that needs more than a store and an update
// of checksums by it, errors included.
func (f *Field) setElsewhere(b []byte, l *Layout, v uint64) error {
	if f.ReadOnly || v > f.max {
		return f.refuseUint(b, l, v)
	}
	off, ok := f.locate(b, l)
	switch {
	case f.Locate == NDOption:
		return f.setLinkAddress(b, l, off, ok, v)
	case !ok || f.size == 0:
		return f.refuseUint(b, l, v)
	}
	old, _ := load(b, off, f.size)
	x := old&^(f.mask<<f.shift) | v<<f.shift
	if x == old {
		return nil
	}
	if f.Structural {
		f.restructure(b, l, off, x)
		return nil
	}
	p, odd := b[off:off+int(f.size)], (off-int(l.Off[f.Header]))&1 != 0
	before := partial(p, odd)
	store(b, off, f.size, x)
	l.adjust(b, f.Sum, f.except, before^0xffff+partial(p, odd))
	return nil
}

// setLinkAddress is SetUint for the address in an ND option, which locate has
// found at off if it is there. If it is not, the first link-layer address
// option of the other type becomes one of this type.
func (f *Field) setLinkAddress(b []byte, l *Layout, off int, ok bool, v uint64) error {
	off -= int(f.byteOff)
	if !ok {
		if off = l.ndOption(b, 0); off == 0 {
			return f.absent(b, l)
		}
	}
	p := b[off : off+8]
	before := sum16(p)
	p[0] = f.Option
	store(p, int(f.byteOff), f.size, v)
	if after := sum16(p); after != before {
		l.adjust(b, f.Sum, f.except, before^0xffff+after)
	}
	return nil
}

// restructure stores the word x of a Structural field at off, walks l again
// and puts those checksums right whose headers are still in their place.
func (f *Field) restructure(b []byte, l *Layout, off int, x uint64) {
	if l.stale(b) {
		store(b, off, f.size, x)
		l.Walk(b)
		return
	}
	old := *l
	ip, l4 := old.sums(b, f.Sum)
	store(b, off, f.size, x)
	l.Walk(b)
	ipNow, l4Now := l.sums(b, f.Sum)
	if ip.known && ipNow.known && ip.sum != ipNow.sum {
		l.patchIP(b, ip.sum^0xffff+ipNow.sum)
	}
	// The checksum of a fragment covers bytes of other packets, so that the
	// length of this one says nothing about it.
	if f.Sum&SumL4 == 0 && (old.has(Fragmented) || l.has(Fragmented)) {
		return
	}
	if l4.known && l4Now.known && l4.at == l4Now.at && l4.sum != l4Now.sum {
		l.patchL4(b, l4.sum^0xffff+l4Now.sum)
	}
}

// A summed is what a checksum covers, and its sum.
type summed struct {
	covered
	sum uint64
}

// sums gives what the checksums in the set sum cover, as far as it is in packet
// b, the checksums included; not known if there is no such checksum. The packet
// is not stale.
func (l *Layout) sums(b []byte, sum Sum) (ip, l4 summed) {
	if sum&SumIP != 0 && l.Present(IP) {
		ip.covered = l.coverIP(b)
		ip.sum = ip.covered.sum(b)
	}
	if h := l.l4(); sum&(SumL4|SumPseudo) != 0 && h != NumHeaders {
		l4.covered = l.coverL4(b, h)
		l4.sum = l4.covered.sum(b)
	}
	return ip, l4
}

// refuseUint finds the reason why v can't be assigned to f.
func (f *Field) refuseUint(b []byte, l *Layout, v uint64) error {
	switch {
	case f.ReadOnly:
		return f.refuse(ErrReadOnly, "it follows from the rest of the packet")
	case f.max == 0:
		return f.refuse(ErrKind, "it takes 16 bytes")
	case v > f.max:
		return f.refuse(ErrRange, "%d is not in 0 to %d", v, f.max)
	}
	return f.absent(b, l)
}

// SetBytes assigns a field of kind IPv6, which takes 16 bytes, in packet b,
// whose layout is l, and updates the checksums that cover it as SetUint does.
// p may overlap with b. On an error, a *FieldError, nothing has been written.
// It does not allocate when it succeeds.
func (f *Field) SetBytes(b []byte, l *Layout, p []byte) error {
	switch {
	case f.ReadOnly:
		return f.refuse(ErrReadOnly, "it follows from the rest of the packet")
	case f.Kind != IPv6:
		return f.refuse(ErrKind, "it takes a number")
	case len(p) != 16:
		return f.refuse(ErrRange, "%d bytes, it takes 16", len(p))
	}
	off, ok := f.locate(b, l)
	if !ok {
		return f.absent(b, l)
	}
	dst := b[off : off+16]
	before := sum16(dst)
	copy(dst, p)
	if after := sum16(dst); after != before {
		l.adjust(b, f.Sum, f.except, before^0xffff+after)
	}
	return nil
}

// store writes the low size bytes of x at off in network byte order; load has
// found them inside b.
func store(b []byte, off int, size uint8, x uint64) {
	p := b[off:]
	switch size {
	case 2:
		binary.BigEndian.PutUint16(p, uint16(x))
	case 1:
		p[0] = byte(x)
	case 4:
		binary.BigEndian.PutUint32(p, uint32(x))
	case 6:
		binary.BigEndian.PutUint32(p, uint32(x>>16))
		binary.BigEndian.PutUint16(p[4:], uint16(x))
	}
}
