// SPDX-License-Identifier: GPL-3.0-or-later

package difftest

import (
	"slices"
	"time"
)

// What bounds the search for a smaller script: how many are tried, and for how
// long.
const (
	maxTries = 4000
	maxTime  = 30 * time.Second
)

// shrink brings a script and packets down as far as differs goes on to hold of
// them. Each script that it tries is smaller than the last one that did.
func shrink(root *node, packets []Packet, differs func(*node, []Packet) bool) (*node, []Packet) {
	tries, began := 0, time.Now()
	try := func(n *node, p []Packet) bool {
		if time.Since(began) > maxTime {
			tries = maxTries
		}
		if tries++; tries > maxTries || !differs(n, p) {
			return false
		}
		root, packets = n, p
		return true
	}
	for again := true; again && tries < maxTries; {
		again = false
		for step := max(len(packets)/2, 1); step > 0; step /= 2 {
			for from := 0; from+step <= len(packets) && len(packets) > step; {
				if try(root, slices.Concat(packets[:from], packets[from+step:])) {
					again = true
				} else {
					from += step
				}
			}
		}
		for found := true; found && tries < maxTries; {
			found = false
			variants(root, func(n *node) bool {
				found = try(n, packets)
				return !found && tries < maxTries
			})
			again = again || found
		}
	}
	return root, packets
}

// simplest are what nodes of a kind are replaced by.
var simplest = [...][]string{
	statement: nil,
	number:    {"0", "1"},
	condition: {"true", "false"},
	text:      {"a1"},
	verdict:   {"pv.DROP"},
}

// variants yields smaller scripts, larger steps first, until yield reports
// false.
func variants(n *node, yield func(*node) bool) bool {
	if n.kind == block {
		return blockVariants(n, yield)
	}
	if len(n.kids) > 0 || len(n.text) > len("pv.DROP") {
		for _, text := range simplest[n.kind] {
			if !yield(makeNode(n.kind, text)) {
				return false
			}
		}
	}
	for _, k := range n.kids {
		if k.kind == n.kind && !yield(k) {
			return false
		}
	}
	return kidVariants(n, yield)
}

// blockVariants yields those of a block: without some of its statements, and
// with what is in a statement in place of that.
func blockVariants(n *node, yield func(*node) bool) bool {
	for step := len(n.kids); step > 0; step /= 2 {
		for from := 0; from+step <= len(n.kids); from += step {
			if !yield(makeNode(block, "", slices.Concat(n.kids[:from], n.kids[from+step:])...)) {
				return false
			}
		}
	}
	for i, k := range n.kids {
		for _, inner := range k.kids {
			if inner.kind == block && !yield(makeNode(block, "", slices.Concat(n.kids[:i], inner.kids, n.kids[i+1:])...)) {
				return false
			}
		}
	}
	return kidVariants(n, yield)
}

// kidVariants yields those of the kids.
func kidVariants(n *node, yield func(*node) bool) bool {
	for i, k := range n.kids {
		ok := variants(k, func(v *node) bool {
			kids := slices.Clone(n.kids)
			kids[i] = v
			return yield(makeNode(n.kind, n.text, kids...))
		})
		if !ok {
			return false
		}
	}
	return true
}
