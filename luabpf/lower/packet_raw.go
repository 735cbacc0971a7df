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
		c.fails(p, at, "%s: the offset is no whole number", what)
		return nil, place{}
	}
	s := p.span(off)
	if s.hi < 0 || s.lo > maxPacket-int64(size) {
		c.fails(p, at, "%s at offset %d is outside the packet", what, s.lo)
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
		return c.fails(p, at, "%s: the value is no whole number", name)
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
	if size == 0 || pl.ptr == p.pkt.base && int(pl.off)+size <= ethAddresses || w.not&(1<<packet.Eth) != 0 {
		return
	}
	has := w.has & (1 << packet.Eth)
	*w = unwalked
	w.has = has
	p.pkt.options = nil
}

// rawBytes is pkt:bytes(offset, length), of a length up to that of an IPv6
// address: such strings are in registers.
func (c *compiler) rawBytes(p *path, args []value, at ast.PositionHolder) []result {
	n := arg(args, 1)
	if !n.known || n.kind != isNumber || n.n < 0 || n.n > 16 {
		return c.exit(p, at, false, "bytes: a string of more than 16 bytes, or of a length that is not known; pkt:u8, u16 and u32 read numbers")
	}
	p, pl := c.spotAt(p, "bytes", arg(args, 0), int(n.n), at)
	if p == nil {
		return nil
	}
	p = c.settle(p)
	v := value{kind: isText, n: n.n, reg: ir.None, reg2: ir.None}
	switch {
	case n.n == 0:
		return one(p, text(""))
	case n.n == 16:
		v = address(ir.None, ir.None)
	}
	for _, w := range pieces(int(n.n)) {
		r := c.load(p, pl.plus(w.at), w.size, c.owner(p, pl, int(n.n)))
		half := &v.reg
		if w.at >= 8 {
			half = &v.reg2
		}
		if shift := int64(w.at%8) * 8; shift > 0 {
			r = c.binaryReg(p, ir.Or, *half, c.binary(p, ir.Shl, r, shift))
		}
		*half = r
	}
	return one(p, v)
}

// piece is bytes of a string that are loaded or stored at once.
type piece struct {
	at   int
	size uint8
}

// pieces parts n bytes.
func pieces(n int) (all []piece) {
	for at := 0; at < n; {
		size := [...]int{0, 1, 2, 2, 4, 4, 6, 6, 8}[min(n-at, 8-at%8)]
		all = append(all, piece{at, uint8(size)})
		at += size
	}
	return all
}

// rawSetBytes is pkt:set_bytes(offset, s) with a constant, or a string in
// registers.
func (c *compiler) rawSetBytes(p *path, args []value, at ast.PositionHolder) []result {
	v := arg(args, 1)
	size := len(v.text)
	switch {
	case v.kind == isAddress:
		size = 16
	case v.kind != isText:
		return c.fails(p, at, "set_bytes: the value is no string")
	case !v.known:
		size = int(v.n)
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
	for _, w := range pieces(size) {
		reg, imm := ir.None, int64(0)
		if v.known {
			var word [8]byte
			copy(word[:], v.text[w.at:w.at+int(w.size)])
			imm = int64(binary.LittleEndian.Uint64(word[:]))
		} else {
			if reg = v.reg; w.at >= 8 {
				reg = v.reg2
			}
			reg = c.low(p, reg, w)
		}
		c.store(p, pl.plus(w.at), w.size, c.owner(p, pl, size), reg, imm)
	}
	c.rewalk(p, pl, size)
	return one(p, nothing)
}

// low brings a piece of a string to the low bytes of a register, the others
// being 0.
func (c *compiler) low(p *path, r ir.Reg, w piece) ir.Reg {
	if shift := int64(w.at%8) * 8; shift > 0 {
		r = c.binary(p, ir.Shr, r, shift)
	}
	if w.size < 8 {
		r = c.binary(p, ir.And, r, 1<<(8*w.size)-1)
	}
	return r
}

// arg gives an argument, nil if there is none.
func arg(args []value, i int) value {
	if i < len(args) {
		return args[i]
	}
	return nothing
}
