// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"

	"pvlua/internal/pkttest"
	"pvlua/luabind"
)

// A path is a way through scripts/echo.lua: packets that take it, and what
// becomes of each.
type path struct {
	name    string
	packets [pathPackets]pathPacket
}

type pathPacket struct {
	frame   []byte
	verdict luabind.Verdict
	port    int // that it comes in on
}

// pathPackets is how many different packets a path has, so that neither caches
// nor branch predictors see the same one all the time.
const pathPackets = 256

// mixName is the path of the mix of packets.
const mixName = "mix"

// A shape makes the i-th packet of a kind.
type shape struct {
	make    func(pkttest.Options) []byte
	verdict luabind.Verdict
	options pkttest.Options
}

// packet is the i-th of the shape; each comes from another host and port.
func (s shape) packet(i int) pathPacket {
	o := s.options
	o.SrcPort, o.Seq = uint16(1024+i), uint16(i)
	src := netip.MustParseAddr("10.0.0.0").As4()
	binary.BigEndian.PutUint16(src[2:], uint16(256+i))
	o.Src = netip.AddrFrom4(src)
	if s.v6() {
		src := netip.MustParseAddr("2001:db8::").As16()
		binary.BigEndian.PutUint16(src[14:], uint16(256+i))
		o.Src = netip.AddrFrom16(src)
	}
	return pathPacket{frame: s.make(o), verdict: s.verdict}
}

// v6 says whether the shape is of IPv6.
func (s shape) v6() bool {
	frame := s.make(pkttest.Options{})
	return binary.BigEndian.Uint16(frame[12:]) == 0x86dd
}

// paths in the order of the table.
func paths() []path {
	var (
		udp4  = shape{make: pkttest.UDP, verdict: luabind.TX}
		other = shape{make: pkttest.UDP, verdict: luabind.Pass, options: pkttest.Options{DstPort: 53}}
		icmp  = shape{make: pkttest.ICMPEcho, verdict: luabind.TX}
		arp   = shape{make: pkttest.ARPRequest, verdict: luabind.TX}
		tcp   = shape{make: pkttest.TCPData, verdict: luabind.Pass}
		udp6  = shape{make: pkttest.UDP6, verdict: luabind.TX}
		icmp6 = shape{make: pkttest.ICMP6Echo, verdict: luabind.TX}
		ndp   = shape{make: pkttest.NeighborSolicit, verdict: luabind.TX}
	)
	var list []path
	for _, kind := range []struct {
		name string
		shape
	}{
		{"UDP echo", udp4}, {"UDP to another port", other}, {"ICMP echo", icmp}, {"ARP request", arp}, {"TCP", tcp},
		{"UDP echo over IPv6", udp6}, {"ICMPv6 echo", icmp6}, {"neighbour solicitation", ndp},
	} {
		p := path{name: kind.name}
		for i := range p.packets {
			p.packets[i] = kind.packet(i)
		}
		list = append(list, p)
	}

	mix := path{name: mixName}
	random := rand.New(rand.NewPCG(1, 2))
	for i := range mix.packets {
		var s shape
		switch n := random.IntN(100); {
		case n < 40:
			s = udp4
		case n < 65:
			s = tcp
		case n < 85:
			s = other
		case n < 95:
			s = icmp
		default:
			s = arp
		}
		mix.packets[i] = s.packet(i)
	}
	return append(list, mix)
}

// echoPort is the port that the packets of the paths are for.
func echoPort() *luabind.Port {
	ip6 := netip.MustParseAddr("2001:db8::2").As16()
	return &luabind.Port{
		Name: "veth1", MAC: 0x02_00_00_00_00_02, MTU: 1500, Queues: 1, Ifindex: 1, Up: true,
		IP:  []uint32{0x0a_00_00_05},
		IP6: [][16]byte{ip6},
	}
}
