// SPDX-License-Identifier: GPL-3.0-or-later

package packet

import "strconv"

// AppendSummary appends one line, without its end, that says what packet b is,
// in the manner of tcpdump -n: "IP 10.0.0.4.1234 > 10.0.0.5.7: UDP, length 4".
// Differences: VLAN tags come first, as with tcpdump -e; TCP sequence numbers
// are those of the packet, as with tcpdump -S; payloads are not looked into.
// What is cut short ends in "[|udp]" with the name of what is.
//
// It does not allocate when dst has room; 1024 bytes are enough for any
// packet.
func AppendSummary(dst, b []byte) []byte {
	if len(b) > maxLen {
		b = b[:maxLen]
	}
	var l Layout
	l.Walk(b)
	return line(dst).packet(b, &l)
}

// A line is a summary in the making.
type line []byte

func (s line) text(t string) line { return append(s, t...) }
func (s line) num(v int) line     { return strconv.AppendInt(s, int64(v), 10) }
func (s line) num32(v uint32) line {
	return strconv.AppendUint(s, uint64(v), 10)
}

// hex appends v with at least the given number of digits.
func (s line) hex(v uint64, digits int) line {
	for d := 15; d >= 0; d-- {
		if d < digits || v>>(4*d) != 0 {
			s = append(s, "0123456789abcdef"[v>>(4*d)&15])
		}
	}
	return s
}

// mac appends the Ethernet address at off.
func (s line) mac(b []byte, off int) line {
	a, _ := load(b, off, 6)
	return AppendMAC(s, a)
}

// ip4 appends the IPv4 address at off.
func (s line) ip4(b []byte, off int) line { return AppendIP4(s, be32(b, off)) }

// ip6 appends the IPv6 address at off.
func (s line) ip6(b []byte, off int) line { return AppendIP6(s, [16]byte(b[off:off+16])) }

// packet appends the whole summary.
func (s line) packet(b []byte, l *Layout) line {
	if !l.Present(Eth) {
		return s.text("[|ether]")
	}
	typ, off := be16(b, 12), ethLen
	for h := VLAN; h <= VLAN2 && (typ == typeVLAN || typ == typeQinQ); h++ {
		if !l.Present(h) {
			return s.text("[|vlan]")
		}
		s = s.tag(be16(b, off))
		typ = be16(b, off+2)
		off += vlanLen
	}
	switch typ {
	case typeIP:
		return s.ip(b, l, off)
	case typeIP6:
		return s.ipv6(b, l, off)
	case typeARP:
		return s.arp(b, l, off)
	}
	s = s.mac(b, 6).text(" > ").mac(b, 0)
	if typ < minType {
		return s.text(", 802.3, length ").num(int(typ))
	}
	return s.text(", ethertype 0x").hex(uint64(typ), 4).text(", length ").num(len(b))
}

// tag appends a VLAN tag: "vlan 100, p 3, DEI, ".
func (s line) tag(tci uint16) line {
	s = s.text("vlan ").num(int(tci & 0xfff)).text(", p ").num(int(tci >> 13))
	if tci>>12&1 != 0 {
		s = s.text(", DEI")
	}
	return s.text(", ")
}

// arp appends an ARP packet at off (RFC 826; RFC 903 for the reverse and RFC
// 2390 for the inverse operations).
func (s line) arp(b []byte, l *Layout, off int) line {
	if !l.Present(ARP) {
		if len(b) < off+8 {
			return s.text("ARP, [|arp]")
		}
		if be32(b, off) == 1<<16|typeIP && be16(b, off+4) == 6<<8|4 {
			return s.text("ARP, [|arp]")
		}
		return s.text("ARP, hardware ").num(int(be16(b, off))).text(" (len ").num(int(b[off+4])).
			text("), protocol 0x").hex(uint64(be16(b, off+2)), 4).text(" (len ").num(int(b[off+5])).
			text("), length ").num(len(b) - off)
	}
	sha, spa, tha, tpa := off+8, off+14, off+18, off+24
	s = s.text("ARP, ")
	switch op := be16(b, off+6); op {
	case 1:
		s = s.text("Request who-has ").ip4(b, tpa)
		if mac, _ := load(b, tha, 6); mac != 0 {
			s = s.text(" (").mac(b, tha).text(")")
		}
		s = s.text(" tell ").ip4(b, spa)
	case 2:
		s = s.text("Reply ").ip4(b, spa).text(" is-at ").mac(b, sha)
	case 3:
		s = s.text("Reverse Request who-is ").mac(b, tha).text(" tell ").mac(b, sha)
	case 4:
		s = s.text("Reverse Reply ").mac(b, tha).text(" at ").ip4(b, tpa)
	case 8:
		s = s.text("Inverse Request who-is ").mac(b, tha).text(" tell ").mac(b, sha)
	case 9:
		s = s.text("Inverse Reply ").mac(b, sha).text(" at ").ip4(b, spa)
	default:
		s = s.text("Unknown (").num(int(op)).text(")")
	}
	return s.text(", length ").num(len(b) - off)
}
