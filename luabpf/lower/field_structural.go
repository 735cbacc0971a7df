// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"slices"

	"github.com/yuin/gopher-lua/ast"

	"pvlua/packet"
)

// assignStructural assigns a field by which headers are found. What is above it
// is walked again when somebody asks. Where the bytes change that a checksum
// above IP covers, user space adds up all of them before and after: that is left
// to it.
func (c *compiler) assignStructural(p *path, f *packet.Field, v value, at ast.PositionHolder) (out []*path) {
	if f.Sum&(packet.SumL4|packet.SumPseudo) != 0 || slices.Contains([]string{"ip.version", "ip.ihl"}, f.String()) {
		c.exit(p, at, false, "an assignment to %s changes what checksums cover; pkt:set_u8 or set_u16 and then pkt:fix_checksums() are compiled", f)
		return nil
	}
	if p = c.takes(p, f, v, at); p == nil {
		return nil
	}
	for _, p := range c.still(p, f.Header, at) {
		for _, s := range c.spot(c.settle(p), f) {
			switch {
			case s.absent:
				c.exit(s.path, at, true, "%s: the packet does not have it", f)
			case c.changing(s.path, at):
				p := c.writeField(s.path, f, s.place, v)
				p.pkt.walk.changed(f.Header)
				p.pkt.options = nil
				out = append(out, p)
			}
		}
	}
	return out
}

// changed forgets what may be another thing after an assignment to a field by
// which headers are found.
func (w *walk) changed(h packet.HeaderID) {
	old := *w
	*w = unwalked
	w.has = old.has & (1 << packet.Eth)
	if h != packet.IP {
		return
	}
	// Flags and fragment offset say only whether there is a header above.
	w.has = old.has &^ transports
	w.not = old.not &^ transports
	w.linked, w.typ, w.l3 = old.linked, old.typ, old.l3
	w.ihl, w.proto, w.l4, w.room = old.ihl, old.proto, old.l4, old.room
}
