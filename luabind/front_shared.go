// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"fmt"

	"github.com/yuin/gopher-lua/ast"

	"pvlua/state"
)

// What is added to counters and put into maps can't be taken back, because
// other workers may have seen it. So it is done when the front has come to a
// verdict. As a map may still refuse it, a path has one such change at most, and
// does not ask a map for anything after it.

// pending is such a change with what it is to do.
type pending struct {
	counter    *counter // nil: it is change
	n          int64    // what is added to the counter
	change     *mapChange
	key, value state.Value
}

// commit does what is pending, and reports false if a map refuses it for
// another reason than that it is full; nothing has been done then.
func (c *pass) commit() bool {
	for i := range c.pending {
		if p := &c.pending[i]; p.change != nil && !p.change.do(c, p) {
			return false
		}
	}
	for i := range c.pending {
		if p := &c.pending[i]; p.counter != nil {
			p.counter.Add(p.n)
		}
	}
	return true
}

// callStmt makes a call for its effect; nil if it is not simple.
func (b *builder) callStmt(p *path, call *ast.FuncCallExpr, rest next) stage {
	if made := b.call(p, call, func(p *path, _ []value) stage { return rest(p) }); made != nil || call.Func != nil {
		return made
	}
	object := b.expr(p, call.Receiver)
	args := make([]value, len(call.Args))
	for i, e := range call.Args {
		if args[i] = b.expr(p, e); !args[i].plain() {
			return nil
		}
	}
	one := constantValue(small[1])
	switch n := len(args); {
	case counterOf(object) != nil && call.Method == "add" && n < 2:
		amount := append(args, one)[0]
		if amount.form != formNumber || amount.optional {
			return nil
		}
		return &addition{counterOf(object), amount, rest(p)}
	case mapOf(object) == nil || p.stored || p.loops:
	case call.Method == "set" && n == 2:
		return b.mapChange(p, &mapChange{m: mapOf(object), key: args[0], value: args[1], line: call.Line()}, rest)
	case call.Method == "add" && (n == 1 || n == 2 && args[1].isNumber()):
		return b.mapChange(p, &mapChange{m: mapOf(object), key: args[0], value: append(args, one)[1], line: call.Line(), add: true}, rest)
	}
	return nil
}

// addition is counter:add(n).
type addition struct {
	counter *counter
	n       value
	next    stage
}

func (a *addition) take(c *pass) stage {
	n := a.n.n(c)
	if c.bad {
		return nil
	}
	c.pending = append(c.pending, pending{counter: a.counter, n: int64(n)})
	return a.next
}

// mapChange is map:set(key, value) or map:add(key, value).
type mapChange struct {
	m          *sharedMap
	key, value value
	add        bool
	line       int
	next       stage
}

// mapChange makes the step of one.
func (b *builder) mapChange(p *path, st *mapChange, rest next) stage {
	p = p.fork()
	p.stored = true
	st.next = rest(p)
	return st
}

func (st *mapChange) take(c *pass) stage {
	key, ok := c.mapValue(st.key)
	value, also := c.mapValue(st.value)
	if !ok || !also {
		return nil
	}
	c.pending = append(c.pending, pending{change: st, key: key, value: value})
	return st.next
}

// do is what is done in the end; false if the map can't have such an entry.
func (st *mapChange) do(c *pass, p *pending) bool {
	var ok bool
	var err error
	if st.add {
		n, _ := p.value.Number()
		_, ok, err = st.m.Add(p.key, n, c.s.mapTime(st.m))
	} else {
		ok, err = st.m.Set(p.key, p.value, c.s.mapTime(st.m))
	}
	if err == nil && !ok {
		c.s.warnFull(st.m, func() string { return fmt.Sprintf("%s:%d", c.s.cfg.Script, st.line) })
	}
	return err == nil
}
