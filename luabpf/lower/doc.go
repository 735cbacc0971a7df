// SPDX-License-Identifier: GPL-3.0-or-later

// Package lower makes the intermediate form of a handler from the tree of its
// script. It runs the script abstractly: from the top of on_packet on, it
// follows every path that a packet may take, and on each path it knows of
// every variable what kind of value it has. "Nil or a number" is two paths; so
// is "has a UDP header or not". Where paths meet again that know the same kinds,
// they are joined.
//
// What the script made when it was loaded is a constant: the values of local
// variables of the chunk that nothing assigns later, and tables that nothing
// changes later.
//
// What can't be done without Lua is an exit: the packet goes to the whole
// handler in user space. Bytes that the path has changed are put back before.
// Where it has changed what can't be put back, a map or the packet's length, the
// exit moves up before that change: lowering is repeated with the change
// forbidden, until nothing moves any more.
package lower
