// SPDX-License-Identifier: GPL-3.0-or-later

package packet

// length gives how long the header is that b begins with, in bytes; false if
// not all of it is in b.
func (p *Protocol) length(b []byte) (n int, ok bool) {
	n, ok = p.grown(b, len(p.counted))
	n += p.size
	return n, ok && n <= len(b)
}

// grown adds up how long the first k counted fields are in the header that b
// begins with; false if that is more than b has.
func (p *Protocol) grown(b []byte, k int) (n int, ok bool) {
	if k == 0 {
		return 0, true
	}
	var sums [maxCounted + 1]int // what those before each of them add up to
	for i, f := range p.counted[:k] {
		if f.Rest {
			sums[i+1] = max(len(b)-p.size, sums[i])
			continue
		}
		v, ok := f.Count.load(b, f.Count.bit/8+sums[f.Count.before])
		if !ok || v > uint64(len(b)) {
			return 0, false
		}
		sums[i+1] = sums[i] + int(v)
	}
	return sums[k], sums[k] <= len(b)
}

// load reads the number that begins at byte off of b; false if it is not all
// in b.
func (f *ProtocolField) load(b []byte, off int) (v uint64, ok bool) {
	if uint(off)+uint(f.bytes()) > uint(len(b)) {
		return 0, false
	}
	return f.get(b[off : off+f.bytes()]), true
}

// get gives the number in the bytes p that it lies in.
func (f *ProtocolField) get(p []byte) uint64 {
	var x uint64
	if f.LittleEndian {
		for i := len(p) - 1; i >= 0; i-- {
			x = x<<8 | uint64(p[i])
		}
		return x
	}
	for _, c := range p {
		x = x<<8 | uint64(c)
	}
	return x >> f.shift & f.max()
}

// put writes the number v into the bytes p that it lies in.
func (f *ProtocolField) put(p []byte, v uint64) {
	if f.LittleEndian {
		for i := range p {
			p[i] = byte(v >> (8 * i))
		}
		return
	}
	mask := f.max() << f.shift
	v <<= f.shift
	for i := len(p) - 1; i >= 0; i-- {
		p[i] = p[i]&^byte(mask) | byte(v)
		mask, v = mask>>8, v>>8
	}
}

// locate gives where a field is in packet b, whose layout is l, and how many
// bytes it lies in; false if the packet does not have it.
func (f *ProtocolField) locate(b []byte, l *Layout) (off, n int, ok bool) {
	if l.Above != f.Protocol || f.Protocol == nil || int(l.to) > len(b) {
		return 0, 0, false
	}
	header := b[l.AboveAt:l.to]
	off, ok = f.Protocol.grown(header, f.before)
	if !ok {
		return 0, 0, false
	}
	off += f.bit / 8
	switch {
	case f.Kind != Bytes:
		n = f.bytes()
	case f.Rest:
		n = len(header) - off
	case f.Count != nil:
		after, ok := f.Protocol.grown(header, f.before+1)
		if !ok {
			return 0, 0, false
		}
		before, _ := f.Protocol.grown(header, f.before)
		n = after - before
	default:
		n = f.Size
	}
	return int(l.AboveAt) + off, n, n >= 0 && off+n <= len(header)
}

// Uint reads a number from packet b, whose layout is l. It reports false when
// the packet does not have the header, and for fields of kind Bytes. It does
// not allocate.
func (f *ProtocolField) Uint(b []byte, l *Layout) (v uint64, ok bool) {
	if f.Kind == Bytes {
		return 0, false
	}
	off, n, ok := f.locate(b, l)
	if !ok {
		return 0, false
	}
	return f.get(b[off : off+n]), true
}

// Bytes gives a field of kind Bytes as a part of packet b, whose layout is l;
// its capacity ends with it. It reports false when the packet does not have the
// header, and for fields of other kinds. It does not allocate.
func (f *ProtocolField) Bytes(b []byte, l *Layout) (p []byte, ok bool) {
	if f.Kind != Bytes {
		return nil, false
	}
	off, n, ok := f.locate(b, l)
	if !ok {
		return nil, false
	}
	return b[off : off+n : off+n], true
}
