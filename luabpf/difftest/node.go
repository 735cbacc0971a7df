// SPDX-License-Identifier: GPL-3.0-or-later

// Package difftest looks for differences between the engines: it makes up
// handlers and packets, has every engine run them, and brings what differs down
// to a small script and few packets.
package difftest

import "strings"

// kind is what a piece of Lua can be replaced by: another one of the same kind.
type kind uint8

const (
	block     kind = iota // statements
	statement             // one of them
	number                // an expression that gives a number
	condition             // one that is looked at for truth
	text                  // one that gives a string of 16 bytes
	verdict               // one that on_packet returns
)

// node is a piece of Lua, a tree so that it can be made smaller. A node is not
// changed once it is made: trees share nodes.
type node struct {
	kind kind
	text string // with a $ for each of kids; blocks have none
	kids []*node
}

func makeNode(k kind, text string, kids ...*node) *node { return &node{k, text, kids} }

// String gives the Lua text.
func (n *node) String() string {
	var b strings.Builder
	n.write(&b, "")
	return b.String()
}

func (n *node) write(b *strings.Builder, indent string) {
	if n.kind == block {
		for _, k := range n.kids {
			b.WriteString(indent)
			k.write(b, indent)
			b.WriteByte('\n')
		}
		return
	}
	parts := strings.Split(n.text, "$")
	for i, part := range parts {
		inner := i < len(parts)-1 && n.kids[i].kind == block
		if inner {
			part = strings.TrimSuffix(part, "\n")
		}
		b.WriteString(strings.ReplaceAll(part, "\n", "\n"+indent))
		switch {
		case inner:
			b.WriteByte('\n')
			n.kids[i].write(b, indent+"  ")
			b.WriteString(indent)
		case i < len(parts)-1:
			n.kids[i].write(b, indent)
		}
	}
}
