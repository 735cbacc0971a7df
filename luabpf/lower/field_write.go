// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"encoding/binary"
	"math/bits"

	"github.com/yuin/gopher-lua/ast"

	"pvlua/luabpf/ir"
	"pvlua/packet"
)

// assignField assigns a field of a header.
func (c *compiler) assignField(p *path, f *packet.Field, v value, at ast.PositionHolder) (out []*path) {
	p = c.takes(p, f, v, at)
	if p == nil {
		return nil
	}
	for _, p := range c.still(p, f.Header, at) {
		if f.Locate == packet.NDOption {
			out = append(out, c.assignLinkAddress(p, f, v, at)...)
			continue
		}
		for _, s := range c.spot(p, f) {
			switch {
			case s.absent:
				c.exit(s.path, at, true, "%s: the packet does not have it", f)
			case c.changing(s.path, at):
				out = append(out, c.writeField(s.path, f, s.place, v))
			}
		}
	}
	return out
}

// takes parts the paths on which a value is one that a field can have from the
// others, which raise an error. It gives nil if there is none.
func (c *compiler) takes(p *path, f *packet.Field, v value, at ast.PositionHolder) *path {
	want := "a whole number"
	ok := v.kind == isNumber
	switch {
	case f.ReadOnly || f.Kind == packet.Bytes:
		c.fails(p, at, "%s is read-only", f)
		return nil
	case f.Kind == packet.Bool:
		ok, want = v.kind == isBool, "true or false"
	case f.Kind == packet.IPv6:
		ok, want = v.kind == isAddress, "a string of 16 bytes"
	}
	if !ok {
		c.fails(p, at, "%s takes %s", f, want)
		return nil
	}
	if v.kind != isNumber {
		return p
	}
	return c.ranging(p, v, int64(f.Plan().Mask), at, f.String())
}

// ranging gives the path on which a number is from 0 to top; others exit. It
// gives nil if there is none. what takes the number.
func (c *compiler) ranging(p *path, v value, top int64, at ast.PositionHolder, what string) *path {
	switch s := p.span(v); {
	case s.lo >= 0 && s.hi <= top:
		return p
	case v.known || s.lo > top || s.hi < 0:
		c.fails(p, at, "%s takes 0 to %d", what, top)
		return nil
	}
	in, out := c.branch(p, ir.LE, v.reg, ir.None, top)
	c.exit(out, at, true, "%s takes 0 to %d, and a number here may be another one; bit32.band keeps it in range", what, top)
	in.narrow(v, 0, top)
	return in
}

// writeField stores a value that a field can have, and notes the change for the
// checksums that cover it.
func (c *compiler) writeField(p *path, f *packet.Field, at place, v value) *path {
	if f.Name == "checksum" {
		p = c.settle(p)
	}
	ch := change{except: f.Plan().Except}
	if f.Kind == packet.IPv6 {
		ch.sort = bytesChange
		for i, half := range c.halves(p, v) {
			at := at.plus(8 * i)
			ch.was = append(ch.was, word{reg: c.load(p, at, 8, f.Header), size: 8, by: ir.None})
			ch.now = append(ch.now, half)
		}
		for i, half := range ch.now {
			c.store(p, at.plus(8*i), 8, f.Header, half.reg, half.imm)
		}
	} else {
		size := uint8(f.Plan().Size)
		w := word{size: size, by: ir.None}
		switch {
		case f.Locate == packet.TCPOption:
			ch.sort = optionChange
			var header place
			p, header = c.headerAt(p, f.Header)
			odd := c.binary(p, ir.And, c.binaryReg(p, ir.Sub, c.offset(p, at), c.offset(p, header)), 1)
			w.by = c.binary(p, ir.Shl, odd, 3)
		case size == 1 && f.Plan().Off&1 != 0:
			w.shift = 8
		}
		w.reg = ir.None
		whole := f.Plan().Mask == 1<<(8*size)-1
		if !whole || f.Sum != packet.SumNone {
			w.reg = c.load(p, at, size, f.Header)
		}
		now := w
		now.reg, now.imm = c.newWord(p, f, w.reg, v)
		ch.was, ch.now = []word{w}, []word{now}
		if f.Header == packet.ICMP6 && f.Name == "type" && !p.sameOptions(w.reg, v) {
			p.pkt.forgetOptions(packet.ICMP6)
		}
		if f.Locate == packet.TCPOption || f.Locate == packet.Fragment {
			c.storeBeyond(p, at, size, f.Header, now.reg, now.imm)
		} else {
			c.store(p, at, size, f.Header, now.reg, now.imm)
		}
	}
	p.pkt.sums.note(ch, f.Sum)
	return p
}

// assignLinkAddress assigns the address in an ND option. If there is no option
// of the field's type, the first link-layer address option of the other type
// becomes one.
func (c *compiler) assignLinkAddress(p *path, f *packet.Field, v value, at ast.PositionHolder) (out []*path) {
	const source, target = 1, 2
	found, none, own := c.find(p, f.Header, f.Option)
	write := func(p *path, option place) {
		if p != nil && c.changing(p, at) {
			p.pkt.forgetOptions(f.Header)
			out = append(out, c.writeLinkAddress(p, f, option, v).noteOption(f.Header, f.Option, option))
		}
	}
	write(found, own)
	if none == nil {
		return out
	}
	found, none, other := c.find(none, f.Header, source+target-f.Option)
	write(found, other)
	if none != nil {
		c.exit(none, at, true, "%s: the packet has no link-layer address option", f)
	}
	return out
}

// writeLinkAddress makes an ND option one with an address.
func (c *compiler) writeLinkAddress(p *path, f *packet.Field, option place, v value) *path {
	was := word{reg: c.load(p, option, 8, f.Header), size: 8, by: ir.None}
	now := word{reg: ir.None, size: 8, by: ir.None}
	reg, imm := c.newWord(p, f, ir.None, v)
	head := int64(f.Option) | 1<<8 // its type, and its length in units of 8 bytes
	if reg == ir.None {
		now.imm = head | imm<<16
	} else {
		now.reg = c.binary(p, ir.Or, c.binary(p, ir.Shl, reg, 16), head)
	}
	c.storeBeyond(p, option, 8, f.Header, now.reg, now.imm)
	p.pkt.sums.note(change{now: []word{now}, was: []word{was}, sort: bytesChange}, f.Sum)
	return p
}

// halves gives the two words of a string of 16 bytes.
func (c *compiler) halves(p *path, v value) [2]word {
	if !v.known {
		return [2]word{{reg: v.reg, size: 8, by: ir.None}, {reg: v.reg2, size: 8, by: ir.None}}
	}
	b := []byte(v.text)
	half := func(b []byte) word {
		return word{reg: ir.None, imm: int64(binary.LittleEndian.Uint64(b)), size: 8, by: ir.None}
	}
	return [2]word{half(b), half(b[8:])}
}

// newWord gives the load that a field is in with a new value.
func (c *compiler) newWord(p *path, f *packet.Field, old ir.Reg, v value) (reg ir.Reg, imm int64) {
	plan := f.Plan()
	size := uint8(plan.Size)
	mask := rawConst(int64(plan.Mask<<plan.Shift), size)
	whole := plan.Mask == 1<<(8*size)-1
	if v.known {
		imm = rawConst(v.n<<plan.Shift, size)
		if whole {
			return ir.None, imm
		}
		rest := old
		if mask != imm {
			rest = c.binary(p, ir.And, old, (1<<(8*size)-1)&^mask)
		}
		if imm != 0 {
			rest = c.binary(p, ir.Or, rest, imm)
		}
		return rest, 0
	}
	n := v.reg
	if raw, ok := c.raw[n]; ok && whole && raw.size == size {
		return raw.reg, 0
	}
	if plan.Shift > 0 {
		n = c.binary(p, ir.Shl, n, int64(plan.Shift))
	}
	n = c.swap(p, n, size)
	if whole {
		return n, 0
	}
	return c.binaryReg(p, ir.Or, c.binary(p, ir.And, old, (1<<(8*size)-1)&^mask), n), 0
}

// rawConst gives size bytes of a number as a load has them.
func rawConst(n int64, size uint8) int64 {
	return int64(bits.ReverseBytes64(uint64(n)) >> (64 - 8*size))
}

// rawReg is a number as loaded, of which another register has the number in
// host order.
type rawReg struct {
	reg  ir.Reg
	size uint8
}
