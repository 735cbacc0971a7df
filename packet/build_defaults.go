// SPDX-License-Identifier: GPL-3.0-or-later

package packet

// What a packet that is built has in the fields that the recipe does not give.

// Values that stand for something else than themselves.
const (
	broadcast = 1<<48 - 1

	// localType is the ethertype of a payload of which nothing is known: IEEE
	// 802 clause 9.2.4, local experimental ethertype 1.
	localType = 0x88b5
	// localProto is its protocol over IP, for experiments (RFC 3692 §2.1).
	localProto = 253
	// noNext says that nothing follows an IPv6 header (RFC 8200 §4.7).
	noNext = 59
)

// A preset is one line of the table of defaults.
type preset struct {
	field *Field
	value func(*plan) uint64
}

// always makes the value of a preset that depends on nothing.
func always(n uint64) func(*plan) uint64 { return func(*plan) uint64 { return n } }

// presets are the defaults that are not zero, headers from the outside in.
var presets = []preset{
	{ethDst, (*plan).destination},
	{ethSrc, func(p *plan) uint64 { return p.r.number(arpSHA, 0) }},
	{Lookup(Eth, "type"), func(p *plan) uint64 { return p.typeAfter(Eth) }},
	{Lookup(VLAN, "type"), func(p *plan) uint64 { return p.typeAfter(VLAN) }},
	{Lookup(VLAN2, "type"), func(p *plan) uint64 { return p.typeAfter(VLAN2) }},

	{Lookup(ARP, "htype"), always(1)},
	{Lookup(ARP, "ptype"), always(typeIP)},
	{Lookup(ARP, "hlen"), always(6)},
	{Lookup(ARP, "plen"), always(4)},
	{arpOp, always(1)},
	{arpSHA, func(p *plan) uint64 { return p.r.number(ethSrc, 0) }},

	{Lookup(IP, "version"), always(4)},
	{Lookup(IP, "ihl"), func(p *plan) uint64 { return uint64(p.size[IP] / 4) }},
	{Lookup(IP, "len"), func(p *plan) uint64 { return uint64(p.total - p.off[IP]) }},
	{Lookup(IP, "ttl"), always(64)},
	{Lookup(IP, "proto"), (*plan).proto},

	{Lookup(IP6, "version"), always(6)},
	{Lookup(IP6, "len"), func(p *plan) uint64 { return uint64(p.total - p.off[IP6] - ip6Len) }},
	{ip6Next, func(p *plan) uint64 {
		if p.fragment != 0 {
			return extFragment
		}
		return p.proto()
	}},
	{Lookup(IP6, "hlim"), func(p *plan) uint64 {
		if p.upper == ICMP6 && ndOptions(p.r.icmp6Type()) != 0 {
			return 255 // what neighbour discovery must have (RFC 4861 §7.1.1)
		}
		return 64
	}},

	{Lookup(ICMP, "type"), always(8)},
	{icmp6Type, func(p *plan) uint64 { return uint64(p.r.icmp6Type()) }},
	{Lookup(TCP, "doff"), func(p *plan) uint64 { return uint64(p.size[TCP] / 4) }},
	{Lookup(TCP, "window"), always(65535)},
	{Lookup(UDP, "len"), func(p *plan) uint64 { return uint64(p.total - p.off[UDP]) }},
}

// Fields that the defaults of others depend on.
var (
	ethDst    = Lookup(Eth, "dst")
	ethSrc    = Lookup(Eth, "src")
	arpOp     = Lookup(ARP, "op")
	arpSHA    = Lookup(ARP, "sha")
	ipDst     = Lookup(IP, "dst")
	ipOptions = Lookup(IP, "options")
	ip6Next   = Lookup(IP6, "nexthdr")
	ip6Proto  = Lookup(IP6, "proto")
	ip6Dst    = Lookup(IP6, "dst")
	icmp6Type = Lookup(ICMP6, "type")
)

// writeDefaults writes the presets of the headers that packet b has.
func (p *plan) writeDefaults(b []byte) {
	for i := range presets {
		if f := presets[i].field; p.is(f.Header) {
			f.put(b, p.off[f.Header]+int(f.byteOff), presets[i].value(p))
		}
	}
	if p.fragment != 0 {
		b[p.fragment] = uint8(p.proto())
	}
}

// put writes a field whose load is at off, and nothing else.
func (f *Field) put(b []byte, off int, v uint64) {
	old, _ := load(b, off, f.size)
	store(b, off, f.size, old&^(f.mask<<f.shift)|v<<f.shift)
}

// typeAfter gives the ethertype of what follows header h. A tag that another
// tag follows is one of a provider, 802.1ad.
func (p *plan) typeAfter(h HeaderID) uint64 {
	switch {
	case h == Eth && p.is(VLAN2):
		return typeQinQ
	case h == Eth && p.is(VLAN), h == VLAN && p.is(VLAN2):
		return typeVLAN
	}
	switch p.net {
	case ARP:
		return typeARP
	case IP:
		return typeIP
	case IP6:
		return typeIP6
	}
	return localType
}

// proto gives the protocol number of what follows the IP headers.
func (p *plan) proto() uint64 {
	switch {
	case p.upper == ICMP:
		return protoICMP
	case p.upper == ICMP6:
		return protoICMP6
	case p.upper == TCP:
		return protoTCP
	case p.upper == UDP:
		return protoUDP
	case p.net == IP6 && len(p.r.Payload) == 0:
		return noNext
	}
	return localProto
}

// destination gives the Ethernet address of packets to more than one host: of
// ARP requests, and of IP broadcast and multicast (RFC 1112 §6.4, RFC 2464
// §7). Who has any other address it can't know.
func (p *plan) destination() uint64 {
	switch p.net {
	case ARP:
		if p.r.number(arpOp, 1) == 1 {
			return broadcast
		}
		return p.r.number(Lookup(ARP, "tha"), 0)
	case IP:
		dst := p.r.number(ipDst, 0)
		if dst == 1<<32-1 {
			return broadcast
		}
		if dst>>28 == 0xe {
			return 0x01005e<<24 | dst&0x7fffff
		}
	case IP6:
		if v, ok := p.r.given(ip6Dst); ok && v.bytes[0] == 0xff {
			return 0x3333<<32 | uint64(be32(v.bytes, 12))
		}
	}
	return 0
}
