// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"github.com/yuin/gopher-lua/ast"
)

// What the files on packets, headers, fields, checksums and state give to the
// others. Each function here goes as soon as its real one is there.
//
// All of them take a path, which is used no more, and give the paths that go
// on. Errors of Lua are exits: c.exit(p, at, rare, format, ...). Before a change
// of the packet or a map (not of a counter: see path.counts) they ask
// c.changing(p, at), and if that is false the path has ended.
// Numbers that they give are in host order, with their range in lo and hi; of
// numbers they get, p.span(v) is the range, p.operand gives a register.

// method is x:name(args...) for packets, headers, ports, counters and maps; the
// object of the latter two is c.program.Object(x.lua).
func (c *compiler) method(p *path, x value, name string, args []value, at ast.PositionHolder) []result {
	return c.exit(p, at, false, "%s is not known here yet", name)
}

// fits gives the paths on which the packet, if its length has changed, can go
// out of a port: see checkLength in package luabind.
func (c *compiler) fits(p *path, port int, at ast.PositionHolder) []*path { return []*path{p} }
