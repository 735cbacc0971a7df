// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"pvlua/luabpf/ir"
	"pvlua/packet"
)

// headerAt gives where a header is that the packet has for certain. Its fixed
// part is within the packet.
func (c *compiler) headerAt(p *path, h packet.HeaderID) (*path, place) {
	pl := c.headerPlace(p, h)
	if *pl == unwalked.l3 {
		p = c.relocate(p, h)
		pl = c.headerPlace(p, h)
	}
	*pl = c.pointed(p, *pl)
	at := *pl
	p, out := c.within(p, at, minLens[h])
	c.impossible(out)
	return p, at
}

// headerPlace gives what the path knows of where a header is.
func (c *compiler) headerPlace(p *path, h packet.HeaderID) *place {
	w := &p.pkt.walk
	switch h {
	case packet.Eth, packet.VLAN, packet.VLAN2:
		at := c.at(p, [...]int{packet.Eth: 0, packet.VLAN: ethLen, packet.VLAN2: ethLen + vlanLen}[h])
		return &at
	case packet.ARP, packet.IP, packet.IP6:
		return &w.l3
	}
	return &w.l4
}

// overNetworks gives the paths of one with a header of the network layer, or
// above it, that know which one that is.
func (c *compiler) overNetworks(p *path) (paths []*path) {
	if p.pkt.walk.has&networks != 0 {
		return some(p)
	}
	yes, no := c.present(p, packet.IP)
	paths = append(paths, yes...)
	for _, p := range no {
		yes, no := c.present(p, packet.IP6)
		paths = append(paths, yes...)
		for _, p := range no {
			c.impossible(p)
		}
	}
	return paths
}

// relocate walks the headers again up to one that is known to be there, but not
// where, as after paths have met on which it was at different places.
func (c *compiler) relocate(p *path, h packet.HeaderID) *path {
	has := p.pkt.walk.has
	p.pkt.walk.has &^= networks | transports
	p.pkt.walk.not &^= networks | transports
	for n := range packet.HeaderID(packet.NumHeaders) {
		if has&networks>>n&1 != 0 && n != h {
			p = c.relocate(p, n)
		}
	}
	yes, no := c.present(p, h)
	for _, p := range no {
		c.impossible(p)
	}
	num := c.f.NewReg(ir.Number)
	for _, p := range yes {
		if pl := c.headerPlace(p, h); len(yes) > 1 {
			c.assignReg(p, num, c.offset(p, *pl))
			*pl = place{ir.None, 0, num}
		}
	}
	p = c.rejoin(yes...)
	if len(yes) > 1 {
		p.pkt.walk.l4 = place{ir.None, 0, num}
	}
	p.pkt.walk.has |= has
	return p
}
