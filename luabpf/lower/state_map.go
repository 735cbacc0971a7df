// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"math"
	"slices"

	"github.com/yuin/gopher-lua/ast"

	"pvlua/luabpf/ir"
	"pvlua/state"
)

// mapCall is a call of a map's method.
type mapCall struct {
	name  string
	ref   int32
	shape state.Shape
	at    ast.PositionHolder
}

// mapMethod is map:name(args...).
func (c *compiler) mapMethod(p *path, m *state.Map, name string, args []value, at ast.PositionHolder) []result {
	call := mapCall{name: name, shape: m.Shape(), at: at}
	for _, w := range [...]struct {
		what string
		state.Width
	}{{"key", call.shape.Key}, {"value", call.shape.Value}} {
		if registers(w.Width) == 0 {
			return c.exit(p, at, false, `map %s is in user space, because its %s has no width that the kernel knows: declare "u8", "u16", "u32", "u64" or "ip6", as in pv.map{name = %[1]q, %[2]s = "u32"}`, m.Name(), w.what)
		}
	}
	call.ref = c.mapNumber(m)
	switch name {
	case "get", "set", "insert", "add", "delete":
	default:
		return c.exit(p, at, false, "map:%s looks at all entries, which only user space can", name)
	}
	p, key := c.mapValue(p, &call, call.shape.Key, arg(args, 0), "key")
	if p == nil {
		return nil
	}
	switch name {
	case "get":
		return c.mapGet(p, &call, key)
	case "delete":
		return c.mapDelete(p, &call, key)
	case "add":
		return c.mapAdd(p, &call, key, arg(args, 1))
	}
	p, v := c.mapValue(p, &call, call.shape.Value, arg(args, 1), "value")
	if p == nil {
		return nil
	}
	if name == "set" {
		return c.mapSet(p, &call, append(key, v...))
	}
	return c.mapInsert(p, &call, append(key, v...))
}

// mapNumber gives the number of a map in the function.
func (c *compiler) mapNumber(m *state.Map) int32 {
	of := ir.Map{Name: m.Name(), Key: registers(m.Shape().Key), Value: registers(m.Shape().Value)}
	i := slices.Index(c.f.Maps, of)
	if i < 0 {
		i = len(c.f.Maps)
		c.f.Maps = append(c.f.Maps, of)
	}
	return int32(i)
}

// registers gives how many registers a width takes; 0 if it can't be in any.
func registers(w state.Width) int {
	switch w {
	case state.U8, state.U16, state.U32, state.U64:
		return 1
	case state.IP6:
		return 2
	}
	return 0
}

// topOf gives the greatest number of a width.
func topOf(w state.Width) int64 {
	switch w {
	case state.U8:
		return math.MaxUint8
	case state.U16:
		return math.MaxUint16
	case state.U32:
		return math.MaxUint32
	}
	return maxWhole
}

// mapValue gives the registers of a key or a value of a width. It gives no path
// if it never is one.
func (c *compiler) mapValue(p *path, call *mapCall, w state.Width, v value, what string) (*path, []ir.Reg) {
	switch {
	case w == state.IP6 && v.kind == isAddress:
		var regs []ir.Reg
		for _, half := range c.halves(p, v) {
			regs = append(regs, c.wordReg(p, half))
		}
		return p, regs
	case w != state.IP6 && v.kind == isNumber:
		if p = c.ranging(p, v, topOf(w), call.at, call.name+": the "+what); p == nil {
			return nil, nil
		}
		return p, []ir.Reg{c.operand(p, v)}
	}
	c.fails(p, call.at, "%s: the %s is none that the map is declared to have (%s)", call.name, what, w)
	return nil, nil
}

// op adds the operation of a call.
func (call *mapCall) op(c *compiler, p *path, op ir.Op, args []ir.Reg, res []ir.Reg) ir.Reg {
	if op != ir.MapGet {
		p.last(call.at)
	}
	return c.emit(p, ir.Instr{Op: op, A: ir.None, B: ir.None, Ref: call.ref, Args: args, Res: res})
}

// newValue makes the registers for a value.
func (call *mapCall) newValue(c *compiler) (v value, regs []ir.Reg) {
	for range registers(call.shape.Value) {
		regs = append(regs, c.f.NewReg(ir.Number))
	}
	if len(regs) == 2 {
		return address(regs[0], regs[1]), regs
	}
	return ranged(regs[0], 0, topOf(call.shape.Value)), regs
}

func (c *compiler) mapGet(p *path, call *mapCall, key []ir.Reg) []result {
	v, res := call.newValue(c)
	has, not := c.branch(p, ir.NE, call.op(c, p, ir.MapGet, key, res), ir.None, 0)
	return []result{{has, v}, {not, nothing}}
}

func (c *compiler) mapSet(p *path, call *mapCall, args []ir.Reg) []result {
	if !c.changing(p, call.at) {
		return nil
	}
	return one(p, flag(call.op(c, p, ir.MapSet, args, nil)))
}

// mapInsert gives true, false or nil. Where a key has a value nothing is done.
func (c *compiler) mapInsert(p *path, call *mapCall, args []ir.Reg) []result {
	before := p.standing()
	if !c.changing(p, call.at) {
		return nil
	}
	done := call.op(c, p, ir.MapInsert, args, nil)
	taken, p := c.branch(p, ir.EQ, done, ir.None, 0)
	taken.stand(before)
	inserted, full := c.branch(p, ir.EQ, done, ir.None, 1)
	return []result{{inserted, boolean(true)}, {taken, boolean(false)}, {full, nothing}}
}

func (c *compiler) mapDelete(p *path, call *mapCall, key []ir.Reg) []result {
	before := p.standing()
	if !c.changing(p, call.at) {
		return nil
	}
	had, not := c.branch(p, ir.NE, call.op(c, p, ir.MapDelete, key, nil), ir.None, 0)
	not.stand(before)
	return []result{{had, boolean(true)}, {not, boolean(false)}}
}

// mapAdd gives the sum, or nil. A sum that the map can't hold is an error, and
// nothing is done.
func (c *compiler) mapAdd(p *path, call *mapCall, key []ir.Reg, n value) []result {
	if n.kind == isNil {
		n = whole(1)
	}
	if n.kind != isNumber || call.shape.Value == state.IP6 {
		return c.fails(p, call.at, "add: what is added, or what it is added to, is no whole number")
	}
	before := p.standing()
	if !c.changing(p, call.at) {
		return nil
	}
	amount := p.span(n)
	v, res := call.newValue(c)
	done := call.op(c, p, ir.MapAdd, append(key, c.operand(p, n)), res)
	added, p := c.branch(p, ir.EQ, done, ir.None, 1)
	over, full := c.branch(p, ir.EQ, done, ir.None, 2)
	if over.stand(before); before.lasting && call.shape.Value == state.U64 && amount.lo >= 0 && amount.hi <= 0xffff {
		// An exit would move up to the first change, so that a handler that counts
		// packets and then bytes would always exit. No sum of lengths comes to 2^53: that
		// takes a week of 100 Gbit/s. It would be an error, and the packet pass.
		over.block.Term = ir.Term{Kind: ir.Return, Verdict: ir.Pass, A: ir.None, B: ir.None, Line: c.line}
	} else {
		hint := ""
		if call.shape.Value != state.U64 {
			hint = `; value = "u64" holds more`
		}
		c.exit(over, call.at, true, "add: the map can't hold the sum%s", hint)
	}
	return []result{{added, v}, {full, nothing}}
}
