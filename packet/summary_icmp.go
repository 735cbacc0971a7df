// SPDX-License-Identifier: GPL-3.0-or-later

package packet

// icmp appends an ICMP message (RFC 792).
func (s line) icmp(x span) line {
	if len(x.p) < icmpLen {
		return s.text("[|icmp]")
	}
	s = s.text("ICMP ")
	code := x.p[1]
	switch typ := x.p[0]; typ {
	case 0:
		s = s.text("echo reply").echo(x.p)
	case 8:
		s = s.text("echo request").echo(x.p)
	case 3:
		s = s.unreachable(code, x.p)
	case 4:
		s = s.text("source quench")
	case 5:
		s = s.redirect(code, x.p)
	case 9:
		s = s.text("router advertisement")
	case 10:
		s = s.text("router solicitation")
	case 11:
		switch code {
		case 0:
			s = s.text("time exceeded in-transit")
		case 1:
			s = s.text("ip reassembly time exceeded")
		default:
			s = s.text("time exceeded-#").num(int(code))
		}
	case 12:
		s = s.text("parameter problem - octet ").num(int(x.p[4]))
	case 13:
		s = s.text("time stamp query").echo(x.p)
	case 14:
		s = s.text("time stamp reply").echo(x.p)
	default:
		s = s.text("type-#").num(int(typ))
	}
	return s.text(", length ").num(x.length)
}

// echo appends identifier and sequence number.
func (s line) echo(p []byte) line {
	return s.text(", id ").num(int(be16(p, 4))).text(", seq ").num(int(be16(p, 6)))
}

// unreachable appends what "destination unreachable" says about the packet
// inside it (RFC 792, RFC 1122 §3.2.2.1, RFC 1812 §5.2.7.1).
func (s line) unreachable(code uint8, p []byte) line {
	inner := p[icmpLen:]
	if len(inner) < ipLen {
		return s.text("unreachable - #").num(int(code)).text(" [|icmp]")
	}
	dst, proto := 16, inner[9]
	switch code {
	case 0:
		return s.text("net ").ip4(inner, dst).text(" unreachable")
	case 1:
		return s.text("host ").ip4(inner, dst).text(" unreachable")
	case 2:
		return s.ip4(inner, dst).text(" protocol ").num(int(proto)).text(" unreachable")
	case 3:
		return s.ip4(inner, dst).innerPort(proto, inner, max(int(inner[0]&15)*4, ipLen)).text(" unreachable")
	case 4:
		s = s.ip4(inner, dst).text(" unreachable - need to frag")
		if mtu := be16(p, 6); mtu != 0 {
			s = s.text(" (mtu ").num(int(mtu)).text(")")
		}
		return s
	case 9:
		return s.text("net ").ip4(inner, dst).text(" unreachable - admin prohibited")
	case 10:
		return s.text("host ").ip4(inner, dst).text(" unreachable - admin prohibited")
	case 13:
		return s.text("host ").ip4(inner, dst).text(" unreachable - admin prohibited filter")
	}
	return s.ip4(inner, dst).text(" unreachable - #").num(int(code))
}

// innerPort appends the destination port of an inner packet whose upper layer
// begins at off: " udp port 7".
func (s line) innerPort(proto uint8, inner []byte, off int) line {
	if off+4 > len(inner) {
		return s.text(" port")
	}
	port := int(be16(inner, off+2))
	switch proto {
	case protoUDP:
		s = s.text(" udp port ")
	case protoTCP:
		s = s.text(" tcp port ")
	default:
		s = s.text(" protocol ").num(int(proto)).text(" port ")
	}
	return s.num(port)
}

// redirect appends an ICMP redirect.
func (s line) redirect(code uint8, p []byte) line {
	inner := p[icmpLen:]
	if len(inner) < ipLen {
		return s.text("redirect [|icmp]")
	}
	s = s.text("redirect")
	switch code {
	case 0, 1:
	case 2, 3:
		s = s.text("-tos")
	default:
		s = s.text("-#").num(int(code))
	}
	s = s.text(" ").ip4(inner, 16).text(" to ")
	switch code {
	case 0, 2:
		s = s.text("net ")
	case 1, 3:
		s = s.text("host ")
	}
	return s.ip4(p, 4)
}
