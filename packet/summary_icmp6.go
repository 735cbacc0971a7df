// SPDX-License-Identifier: GPL-3.0-or-later

package packet

// icmp6 appends an ICMPv6 message (RFC 4443), neighbour discovery included
// (RFC 4861 §4).
func (s line) icmp6(x span) line {
	if len(x.p) < icmpLen {
		return s.text("[|icmp6]")
	}
	s = s.text("ICMP6, ")
	p, code := x.p, x.p[1]
	switch typ := p[0]; typ {
	case 1:
		s = s.unreachable6(code, p)
	case 2:
		s = s.text("packet too big, mtu ").num32(be32(p, 4))
	case 3:
		s = s.text("time exceeded in-transit")
		if code == 1 {
			s = s.text(" (reassembly)")
		} else {
			s = s.inner6(" for ", p)
		}
	case 4:
		s = s.text("parameter problem").problem6(code, p)
	case 128:
		s = s.text("echo request").echo(p)
	case 129:
		s = s.text("echo reply").echo(p)
	case 130:
		s = s.text("multicast listener query")
	case 131:
		s = s.text("multicast listener report")
	case 132:
		s = s.text("multicast listener done")
	case ndRouterSolicit:
		s = s.text("router solicitation")
	case ndRouterAdvert:
		s = s.text("router advertisement")
	case ndNeighborSolicit:
		s = s.target("neighbor solicitation", ", who has ", p)
	case ndNeighborAdvert:
		s = s.target("neighbor advertisement", ", tgt is ", p)
	case ndRedirect:
		if len(p) < 40 {
			s = s.text("redirect [|icmp6]")
			break
		}
		s = s.text("redirect, ").ip6(p, 24).text(" to ").ip6(p, 8)
	case 143: // RFC 3810 §5.2
		s = s.text("multicast listener report v2, ").num(int(be16(p, 6))).text(" group record(s)")
	default:
		s = s.text("unknown icmp6 type (").num(int(typ)).text(")")
	}
	return s.text(", length ").num(x.length)
}

// target appends the name of a message, a text and the target address.
func (s line) target(name, text string, p []byte) line {
	if len(p) < 24 {
		return s.text(name).text(" [|icmp6]")
	}
	return s.text(name).text(text).ip6(p, 8)
}

// inner6 appends a text and the destination of the packet inside an error
// message.
func (s line) inner6(text string, p []byte) line {
	if len(p) < icmpLen+ip6Len {
		return s.text(text).text("[|icmp6]")
	}
	return s.text(text).ip6(p, icmpLen+24)
}

// unreachable6 appends what "destination unreachable" says about the packet
// inside it (RFC 4443 §3.1).
func (s line) unreachable6(code uint8, p []byte) line {
	s = s.text("destination unreachable, ")
	switch code {
	case 0:
		return s.inner6("unreachable route ", p)
	case 1:
		return s.inner6("unreachable prohibited ", p)
	case 2:
		return s.inner6("beyond scope ", p)
	case 3:
		return s.inner6("unreachable address ", p)
	case 4:
		s = s.inner6("unreachable port, ", p)
		if len(p) < icmpLen+ip6Len {
			return s
		}
		return s.innerPort(p[icmpLen+6], p, icmpLen+ip6Len)
	}
	return s.inner6("unreachable ", p).text(" - #").num(int(code))
}

// problem6 appends what a parameter problem says (RFC 4443 §3.4).
func (s line) problem6(code uint8, p []byte) line {
	switch code {
	case 0:
		s = s.text(", erroneous")
	case 1:
		s = s.text(", next header")
	case 2:
		s = s.text(", option")
	default:
		return s.text(", code-#").num(int(code))
	}
	return s.text(" - octet ").num32(be32(p, 4))
}
