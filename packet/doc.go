// SPDX-License-Identifier: GPL-3.0-or-later

// Package packet knows the wire formats: which headers a packet has, where
// their fields are, which checksums cover them, and how to say in one line
// what a packet is.
//
// Its heart is one table, Headers, with a line per field. Everything that
// reads or writes packets is made from it: the properties that a handler
// sees, the reference pages, the editor's stubs, the compiled engines.
//
// Headers that are in no table, a handler's own, are declared at run time as a
// Protocol. A Layout whose Declared is set finds them above those of the table.
//
// The way to use it is to walk a packet once and then to read and assign
// fields through the layout that the walk found:
//
//	var l packet.Layout
//	l.Walk(frame)
//	dport, ok := packet.Lookup(packet.UDP, "dport").Uint(frame, &l)
//
// A walk, a read, an assignment that succeeds and AppendSummary into a large
// enough buffer do not allocate. None of them panics or touches a byte outside
// the slice it is given, whatever the packet holds; a slice that has become
// shorter since the walk counts as a packet without the fields cut off.
//
// Packets are at most 65535 bytes long; of a longer slice only so much is
// looked at. Nothing here keeps a reference to a packet, and a Layout may be
// used again for the next one. A Layout belongs to one goroutine, the table is
// read-only and shared by all.
package packet
