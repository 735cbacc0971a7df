// SPDX-License-Identifier: GPL-3.0-or-later

package packet

import "strconv"

// AppendSummary is the function AppendSummary for packets that may have one of
// the protocols; nil has none. A declared header comes last, with its numbers
// and texts:
//
//	IP 10.0.0.4.1234 > 10.0.0.5.7000: UDP, length 8 MYPROTO ver=1 type=HELLO len=4
//
// One that is cut short is "[|myproto]". 1024 bytes are not always enough: it
// has as many fields as were declared.
func (ps *Protocols) AppendSummary(dst, b []byte) []byte {
	if len(b) > maxLen {
		b = b[:maxLen]
	}
	l := Layout{Declared: ps}
	l.Walk(b)
	s := line(dst).packet(b, &l)
	switch {
	case l.Above != nil:
		s = s.text(" ").above(b, &l)
	case l.has(AboveCut):
		s = s.text(" [|").text(ps.above(b, &l).Name).text("]")
	}
	return s
}

// above appends the declared header that the packet has.
func (s line) above(b []byte, l *Layout) line {
	s = s.upperCase(l.Above.Name)
	for _, f := range l.Above.Fields {
		v, isNumber := f.Uint(b, l)
		p, _ := f.Bytes(b, l)
		if !isNumber && !f.Text {
			continue
		}
		s = s.text(" ").text(f.Name).text("=")
		if isNumber {
			s = f.AppendValue(s, v)
		} else {
			s = s.quoted(p)
		}
	}
	return s
}

// maxQuoted is how much of a text a summary shows, in bytes.
const maxQuoted = 40

// quoted appends a text between quotation marks. It is from the network, so
// everything but printable ASCII is escaped; what is long is cut.
func (s line) quoted(p []byte) line {
	s = s.text(`"`)
	for _, c := range p[:min(len(p), maxQuoted)] {
		switch {
		case c == '"', c == '\\':
			s = append(s, '\\', c)
		case c < ' ' || c > '~':
			s = s.text(`\x`).hex(uint64(c), 2)
		default:
			s = append(s, c)
		}
	}
	if len(p) > maxQuoted {
		s = s.text("...")
	}
	return s.text(`"`)
}

// upperCase appends a name in capitals.
func (s line) upperCase(name string) line {
	for _, c := range []byte(name) {
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		s = append(s, c)
	}
	return s
}

// AppendValue appends a number of field f as the summary shows it: by its name,
// as an address, as true or false.
func (f *ProtocolField) AppendValue(dst []byte, v uint64) []byte {
	if name := f.EnumName(v); name != "" {
		return append(dst, name...)
	}
	switch f.Kind {
	case Bool:
		return strconv.AppendBool(dst, v != 0)
	case MAC:
		return AppendMAC(dst, v)
	case IPv4:
		return AppendIP4(dst, uint32(v))
	}
	return strconv.AppendUint(dst, v, 10)
}
