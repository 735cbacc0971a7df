// SPDX-License-Identifier: GPL-3.0-or-later

package pkttest

import "bytes"

// VLAN is UDP over IPv4 with an 802.1Q tag, VLAN 100, priority 3.
func VLAN(o Options) []byte {
	if o.Tags == nil {
		o.Tags = []uint16{3<<13 | 100}
	}
	return UDP(o)
}

// QinQ is UDP over IPv4 with an 802.1ad tag, VLAN 100, and an 802.1Q tag, VLAN
// 101.
func QinQ(o Options) []byte {
	if o.Tags == nil {
		o.Tags = []uint16{100, 101}
	}
	return UDP(o)
}

// IPWithOptions is UDP over IPv4 with a router alert option (RFC 2113).
func IPWithOptions(o Options) []byte {
	if o.IPOptions == nil {
		o.IPOptions = []byte{0x94, 4, 0, 0}
	}
	return UDP(o)
}

// fragmentPayload is long enough for several fragments.
func (o Options) fragmentPayload() Options {
	if o.Payload == nil {
		o.Payload = bytes.Repeat([]byte("fragment"), 8)
	}
	return o
}

// Fragments are a UDP datagram of 64 payload bytes over IPv4, cut into pieces
// of 32 bytes.
func Fragments(o Options) [][]byte {
	o = o.fragmentPayload().fill(4)
	const piece, more = 32, 0x2000
	var all [][]byte
	d := o.udp()
	for off := 0; off < len(d); off += piece {
		flags := uint16(off / 8)
		if off+piece < len(d) {
			flags |= more
		}
		all = append(all, IP4(o, protoUDP, flags, d[off:min(off+piece, len(d))]))
	}
	return all
}

// Fragments6 are the same over IPv6.
func Fragments6(o Options) [][]byte {
	o = o.fragmentPayload().fill(6)
	const piece, extFragment = 32, 44
	var all [][]byte
	d := o.udp()
	base := o.Extensions[:len(o.Extensions):len(o.Extensions)]
	for off := 0; off < len(d); off += piece {
		word := uint16(off)
		if off+piece < len(d) {
			word |= 1
		}
		h := be(nil, uint8(protoUDP), uint8(0), word, uint32(o.ID))
		o.Extensions = append(base, Extension{extFragment, h})
		all = append(all, IP6(o, protoUDP, d[off:min(off+piece, len(d))]))
	}
	return all
}

// Extensions is UDP over IPv6 with a hop-by-hop options header, a routing
// header without segments left and a destination options header.
func Extensions(o Options) []byte {
	if o.Extensions == nil {
		o.Extensions = []Extension{
			{0, []byte{0, 0, 1, 4, 0, 0, 0, 0}},
			{43, append([]byte{0, 2, 0, 0, 0, 0, 0, 0}, dst6.AsSlice()...)},
			{60, []byte{0, 0, 1, 4, 0, 0, 0, 0}},
		}
	}
	return UDP6(o)
}

// Named is a packet with a name for sub-tests.
type Named struct {
	Name  string
	Frame []byte
}

// All is one packet of each shape.
func All() []Named {
	var o Options
	all := []Named{
		{"arp request", ARPRequest(o)},
		{"arp reply", ARPReply(o)},
		{"icmp echo", ICMPEcho(o)},
		{"icmp echo reply", ICMPEchoReply(o)},
		{"udp", UDP(o)},
		{"udp padded", UDP(Options{PadTo: 60})},
		{"udp odd", UDP(Options{Payload: []byte("odd")})},
		{"udp empty", UDP(Options{Payload: []byte{}})},
		{"udp without checksum", UDP(Options{NoChecksum: true})},
		{"tcp syn", TCPSyn(o)},
		{"tcp data", TCPData(o)},
		{"vlan", VLAN(o)},
		{"qinq", QinQ(o)},
		{"ip options", IPWithOptions(o)},
		{"icmp6 echo", ICMP6Echo(o)},
		{"icmp6 echo reply", ICMP6EchoReply(o)},
		{"neighbor solicitation", NeighborSolicit(o)},
		{"neighbor advertisement", NeighborAdvert(o)},
		{"udp6", UDP6(o)},
		{"tcp6 syn", TCPSyn6(o)},
		{"tcp6 data", TCPData6(o)},
		{"ip6 extensions", Extensions(o)},
		{"vlan arp", ARPRequest(Options{Tags: []uint16{5}})},
		{"vlan udp6", UDP6(Options{Tags: []uint16{5}})},
	}
	for i, f := range Fragments(o) {
		all = append(all, Named{"fragment " + string(rune('1'+i)), f})
	}
	for i, f := range Fragments6(o) {
		all = append(all, Named{"fragment6 " + string(rune('1'+i)), f})
	}
	return all
}
