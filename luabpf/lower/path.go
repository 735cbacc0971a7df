// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"pvlua/analysis"
	"pvlua/luabpf/ir"
)

// path is a way through the handler up to the point where instructions are
// being added, and what is known there. A register that a path has set is not
// set again on it, except by loops, so that what is known of it stays true.
type path struct {
	block *ir.Block
	vars  map[*analysis.Symbol]value
	pkt   *layout // what is known of the packet
	// spans are ranges of registers that tests on the path have found to be
	// narrower than those of the values in them.
	spans map[ir.Reg]span
	altered
	// counts are the additions to counters that are yet to be made: they
	// follow at the end of the path, so that the path can exit until then.
	counts []count
}

// count is what is to be added to a counter: reg + n, or n if reg is ir.None.
type count struct {
	counter int
	reg     ir.Reg
	n       int64
	line    int
}

// span is a range of numbers, both ends included.
type span struct{ lo, hi int64 }
