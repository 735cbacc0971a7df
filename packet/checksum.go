// SPDX-License-Identifier: GPL-3.0-or-later

package packet

import (
	"encoding/binary"
	"math/bits"
)

// Checksum is the Internet checksum of b (RFC 1071), ready to be stored in
// network byte order. initial is the sum of 16-bit words that belong to it and
// come before b, such as a pseudo-header; they need not be folded. A last odd
// byte counts as the high one of a word. It does not allocate.
func Checksum(b []byte, initial uint32) uint16 {
	return ^fold(uint64(initial) + sum16(b))
}

// fold adds the carries of a sum of 16-bit words until it is one.
func fold(x uint64) uint16 {
	x = x>>32 + x&0xffffffff
	x = x>>32 + x&0xffffffff
	x = x>>16 + x&0xffff
	x = x>>16 + x&0xffff
	return uint16(x>>16 + x)
}

// carry is fold for sums below 2^31, which a few words make.
func carry(x uint64) uint16 {
	x = x>>16 + x&0xffff
	return uint16(x>>16 + x)
}

// words adds the 16-bit words of a value of at most 48 bits.
func words(x uint64) uint64 { return x>>32 + x>>16&0xffff + x&0xffff }

// sum16 is the one's complement sum of the big-endian 16-bit words of b,
// folded to 16 bits. It is 0 only if all bytes are.
//
// The sum is the same in either byte order but for a swap at the end (RFC
// 1071 §2(B)), so it is taken eight bytes a step in the order that costs no
// swap each time.
func sum16(b []byte) uint64 {
	var s, c uint64
	for len(b) >= 32 {
		s, c = bits.Add64(s, binary.LittleEndian.Uint64(b), c)
		s, c = bits.Add64(s, binary.LittleEndian.Uint64(b[8:]), c)
		s, c = bits.Add64(s, binary.LittleEndian.Uint64(b[16:]), c)
		s, c = bits.Add64(s, binary.LittleEndian.Uint64(b[24:]), c)
		b = b[32:]
	}
	for len(b) >= 8 {
		s, c = bits.Add64(s, binary.LittleEndian.Uint64(b), c)
		b = b[8:]
	}
	var tail uint64
	if len(b) >= 4 {
		tail = uint64(binary.LittleEndian.Uint32(b))
		b = b[4:]
	}
	var last uint64
	if len(b) >= 2 {
		last = uint64(binary.LittleEndian.Uint16(b))
		b = b[2:]
	}
	if len(b) == 1 {
		last += uint64(b[0])
	}
	s, c = bits.Add64(s, tail+last, c) // which is small, so s+c does not wrap
	return uint64(bits.ReverseBytes16(fold(s + c)))
}

// partial is the sum of b as it counts in a sum of words that b begins an odd
// number of bytes into, if odd.
func partial(b []byte, odd bool) uint64 {
	s := sum16(b)
	if odd {
		s = uint64(bits.ReverseBytes16(uint16(s)))
	}
	return s
}
