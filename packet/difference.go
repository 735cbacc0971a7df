// SPDX-License-Identifier: GPL-3.0-or-later

package packet

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// AppendDifference is Protocols.AppendDifference for packets without declared
// headers.
func AppendDifference(dst, got, want []byte) []byte {
	return (*Protocols)(nil).AppendDifference(dst, got, want)
}

// AppendDifference appends a table that shows two packets side by side, field by
// field, got to the left and want to the right. Lines that differ begin with >.
// Where bytes differ that no line of the table shows, those bytes follow as
// AppendByteDifference gives them. A declared header of one of the protocols,
// which may be nil, is shown like the others. It is for people who look at a
// failed test.
func (ps *Protocols) AppendDifference(dst, got, want []byte) []byte {
	var d difference
	d.got.take(ps, got)
	d.want.take(ps, want)
	d.row("", "got", "want", false)
	hidden := false // a difference is where the table has dots
	for i := range Headers {
		h := &Headers[i]
		a, b := d.got.layout.Present(h.ID), d.want.layout.Present(h.ID)
		if !a && !b {
			continue
		}
		if a != b {
			d.row(h.Name, presence(a), presence(b), true)
		}
		for _, f := range h.Fields {
			if composed(h, f) {
				continue
			}
			x, y := d.got.field(f), d.want.field(f)
			if x != "" || y != "" {
				differs := d.differ(f)
				d.row(f.String(), x, y, differs)
				hidden = hidden || differs && x == y
			}
		}
	}
	hidden = d.declared() || hidden
	d.row("payload", d.got.payload(), d.want.payload(), !bytes.Equal(d.got.rest(), d.want.rest()))
	d.row("length", strconv.Itoa(len(got)), strconv.Itoa(len(want)), len(got) != len(want))
	dst = d.append(dst)
	if hidden || !d.differs || !bytes.Equal(d.got.rest(), d.want.rest()) && !(d.got.isText() && d.want.isText()) {
		dst = AppendByteDifference(dst, got, want)
	}
	return dst
}

// presence says whether a packet has a header.
func presence(has bool) string {
	if has {
		return "present"
	}
	return "absent"
}

// composed reports whether all bits of a field are those of other fields of its
// header, which say more: flags are df and mf.
func composed(h *Header, f *Field) bool {
	if f.Locate != Fixed || f.Width == 0 {
		return false
	}
	for _, o := range h.Fields {
		if o == f || o.Locate != Fixed || o.Width == 0 || o.BitOffset < f.BitOffset || o.BitOffset+o.Width > f.BitOffset+f.Width {
			continue
		}
		if o.Width < f.Width {
			return true
		}
		return before(h, o, f) // two names of the same bits
	}
	return false
}

// before reports whether a stands before b in the table.
func before(h *Header, a, b *Field) bool {
	for _, f := range h.Fields {
		if f == a || f == b {
			return f == a
		}
	}
	return false
}

// A side is one of the two packets.
type side struct {
	b      []byte
	layout Layout
}

func (s *side) take(ps *Protocols, b []byte) {
	s.b, s.layout.Declared = b, ps
	s.layout.Walk(b)
}

// field writes a value, "" if the packet does not have it.
func (s *side) field(f *Field) string {
	if f.Kind == IPv6 || f.Kind == Bytes {
		p, ok := f.Bytes(s.b, &s.layout)
		switch {
		case !ok:
			return ""
		case f.Kind == IPv6:
			return string(AppendIP6(nil, [16]byte(p)))
		}
		return shortHex(p)
	}
	v, ok := f.Uint(s.b, &s.layout)
	switch {
	case !ok:
		return ""
	case f.Kind == MAC:
		return string(AppendMAC(nil, v))
	case f.Kind == IPv4:
		return string(AppendIP4(nil, uint32(v)))
	case f.Kind == Bool:
		return strconv.FormatBool(v != 0)
	case f.Width == 16 && (f.Name == "type" || f.Name == "checksum" || f.Name == "ptype"):
		return fmt.Sprintf("0x%04x", v)
	}
	return strconv.FormatUint(v, 10)
}

// shortHex writes bytes, with dots for those that are too many.
func shortHex(p []byte) string {
	if len(p) > 12 {
		return fmt.Sprintf("%x...", p[:12])
	}
	return fmt.Sprintf("%x", p)
}

// declaredField writes the value of a field of a declared header, "" if the
// packet does not have it.
func (s *side) declaredField(f *ProtocolField) string {
	if v, ok := f.Uint(s.b, &s.layout); ok {
		return string(f.AppendValue(nil, v))
	}
	p, ok := f.Bytes(s.b, &s.layout)
	switch {
	case !ok:
		return ""
	case f.Kind == IPv6 && len(p) == 16:
		return string(AppendIP6(nil, [16]byte(p)))
	case isShortText(p):
		return strconv.Quote(string(p))
	}
	return shortHex(p)
}

// rest gives the payload.
func (s *side) rest() []byte {
	from, to := s.layout.Payload()
	return s.b[from:to]
}

// shortText is how long bytes can be that are shown as text.
const shortText = 40

// isText reports whether payload shows all of the payload.
func (s *side) isText() bool { return isShortText(s.rest()) }

func isShortText(p []byte) bool {
	return len(p) <= shortText && !bytes.ContainsFunc(p, func(r rune) bool { return r < ' ' || r > '~' })
}

func (s *side) payload() string {
	if s.isText() {
		return strconv.Quote(string(s.rest()))
	}
	return fmt.Sprintf("%d bytes", len(s.rest()))
}

// A difference is the table in the making.
type difference struct {
	got, want side
	rows      []differenceRow
	differs   bool // one of the rows does
}

type differenceRow struct {
	name, got, want string
	differs         bool
}

// declared makes the rows of declared headers. It reports whether a difference
// is where they have dots.
func (d *difference) declared() (hidden bool) {
	a, b := d.got.layout.Above, d.want.layout.Above
	protocols := []*Protocol{a, b}
	if a == b {
		protocols = protocols[:1]
	}
	for _, p := range protocols {
		if p == nil {
			continue
		}
		if a != b {
			d.row(p.Name, presence(p == a), presence(p == b), true)
		}
		for _, f := range p.Fields {
			x, y := d.got.declaredField(f), d.want.declaredField(f)
			u, _ := f.Bytes(d.got.b, &d.got.layout)
			v, _ := f.Bytes(d.want.b, &d.want.layout)
			differs := x != y || !bytes.Equal(u, v)
			d.row(p.Name+"."+f.Name, x, y, differs)
			hidden = hidden || differs && x == y
		}
	}
	return hidden
}

// differ reports whether a field differs.
func (d *difference) differ(f *Field) bool {
	a, hasA := f.Bytes(d.got.b, &d.got.layout)
	b, hasB := f.Bytes(d.want.b, &d.want.layout)
	x, isX := f.Uint(d.got.b, &d.got.layout)
	y, isY := f.Uint(d.want.b, &d.want.layout)
	return hasA != hasB || isX != isY || x != y || !bytes.Equal(a, b)
}

func (d *difference) row(name, got, want string, differs bool) {
	d.rows = append(d.rows, differenceRow{name, got, want, differs})
	d.differs = d.differs || differs
}

// append writes the table, its columns as wide as they need to be.
func (d *difference) append(dst []byte) []byte {
	name, got := 0, 0
	for _, r := range d.rows {
		name, got = max(name, len(r.name)), max(got, utf8.RuneCountInString(r.got))
	}
	for _, r := range d.rows {
		mark := "  "
		if r.differs {
			mark = "> "
		}
		line := fmt.Sprintf("%s%-*s  %-*s  %s", mark, name, r.name, got, r.got, r.want)
		dst = append(append(dst, strings.TrimRight(line, " ")...), '\n')
	}
	return dst
}

// differenceLines bounds how many lines of 16 bytes are shown of each side.
const differenceLines = 16

// AppendByteDifference appends those lines of 16 bytes in which got and want
// differ, as AppendHexDump writes them, one below the other.
func AppendByteDifference(dst, got, want []byte) []byte {
	shown := 0
	for off := 0; off < max(len(got), len(want)); off += hexLine {
		a, b := hexPart(got, off), hexPart(want, off)
		if bytes.Equal(a, b) {
			continue
		}
		if shown++; shown > differenceLines {
			return append(dst, "  ...\n"...)
		}
		for _, side := range []struct {
			label string
			part  []byte
		}{{"> got   ", a}, {"> want  ", b}} {
			line := bytes.TrimPrefix(AppendHexDump(nil, side.part), []byte("0000"))
			dst = fmt.Appendf(dst, "%s%04x%s", side.label, off, line)
			if len(side.part) == 0 {
				dst = append(dst, '\n')
			}
		}
	}
	return dst
}

// hexPart gives the bytes of a line.
func hexPart(b []byte, off int) []byte {
	return b[min(off, len(b)):min(off+hexLine, len(b))]
}
