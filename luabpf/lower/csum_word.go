// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"slices"

	"pvlua/luabpf/ir"
)

// ones gives a number that equals 0 modulo 0xffff and is no less than a word can
// be, once shifted.
func (w word) ones() int64 {
	switch {
	case w.size == 8:
		return 2 * (1<<32 - 1)
	case w.size <= 2 && (w.shift == 0 || w.size == 1) && w.by == ir.None:
		return 0xffff
	}
	n := int64(1)<<(8*max(w.size, 2)) - 1
	if w.by != ir.None || w.shift != 0 {
		n <<= 8
	}
	return n
}

// balance gives the words that changes have added to a checksum, and those that
// are gone from it, without those that both have: nothing is left where fields
// have been exchanged.
func balance(changes []change) (added, gone []word) {
	for _, ch := range changes {
		added = append(added, ch.now...)
		gone = append(gone, ch.was...)
	}
	added = slices.DeleteFunc(added, func(w word) bool {
		i := slices.Index(gone, w)
		if w.reg == ir.None || i < 0 {
			return false
		}
		gone = slices.Delete(gone, i, i+1)
		return true
	})
	return added, gone
}

// total adds up words that have been added and the complements of words that
// are gone, and the complement of the checksum. It is not 0.
func (c *compiler) total(p *path, sum ir.Reg, added, gone []word) ir.Reg {
	k := int64(0xffff) + 0xffff // one for the checksum, one for words that balance
	total := ir.None
	for _, w := range added {
		if w.reg == ir.None && w.by == ir.None {
			k += w.folded()
			continue
		}
		w.reg = c.wordReg(p, w)
		for _, r := range c.terms(p, w) {
			if total == ir.None {
				total = r
			} else {
				total = c.binaryReg(p, ir.Add, total, r)
			}
		}
	}
	for _, w := range gone {
		k += w.ones()
	}
	if total == ir.None {
		total = c.constant(p, k)
	} else {
		total = c.binary(p, ir.Add, total, k)
	}
	for _, w := range gone {
		for _, r := range c.terms(p, w) {
			total = c.binaryReg(p, ir.Sub, total, r)
		}
	}
	return c.binaryReg(p, ir.Sub, total, sum)
}

// terms gives what to add for a word in a register: itself at its place, or its
// halves, so that the sum of some does not outgrow a register.
func (c *compiler) terms(p *path, w word) []ir.Reg {
	switch {
	case w.size == 8:
		return []ir.Reg{c.binary(p, ir.Shr, w.reg, 32), c.binary(p, ir.And, w.reg, 1<<32-1)}
	case w.by != ir.None:
		return []ir.Reg{c.binaryReg(p, ir.Shl, w.reg, w.by)}
	case w.shift != 0:
		return []ir.Reg{c.binary(p, ir.Shl, w.reg, int64(w.shift))}
	}
	return []ir.Reg{w.reg}
}

// folded gives a constant word at its place as a sum of 16 bits.
func (w word) folded() int64 {
	n := uint64(w.imm)
	n = n>>32 + n&0xffffffff
	if w.shift != 0 {
		n <<= 8
	}
	for n > 0xffff {
		n = n>>16 + n&0xffff
	}
	return int64(n)
}
