// SPDX-License-Identifier: GPL-3.0-or-later

package packet

// tcp appends a TCP segment: "Flags [P.], seq 1:5, ack 1, win 502, length 4".
func (s line) tcp(x span) line {
	if len(x.p) < tcpLen {
		return s.text("[|tcp]")
	}
	n := int(x.p[12]>>4) * 4
	if n < tcpLen {
		return s.text("tcp ").num(x.length - n).text(" [bad hdr length ").num(n).text(" - too short, < 20]")
	}
	flags := x.p[13]
	s = s.text("Flags [").tcpFlags(flags).text("]")
	if n > x.length {
		return s.text(" [bad hdr length ").num(n).text(" - too long, > ").num(x.length).text("]")
	}
	const fin, syn, rst, ack, urg = 1, 2, 4, 16, 32
	length := x.length - n
	seq := be32(x.p, 4)
	if length > 0 || flags&(fin|syn|rst) != 0 {
		s = s.text(", seq ").num32(seq)
		if length > 0 {
			s = s.text(":").num32(seq + uint32(length))
		}
	}
	if flags&ack != 0 {
		s = s.text(", ack ").num32(be32(x.p, 8))
	}
	s = s.text(", win ").num(int(be16(x.p, 14)))
	if flags&urg != 0 {
		s = s.text(", urg ").num(int(be16(x.p, 18)))
	}
	if n > tcpLen {
		s = s.text(", options [").tcpOptions(x.p[tcpLen:min(n, len(x.p))])
		if n > len(x.p) {
			return s.text("[|tcp]")
		}
		s = s.text("]")
	}
	return s.text(", length ").num(length)
}

// tcpFlags appends the control bits, in tcpdump's order and letters.
func (s line) tcpFlags(flags uint8) line {
	if flags == 0 {
		return s.text("none")
	}
	for bit := range 8 {
		if flags>>bit&1 != 0 {
			s = append(s, "FSRP.UEW"[bit])
		}
	}
	return s
}

// tcpOptions appends options as far as they are well-formed.
func (s line) tcpOptions(p []byte) line {
	for i := 0; len(p) > 0; i++ {
		if i > 0 {
			s = s.text(",")
		}
		kind, n := p[0], 1
		if kind == tcpEnd {
			return s.text("eol")
		}
		if kind != tcpNop {
			if len(p) < 2 || p[1] < 2 || int(p[1]) > len(p) {
				return s.text("[bad opt]")
			}
			n = int(p[1])
		}
		var ok bool
		if s, ok = s.tcpOption(kind, p[:n]); !ok {
			return s.text("[bad opt]")
		}
		p = p[n:]
	}
	return s
}

// tcpOption appends one option; false when it does not have its proper length.
func (s line) tcpOption(kind uint8, p []byte) (line, bool) {
	switch kind {
	case tcpNop:
		return s.text("nop"), true
	case tcpSack:
		return s.tcpSack(p)
	case tcpMSS, tcpScale, tcpSackOK, tcpTimestamp:
		if len(p) != int(tcpOptionLen[kind]) {
			return s, false
		}
	}
	switch kind {
	case tcpMSS:
		s = s.text("mss ").num(int(be16(p, 2)))
	case tcpScale:
		s = s.text("wscale ").num(int(p[2]))
	case tcpSackOK:
		s = s.text("sackOK")
	case tcpTimestamp:
		s = s.text("TS val ").num32(be32(p, 2)).text(" ecr ").num32(be32(p, 6))
	default:
		s = s.text("unknown-").num(int(kind))
		if len(p) > 2 {
			s = s.text(" 0x")
		}
		for _, v := range p[2:] {
			s = s.hex(uint64(v), 2)
		}
	}
	return s, true
}

// tcpSack appends a SACK option, "sack 2 {1:2}{5:9}" (RFC 2018 §3).
func (s line) tcpSack(p []byte) (line, bool) {
	blocks := (len(p) - 2) / 8
	if blocks == 0 || len(p) != 2+8*blocks {
		return s, false
	}
	s = s.text("sack ").num(blocks).text(" ")
	for p = p[2:]; len(p) > 0; p = p[8:] {
		s = s.text("{").num32(be32(p, 0)).text(":").num32(be32(p, 4)).text("}")
	}
	return s, true
}
