// SPDX-License-Identifier: GPL-3.0-or-later

package packet

import "fmt"

// ProtocolError says which assignment to a declared header failed and why.
type ProtocolError struct {
	Field  *ProtocolField
	Reason error  // ErrAbsent, ErrRange or ErrKind
	Detail string // what would do
}

// Error gives "myproto.ver: out of range: 16 is not in 0 to 15".
func (e *ProtocolError) Error() string {
	return e.Field.String() + ": " + e.Reason.Error() + ": " + e.Detail
}

// Unwrap gives the reason.
func (e *ProtocolError) Unwrap() error { return e.Reason }

// refuse makes the error of an assignment to f.
func (f *ProtocolField) refuse(reason error, format string, args ...any) error {
	return &ProtocolError{f, reason, fmt.Sprintf(format, args...)}
}

// SetUint assigns a number in packet b, whose layout is l, and updates the
// checksum of the UDP or TCP segment that carries it by the difference, as that
// of Field does. A number that counts the bytes of others moves what comes
// after them, so l is walked again. On an error, a *ProtocolError, nothing has
// been written. It does not allocate when it succeeds.
func (f *ProtocolField) SetUint(b []byte, l *Layout, v uint64) error {
	off, n, ok := f.locate(b, l)
	switch {
	case f.Kind == Bytes:
		return f.refuse(ErrKind, "it takes bytes")
	case v > f.max():
		return f.refuse(ErrRange, "%d is not in 0 to %d", v, f.max())
	case !ok:
		return f.refuse(ErrAbsent, "it has no %s header", f.Protocol.Name)
	}
	p := b[off : off+n]
	odd := l.oddWord(off)
	before := partial(p, odd)
	f.put(p, v)
	if after := partial(p, odd); after != before {
		l.adjust(b, SumL4, 0, before^0xffff+after)
	}
	if f.counts {
		l.Walk(b)
	}
	return nil
}

// oddWord reports whether the byte at off is the second one of a word of the
// checksum above IP.
func (l *Layout) oddWord(off int) bool {
	h := l.l4()
	return h != NumHeaders && (off-int(l.Off[h]))&1 != 0
}

// SetBytes assigns a field of kind Bytes in packet b, whose layout is l, if its
// length stays as it is, and updates the checksum as SetUint does. p may not
// overlap with b. On an error, a *ProtocolError, nothing has been written. It
// does not allocate when it succeeds.
func (f *ProtocolField) SetBytes(b []byte, l *Layout, p []byte) error {
	if f.Kind != Bytes {
		return f.refuse(ErrKind, "it takes a number")
	}
	off, n, ok := f.locate(b, l)
	switch {
	case !ok:
		return f.refuse(ErrAbsent, "it has no %s header", f.Protocol.Name)
	case len(p) != n:
		return f.refuse(ErrRange, "%d bytes, it takes %d", len(p), n)
	}
	dst, odd := b[off:off+n], l.oddWord(off)
	before := partial(dst, odd)
	copy(dst, p)
	if after := partial(dst, odd); after != before {
		l.adjust(b, SumL4, 0, before^0xffff+after)
	}
	return nil
}

// Replace appends to dst what follows the last header of the table in packet
// b, whose layout is l, with p in the place of field f of kind Bytes, whose
// length changes, and the number that counts it put right. b itself is left
// alone: the caller makes the result its payload. The error is a
// *ProtocolError.
func (f *ProtocolField) Replace(dst, b []byte, l *Layout, p []byte) ([]byte, error) {
	off, n, ok := f.locate(b, l)
	switch {
	case f.Kind != Bytes:
		return dst, f.refuse(ErrKind, "it takes a number")
	case !ok:
		return dst, f.refuse(ErrAbsent, "it has no %s header", f.Protocol.Name)
	}
	if err := f.checkLength(len(p)); err != nil {
		return dst, err
	}
	start := len(dst)
	at, end := int(l.AboveAt), int(l.to)
	dst = append(dst, b[at:off]...)
	dst = append(dst, p...)
	dst = append(dst, b[off+n:end]...)
	c := f.Count
	if c == nil {
		return dst, nil
	}
	// The count comes before the bytes, so it is where it was.
	cOff, cLen, _ := c.locate(b, l)
	cOff += start - at
	c.put(dst[cOff:cOff+cLen], uint64(len(p)))
	for _, other := range f.Protocol.counted {
		if other == f || other.Count != c {
			continue
		}
		if _, m, _ := other.locate(b, l); m != len(p) {
			return dst[:start], f.refuse(ErrRange, "%d bytes, but %s, which %s counts as well, has %d", len(p), other.Name, c.Name, m)
		}
	}
	return dst, nil
}

// checkLength reports why a field of kind Bytes can't have n bytes.
func (f *ProtocolField) checkLength(n int) error {
	switch {
	case f.Rest:
	case f.Count != nil:
		if most := f.Count.max(); uint64(n) > most {
			return f.refuse(ErrRange, "%d bytes, but %s counts them, in %d bits: at most %d", n, f.Count.Name, f.Count.Width, most)
		}
	case n != f.Size:
		return f.refuse(ErrRange, "%d bytes, it takes %d", n, f.Size)
	}
	return nil
}
