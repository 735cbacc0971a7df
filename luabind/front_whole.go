// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"

	"pvlua/packet"
)

// whole is the call of a method that changes the packet as a whole, and can't
// fail.
type whole struct {
	change   func(*pass)
	remember bool // as assignment.remember
	next     stage
}

func (w *whole) take(c *pass) stage {
	if w.remember {
		c.s.touch(c.f)
	}
	w.change(c)
	return w.next
}

// wholes are these methods, none of which has arguments, with their values. No
// headers come, go or move by them.
var wholes = map[string]struct {
	change func(*pass)
	values []value
}{
	"reply":         {func(c *pass) { c.s.turn(c.f) }, []value{constantValue(lua.LNumber(TX))}},
	"fix_checksums": {func(c *pass) { packet.FixChecksums(c.f.b, &c.f.layout) }, nil},
}

// wholeCall makes the call of such a method, nil if it is none.
func (b *builder) wholeCall(p *path, call *ast.FuncCallExpr, ret result) stage {
	method, ok := wholes[call.Method]
	if object := b.expr(p, call.Receiver); !ok || object.form != formPacket || len(call.Args) > 0 {
		return nil
	}
	st := &whole{change: method.change, next: ret(p.fork(), method.values)}
	st.remember = !isSure(st.next)
	return st
}
