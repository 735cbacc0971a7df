// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"github.com/yuin/gopher-lua/ast"

	"pvlua/luabpf/ir"
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

// layout is what is known of the packet on a path: which headers it has, where
// they are, which bytes are proven to be there, which fields are in registers.
type layout struct{}

// newLayout knows nothing.
func newLayout() *layout { return &layout{} }

// clone makes a copy that can change apart.
func (l *layout) clone() *layout { m := *l; return &m }

// key is equal for layouts that can be met without the loss of knowledge that
// takes tests to get back: which headers there are, not what is in registers.
func (l *layout) key() string { return "" }

// equal reports whether l and m know the same, in the same registers.
func (l *layout) equal(m *layout) bool { return *l == *m }

// meet is what is known where paths with these layouts join. phi gives the
// register that holds after the join what the given ones, one of each path, hold
// before it (the one itself if they are all the same); ir.None if there is none,
// and the knowledge is then lost.
func meet(ls []*layout, phi func([]ir.Reg) ir.Reg) *layout { return ls[0] }

// property reads x.name of a packet, header or port.
func (c *compiler) property(p *path, x value, name string, at ast.PositionHolder) []result {
	return c.exit(p, at, false, "%s is not known here yet", name)
}

// assign is x.name = v for a packet or header.
func (c *compiler) assign(p *path, x value, name string, v value, at ast.PositionHolder) []*path {
	c.exit(p, at, false, "%s is not known here yet", name)
	return nil
}

// method is x:name(args...) for packets, headers, ports, counters and maps; the
// object of the latter two is c.program.Object(x.lua).
func (c *compiler) method(p *path, x value, name string, args []value, at ast.PositionHolder) []result {
	return c.exit(p, at, false, "%s is not known here yet", name)
}

// length is #pkt.
func (c *compiler) length(p *path, at ast.PositionHolder) []result {
	return c.exit(p, at, false, "# is not known here yet")
}

// fits gives the paths on which the packet, if its length has changed, can go
// out of a port: see checkLength in package luabind.
func (c *compiler) fits(p *path, port int, at ast.PositionHolder) []*path { return []*path{p} }
