// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"github.com/yuin/gopher-lua/ast"

	"pvlua/luabpf/ir"
	"pvlua/packet"
)

// ends are the fields that pkt:reply exchanges, in this order (packet/swap.go).
var ends = [...]struct {
	header   packet.HeaderID
	dst, src string
}{
	{packet.Eth, "dst", "src"}, {packet.ARP, "tha", "sha"}, {packet.ARP, "tpa", "spa"}, {packet.IP, "dst", "src"},
	{packet.IP6, "dst", "src"}, {packet.TCP, "dport", "sport"}, {packet.UDP, "dport", "sport"},
}

// reply is pkt:reply().
func (c *compiler) reply(p *path, at ast.PositionHolder) (out []result) {
	yes, no := c.present(p, packet.Eth)
	var paths []*path
	for _, p := range yes {
		if c.changing(p, at) {
			paths = append(paths, p)
		}
	}
	for _, e := range ends {
		var next []*path
		for _, p := range paths {
			yes, no := c.present(p, e.header)
			for _, p := range yes {
				next = append(next, c.exchange(p, packet.Lookup(e.header, e.dst), packet.Lookup(e.header, e.src)))
			}
			next = append(next, no...)
		}
		paths = next
	}
	for _, p := range paths {
		out = append(out, result{c.ownSource(p), whole(int64(ir.TX))})
	}
	for _, p := range no {
		out = append(out, result{p, whole(int64(ir.TX))})
	}
	return out
}

// exchange gives two fixed fields of a header each other's value.
func (c *compiler) exchange(p *path, dst, src *packet.Field) *path {
	p, at := c.headerAt(p, dst.Header)
	a, b := at.plus(c.byteOf(dst)), at.plus(c.byteOf(src))
	old, now := c.readField(p, dst, a), c.readField(p, src, b)
	p = c.writeField(p, dst, a, now)
	p, at = c.headerAt(p, dst.Header)
	return c.writeField(p, src, at.plus(c.byteOf(src)), old)
}

// byteOf gives where the load of a fixed field begins.
func (c *compiler) byteOf(f *packet.Field) int { return f.Plan().Off }

// ownSource puts the address of the port that the packet came in on in the
// place of a source address that is one of a group (luabind/reshape.go).
func (c *compiler) ownSource(p *path) *path {
	mac := c.opts.Ports[c.opts.In].MAC
	if mac == 0 {
		return p
	}
	src := packet.Lookup(packet.Eth, "src")
	p, at := c.headerAt(p, packet.Eth)
	at = at.plus(src.Plan().Off)
	group, own := c.branch(p, ir.NE, c.binary(p, ir.And, c.load(p, at, 6, packet.Eth), 1), ir.None, 0)
	group = c.writeField(group, src, at, whole(int64(mac)))
	return c.rejoin(own, group)
}
