// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"strings"

	"pvlua/analysis"
	"pvlua/luabpf/ir"
)

// Where many paths meet on which variables are nil or have a value of one kind,
// as after a statement that asks for ten headers, all that follows would be
// lowered for each combination. The variables become values that are there or
// not, by a register that says which; reading one parts the path again.

// maxKinds is how many groups of paths that know different kinds stay apart.
const maxKinds = 12

// classes finds the variables that are nil on some paths, and on all others have
// a value of one kind.
func (c *compiler) classes(rs []results) map[*analysis.Symbol]bool {
	kinds, empty := make(map[*analysis.Symbol]string), make(map[*analysis.Symbol]bool)
	mixed := make(map[*analysis.Symbol]bool)
	for _, r := range rs {
		for sym, v := range r.vars {
			if v.kind == isNil {
				empty[sym] = true
				continue
			}
			if v.kind == isMaybe {
				empty[sym] = true
				v = *v.inner
			}
			var b strings.Builder
			v.key(&b, 2)
			if k, ok := kinds[sym]; ok && k != b.String() {
				mixed[sym] = true
			}
			kinds[sym] = b.String()
		}
	}
	found := make(map[*analysis.Symbol]bool)
	for sym := range kinds {
		if empty[sym] && !mixed[sym] {
			found[sym] = true
		}
	}
	return found
}

// loosen makes values that may be there of variables.
func loosen(rs []results, which map[*analysis.Symbol]bool) {
	for _, r := range rs {
		for sym := range which {
			v, ok := r.vars[sym]
			switch {
			case !ok, v.kind == isMaybe:
			case v.kind == isNil:
				r.vars[sym] = value{kind: isMaybe, known: true}
			default:
				r.vars[sym] = value{kind: isMaybe, known: true, n: 1, inner: &v}
			}
		}
	}
}

// plainly makes plain values of those of which it turned out to be known whether
// they are there. On a path, all others have an inner value.
func (p *path) plainly() {
	for sym, v := range p.vars {
		switch {
		case v.kind != isMaybe || !v.known:
		case v.n == 0:
			p.vars[sym] = nothing
		default:
			p.vars[sym] = *v.inner
		}
	}
}

// maybe joins values that may be there.
func (m *merging) maybe(p *path, of func(results) value) value {
	there := m.number(p, m.flag(of, m.group[0]), func(r results) value { return m.flag(of, r) })
	some := nothing // of a path on which it is there
	for _, r := range m.group {
		if v := of(r); v.inner != nil {
			some = *v.inner
			break
		}
	}
	absent := some
	switch some.kind {
	case isNumber:
		absent = whole(0)
	case isBool:
		absent = boolean(false)
	case isAddress:
		absent = text(strings.Repeat("\x00", 16))
	}
	inner := func(r results) value {
		if v := of(r); v.inner != nil {
			return *v.inner
		}
		return absent
	}
	if some.kind == isNil {
		return nothing // it is there on none
	}
	joined := m.value(p, inner)
	return value{kind: isMaybe, known: there.known, n: there.n, reg: there.reg, inner: &joined}
}

// flag says whether a value is there, as a boolean.
func (m *merging) flag(of func(results) value, r results) value {
	v := of(r)
	if v.known {
		return boolean(v.n != 0)
	}
	return flag(v.reg)
}

// resolve parts a path by whether the value of a variable is there.
func (c *compiler) resolve(p *path, v value) (all []result) {
	yes, no := c.test(p, ir.NE, flag(v.reg), whole(0))
	for _, p := range yes {
		all = append(all, result{p, *v.inner})
	}
	for _, p := range no {
		all = append(all, result{p, nothing})
	}
	return all
}
