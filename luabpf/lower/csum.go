// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"slices"

	"pvlua/luabpf/ir"
	"pvlua/packet"
)

// sums are the changes of the packet that its checksums do not know of yet. All
// that a path changes before somebody can see a checksum is put into it at once.
//
// That gives the bytes that one update after another gives (RFC 1624, equation
// 3, as in packet/checksum_update.go): a sum of words that is not 0 folds to
// the number of 1 to 0xffff that equals it modulo 0xffff, so what counts is only
// whether all that was added is 0. That can be so only where the checksum was
// 0xffff, or an ICMP message is all zeros: see update.
type sums struct {
	ip []change // of bytes in the IPv4 header
	l4 []change // of bytes that the checksum above IP covers
}

// change is one assignment to bytes that a checksum covers: what they are and
// what they were, in one word or two.
type change struct {
	now, was []word
	sort     changeSort
	pseudo   bool         // the bytes are in the pseudo-header, which icmp has none of
	except   packet.Facts // but not under these facts
}

// word is size bytes of the packet as loaded, in a register or, if that is
// None, a constant.
type word struct {
	reg  ir.Reg
	imm  int64
	size uint8
	// shift brings it to its place in the words of a sum: 0, or 8 for one that
	// begins at an odd offset. by is a register that does so instead, or None.
	shift uint8
	by    ir.Reg
}

// changeSort says when user space takes bytes as changed, and the change as
// one by 0.
type changeSort uint8

const (
	wordsChange  changeSort = iota // they differ; by 0 if all bits were set and are clear
	optionChange                   // they differ; by 0 if their sum was 0xffff and is 0
	bytesChange                    // their sums differ; likewise
)

func (s *sums) clone() sums { return sums{slices.Clone(s.ip), slices.Clone(s.l4)} }

func (s *sums) equal(o *sums) bool {
	return slices.EqualFunc(s.ip, o.ip, change.equal) && slices.EqualFunc(s.l4, o.l4, change.equal)
}

func (ch change) equal(o change) bool {
	return slices.Equal(ch.now, o.now) && slices.Equal(ch.was, o.was) && ch.sort == o.sort && ch.pseudo == o.pseudo && ch.except == o.except
}

// note takes up a change of a field.
func (s *sums) note(ch change, covered packet.Sum) {
	if covered&packet.SumIP != 0 {
		s.ip = append(s.ip, ch)
	}
	if covered&(packet.SumL4|packet.SumPseudo) != 0 {
		ch.pseudo = covered&packet.SumL4 == 0
		s.l4 = append(s.l4, ch)
	}
}

// settle writes the checksums that the path still owes.
func (c *compiler) settle(p *path) *path {
	s := p.pkt.sums
	p.pkt.sums = sums{}
	if len(s.ip) > 0 {
		var at place
		p, at = c.headerAt(p, packet.IP)
		const ipSumAt = 10
		p = c.update(p, packet.IP, at.plus(ipSumAt), s.ip)
	}
	if len(s.l4) == 0 {
		return p
	}
	var ends []*path
	rest := []*path{p}
	for _, h := range [...]packet.HeaderID{packet.UDP, packet.TCP, packet.ICMP6, packet.ICMP} {
		var off []*path
		for _, p := range rest {
			yes, no := c.summed(p, h, s.l4)
			off = append(off, no...)
			for _, p := range yes {
				ends = append(ends, c.updateAbove(p, h, s.l4))
			}
		}
		rest = off
	}
	return c.rejoin(append(ends, rest...)...)
}

// summed is present for a header with a checksum that takes any of the changes.
func (c *compiler) summed(p *path, h packet.HeaderID, changes []change) (yes, no []*path) {
	if h == packet.ICMP && !slices.ContainsFunc(changes, func(ch change) bool { return !ch.pseudo }) {
		return nil, []*path{p}
	}
	return c.present(p, h)
}

// sumAt is where the checksums above IP are in their headers.
var sumAt = map[packet.HeaderID]int{packet.ICMP: 2, packet.ICMP6: 2, packet.TCP: 16, packet.UDP: 6}

// updateAbove updates the checksum of a header above IP.
func (c *compiler) updateAbove(p *path, h packet.HeaderID, changes []change) *path {
	if h == packet.ICMP {
		changes = slices.DeleteFunc(slices.Clone(changes), func(ch change) bool { return ch.pseudo })
	}
	plain := slices.DeleteFunc(slices.Clone(changes), func(ch change) bool { return ch.except != 0 })
	if len(plain) < len(changes) {
		var ends []*path
		for _, p := range c.overNetworks(p) {
			direct, routed, _ := c.routed(p)
			ends = append(ends, c.updateAt(direct, h, changes), c.updateAt(routed, h, plain))
		}
		return c.rejoin(ends...)
	}
	return c.updateAt(p, h, changes)
}

func (c *compiler) updateAt(p *path, h packet.HeaderID, changes []change) *path {
	if len(changes) == 0 {
		return p
	}
	p, at := c.headerAt(p, h)
	return c.update(p, h, at.plus(sumAt[h]), changes)
}
