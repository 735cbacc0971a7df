// SPDX-License-Identifier: GPL-3.0-or-later

package packet

import "encoding/binary"

// writeChecksums computes the checksums that the recipe does not give.
func (p *plan) writeChecksums(b []byte) {
	if p.net == IP && !p.givesChecksum(IP) {
		c := p.layout.coverIP(b)
		binary.BigEndian.PutUint16(b[c.at:], c.right(b))
	}
	if p.upper == NumHeaders || p.givesChecksum(p.upper) {
		return
	}
	if c, ok := p.coverUpper(b); ok {
		binary.BigEndian.PutUint16(b[c.at:], c.right(b))
	}
}

// givesChecksum reports whether the recipe gives the checksum of header h.
func (p *plan) givesChecksum(h HeaderID) bool {
	_, ok := p.r.given(Lookup(h, "checksum"))
	return ok
}

// coverUpper gives what the checksum above IP covers: what a receiver takes it
// to cover or, if the values given keep it from seeing the header or all of
// what follows, the packet from there to its end. In a fragment nothing is
// known.
func (p *plan) coverUpper(b []byte) (c covered, ok bool) {
	var now Layout
	now.Walk(b)
	if now.has(Fragmented) {
		return covered{}, false
	}
	if now.Present(p.upper) && now.Off[p.upper] == p.layout.Off[p.upper] {
		if c = now.coverL4(b, p.upper); c.whole {
			return c, true
		}
	}
	from := p.off[p.upper]
	c = covered{header: p.upper, at: int(p.layout.sum), from: from, to: len(b)}
	if p.upper != ICMP {
		c.pseudo, _ = p.layout.pseudo(b, len(b)-from)
	}
	return c, true
}
