// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"github.com/yuin/gopher-lua/ast"

	"pvlua/luabpf/ir"
	"pvlua/packet"
)

// complete has a path go on with packets only that need no checksum, if
// Options.Partial says that others may come: those, which have the sum of their
// pseudo-header in its place (packet.CompletePartial), exit. It is to be asked
// before a path changes anything, or comes to a loop that may, and before it
// sends a packet on.
func (c *compiler) complete(p *path, at ast.PositionHolder) {
	if !c.opts.Partial || p.pkt.whole {
		return
	}
	var ends []*path
	rest := []*path{p}
	for _, h := range [...]packet.HeaderID{packet.UDP, packet.TCP} {
		var off []*path
		for _, p := range rest {
			yes, no := c.present(p, h)
			off = append(off, no...)
			for _, p := range yes {
				for _, p := range c.overNetworks(p) {
					ends = append(ends, c.completeAbove(p, h, at))
				}
			}
		}
		rest = off
	}
	// Whoever asked goes on with the same path.
	*p = *c.rejoin(append(ends, rest...)...)
	p.pkt.whole = true
}

// completeAbove is complete for a path with a TCP or UDP header.
func (c *compiler) completeAbove(p *path, h packet.HeaderID, at ast.PositionHolder) *path {
	over4 := p.pkt.walk.has>>packet.IP&1 != 0
	p, header := c.headerAt(p, h)
	p = c.roomKnown(p)
	length := p.pkt.walk.room
	if h == packet.UDP {
		p, length = c.udpLength(p, header, over4)
	}
	p, unknown, sum := c.pseudo(p, over4, h, length)
	sum = c.emit(p, ir.Instr{Op: ir.Fold, A: sum, B: ir.None})
	partial, whole := c.branch(p, ir.EQ, c.load(p, header.plus(sumAt[h]), 2, h), sum, 0)
	c.exit(partial, at, true, "its sender left the checksum to a network card: user space computes it (ethtool -K PEER tx off has the sender do so)")
	return c.rejoin(whole, unknown)
}
