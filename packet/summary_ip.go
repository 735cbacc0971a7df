// SPDX-License-Identifier: GPL-3.0-or-later

package packet

// A span is the payload of an IP packet in a summary: p is as much of it as
// the frame holds, length what the IP header says.
type span struct {
	p      []byte
	length int
}

// from gives what is left of the span after n bytes.
func (x span) from(n int) span { return span{x.p[min(n, len(x.p)):], x.length - n} }

// ip appends an IPv4 packet at off.
func (s line) ip(b []byte, l *Layout, off int) line {
	s = s.text("IP ")
	if !l.Present(IP) {
		if len(b) < off+ipLen {
			return s.text("[|ip]")
		}
		n, total := int(b[off]&15)*4, int(be16(b, off+2))
		switch {
		case b[off]>>4 != 4:
			return s.text("bad-version ").num(int(b[off] >> 4))
		case n < ipLen:
			return s.text("bad-hlen ").num(n)
		case total < n:
			return s.text("bad-len ").num(total)
		}
		return s.text("[|ip]")
	}
	n, total := headerLen(b, l, IP), int(be16(b, off+2))
	if missing := off + total - len(b); missing > 0 {
		s = s.text("truncated-ip - ").num(missing).text(" bytes missing! ")
	}
	x := span{l.clip(b)[off+n:], total - n}
	ports := l.hasPorts(x)
	s = s.ip4(b, off+12).port(x, 0, ports).text(" > ").ip4(b, off+16).port(x, 2, ports).text(": ")
	if l.has(LaterFragment) {
		return s.text("ip-proto-").num(int(l.Proto))
	}
	if l.Proto == protoICMP {
		return s.icmp(x)
	}
	return s.upper(l, x)
}

// ipv6 appends an IPv6 packet at off.
func (s line) ipv6(b []byte, l *Layout, off int) line {
	s = s.text("IP6 ")
	if !l.Present(IP6) {
		if len(b) < off+ip6Len {
			return s.text("[|ip6]")
		}
		return s.text("version error: ").num(int(b[off] >> 4)).text(" != 6")
	}
	length := int(be16(b, off+4))
	if missing := off + ip6Len + length - len(b); missing > 0 {
		s = s.text("truncated-ip6 - ").num(missing).text(" bytes missing! ")
	}
	x := span{l.clip(b)[off+ip6Len:], length}
	next := b[off+6]
	plain := !isExtension(next)
	ports := plain && l.hasPorts(x)
	s = s.ip6(b, off+8).port(x, 0, ports).text(" > ").ip6(b, off+24).port(x, 2, ports).text(": ")
	if !plain {
		s, x = s.extensions(l, x, next)
		if l.has(ChainCut | LaterFragment) {
			return s
		}
		if l.hasPorts(x) {
			s = s.num(int(be16(x.p, 0))).text(" > ").num(int(be16(x.p, 2))).text(": ")
		}
	}
	const noNextHeader = 59
	switch l.Proto {
	case protoICMP6:
		return s.icmp6(x)
	case noNextHeader:
		return s.text("no next header")
	}
	return s.upper(l, x)
}

// hasPorts reports whether x begins with ports that are there.
func (l *Layout) hasPorts(x span) bool {
	return (l.Proto == protoTCP || l.Proto == protoUDP) && !l.has(LaterFragment) && len(x.p) >= 4
}

// port appends the port at off, if there are ports.
func (s line) port(x span, off int, ports bool) line {
	if !ports {
		return s
	}
	return s.text(".").num(int(be16(x.p, off)))
}

// extensions appends the extension headers of x, the first of which has the
// number next, as far as the walk took them. It returns what follows them.
func (s line) extensions(l *Layout, x span, next uint8) (line, span) {
	for i := 0; isExtension(next); i++ {
		name := extensionName(next)
		if len(x.p) < 8 {
			return s.text("[|").text(name).text("]"), x
		}
		if i == maxExtensions || next == extHopByHop && i > 0 {
			return s.text(name), x
		}
		n := 8 + 8*int(x.p[1])
		switch next {
		case extAH:
			n = 8 + 4*int(x.p[1])
		case extFragment:
			n = 8
		}
		if len(x.p) < n {
			return s.text("[|").text(name).text("]"), x
		}
		s = s.text(name)
		switch next {
		case extRouting:
			s = s.text(" (len=").num(int(x.p[1])).text(", type=").num(int(x.p[2])).
				text(", segleft=").num(int(x.p[3])).text(")")
		case extFragment:
			s = s.text(" (").num(int(be16(x.p, 2) &^ 7)).text("|").num(x.length - n).text(")")
			if be16(x.p, 2)&^7 != 0 {
				return s, x.from(n)
			}
		case extAH:
			s = s.text("(spi=0x").hex(uint64(be32(x.p, 4)), 8).text(")")
		}
		s = s.text(" ")
		next = x.p[0]
		x = x.from(n)
	}
	return s, x
}

// extensionName gives the name of an extension header as tcpdump writes it.
func extensionName(next uint8) string {
	switch next {
	case extHopByHop:
		return "HBH"
	case extRouting:
		return "RT6"
	case extFragment:
		return "frag"
	case extAH:
		return "AH"
	case extDestination:
		return "DSTOPT"
	case extMobility:
		return "mobility"
	case extHIP:
		return "HIP"
	}
	return "shim6"
}

// upper appends the payload x of an IP packet, of the protocols that are the
// same over IPv4 and IPv6.
func (s line) upper(l *Layout, x span) line {
	switch l.Proto {
	case protoUDP:
		return s.udp(l, x)
	case protoTCP:
		return s.tcp(x)
	}
	return s.text("ip-proto-").num(int(l.Proto)).text(", length ").num(x.length)
}

// udp appends a UDP datagram.
func (s line) udp(l *Layout, x span) line {
	if len(x.p) < udpLen {
		return s.text("[|udp]")
	}
	n := int(be16(x.p, 4))
	switch {
	case n < udpLen && (n != 0 || l.Present(IP)):
		return s.text("UDP, bad length ").num(n).text(" < 8")
	case n == 0:
		n = x.length
	case n > x.length && !l.has(Fragmented):
		return s.text("UDP, bad length ").num(n - udpLen).text(" > ").num(x.length - udpLen)
	}
	return s.text("UDP, length ").num(n - udpLen)
}
