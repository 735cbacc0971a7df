// SPDX-License-Identifier: GPL-3.0-or-later

package pkttest

import "encoding/binary"

// Protocol numbers.
const (
	protoICMP  = 1
	protoTCP   = 6
	protoUDP   = 17
	protoICMP6 = 58
)

// arp makes an ARP packet (RFC 826).
func arp(o Options, op uint16, tha [6]byte) []byte {
	o = o.fill(4)
	return Ethernet(o, 0x0806, be(nil, uint16(1), uint16(0x0800), uint8(6), uint8(4), op,
		o.SrcMAC, o.Src, tha, o.Dst))
}

// ARPRequest asks, as broadcast, for the MAC address of Dst.
func ARPRequest(o Options) []byte {
	o.DstMAC = or(o.DstMAC, [6]byte{255, 255, 255, 255, 255, 255})
	return arp(o, 1, [6]byte{})
}

// ARPReply tells DstMAC that Src is at SrcMAC.
func ARPReply(o Options) []byte { return arp(o, 2, o.fill(4).DstMAC) }

// icmp makes an ICMP message.
func icmp(o Options, typ, code uint8, rest []byte) []byte {
	m := be(nil, typ, code, uint16(0), rest)
	binary.BigEndian.PutUint16(m[2:], Sum(m))
	return IP4(o, protoICMP, 0x4000, m)
}

// ICMPEcho is an echo request (RFC 792).
func ICMPEcho(o Options) []byte {
	o = o.fill(4)
	return icmp(o, 8, 0, be(nil, o.ID, o.Seq, o.Payload))
}

// ICMPEchoReply is its answer.
func ICMPEchoReply(o Options) []byte {
	o = o.fill(4)
	return icmp(o, 0, 0, be(nil, o.ID, o.Seq, o.Payload))
}

// icmp6 makes an ICMPv6 message.
func icmp6(o Options, typ, code uint8, rest []byte) []byte {
	o = o.fill(6)
	m := be(nil, typ, code, uint16(0), rest)
	binary.BigEndian.PutUint16(m[2:], Sum(o.pseudo(protoICMP6, len(m)), m))
	return IP6(o, protoICMP6, m)
}

// ICMP6Echo is an ICMPv6 echo request (RFC 4443 §4.1).
func ICMP6Echo(o Options) []byte {
	o = o.fill(6)
	return icmp6(o, 128, 0, be(nil, o.ID, o.Seq, o.Payload))
}

// ICMP6EchoReply is its answer.
func ICMP6EchoReply(o Options) []byte {
	o = o.fill(6)
	return icmp6(o, 129, 0, be(nil, o.ID, o.Seq, o.Payload))
}

// NeighborSolicit asks for the MAC address of Dst, with the source link-layer
// address option (RFC 4861 §4.3). It goes to Dst itself.
func NeighborSolicit(o Options) []byte {
	if o.TTL == 0 {
		o.TTL = 255
	}
	o = o.fill(6)
	return icmp6(o, 135, 0, be(nil, uint32(0), o.Dst, uint8(1), uint8(1), o.SrcMAC))
}

// NeighborAdvert tells Dst that Src is at SrcMAC, solicited and overriding,
// with the target link-layer address option (RFC 4861 §4.4).
func NeighborAdvert(o Options) []byte {
	if o.TTL == 0 {
		o.TTL = 255
	}
	o = o.fill(6)
	return icmp6(o, 136, 0, be(nil, uint32(0x60000000), o.Src, uint8(2), uint8(1), o.SrcMAC))
}

// udp makes a UDP datagram (RFC 768).
func (o Options) udp() []byte {
	d := be(nil, o.SrcPort, o.DstPort, uint16(8+len(o.Payload)), uint16(0), o.Payload)
	if !o.NoChecksum {
		sum := Sum(o.pseudo(protoUDP, len(d)), d)
		if sum == 0 {
			sum = 0xffff
		}
		binary.BigEndian.PutUint16(d[6:], sum)
	}
	return d
}

// UDP is a UDP datagram over IPv4.
func UDP(o Options) []byte {
	o = o.fill(4)
	return IP4(o, protoUDP, 0x4000, o.udp())
}

// UDP6 is a UDP datagram over IPv6.
func UDP6(o Options) []byte {
	o = o.fill(6)
	return IP6(o, protoUDP, o.udp())
}

// tcp makes a TCP segment (RFC 9293 §3.1) with the given control bits.
func (o Options) tcp(flags uint8, seq, ack uint32) []byte {
	options := pad(o.TCPOptions)
	s := be(nil, o.SrcPort, o.DstPort, seq, ack, uint8((20+len(options))/4<<4), flags,
		uint16(64240), uint16(0), uint16(0), options, o.Payload)
	binary.BigEndian.PutUint16(s[16:], Sum(o.pseudo(protoTCP, len(s)), s))
	return s
}

// syn puts in what a SYN has: no payload, and options.
func (o Options) syn() Options {
	if o.Payload == nil {
		o.Payload = []byte{}
	}
	if o.TCPOptions == nil {
		o.TCPOptions = synOptions
	}
	return o
}

// TCPSyn opens a TCP connection over IPv4, sequence number 1000, by default
// without payload.
func TCPSyn(o Options) []byte {
	o = o.syn().fill(4)
	return IP4(o, protoTCP, 0x4000, o.tcp(0x02, 1000, 0))
}

// TCPSyn6 opens one over IPv6.
func TCPSyn6(o Options) []byte {
	o = o.syn().fill(6)
	return IP6(o, protoTCP, o.tcp(0x02, 1000, 0))
}

// TCPData is a segment with the payload, PSH and ACK, over IPv4; sequence
// number 1001, acknowledging 2001.
func TCPData(o Options) []byte {
	o = o.fill(4)
	return IP4(o, protoTCP, 0x4000, o.tcp(0x18, 1001, 2001))
}

// TCPData6 is one over IPv6.
func TCPData6(o Options) []byte {
	o = o.fill(6)
	return IP6(o, protoTCP, o.tcp(0x18, 1001, 2001))
}
