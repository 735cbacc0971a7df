// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"pvlua/luabpf/ir"
	"pvlua/packet"
)

// update adds changes to the checksum of header h, which is at a place within
// the packet.
func (c *compiler) update(p *path, h packet.HeaderID, at place, changes []change) *path {
	sum := c.load(p, at, 2, h)
	added, gone := balance(changes)
	balanced := len(added)+len(gone) == 0
	var done []*path
	if h == packet.UDP {
		if balanced {
			return p // 0 stays 0, and 0xffff stays it as well as any other sum
		}
		var zero *path
		zero, p = c.branch(p, ir.EQ, sum, ir.None, 0) // no checksum (RFC 768)
		done = append(done, zero)
	} else {
		ones, other := c.branch(p, ir.EQ, sum, ir.None, 0xffff)
		changed, same := c.changed(ones, changes)
		done = append(done, same)
		if balanced && h != packet.ICMP {
			c.store(changed, at, 2, h, ir.None, 0)
			return c.rejoin(append(done, changed, other)...)
		}
		p = c.rejoin(other, changed)
	}
	total := c.total(p, sum, added, gone)
	now := c.binary(p, ir.Xor, c.emit(p, ir.Instr{Op: ir.Fold, A: total, B: ir.None}), 0xffff)
	switch h {
	case packet.UDP:
		p, now = c.orOnes(p, now)
	case packet.ICMP:
		zero, some := c.branch(p, ir.EQ, now, ir.None, 0)
		is, not := c.zeros(zero, at)
		some = c.rejoin(some, not)
		fix, same := c.differ(is, sum, changes)
		c.store(fix, at, 2, h, ir.None, 0xffff)
		done, p = append(done, fix, same), some
	}
	c.store(p, at, 2, h, now, 0)
	return c.rejoin(append(done, p)...)
}

// orOnes gives 0xffff for 0, the other form of the same sum (RFC 768).
func (c *compiler) orOnes(p *path, sum ir.Reg) (*path, ir.Reg) {
	r := c.f.NewReg(ir.Number)
	c.assignReg(p, r, sum)
	zero, some := c.branch(p, ir.EQ, sum, ir.None, 0)
	c.setConst(zero, r, 0xffff)
	return c.rejoin(some, zero), r
}

// zeros parts a path by whether the words of an ICMP message, whose checksum at
// a place is becoming 0, are all 0 otherwise: their checksum is 0xffff, since
// only then it and they add up to that (packet/checksum_update.go, fixZero).
func (c *compiler) zeros(p *path, at place) (is, not *path) {
	p = c.roomKnown(p)
	at.off -= int32(sumAt[packet.ICMP])
	sum := c.emit(p, ir.Instr{Op: ir.Sum, A: at.ptr, B: c.atMost(p, p.pkt.walk.room), Off: at.off})
	old := c.load(p, at.plus(sumAt[packet.ICMP]), 2, packet.ICMP)
	return c.branch(p, ir.EQ, sum, old, 0)
}

// atMost gives a register of at most 0xffff for one that can't be above it, so
// that whoever makes code can see that.
func (c *compiler) atMost(p *path, r ir.Reg) ir.Reg { return c.binary(p, ir.And, r, 0xffff) }

// differ parts a path on which an ICMP message is all zeros by whether its
// checksum is to be fixed: it is, unless it was 0 and nothing has changed.
func (c *compiler) differ(p *path, sum ir.Reg, changes []change) (fix, same *path) {
	was, fix := c.branch(p, ir.EQ, sum, ir.None, 0)
	for _, ch := range changes {
		var is *path
		is, was = c.unequal(was, ch)
		fix = c.rejoin(fix, is)
	}
	return fix, was
}

// changed parts a path by whether any of the changes is one by more than 0.
func (c *compiler) changed(p *path, changes []change) (yes, no *path) {
	no = p
	for _, ch := range changes {
		if no == nil {
			break
		}
		is, not := c.unequal(no, ch)
		more, zero := c.aboveZero(is, ch)
		yes, no = c.rejoin(yes, more), c.rejoin(not, zero)
	}
	return yes, no
}

// unequal parts a path by whether bytes that have been assigned differ from what
// they were.
func (c *compiler) unequal(p *path, ch change) (yes, no *path) {
	if ch.sort == bytesChange {
		return c.branch(p, ir.NE, c.folded(p, ch.now), c.folded(p, ch.was), 0)
	}
	now, was := ch.now[0], ch.was[0]
	if now.reg == ir.None {
		return c.branch(p, ir.NE, was.reg, ir.None, now.imm)
	}
	return c.branch(p, ir.NE, was.reg, now.reg, 0)
}

// aboveZero parts a path by whether a change adds more than 0. It adds 0 if the
// bytes are all 0, and were such that their sum, or for words each word, was
// 0xffff.
func (c *compiler) aboveZero(p *path, ch change) (yes, no *path) {
	was := ch.was[0]
	if ch.sort == wordsChange && was.size == 1 {
		return p, nil
	}
	no = p
	for _, w := range ch.now {
		if no == nil {
			break
		}
		var more *path
		switch {
		case w.reg != ir.None:
			more, no = c.branch(no, ir.NE, w.reg, ir.None, 0)
		case w.imm != 0:
			more, no = no, nil
		}
		yes = c.rejoin(yes, more)
	}
	if no == nil {
		return yes, nil
	}
	var more *path
	if ch.sort == wordsChange {
		more, no = c.branch(no, ir.NE, was.reg, ir.None, was.ones())
	} else {
		more, no = c.branch(no, ir.NE, c.folded(no, ch.was), ir.None, 0xffff)
	}
	return c.rejoin(yes, more), no
}

// folded gives the sum of words. Their place among those of a checksum does not
// matter to what it is compared with.
func (c *compiler) folded(p *path, words []word) ir.Reg {
	sum := ir.None
	for _, w := range words {
		for _, r := range c.terms(p, word{reg: c.wordReg(p, w), size: w.size, by: ir.None}) {
			if sum == ir.None {
				sum = r
			} else {
				sum = c.binaryReg(p, ir.Add, sum, r)
			}
		}
	}
	return c.emit(p, ir.Instr{Op: ir.Fold, A: sum, B: ir.None})
}

func (c *compiler) wordReg(p *path, w word) ir.Reg {
	if w.reg == ir.None {
		return c.constant(p, w.imm)
	}
	return w.reg
}
