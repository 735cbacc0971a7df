// SPDX-License-Identifier: GPL-3.0-or-later

package packet

import "slices"

// Twins: slow, plain versions of the fast paths, written from the RFCs without
// looking at them. The tests hold the one against the other.

// number reads n bytes at off as a number; ok is false when b ends before.
func number(b []byte, off, n int) (v int, ok bool) {
	if off < 0 || off+n > len(b) {
		return 0, false
	}
	for _, x := range b[off : off+n] {
		v = v*256 + int(x)
	}
	return v, true
}

// twinWalk is the twin of Walk.
func twinWalk(b []byte) Layout {
	var l Layout
	place := func(h HeaderID, off int) {
		l.Has |= 1 << h
		l.Off[h] = uint16(off)
	}
	at := 14 // where the walk stands
	end := len(b)
	finish := func() Layout {
		l.from, l.to, l.NetEnd = uint16(min(at, end)), uint16(end), uint16(end)
		return l
	}
	typ, ok := number(b, 12, 2)
	if !ok {
		at = 0
		return finish()
	}
	place(Eth, 0)
	for _, h := range []HeaderID{VLAN, VLAN2} {
		if typ != 0x8100 && typ != 0x88a8 {
			break
		}
		next, ok := number(b, at+2, 2)
		if !ok {
			return finish()
		}
		place(h, at)
		typ = next
		at += 4
	}
	switch {
	case typ == 0x0806:
		if len(b) >= at+28 && slices.Equal(b[at:at+6], []byte{0, 1, 8, 0, 6, 4}) {
			place(ARP, at)
			at += 28
			end = at
		}
		return finish()
	case typ < 0x600:
		end = min(end, at+typ)
		return finish()
	case typ == 0x0800:
		first, ok1 := number(b, at, 1)
		total, ok2 := number(b, at+2, 2)
		frag, ok3 := number(b, at+6, 2)
		proto, ok4 := number(b, at+9, 1)
		ihl := first % 16 * 4
		_, ok5 := number(b, at+19, 1)
		if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || first/16 != 4 || ihl < 20 || total < ihl || at+ihl > len(b) {
			return finish()
		}
		place(IP, at)
		l.Proto = uint8(proto)
		end = min(end, at+total)
		if at+total > len(b) {
			l.Facts |= Truncated
		}
		for _, o := range twinOptions(b[at+20:at+ihl], at+20) {
			kind, length, pointer := o.bytes[0], len(o.bytes), 0
			if length >= 7 {
				pointer = int(o.bytes[2])
			}
			if (kind == 131 || kind == 137) && length >= 7 && pointer <= length-3 {
				l.Facts |= Routed
				l.Routing = uint16(o.off)
				break
			}
		}
		at += ihl
		if frag&0x3fff != 0 {
			l.Facts |= Fragmented
		}
		if frag&0x1fff != 0 {
			l.Facts |= LaterFragment
			return finish()
		}
	case typ == 0x86dd:
		if len(b) < at+40 || b[at]/16 != 6 {
			return finish()
		}
		place(IP6, at)
		length, _ := number(b, at+4, 2)
		l.Proto = b[at+6]
		at += 40
		end = min(end, at+length)
		if at+length > len(b) {
			l.Facts |= Truncated
		}
		for n := 0; slices.Contains([]uint8{0, 43, 44, 51, 60, 135, 139, 140}, l.Proto); n++ {
			length := 8
			if at+8 <= end {
				switch l.Proto {
				case 44:
				case 51:
					length = (int(b[at+1]) + 2) * 4
				default:
					length = (int(b[at+1]) + 1) * 8
				}
			}
			fragment := l.Proto == 44 && at+8 <= end
			if fragment && n < 8 && l.FragHeader == 0 {
				l.FragHeader = uint16(at)
			}
			if n == 8 || at+length > end || l.Proto == 0 && n > 0 {
				l.Facts |= ChainCut
				return finish()
			}
			later := false
			if fragment {
				word, _ := number(b, at+2, 2)
				later = word/8 != 0
				if later || word%2 != 0 {
					l.Facts |= Fragmented
				}
			}
			if l.Proto == 43 && b[at+3] > 0 {
				l.Facts |= Routed
				l.Routing = uint16(at)
			}
			l.Proto = b[at]
			at += length
			if later {
				l.Facts |= LaterFragment
				return finish()
			}
		}
	default:
		return finish()
	}
	segment := b[:end]
	switch {
	case l.Proto == 17 && len(segment) >= at+8:
		place(UDP, at)
		l.sum = uint16(at + 6)
		length, _ := number(b, at+4, 2)
		l.from, l.to, l.NetEnd = uint16(at+8), uint16(end), uint16(end)
		if length >= 8 {
			l.to = uint16(min(end, at+length))
		}
		return l
	case l.Proto == 6 && len(segment) >= at+20:
		doff := int(b[at+12]/16) * 4
		if doff < 20 || at+doff > end {
			break
		}
		place(TCP, at)
		l.sum = uint16(at + 16)
		at += doff
	case (l.Proto == 1 && l.Present(IP) || l.Proto == 58 && l.Present(IP6)) && len(segment) >= at+8:
		h := ICMP
		if l.Present(IP6) {
			h = ICMP6
		}
		place(h, at)
		l.sum = uint16(at + 2)
		at += 8
	}
	return finish()
}

// An option is one of IPv4 or TCP: its bytes, and where they are.
type option struct {
	off   int
	bytes []byte
}

// twinOptions takes IPv4 or TCP options apart, as far as they are well-formed.
func twinOptions(p []byte, off int) (all []option) {
	for len(p) > 0 && p[0] != 0 {
		n := 1
		if p[0] != 1 {
			if len(p) < 2 || p[1] < 2 || int(p[1]) > len(p) {
				return all
			}
			n = int(p[1])
		}
		all = append(all, option{off, p[:n]})
		p, off = p[n:], off+n
	}
	return all
}

// twinNDOptions takes the options of a neighbour discovery message apart. m is
// the message, at off.
func twinNDOptions(m []byte, off int) (all []option) {
	skip, ok := map[byte]int{133: 8, 134: 16, 135: 24, 136: 24, 137: 40}[m[0]]
	if !ok {
		return nil
	}
	for at := skip; at+8 <= len(m) && len(all) < 32; {
		n := int(m[at+1]) * 8
		if n == 0 {
			return all
		}
		all = append(all, option{off + at, m[at:min(at+n, len(m))]})
		at += n
	}
	return all
}

// twinFind gives the bit position of f in packet b; ok is false when the packet
// does not have it. It does not know Derived fields and SACK-permitted.
func twinFind(f *Field, b []byte) (bit int, ok bool) {
	l := twinWalk(b)
	if l.Has&(1<<f.Header) == 0 {
		return 0, false
	}
	off := int(l.Off[f.Header])
	segment := b[off:l.NetEnd]
	switch f.Locate {
	case Advert:
		ok = segment[0] == 136
	case Target:
		ok = slices.Contains([]byte{135, 136, 137}, segment[0]) && len(segment) >= 24
	case NDOption:
		for _, o := range twinNDOptions(segment, off) {
			if o.bytes[0] == f.Option && o.bytes[1] == 1 {
				off, ok = o.off, true
				break
			}
		}
	case TCPOption:
		lengths := map[byte]int{2: 4, 3: 3, 4: 2, 8: 10}
		for _, o := range twinOptions(segment[20:segment[12]/16*4], off+20) {
			if o.bytes[0] == f.Option && len(o.bytes) == lengths[f.Option] {
				off, ok = o.off, true
				break
			}
		}
	case Fragment:
		off, ok = int(l.FragHeader), l.FragHeader != 0
	case Fixed:
		ok = true
	}
	return off*8 + int(f.BitOffset), ok
}

// twinUint is the twin of Uint.
func twinUint(f *Field, b []byte) (v uint64, ok bool) {
	l := twinWalk(b)
	switch {
	case f.Kind == IPv6 || f.Kind == Bytes || l.Has&(1<<f.Header) == 0:
		return 0, false
	case f.Name == "proto" && f.Header == IP6:
		return uint64(l.Proto), l.Facts&ChainCut == 0
	case f.Name == "sack_ok":
		if _, ok := twinFind(f, b); ok {
			return 1, true
		}
		return 0, true
	}
	bit, ok := twinFind(f, b)
	if !ok {
		return 0, false
	}
	for i := range int(f.Width) {
		v = v<<1 | uint64(b[(bit+i)/8]>>(7-(bit+i)%8)&1)
	}
	return v, true
}

// twinSum is the one's complement sum of the words of the parts put together,
// as a number from 0 to 0xffff. It is 0 only if all is.
func twinSum(parts ...[]byte) int {
	all := slices.Concat(parts...)
	sum := 0
	for i, x := range all {
		if i%2 == 0 {
			sum += int(x) * 256
		} else {
			sum += int(x)
		}
		for sum > 0xffff {
			sum -= 0xffff
		}
	}
	return sum
}
