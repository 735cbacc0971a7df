// SPDX-License-Identifier: GPL-3.0-or-later

package packet

import "encoding/binary"

// Uint reads a field of at most 48 bits from packet b, whose layout is l. It
// reports false when the packet does not have the field, and for fields of
// kind IPv6 and Bytes. It does not allocate.
func (f *Field) Uint(b []byte, l *Layout) (v uint64, ok bool) {
	if l.Has>>(f.Header&15)&1 == 0 || f.Locate != Fixed {
		return f.uintElsewhere(b, l)
	}
	off := int(l.Off[f.Header]) + int(f.byteOff)
	x, ok := load(b, off, f.size)
	return x >> (f.shift & 63) & f.mask, ok
}

// uintElsewhere is Uint for fields that are absent or not at a fixed place.
func (f *Field) uintElsewhere(b []byte, l *Layout) (v uint64, ok bool) {
	if !l.Present(f.Header) || f.max == 0 {
		return 0, false
	}
	switch {
	case f.Locate == Derived:
		return uint64(l.Proto), !l.has(ChainCut)
	case f.Option == tcpSackOK && f.Locate == TCPOption:
		if l.tcpOption(b, tcpSackOK) != 0 {
			return 1, true
		}
		return 0, true
	}
	off, ok := f.locate(b, l)
	if !ok {
		return 0, false
	}
	x, ok := load(b, off, f.size)
	return x >> (f.shift & 63) & f.mask, ok
}

// load reads size bytes at off in network byte order; false when they are not
// all in b, or size is none of 1, 2, 4 and 6.
func load(b []byte, off int, size uint8) (x uint64, ok bool) {
	if uint(off)+uint(size) > uint(len(b)) {
		return 0, false
	}
	p := b[off:]
	switch size {
	case 2:
		return uint64(binary.BigEndian.Uint16(p)), true
	case 1:
		return uint64(p[0]), true
	case 4:
		return uint64(binary.BigEndian.Uint32(p)), true
	case 6:
		return uint64(binary.BigEndian.Uint32(p))<<16 | uint64(binary.BigEndian.Uint16(p[4:])), true
	}
	return 0, false
}

// Bytes gives a field of kind IPv6 or Bytes as a part of packet b, whose
// layout is l; its capacity ends with it. It reports false when the packet
// does not have the field, and for fields of other kinds. It does not
// allocate.
func (f *Field) Bytes(b []byte, l *Layout) (p []byte, ok bool) {
	switch {
	case !l.Present(f.Header):
		return nil, false
	case f.Locate == Trailing:
		from := int(l.Off[f.Header]) + int(f.BitOffset/8)
		to := int(l.Off[f.Header]) + headerLen(b, l, f.Header)
		if from > to || to > len(b) {
			return nil, false
		}
		return b[from:to:to], true
	case f.Kind != IPv6:
		return nil, false
	}
	off, ok := f.locate(b, l)
	if !ok {
		return nil, false
	}
	return b[off : off+16 : off+16], true
}

// headerLen gives the length that header h, ip or tcp, says it has; 0 when the
// byte that says so is not in b.
func headerLen(b []byte, l *Layout, h HeaderID) int {
	off := int(l.Off[h])
	switch {
	case h == IP && off < len(b):
		return int(b[off]&15) * 4
	case h == TCP && off+12 < len(b):
		return int(b[off+12]>>4) * 4
	}
	return 0
}
