// SPDX-License-Identifier: GPL-3.0-or-later

package luabpf

import (
	"pvlua/luabpf/ir"
)

// The parts of packets that matter here.
const (
	ethLen     = 14
	typeAt     = 12
	ipLen      = 20
	ip6Len     = 40
	ipVersion  = 0x45 // IPv4 without options
	protoTCP   = 6
	protoUDP   = 17
	tcpSumAt   = 16
	udpSumAt   = 6
	leIP       = 0x0008 // ethertypes as they are loaded
	leIP6      = 0xdd86
	unfinished = "the sender has left the checksum to its network card: user space finishes it first (ethtool -K PEER tx off has the sender do it)"
)

// ExitUnfinished has a handler leave to user space, before all else, packets
// whose TCP or UDP checksum is that of the pseudo-header alone: a veth delivers
// those of this machine so (CHECKSUM_PARTIAL of linux/skbuff.h), and a handler
// that updates or reflects them would send wrong ones. One in 65536 other packets
// looks the same, which does no harm. Tagged packets and those with IPv4 options
// or IPv6 extension headers are not looked at. A handler that only drops and
// passes packets stays as it is.
func ExitUnfinished(f *ir.Func) {
	if !touches(f) {
		return
	}
	site := len(f.Sites)
	f.Sites = append(f.Sites, ir.Site{Reason: unfinished, Rare: true})
	c := &check{f: f, handler: f.Blocks[0], exit: f.NewBlock()}
	c.exit.Term = ir.Term{Kind: ir.Exit, A: ir.None, B: ir.None, Site: site}

	c.b = f.NewBlock()
	entry := c.b
	c.start = c.pointer(0)
	c.guard(c.start, ethLen)
	typ := c.load(c.start, typeAt, 2)
	ip := f.NewBlock()
	other := c.branch(ir.EQ, typ, leIP, ip)

	c.b = ip
	c.ip()
	c.b = other
	ip6 := f.NewBlock()
	c.jump(c.branch(ir.EQ, typ, leIP6, ip6), c.handler)
	c.b = ip6
	c.ip6()
	first(f, entry)
}

// touches reports whether a handler changes packets or sends them.
func touches(f *ir.Func) bool {
	for _, b := range f.Blocks {
		if b.Term.Kind == ir.Return && (b.Term.Verdict == ir.TX || b.Term.Verdict == ir.Redirect) {
			return true
		}
		for i := range b.Instrs {
			if op := b.Instrs[i].Op; op == ir.Store || op == ir.Adjust {
				return true
			}
		}
	}
	return false
}

// check is the code that is put before a handler.
type check struct {
	f             *ir.Func
	b             *ir.Block // being filled
	handler, exit *ir.Block
	start         ir.Reg // of the packet
}

// ip looks at an IPv4 packet.
func (c *check) ip() {
	c.guard(c.start, ethLen+ipLen+8)
	c.only(ir.EQ, c.load(c.start, ethLen, 1), ipVersion)
	c.only(ir.EQ, c.load(c.start, ethLen+6, 2), 0, 0x0040) // no fragment; may be "don't"
	proto := c.load(c.start, ethLen+9, 1)
	length := c.number(ir.Swap, c.load(c.start, ethLen+2, 2), 2)
	length = c.imm(ir.Sub, length, ipLen)
	c.only(ir.SGT, length, 0)
	sum := c.sum(ethLen+12, 2)
	c.compare(proto, length, sum, ethLen+ipLen)
}

// ip6 looks at an IPv6 packet.
func (c *check) ip6() {
	c.guard(c.start, ethLen+ip6Len+8)
	proto := c.load(c.start, ethLen+6, 1)
	length := c.number(ir.Swap, c.load(c.start, ethLen+4, 2), 2)
	sum := c.sum(ethLen+8, 8)
	c.compare(proto, length, sum, ethLen+ip6Len)
}

// compare goes to the exit if the checksum of the header at off is the sum of
// the pseudo-header, and else to the handler.
func (c *check) compare(proto, length, sum ir.Reg, off int32) {
	f := c.f
	sum = c.add(sum, c.number(ir.Swap, length, 2))
	sum = c.add(sum, c.imm(ir.Shl, proto, 8)) // 0 and the protocol, as they are loaded
	sum = c.number(ir.Fold, sum, 0)
	tcp, udp := f.NewBlock(), f.NewBlock()
	none := c.branch(ir.EQ, proto, protoTCP, tcp)
	c.b = none
	c.jump(c.branch(ir.EQ, proto, protoUDP, udp), c.handler)

	c.b = tcp
	c.guard(c.start, int64(off)+tcpSumAt+2)
	c.decide(sum, off+tcpSumAt)
	c.b = udp
	c.decide(sum, off+udpSumAt)
}

// decide compares a sum with the checksum at off.
func (c *check) decide(sum ir.Reg, off int32) {
	got := c.load(c.start, off, 2)
	c.b.Term = ir.Term{Kind: ir.Branch, Cond: ir.EQ, A: got, B: sum, Then: c.exit, Else: c.handler}
}

// sum adds up n words of 4 bytes from off on.
func (c *check) sum(off int32, n int32) ir.Reg {
	sum := c.load(c.start, off, 4)
	for i := int32(1); i < n; i++ {
		sum = c.add(sum, c.load(c.start, off+4*i, 4))
	}
	return sum
}

func (c *check) emit(in ir.Instr) ir.Reg {
	c.b.Instrs = append(c.b.Instrs, in)
	return in.Dst
}

func (c *check) pointer(off int64) ir.Reg {
	return c.emit(ir.Instr{Op: ir.Ptr, Dst: c.f.NewReg(ir.Pointer), A: ir.None, B: ir.None, Imm: off})
}

func (c *check) load(p ir.Reg, off int32, size uint8) ir.Reg {
	return c.emit(ir.Instr{Op: ir.Load, Size: size, Dst: c.f.NewReg(ir.Number), A: p, B: ir.None, Off: off})
}

func (c *check) number(op ir.Op, a ir.Reg, size uint8) ir.Reg {
	return c.emit(ir.Instr{Op: op, Size: size, Dst: c.f.NewReg(ir.Number), A: a, B: ir.None})
}

func (c *check) imm(op ir.Op, a ir.Reg, n int64) ir.Reg {
	return c.emit(ir.Instr{Op: op, Dst: c.f.NewReg(ir.Number), A: a, B: ir.None, Imm: n})
}

func (c *check) add(a, b ir.Reg) ir.Reg {
	return c.emit(ir.Instr{Op: ir.Add, Dst: c.f.NewReg(ir.Number), A: a, B: b})
}

// guard goes to the handler unless n bytes are in the packet.
func (c *check) guard(p ir.Reg, n int64) {
	next := c.f.NewBlock()
	c.b.Term = ir.Term{Kind: ir.Guard, A: p, B: ir.None, Imm: n, Then: next, Else: c.handler}
	c.b = next
}

// branch goes to then if the condition holds, and gives where it goes else.
func (c *check) branch(cond ir.Cond, a ir.Reg, n int64, then *ir.Block) (other *ir.Block) {
	other = c.f.NewBlock()
	c.b.Term = ir.Term{Kind: ir.Branch, Cond: cond, A: a, B: ir.None, Imm: n, Then: then, Else: other}
	return other
}

// only goes to the handler unless the condition holds for one of the numbers.
func (c *check) only(cond ir.Cond, a ir.Reg, numbers ...int64) {
	next := c.f.NewBlock()
	for _, n := range numbers {
		c.b = c.branch(cond, a, n, next)
	}
	c.jump(c.b, c.handler)
	c.b = next
}

func (c *check) jump(b, to *ir.Block) {
	b.Term = ir.Term{Kind: ir.Jump, A: ir.None, B: ir.None, Then: to}
}

// first makes a block the first one.
func first(f *ir.Func, entry *ir.Block) {
	f.Blocks[0], f.Blocks[entry.ID] = entry, f.Blocks[0]
	for i, b := range f.Blocks {
		b.ID = i
	}
}
