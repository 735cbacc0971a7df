// SPDX-License-Identifier: GPL-3.0-or-later

// Package opt improves functions of the intermediate form, for all machines
// that run it.
//
// A pass changes a Func in place and leaves one that ir.Verify accepts and that
// does the same on every packet: verdict, bytes, counters and maps. What was an
// exit stays one, at the same site.
package opt

import "pvlua/luabpf/ir"

// A pass is one kind of improvement.
type pass struct {
	name string
	run  func(*ir.Func) (changed bool)
}

// first run once, in this order.
var first = []pass{
	// Blocks that nothing leads to are gone, and jumps lead to where something
	// happens.
	{"tidy", tidy},
	{"values", values},
	// What follows a meeting of paths is made for the most likely of them alone,
	// where that makes its addresses constants.
	{"specialise", specialise},
}

// then run one after another until nothing changes any more.
var then = []pass{
	// What is constant, a copy, or has been computed or loaded before, is not
	// computed again; fields stay in the order of the packet as long as they are
	// only compared, masked and copied; branches whose outcome is known are
	// jumps.
	{"values", values},
	// Pointers that are always at the same offset are distances from one at the
	// packet's start: what is proven of one is proven of all.
	{"rebase", rebase},
	// No guard tests again what the guards on all paths to it have found out.
	{"guards", guards},
	// Nothing is computed that nobody uses.
	{"dead", dead},
	// Blocks that do the same are one.
	{"merge", merge},
	{"tidy", tidy},
}

// rounds bounds how often the passes run: most functions are as good as they
// get after three.
const rounds = 8

// Run improves a Func.
func Run(f *ir.Func) {
	for _, p := range first {
		p.run(f)
	}
	for range rounds {
		changed := false
		for _, p := range then {
			changed = p.run(f) || changed
		}
		if !changed {
			return
		}
	}
}
