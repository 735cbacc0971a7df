// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"cmp"
	"slices"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"

	"pvlua/luabpf/ir"
)

// tableKey is a use of a constant table: with keys that are numbers or strings
// of 16 bytes, for values that are numbers or booleans.
type tableKey struct {
	t    *lua.LTable
	wide bool
	kind kind
}

// tableRef is the ir.Table that was made for it, and the range of its values.
type tableRef struct {
	index  int32
	lo, hi int64
}

// maxChain is how many elements are found by comparing one after another.
const maxChain = 24

// element is t[key] of a constant table.
func (c *compiler) element(p *path, x, key value, e ast.Expr) []result {
	t := x.lua.(*lua.LTable)
	if !plain(t) {
		return c.exit(p, e, false, "table %s has a metatable", x.name)
	}
	if key.kind == isText && !key.known {
		return c.exit(p, e, false, "table %s is looked up by a string made at run time", x.name)
	}
	wide := key.kind == isAddress
	var k lua.LValue = lua.LNil
	if key.known {
		k = c.luaKey(key)
	}
	if line := c.effects.changed(t, k, wide); line > 0 {
		return c.changes(p, e, x.name, line)
	}
	switch {
	case key.kind == isNil:
		return one(p, nothing)
	case key.known && k == lua.LNil:
		return c.exit(p, e, false, "the key of table %s is %s", x.name, c.describe(key))
	case key.known:
		return one(p, c.constantValue(t.RawGet(k), x.name+"[...]"))
	case key.kind == isBool:
		yes, no := c.truth(p, key)
		return append(c.elements(yes, x, boolean(true), e), c.elements(no, x, boolean(false), e)...)
	}
	return c.joinValues(c.lookUp(p, x, t, key, e), e)
}

// changes exits at a table that a line may change.
func (c *compiler) changes(p *path, at ast.PositionHolder, name string, line int) []result {
	if line == c.effects.modules {
		return c.exit(p, at, false, "table %s may be changed by the module of line %d; put it into the script itself", name, line)
	}
	return c.exit(p, at, false, "table %s may be changed by line %d; use pv.map", name, line)
}

// elements is element on several paths.
func (c *compiler) elements(ps []*path, x, key value, e ast.Expr) (all []result) {
	for _, p := range ps {
		all = append(all, c.element(p, x, key, e)...)
	}
	return all
}

// luaKey gives a known key as Lua has it, nil if it can't be one.
func (c *compiler) luaKey(v value) lua.LValue {
	switch v.kind {
	case isPort:
		return c.program.Port(int(v.n))
	case isBool:
		return lua.LBool(v.n != 0)
	case isNumber:
		return lua.LNumber(v.n)
	case isFraction:
		return lua.LNumber(v.f)
	case isAddress, isText:
		return lua.LString(v.text)
	case isFunc, isTable, isObject:
		if v.lua != nil {
			return v.lua
		}
	}
	return lua.LNil
}

// item is an element of a table that a key may find.
type item struct {
	key   value
	value value
}

// items lists the elements whose keys are of a kind, in ascending order.
func (c *compiler) items(t *lua.LTable, kind kind) (list []item) {
	t.ForEach(func(k, v lua.LValue) {
		own := c.constantValue(k, "")
		if own.kind == kind {
			list = append(list, item{own, c.constantValue(v, "[...]")})
		}
	})
	slices.SortFunc(list, func(a, b item) int {
		x, y := a.key.entry(), b.key.entry()
		return cmp.Or(cmp.Compare(x.Key, y.Key), cmp.Compare(x.High, y.High))
	})
	return list
}

// entry gives a key as an ir.Table has it.
func (v value) entry() ir.Entry {
	if v.kind == isAddress {
		first, second := words(v.text)
		return ir.Entry{Key: uint64(first), High: uint64(second)}
	}
	return ir.Entry{Key: uint64(v.n)}
}

// lookUp is t[key] where the key is in registers.
func (c *compiler) lookUp(p *path, x value, t *lua.LTable, key value, e ast.Expr) []result {
	list := c.items(t, key.kind)
	if len(list) == 0 {
		return one(p, nothing)
	}
	kind := list[0].value.kind
	if slices.ContainsFunc(list, func(i item) bool { return i.value.kind != kind }) || kind != isNumber && kind != isBool {
		if len(list) > maxChain {
			return c.exit(p, e, false, "table %s has %d elements of several kinds; if there are more than %d, they have to be numbers", x.name, len(list), maxChain)
		}
		return c.chain(p, list, key, e)
	}
	if len(list) <= 3 {
		return c.chain(p, list, key, e)
	}
	ref := c.table(x, t, key.kind == isAddress, kind, list)
	found, r := c.f.NewReg(ir.Number), c.f.NewReg(ir.Number)
	in := ir.Instr{Op: ir.TableGet, Dst: found, A: key.reg, B: ir.None, Ref: ref.index, Line: c.line, Res: []ir.Reg{r}}
	if key.kind == isAddress {
		in.A, in.Args = ir.None, []ir.Reg{key.reg, key.reg2}
	}
	p.block.Instrs = append(p.block.Instrs, in)
	v := value{kind: kind, reg: r, lo: ref.lo, hi: ref.hi}
	if ref.lo == ref.hi {
		v = value{kind: kind, known: true, n: ref.lo, lo: ref.lo, hi: ref.hi}
	}
	yes, no := c.branch(p, ir.EQ, found, ir.None, 1)
	return []result{{yes, v}, {no, nothing}}
}

// table gives the ir.Table of a constant table.
func (c *compiler) table(x value, t *lua.LTable, wide bool, k kind, list []item) tableRef {
	key := tableKey{t, wide, k}
	if ref, ok := c.tables[key]; ok {
		return ref
	}
	ref := tableRef{int32(len(c.f.Tables)), list[0].value.n, list[0].value.n}
	table := ir.Table{Name: x.name, Wide: wide}
	for _, i := range list {
		entry := i.key.entry()
		entry.Value = i.value.n
		table.Entries = append(table.Entries, entry)
		ref.lo, ref.hi = min(ref.lo, i.value.n), max(ref.hi, i.value.n)
	}
	c.f.Tables = append(c.f.Tables, table)
	c.tables[key] = ref
	return ref
}

// chain compares the key with that of one element after another.
func (c *compiler) chain(p *path, list []item, key value, e ast.Expr) (all []result) {
	rest := []*path{p}
	for _, i := range list {
		var no []*path
		for _, p := range rest {
			y, n := c.equal(p, e, key, i.key)
			for _, p := range y {
				all = append(all, result{p, i.value})
			}
			no = append(no, n...)
		}
		rest = c.join(no, c.where.end[e])
	}
	for _, p := range rest {
		all = append(all, result{p, nothing})
	}
	return all
}
