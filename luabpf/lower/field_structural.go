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
				p.pkt.restructured(f)
				out = append(out, p)
			}
		}
	}
	return out
}

// restructured forgets what may be another thing after an assignment to a field
// by which headers are found.
func (l *layout) restructured(f *packet.Field) {
	old, options := l.walk, l.options
	l.walk, l.options = unwalked, nil
	w := &l.walk
	w.has = old.has & (1 << packet.Eth)
	if f.Header != packet.IP && f.Locate != packet.Fragment {
		return
	}
	// Flags and fragment offsets say only whether there is a header above.
	w.has, w.not = old.has&^transports, old.not&^transports
	w.linked, w.typ, w.l3 = old.linked, old.typ, old.l3
	if f.Header == packet.IP {
		w.ihl, w.proto, w.l4, w.room = old.ihl, old.proto, old.l4, old.room
		return
	}
	l.options = slices.DeleteFunc(options, func(o option) bool { return o.kind != fragmentOption || o.header != packet.IP6 })
}
