// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"github.com/yuin/gopher-lua/ast"

	"pvlua/luabpf/ir"
	"pvlua/packet"
)

// payloadLength is #pkt.payload, which is a number, though pkt.payload is none.
// It reports false for the length of anything else.
func (c *compiler) payloadLength(p *path, e *ast.UnaryLenOpExpr) (out []result, ok bool) {
	attr, ok := e.Expr.(*ast.AttrGetExpr)
	if !ok {
		return nil, false
	}
	if key, named := attr.Key.(*ast.StringExpr); !named || key.Value != "payload" {
		return nil, false
	}
	for _, x := range c.expr(p, attr.Object) {
		switch {
		case x.kind != isPacket:
			for _, v := range c.index(x.path, x.value, text("payload"), attr) {
				out = append(out, c.valueLength(v.path, v.value, e)...)
			}
		case len(c.program.Protocols()) > 0:
			out = append(out, c.exit(x.path, e, false, "where the payload begins follows from headers declared by pv.proto, which only user space knows")...)
		default:
			out = append(out, c.payloadLen(x.path)...)
		}
	}
	return out, true
}

// payloadLen is #pkt.payload: packet.Layout.Payload.
func (c *compiler) payloadLen(p *path) (out []result) {
	give := func(p *path, n ir.Reg) { out = append(out, result{p, ranged(n, 0, maxPacket)}) }
	eth, none := c.present(p, packet.Eth)
	for _, p := range none {
		give(p, c.packetLen(p))
	}
	rest := eth
	for _, h := range [...]packet.HeaderID{packet.UDP, packet.TCP, packet.ICMP, packet.ICMP6, packet.IP, packet.IP6, packet.ARP} {
		var off []*path
		for _, p := range rest {
			yes, no := c.present(p, h)
			off = append(off, no...)
			for _, p := range yes {
				for _, p := range c.overNetworks(p) {
					p, n := c.after(p, h)
					give(p, n)
				}
			}
		}
		rest = off
	}
	for _, p := range rest {
		p, n := c.afterLink(c.link(p))
		give(p, n)
	}
	return out
}

// after gives how many bytes follow header h, the last one of a packet, of those
// that belong to the network layer.
func (c *compiler) after(p *path, h packet.HeaderID) (*path, ir.Reg) {
	if h == packet.ARP {
		return p, c.constant(p, 0)
	}
	if h == packet.IP6 {
		p = c.walkExtensions(p, protocols[packet.UDP])
	}
	p = c.roomKnown(p)
	from := c.offset(p, p.pkt.walk.l4)
	p, end := c.netEnd(p)
	switch h {
	case packet.UDP:
		p, end = c.udpEnd(p, end)
		from = c.binary(p, ir.Add, from, udpLen)
	case packet.ICMP, packet.ICMP6:
		from = c.binary(p, ir.Add, from, icmpLen)
	case packet.TCP:
		var l4 place
		p, l4 = c.headerAt(p, h)
		n := c.binary(p, ir.Shl, c.binary(p, ir.Shr, c.load(p, l4.plus(12), 1, h), 4), 2)
		from = c.binaryReg(p, ir.Add, from, n)
	}
	return p, c.binaryReg(p, ir.Sub, end, from)
}

// udpEnd gives where a datagram ends by its own length, if that is before the
// end of the IP packet.
func (c *compiler) udpEnd(p *path, end ir.Reg) (*path, ir.Reg) {
	p, at := c.headerAt(p, packet.UDP)
	n := c.loadHost(p, at.plus(4), 2, packet.UDP)
	to := c.f.NewReg(ir.Number)
	c.assignReg(p, to, end)
	own := c.binaryReg(p, ir.Add, c.offset(p, p.pkt.walk.l4), n)
	some, p := c.branch(p, ir.GE, n, ir.None, udpLen)
	short, some := c.branch(some, ir.LT, own, end, 0)
	c.assignReg(short, to, own)
	return c.rejoin(p, some, short), to
}

// afterLink gives how many bytes follow the link layer of a packet without other
// headers: as many as an IEEE 802.3 frame says, or all.
func (c *compiler) afterLink(p *path) (*path, ir.Reg) {
	const minType = 0x600
	rest := c.f.NewReg(ir.Number)
	c.assignReg(p, rest, c.binaryReg(p, ir.Sub, c.packetLen(p), c.offset(p, p.pkt.walk.l3)))
	n := c.swap(p, p.pkt.walk.typ, 2)
	is, not := c.branch(p, ir.LT, n, ir.None, minType)
	less, more := c.branch(is, ir.LT, n, rest, 0)
	c.assignReg(less, rest, n)
	return c.rejoin(not, more, less), rest
}
