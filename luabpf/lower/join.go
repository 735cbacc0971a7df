// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"fmt"
	"slices"
	"strings"

	"github.com/yuin/gopher-lua/ast"

	"pvlua/analysis"
)

// Paths that meet are joined if what is live has the same kinds on them, so
// that what follows is lowered once for each set of kinds. As long as there are
// few, paths that know more stay apart.

// The most groups of paths that stay apart because of what they know beyond
// kinds: exact values, and headers.
const (
	maxExact   = 2
	maxHeaders = 4
)

// join joins paths at a place of the function at hand.
func (c *compiler) join(ps []*path, place int) []*path {
	if len(ps) < 2 {
		for _, p := range ps {
			c.forget(p, place)
		}
		return ps
	}
	rs := make([]results, len(ps))
	for i, p := range ps {
		rs[i].path = p
	}
	joined := c.joinUpTo(rs, place, maxExact)
	ps = nil
	for _, r := range joined {
		ps = append(ps, r.path)
	}
	return ps
}

// joinResults joins paths on which a call has values. They stay apart more
// readily, since conditions follow.
func (c *compiler) joinResults(rs []results, place int) []results {
	return c.joinUpTo(rs, place, maxHeaders)
}

// joinValues joins the paths of an expression's values.
func (c *compiler) joinValues(list []result, e ast.Expr) []result {
	if len(list) < 2 {
		return list
	}
	var all []result
	for _, r := range c.joinResults(single(list, e), c.where.end[e]) {
		all = append(all, result{r.path, r.first()})
	}
	return all
}

// forget drops the variables that are dead at a place.
func (c *compiler) forget(p *path, place int) {
	for sym := range p.vars {
		if !c.live(sym, place) {
			delete(p.vars, sym)
		}
	}
}

func (c *compiler) joinUpTo(rs []results, place, exact int) []results {
	for _, r := range rs {
		c.forget(r.path, place)
	}
	if len(rs) < 2 {
		return rs
	}
	groups := c.group(rs, 2, nil)
	for level, most := range []int{exact, maxHeaders} {
		if finer := c.group(rs, level, nil); len(finer) <= most {
			groups = finer
			break
		}
	}
	if len(groups) > maxKinds {
		if which := c.classes(rs); len(which) > 0 {
			loosen(rs, which)
			groups = c.group(rs, 2, which)
		}
	}
	joined := make([]results, len(groups))
	for i, g := range groups {
		joined[i] = c.merge(g)
		joined[i].plainly()
	}
	if len(c.f.Blocks) > maxBlocks {
		panic(tooLarge{int(c.line)})
	}
	return joined
}

// group parts paths by what they know: at level 0 exactly, at level 1 kinds and
// headers, at level 2 kinds alone, and not those of the variables that may be
// there.
func (c *compiler) group(rs []results, level int, maybe map[*analysis.Symbol]bool) [][]results {
	var groups [][]results
	index := make(map[string]int)
	for _, r := range rs {
		key := c.key(r, level, maybe)
		i, ok := index[key]
		if !ok {
			i = len(groups)
			index[key] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], r)
	}
	return groups
}

// key is equal for results that belong into one group.
func (c *compiler) key(r results, level int, maybe map[*analysis.Symbol]bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v %d", len(r.changes) > 0, len(r.values))
	for _, sym := range c.variables(r.path) {
		fmt.Fprintf(&b, " %d", c.where.order[sym])
		if !maybe[sym] {
			r.vars[sym].key(&b, level)
		}
	}
	for _, v := range r.values {
		b.WriteByte(' ')
		v.key(&b, level)
	}
	if level < 2 {
		b.WriteString(r.pkt.key())
	}
	return b.String()
}

// variables lists the variables of a path in the order of their declarations.
func (c *compiler) variables(p *path) []*analysis.Symbol {
	list := make([]*analysis.Symbol, 0, len(p.vars))
	for sym := range p.vars {
		list = append(list, sym)
	}
	slices.SortFunc(list, func(a, b *analysis.Symbol) int { return c.where.order[a] - c.where.order[b] })
	return list
}

// key writes what must be equal of two values for them to be joined.
func (v value) key(b *strings.Builder, level int) {
	fmt.Fprintf(b, "%d", v.kind)
	switch v.kind {
	case isNil, isPacket:
	case isBool, isNumber, isAddress:
		if level == 0 && v.known {
			fmt.Fprintf(b, "=%d%q", v.n, v.text)
		}
	case isFraction:
		fmt.Fprintf(b, "=%v", v.f)
	case isText:
		fmt.Fprintf(b, "=%q %d %d %d", v.text, v.n, v.reg, v.reg2)
	case isHeader:
		fmt.Fprintf(b, "=%d", v.header)
	case isPort:
		fmt.Fprintf(b, "=%d", v.n)
	case isMaybe:
		b.WriteByte('=')
		v.inner.key(b, level)
	default:
		fmt.Fprintf(b, "=%p %p %s", v.fn, v.lua, v.name)
	}
}
