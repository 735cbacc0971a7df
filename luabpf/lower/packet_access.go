// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"slices"

	"github.com/yuin/gopher-lua/ast"

	"pvlua/packet"
)

// property reads x.name of a packet, header or port.
func (c *compiler) property(p *path, x value, name string, at ast.PositionHolder) []result {
	switch x.kind {
	case isPacket:
		return c.ofPacket(p, name, at)
	case isPort:
		return c.ofPort(p, int(x.n), name, at)
	}
	f := packet.Lookup(x.header, name)
	if f == nil {
		return c.fails(p, at, "%s has no field '%s'", x.header, name)
	}
	if f.Kind == packet.Bytes {
		return c.exit(p, at, false, "%s is a string made at run time; pkt:u8(offset) reads bytes", f)
	}
	return c.field(p, x.header, f, at)
}

// ofPacket reads a property of the packet.
func (c *compiler) ofPacket(p *path, name string, at ast.PositionHolder) (out []result) {
	switch name {
	case "port":
		return one(p, value{kind: isPort, known: true, n: int64(c.opts.In)})
	case "payload":
		return c.exit(p, at, false, "the payload is a string made at run time; #pkt.payload is its length, and pkt:u8(offset) reads bytes")
	}
	for _, h := range packet.Headers {
		if h.Name != name {
			continue
		}
		yes, no := c.present(p, h.ID)
		for _, p := range yes {
			out = append(out, result{p, value{kind: isHeader, known: true, header: h.ID}})
		}
		for _, p := range no {
			out = append(out, result{p, nothing})
		}
		return out
	}
	if slices.ContainsFunc(c.program.Protocols(), func(d *packet.Protocol) bool { return d.Name == name }) {
		return c.exit(p, at, false, "'%s' is a header declared by pv.proto, which only user space knows", name)
	}
	return c.fails(p, at, "a packet has no '%s'", name)
}

// assign is x.name = v for a packet or header.
func (c *compiler) assign(p *path, x value, name string, v value, at ast.PositionHolder) []*path {
	f := (*packet.Field)(nil)
	if x.kind == isHeader {
		f = packet.Lookup(x.header, name)
	}
	switch {
	case x.kind == isPacket && name == "payload":
		c.exit(p, at, false, "a payload of another length moves bytes; pkt:set_u8(offset, n) changes bytes in place")
	case f == nil:
		c.fails(p, at, "'%s' can't be assigned", name)
	case f.Structural:
		return c.assignStructural(p, f, v, at)
	default:
		return c.assignField(p, f, v, at)
	}
	return nil
}

// length is #pkt.
func (c *compiler) length(p *path, at ast.PositionHolder) []result {
	return one(p, ranged(c.packetLen(p), 0, maxPacket))
}

// maxPacket is the greatest length of a packet in bytes.
const maxPacket = 0xffff
