// SPDX-License-Identifier: GPL-3.0-or-later

package packet

// Headers is the field table.
var Headers = [NumHeaders]Header{
	Eth:   link(Eth, "eth", "Ethernet II (IEEE 802.3, clause 3.2). Every packet of 14 bytes or more has it.", ethRows),
	VLAN:  link(VLAN, "vlan", "The outermost VLAN tag (IEEE 802.1Q, clause 9.6): ethertype 0x8100 or 0x88a8.", vlanRows),
	VLAN2: link(VLAN2, "vlan2", "The second VLAN tag (QinQ, IEEE 802.1ad): a tag directly after the outermost one.", vlanRows),
	ARP:   link(ARP, "arp", "Address resolution (RFC 826) of IPv4 over Ethernet: only with htype 1, ptype 0x0800, hlen 6 and plen 4.", arpRows),
	IP:    link(IP, "ip", "IPv4 (RFC 791). Absent when the version is not 4, ihl is below 5 or len is shorter than the header.", ipRows),
	IP6:   link(IP6, "ip6", "IPv6 (RFC 8200). Absent when the version is not 6. Extension headers are walked, at most 8.", ip6Rows),
	ICMP:  link(ICMP, "icmp", "ICMP (RFC 792) over IPv4; not in fragments after the first.", icmpRows),
	ICMP6: link(ICMP6, "icmp6", "ICMPv6 (RFC 4443) and neighbour discovery (RFC 4861) over IPv6; not in fragments after the first.", icmp6Rows),
	TCP:   link(TCP, "tcp", "TCP (RFC 9293) over IPv4 or IPv6; not in fragments after the first. Absent when doff is below 5.", tcpRows),
	UDP:   link(UDP, "udp", "UDP (RFC 768) over IPv4 or IPv6; not in fragments after the first.", udpRows),
}

// A row is one line of the table.
type row struct {
	name       string
	kind       Kind
	bit, width uint16
	at         place
	sum        Sum
	mark       mark
	doc        string
}

// A place says which Locator and which option; the zero place is Fixed.
type place struct {
	by     Locator
	option uint8
}

// A mark is what else there is to say about a field.
type mark uint8

const (
	moves    mark = 1 << iota // Structural
	readOnly                  // ReadOnly
	finalDst                  // a destination: while the packet is source-routed the pseudo-header holds another
)

// The ND options and TCP options that have fields.
const (
	ndSource     = 1 // source link-layer address (RFC 4861 §4.6.1)
	ndTarget     = 2 // target link-layer address (RFC 4861 §4.6.1)
	tcpEnd       = 0 // end of the list (RFC 9293 §3.2)
	tcpNop       = 1 // no operation (RFC 9293 §3.2)
	tcpMSS       = 2 // maximum segment size (RFC 9293 §3.7.1)
	tcpScale     = 3 // window scale (RFC 7323 §2.2)
	tcpSackOK    = 4 // SACK permitted (RFC 2018 §2)
	tcpSack      = 5 // SACK (RFC 2018 §3)
	tcpTimestamp = 8 // timestamps (RFC 7323 §3.2)
)

// The places other than Fixed.
var (
	inAdvert    = place{by: Advert}
	inTargeted  = place{by: Target}
	trailing    = place{by: Trailing}
	inSource    = place{NDOption, ndSource}
	inTarget    = place{NDOption, ndTarget}
	inMSS       = place{TCPOption, tcpMSS}
	inScale     = place{TCPOption, tcpScale}
	inSackOK    = place{TCPOption, tcpSackOK}
	inTimestamp = place{TCPOption, tcpTimestamp}
	inFragment  = place{by: Fragment}
	derived     = place{by: Derived}
)

// link makes a header of its rows and enters its fields into the index.
func link(id HeaderID, name, doc string, rows []row) Header {
	h := Header{ID: id, Name: name, Doc: doc, Fields: make([]*Field, len(rows))}
	index[id] = make(map[string]*Field, len(rows))
	for i, r := range rows {
		f := &Field{
			Header: id, Name: r.name, Kind: r.kind, BitOffset: r.bit, Width: r.width,
			Locate: r.at.by, Option: r.at.option, Sum: r.sum,
			Structural: r.mark&moves != 0, ReadOnly: r.mark&readOnly != 0, Doc: r.doc,
		}
		f.prepare()
		if r.mark&finalDst != 0 {
			f.except = Routed
		}
		h.Fields[i], index[id][r.name] = f, f
	}
	return h
}
