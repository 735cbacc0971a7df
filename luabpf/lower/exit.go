// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"fmt"
	"slices"

	"github.com/yuin/gopher-lua/ast"

	"pvlua/luabpf/ir"
)

// exit ends a path at user space's door. The reason, one line, says why and
// what would help; rare, that it depends on the packet. What the path has changed
// is put back; if that is not possible, its changes become exits in the next
// round. It returns nil, for callers that give the paths that go on.
func (c *compiler) exit(p *path, at ast.PositionHolder, rare bool, format string, args ...any) []result {
	c.leave(p, ir.Site{Line: at.Line(), Reason: fmt.Sprintf(format, args...), Rare: rare})
	return nil
}

// leave ends a path at a site.
func (c *compiler) leave(p *path, site ir.Site) {
	switch {
	case len(p.changes) == 0:
	case p.lasting:
		changes := p.lasts // what was changed before them can be put back
		if len(changes) == 0 {
			changes = p.changes
		}
		for _, change := range changes {
			c.hoist(change, site)
		}
	default:
		p.takeBack(int32(site.Line))
		site.Undone = true
	}
	c.exitAt(p, site)
}

// fails is exit where Lua raises an error. It depends on the packet, unless the
// handler has not yet looked at that.
func (c *compiler) fails(p *path, at ast.PositionHolder, format string, args ...any) []result {
	return c.exit(p, at, p.block != c.first, format, args...)
}

// hoist makes a change, because of an exit after it, an exit of the next round.
func (c *compiler) hoist(change ast.PositionHolder, because ir.Site) {
	if old, ok := c.hoisted[change]; ok && (!old.Rare || because.Rare) {
		return
	}
	if cause, ok := c.causes[because]; ok {
		because = cause
	}
	site := ir.Site{
		Line:   change.Line(),
		Reason: fmt.Sprintf("before the change here, because it can't be undone when line %d is reached: %s", because.Line, because.Reason),
		Rare:   because.Rare,
		Moved:  true,
	}
	if c.causes == nil {
		c.causes = make(map[ir.Site]ir.Site)
	}
	c.hoisted[change], c.causes[site] = site, because
	c.again = true
}

// changing asks, before a change of the packet or a map, whether the path may
// make it. If not, the path has ended.
func (c *compiler) changing(p *path, at ast.PositionHolder) bool {
	if site, ok := c.hoisted[at]; ok {
		c.leave(p, site)
		return false
	}
	if len(p.changes) == 0 {
		c.complete(p, at)
		p.changes = []ast.PositionHolder{at}
	}
	return true
}

// exitAt ends a path at a site, which is made if there is no equal one.
func (c *compiler) exitAt(p *path, site ir.Site) {
	i := slices.Index(c.f.Sites, site)
	if i < 0 {
		i = len(c.f.Sites)
		c.f.Sites = append(c.f.Sites, site)
	}
	p.block.Term = ir.Term{Kind: ir.Exit, A: ir.None, B: ir.None, Site: i, Line: int32(site.Line)}
}
