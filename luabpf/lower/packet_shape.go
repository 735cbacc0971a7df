// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"slices"

	"github.com/yuin/gopher-lua/ast"

	"pvlua/luabpf/ir"
)

// What changes the length of a packet (luabind/reshape.go).

// vlanRoom is what a frame may be longer than the MTU (luabind/port.go).
const vlanRoom = 18

// longest gives the length in bytes that a packet may have to go out of any
// port.
func (c *compiler) longest() int64 {
	n := int64(maxPacket)
	for _, port := range c.opts.Ports {
		if port.MTU > 0 {
			n = min(n, int64(port.MTU)+vlanRoom)
		}
	}
	return n
}

// reshape is pkt:push(n), pkt:pull(n) and pkt:resize(length). A packet that
// would be too long or too short to be sent is left to user space before
// anything is done, so that the verdict need not look at the length.
func (c *compiler) reshape(p *path, name string, v value, at ast.PositionHolder) []result {
	if v.kind != isNumber {
		return c.exit(p, at, false, "%s: the number of bytes is no whole number", name)
	}
	adjust := ir.Instr{Op: ir.Adjust, A: ir.None, B: ir.None}
	var length ir.Reg
	least := int64(p.leastLen())
	switch {
	case name == "resize":
		length = c.operand(p, v)
		least = p.span(v).lo
	case !v.known || v.n < 0 || v.n > maxPacket:
		return c.exit(p, at, false, "%s: the number of bytes is no constant", name)
	case name == "push":
		adjust.Imm = v.n
		least += v.n
		length = c.binary(p, ir.Add, c.packetLen(p), v.n)
	default:
		adjust.Imm = -v.n
		least -= v.n
		length = c.binary(p, ir.Sub, c.packetLen(p), v.n)
	}
	const size = "%s: the packet would have a length that can't be sent"
	p, long := c.branch(p, ir.LE, length, ir.None, c.longest())
	c.exit(long, at, true, size, name)
	p, short := c.branch(p, ir.GE, length, ir.None, ethLen)
	c.exit(short, at, true, size, name)
	if name == "resize" {
		adjust.Size, adjust.A = 1, c.binaryReg(p, ir.Sub, length, c.packetLen(p))
	}
	before := slices.Clone(p.changes)
	if !c.changing(p, at) {
		return nil
	}
	p = c.settle(p)
	base := p.pkt.base
	done, not := c.branch(p, ir.NE, c.emit(p, adjust), ir.None, 0)
	not.changes = before
	c.exit(c.repoint(not, base, at), at, true, "%s: the frame has no room in the kernel", name)
	done.last(at)
	done.pkt = newLayout()
	done.pkt.whole = true
	done.pkt.resized, done.pkt.least = true, int(max(ethLen, least))
	return one(done, nothing)
}

// fits gives the paths on which the packet can go out of a port, if its length
// has changed: all, since reshape has seen to it. Its checksums are settled.
func (c *compiler) fits(p *path, port int, at ast.PositionHolder) []*path {
	return []*path{c.settle(p)}
}
