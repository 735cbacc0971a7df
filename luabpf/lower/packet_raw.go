// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"encoding/binary"

	"github.com/yuin/gopher-lua/ast"

	"pvlua/luabpf/ir"
	"pvlua/packet"
)

// Raw access: bytes by their offset.

// spotAt finds size bytes at an offset that an expression gave, for an access
// that what names. It gives no path if they can't be in a packet.
func (c *compiler) spotAt(p *path, what string, off value, size int, at ast.PositionHolder) (*path, place) {
	if off.kind != isNumber {
		c.exit(p, at, false, "%s: the offset is no whole number", what)
		return nil, place{}
	}
	s := p.span(off)
	if s.hi < 0 || s.lo > maxPacket-int64(size) {
		c.exit(p, at, false, "%s at offset %d is outside the packet", what, s.lo)
		return nil, place{}
	}
	const outside = "%s: a packet ends before the offset, which is an error"
	if off.known {
		pl := c.at(p, int(off.n))
		in, out := c.within(p, pl, size)
		if out != nil {
			c.exit(out, at, true, outside, what)
		}
		return in, pl
	}
	if s.lo < 0 || s.hi > maxPacket {
		var out *path
		p, out = c.branch(p, ir.LE, off.reg, ir.None, maxPacket)
		c.exit(out, at, true, outside, what)
		p.narrow(off, 0, maxPacket)
	}
	pl := place{c.emit(p, ir.Instr{Op: ir.Ptr, A: off.reg, B: ir.None}), 0, off.reg}
	in, out := c.within(p, pl, size)
	if out != nil {
		c.exit(out, at, true, outside, what)
	}
	return in, pl
}

// rawRead is pkt:u8(offset) and so on.
func (c *compiler) rawRead(p *path, name string, size uint8, args []value, at ast.PositionHolder) []result {
	p, pl := c.spotAt(p, name, arg(args, 0), int(size), at)
	if p == nil {
		return nil
	}
	h := c.owner(p, pl, int(size))
	if h == anyHeader {
		p = c.settle(p)
	}
	return one(p, ranged(c.loadHost(p, pl, size, h), 0, 1<<(8*size)-1))
}

// owner gives the header that bytes are in, if that is certain.
func (c *compiler) owner(p *path, pl place, size int) packet.HeaderID {
	if pl.ptr == p.pkt.base && int(pl.off)+size <= ethLen {
		return packet.Eth
	}
	return anyHeader
}

// rawWrite is pkt:set_u8(offset, n) and so on.
func (c *compiler) rawWrite(p *path, name string, size uint8, args []value, at ast.PositionHolder) []result {
	v, top := arg(args, 1), int64(1)<<(8*size)-1
	if v.kind != isNumber {
		return c.exit(p, at, false, "%s: the value is no whole number", name)
	}
	if p = c.ranging(p, v, top, at, name); p == nil {
		return nil
	}
	p, pl := c.spotAt(p, name, arg(args, 0), int(size), at)
	if p == nil || !c.changing(p, at) {
		return nil
	}
	p = c.settle(p)
	reg, imm := c.rawNumber(p, v, size)
	c.store(p, pl, size, c.owner(p, pl, int(size)), reg, imm)
	c.rewalk(p, pl, int(size))
	return one(p, nothing)
}

// rawNumber gives a number in the order of the packet, in a register or, if
// that is None, as a constant.
func (c *compiler) rawNumber(p *path, v value, size uint8) (reg ir.Reg, imm int64) {
	if v.known {
		return ir.None, rawConst(v.n, size)
	}
	if raw, ok := c.raw[v.reg]; ok && raw.size == size {
		return raw.reg, 0
	}
	return c.swap(p, v.reg, size), 0
}

// rewalk forgets what was found out about headers after a change of bytes by
// which they may be found: all but the addresses of eth, and that there is eth,
// which follows from the packet's length.
func (c *compiler) rewalk(p *path, pl place, size int) {
	const ethAddresses = 12
	w := &p.pkt.walk
	if pl.ptr == p.pkt.base && int(pl.off)+size <= ethAddresses || w.not&1 != 0 {
		return
	}
	has := w.has & (1 << packet.Eth)
	*w = unwalked
	w.has = has
}

// rawBytes is pkt:bytes(offset, 16), the one length of which strings are values.
func (c *compiler) rawBytes(p *path, args []value, at ast.PositionHolder) []result {
	const size = 16
	if n := arg(args, 1); !n.known || n.kind != isNumber || n.n != size {
		return c.exit(p, at, false, "bytes: a string made at run time; pkt:u8, u16 and u32 read numbers, and IPv6 addresses are pkt:bytes(offset, 16)")
	}
	p, pl := c.spotAt(p, "bytes", arg(args, 0), size, at)
	if p == nil {
		return nil
	}
	p = c.settle(p)
	h := c.owner(p, pl, size)
	return one(p, address(c.load(p, pl, 8, h), c.load(p, pl.plus(8), 8, h)))
}

// rawSetBytes is pkt:set_bytes(offset, s) with a constant, or an IPv6 address.
func (c *compiler) rawSetBytes(p *path, args []value, at ast.PositionHolder) []result {
	v := arg(args, 1)
	if v.kind != isText && v.kind != isAddress {
		return c.exit(p, at, false, "set_bytes: the value is no string")
	}
	size := 16
	if v.known {
		size = len(v.text)
	}
	const most = 64
	if size > most {
		return c.exit(p, at, false, "set_bytes: more than %d bytes at once", most)
	}
	p, pl := c.spotAt(p, "set_bytes", arg(args, 0), size, at)
	if p == nil || !c.changing(p, at) {
		return nil
	}
	p = c.settle(p)
	h := c.owner(p, pl, size)
	if !v.known {
		c.store(p, pl, 8, h, v.reg, 0)
		c.store(p, pl.plus(8), 8, h, v.reg2, 0)
	}
	for b, to := []byte(v.text), pl; v.known && len(b) > 0; {
		n := [...]int{0, 1, 2, 2, 4, 4, 4, 4, 8}[min(len(b), 8)]
		var word [8]byte
		copy(word[:], b[:n])
		c.store(p, to, uint8(n), h, ir.None, int64(binary.LittleEndian.Uint64(word[:])))
		b, to = b[n:], to.plus(n)
	}
	if size > 0 {
		c.rewalk(p, pl, size)
	}
	return one(p, nothing)
}

// arg gives an argument, nil if there is none.
func arg(args []value, i int) value {
	if i < len(args) {
		return args[i]
	}
	return nothing
}
