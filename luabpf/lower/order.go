// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"encoding/binary"
	"math"

	"pvlua/analysis"
	"pvlua/luabpf/ir"
)

// orderFraction compares numbers of which one is a known fraction, or beyond
// 2^53.
func (c *compiler) orderFraction(p *path, cond ir.Cond, a, b value) (yes, no []*path) {
	if a.known && b.known {
		operator := map[ir.Cond]string{ir.SLT: "<", ir.SLE: "<=", ir.SGT: ">", ir.SGE: ">="}[cond]
		if analysis.Compare(operator, a.float(), b.float()) {
			return []*path{p}, nil
		}
		return nil, []*path{p}
	}
	if a.kind == isFraction {
		a, b, cond = b, a, cond.Turned()
	}
	// The whole number a is below the fraction b if it is at most the floor of b.
	switch f := math.Floor(b.f); {
	case math.IsNaN(b.f):
		return nil, []*path{p}
	case f > maxWhole || f < -maxWhole:
		if (f > 0) == (cond == ir.SLT || cond == ir.SLE) {
			return []*path{p}, nil
		}
		return nil, []*path{p}
	case cond == ir.SLT || cond == ir.SLE:
		return c.test(p, ir.SLE, a, whole(int64(f)))
	default:
		return c.test(p, ir.SGT, a, whole(int64(f)))
	}
}

// words gives a string of up to 16 bytes as Load reads them; behind it are zeros.
func words(s string) (first, second int64) {
	var b [16]byte
	copy(b[:], s)
	return int64(binary.LittleEndian.Uint64(b[:8])), int64(binary.LittleEndian.Uint64(b[8:]))
}
