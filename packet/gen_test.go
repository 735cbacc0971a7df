// SPDX-License-Identifier: GPL-3.0-or-later

package packet

import (
	"net/netip"

	"pgregory.net/rapid"

	"pvlua/internal/pkttest"
)

// genOptions draws what is in a packet, for pkttest.
func genOptions(t *rapid.T) pkttest.Options {
	var o pkttest.Options
	o.SrcPort = rapid.Uint16().Draw(t, "sport")
	o.DstPort = rapid.Uint16().Draw(t, "dport")
	o.ID = rapid.Uint16().Draw(t, "id")
	o.Seq = rapid.Uint16().Draw(t, "seq")
	o.TTL = rapid.Uint8().Draw(t, "ttl")
	o.Payload = rapid.SliceOfN(rapid.Byte(), 0, 70).Draw(t, "payload")
	o.Tags = rapid.SliceOfN(rapid.Uint16(), 0, 2).Draw(t, "tags")
	if rapid.Bool().Draw(t, "padded") {
		o.PadTo = 100
	}
	return o
}

// address draws an address of n bytes, now and then one of zeros or ones.
func address(t *rapid.T, n int, label string) netip.Addr {
	b := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 0, 0xff, 0xff, 1, 10, 0x20, 0xfe}), n, n).Draw(t, label)
	a, _ := netip.AddrFromSlice(b)
	return a
}

// genTCPOptions draws well-formed TCP options of at most 40 bytes.
func genTCPOptions(t *rapid.T) []byte {
	var b []byte
	for range rapid.IntRange(0, 6).Draw(t, "options") {
		kind := rapid.SampledFrom([]byte{1, 2, 3, 4, 5, 8, 253, 254}).Draw(t, "kind")
		n := map[byte]int{1: 1, 2: 4, 3: 3, 4: 2, 5: 10, 8: 10, 253: 4, 254: 6}[kind]
		if len(b)+n > 40 {
			break
		}
		b = append(b, kind)
		if n > 1 {
			b = append(b, byte(n))
			b = append(b, rapid.SliceOfN(rapid.Byte(), n-2, n-2).Draw(t, "option")...)
		}
	}
	return b
}

// genIPOptions draws well-formed IPv4 options.
func genIPOptions(t *rapid.T) []byte {
	return rapid.SampledFrom([][]byte{
		nil, nil, nil,
		{0x94, 4, 0, 0},
		{1, 1, 1, 0},
		{7, 7, 4, 0, 0, 0, 0, 0},
	}).Draw(t, "ip options")
}

// genExtensions draws IPv6 extension headers in the order of RFC 8200 §4.1.
func genExtensions(t *rapid.T) (all []pkttest.Extension) {
	for _, e := range []pkttest.Extension{
		{Number: 0, Bytes: []byte{0, 0, 1, 4, 0, 0, 0, 0}},
		{Number: 60, Bytes: []byte{0, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
		{Number: 43, Bytes: make([]byte, 8+16)},
		{Number: 44, Bytes: []byte{0, 0, 0, 0, 0, 0, 18, 52}},
		{Number: 51, Bytes: make([]byte, 24)},
	} {
		if !rapid.Bool().Draw(t, "extension") {
			continue
		}
		switch e.Number {
		case 43:
			e.Bytes[1], e.Bytes[2] = 2, 0
		case 51:
			e.Bytes[1] = 4
		}
		all = append(all, e)
	}
	return all
}

// genPacket draws a packet with right checksums, of any shape but a fragment.
func genPacket(t *rapid.T) []byte {
	o := genOptions(t)
	shape := rapid.IntRange(0, 11).Draw(t, "shape")
	if shape < 6 {
		o.Src, o.Dst = address(t, 4, "src"), address(t, 4, "dst")
		o.IPOptions = genIPOptions(t)
	} else {
		o.Src, o.Dst = address(t, 16, "src"), address(t, 16, "dst")
		o.Extensions = genExtensions(t)
	}
	switch shape {
	case 0:
		return pkttest.ARPRequest(o)
	case 1:
		return pkttest.ICMPEcho(o)
	case 2:
		return pkttest.UDP(o)
	case 3:
		o.NoChecksum = true
		return pkttest.UDP(o)
	case 4, 5:
		o.TCPOptions = genTCPOptions(t)
		if shape == 4 {
			return pkttest.TCPSyn(o)
		}
		return pkttest.TCPData(o)
	case 6:
		return pkttest.ICMP6Echo(o)
	case 7:
		return pkttest.NeighborSolicit(o)
	case 8:
		return pkttest.NeighborAdvert(o)
	case 9:
		return pkttest.UDP6(o)
	default:
		o.TCPOptions = genTCPOptions(t)
		if shape == 10 {
			return pkttest.TCPSyn6(o)
		}
		return pkttest.TCPData6(o)
	}
}

// fieldsOf gives the fields that packet b has.
func fieldsOf(b []byte) (all []*Field) {
	l := walked(b)
	each(func(f *Field) {
		if _, ok := f.Uint(b, &l); ok {
			all = append(all, f)
		} else if _, ok := f.Bytes(b, &l); ok {
			all = append(all, f)
		}
	})
	return all
}

// genFieldOf draws a field that packet b has.
func genFieldOf(t *rapid.T, b []byte) *Field {
	return rapid.SampledFrom(fieldsOf(b)).Draw(t, "field")
}

// genValue draws a value for f, often one at the edge of its range.
func genValue(t *rapid.T, f *Field) uint64 {
	edge := rapid.SampledFrom([]uint64{0, 1, f.max, f.max - 1, f.max >> 1}).Draw(t, "edge")
	if rapid.Bool().Draw(t, "at an edge") {
		return edge
	}
	return rapid.Uint64Max(f.max).Draw(t, "value")
}

// assign gives f a drawn value, 16 bytes or a number, and returns it.
func assign(t *rapid.T, f *Field, b []byte, l *Layout) (v any, err error) {
	if f.Kind == IPv6 {
		p := address(t, 16, "value").AsSlice()
		return p, f.SetBytes(b, l, p)
	}
	n := genValue(t, f)
	return n, f.SetUint(b, l, n)
}
