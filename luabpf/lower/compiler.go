// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"github.com/yuin/gopher-lua/ast"

	"pvlua/luabind"
	"pvlua/luabpf/ir"
)

// Options say where the handler is to run.
type Options struct {
	// In is the port that packets come in on. Programs are made for one port
	// each, so that pkt.port is a constant.
	In int
	// Ports are the facts of all ports.
	Ports []luabind.Port
	// CanSend says of each port whether frames can be sent out of it from
	// here; a verdict that needs another one is an exit.
	CanSend []bool
	// Partial says that packets may come in whose TCP or UDP checksum the
	// sender's kernel has left to a network card, as from the other end of a veth
	// pair. They exit where they are changed or sent on.
	Partial bool
}

// Result is what Lower made.
type Result struct {
	Func *ir.Func
	// Lines says of each line of the script on which something happens what the
	// compiler made of it.
	Lines []Line
}

// Line is what became of one line.
type Line struct {
	Line  int
	Sites []ir.Site // the exits on it; none: it runs in the kernel
}

// compiler lowers one handler for one port.
type compiler struct {
	program *luabind.Program
	opts    Options
	f       *ir.Func
	// hoisted are changes before which a path exits, because something that
	// follows them can't be compiled: found by earlier rounds.
	hoisted map[ast.PositionHolder]ir.Site
	causes  map[ir.Site]ir.Site // the exits that moved up to those in hoisted
	again   bool                // hoisted has more than this round knew of when it began
	line    int32               // of the script, for what is emitted
	raw     map[ir.Reg]rawReg   // of numbers in host order, as they were loaded

	first   *ir.Block // of the handler
	where   *positions
	effects *effects
	calls   []*activation // functions that are being lowered, the handler first
	trips   int           // how often the statement at hand is executed at most
	lines   map[int]bool  // of the script, that were lowered
	tables  map[tableKey]tableRef
}

// The parts of the compiler, and what they promise each other:
//
// Functions that add instructions take a path and give the paths that go on
// from there: none, one or several. A path that was given away is used no more.
//
//	expr      one expression, on each path one value
//	cond      one expression as a condition: the paths on which it holds, and the others
//	stmts     statements, from a list of paths to a list of paths
//	property  x.name for packets, headers and ports
//	assign    x.name = v for packets and headers
//	method    x:name(...) for packets, headers, ports, counters and maps
//	builtin   functions of the libraries
//	exit      ends a path at user space's door
//	changing  asks, before a change, whether the path may make it; it may not
//	          where an exit has moved up to here
//	join      joins the paths that know the same kinds
