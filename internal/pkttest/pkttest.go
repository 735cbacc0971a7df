// SPDX-License-Identifier: GPL-3.0-or-later

// Package pkttest makes well-formed packets for tests, with right lengths and
// checksums. It shares no code with package packet, so that the one can be
// held against the other.
//
// Each function takes Options, whose zero value will do, and returns a frame
// of its own whose capacity is its length.
package pkttest

import (
	"cmp"
	"encoding/binary"
	"net/netip"
)

// Options says what is in a packet. A zero field means the default in its
// comment; a function ignores the fields that its packet has no place for.
type Options struct {
	SrcMAC, DstMAC   [6]byte    // 02:00:00:00:00:01 and 02:00:00:00:00:02
	Src, Dst         netip.Addr // 10.0.0.4 and 10.0.0.5, or 2001:db8::1 and 2001:db8::2
	SrcPort, DstPort uint16     // 1234 and 7
	ID, Seq          uint16     // of echo messages: 77 and 1; ID also of IP fragments
	TTL              uint8      // or hop limit: 64, 255 for neighbour discovery
	Payload          []byte     // "ping"; a slice of no bytes, not nil, for none
	// Tags are VLAN tag control words, outermost first. With two or more the
	// first is an 802.1ad tag, the others are 802.1Q.
	Tags      []uint16
	IPOptions []byte // of IPv4, padded with zeros to a multiple of 4; none
	// TCPOptions are padded likewise; a SYN's default is what Linux sends.
	TCPOptions []byte
	// Extensions are the IPv6 extension headers, in order; none.
	Extensions []Extension
	// NoChecksum leaves a UDP checksum 0.
	NoChecksum bool
	// PadTo is the least length of the frame; zeros fill it up. 0
	PadTo int
}

// Extension is an IPv6 extension header: its number and its bytes, of which
// the first, the next header, is filled in.
type Extension struct {
	Number uint8
	Bytes  []byte
}

// Default addresses.
var (
	mac1 = [6]byte{2, 0, 0, 0, 0, 1}
	mac2 = [6]byte{2, 0, 0, 0, 0, 2}
	src4 = netip.MustParseAddr("10.0.0.4")
	dst4 = netip.MustParseAddr("10.0.0.5")
	src6 = netip.MustParseAddr("2001:db8::1")
	dst6 = netip.MustParseAddr("2001:db8::2")
)

// synOptions are MSS 1460, SACK permitted, timestamps 1 and 0, window scale 7.
var synOptions = []byte{2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7}

// fill puts the defaults in, with addresses of the version.
func (o Options) fill(version int) Options {
	src, dst := src4, dst4
	if version == 6 {
		src, dst = src6, dst6
	}
	o.SrcMAC, o.DstMAC = or(o.SrcMAC, mac1), or(o.DstMAC, mac2)
	o.Src, o.Dst = or(o.Src, src), or(o.Dst, dst)
	o.SrcPort, o.DstPort = cmp.Or(o.SrcPort, 1234), cmp.Or(o.DstPort, 7)
	o.ID, o.Seq = cmp.Or(o.ID, 77), cmp.Or(o.Seq, 1)
	o.TTL = cmp.Or(o.TTL, 64)
	if o.Payload == nil {
		o.Payload = []byte("ping")
	}
	return o
}

// or gives v, or d when v is zero.
func or[T comparable](v, d T) T {
	var zero T
	if v == zero {
		return d
	}
	return v
}

// be appends numbers in network byte order; their types say how wide they are.
func be(b []byte, values ...any) []byte {
	for _, v := range values {
		switch v := v.(type) {
		case uint8:
			b = append(b, v)
		case uint16:
			b = binary.BigEndian.AppendUint16(b, v)
		case uint32:
			b = binary.BigEndian.AppendUint32(b, v)
		case []byte:
			b = append(b, v...)
		case [6]byte:
			b = append(b, v[:]...)
		case netip.Addr:
			b = append(b, v.AsSlice()...)
		default:
			panic("pkttest: no number")
		}
	}
	return b
}

// Sum is the Internet checksum of the parts put together (RFC 1071), word by
// word.
func Sum(parts ...[]byte) uint16 {
	var all []byte
	for _, p := range parts {
		all = append(all, p...)
	}
	if len(all)%2 != 0 {
		all = append(all, 0)
	}
	sum := 0
	for i := 0; i < len(all); i += 2 {
		sum += int(all[i])<<8 | int(all[i+1])
		if sum > 0xffff {
			sum -= 0xffff
		}
	}
	return ^uint16(sum)
}

// pad fills b up to a multiple of 4 bytes.
func pad(b []byte) []byte {
	b = b[:len(b):len(b)]
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// Ethernet makes a frame around a payload of the given ethertype.
func Ethernet(o Options, typ uint16, payload []byte) []byte {
	o.SrcMAC, o.DstMAC = or(o.SrcMAC, mac1), or(o.DstMAC, mac2)
	b := be(nil, o.DstMAC, o.SrcMAC)
	for i, tci := range o.Tags {
		tpid := uint16(0x8100)
		if i == 0 && len(o.Tags) > 1 {
			tpid = 0x88a8
		}
		b = be(b, tpid, tci)
	}
	b = be(b, typ, payload)
	exact := make([]byte, max(len(b), o.PadTo))
	copy(exact, b)
	return exact
}

// IP4 makes a frame with an IPv4 header around a payload. flags are the three
// flags and the fragment offset as they are in the header.
func IP4(o Options, proto uint8, flags uint16, payload []byte) []byte {
	o = o.fill(4)
	options := pad(o.IPOptions)
	n := 20 + len(options)
	h := be(nil, uint8(0x40|n/4), uint8(0), uint16(n+len(payload)), o.ID, flags, o.TTL, proto,
		uint16(0), o.Src, o.Dst, options)
	binary.BigEndian.PutUint16(h[10:], Sum(h))
	return Ethernet(o, 0x0800, append(h, payload...))
}

// IP6 makes a frame with an IPv6 header and the extension headers around a
// payload.
func IP6(o Options, next uint8, payload []byte) []byte {
	o = o.fill(6)
	for i := len(o.Extensions) - 1; i >= 0; i-- {
		e := append([]byte(nil), o.Extensions[i].Bytes...)
		e[0] = next
		next = o.Extensions[i].Number
		payload = append(e, payload...)
	}
	h := be(nil, uint32(0x60000000), uint16(len(payload)), next, o.TTL, o.Src, o.Dst)
	return Ethernet(o, 0x86dd, append(h, payload...))
}

// pseudo is the pseudo-header of a segment of n bytes.
func (o Options) pseudo(proto uint8, n int) []byte {
	if o.Src.Is4() {
		return be(nil, o.Src, o.Dst, uint8(0), proto, uint16(n))
	}
	return be(nil, o.Src, o.Dst, uint32(n), uint32(proto))
}
