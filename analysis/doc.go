// SPDX-License-Identifier: GPL-3.0-or-later

// Package analysis finds out what is certain about a Lua program before it
// runs: what its names mean, which variables are constants, which functions
// its calls call. It works on the syntax tree of gopher-lua's parser, which it
// never changes, and knows nothing of packets; both engines stand on it.
//
// All results hold for Lua 5.1 as gopher-lua runs it, scoping included. A
// result that says "certain" holds in every run. One exception is for callers
// to look at: setfenv gives functions other globals, so that a program that
// has it in Scopes.Reads can make a global name mean anything.
//
// Nothing here is safe for use by several goroutines at once.
package analysis
