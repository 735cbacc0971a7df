// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"fmt"
	"slices"

	lua "github.com/yuin/gopher-lua"

	"pvlua/packet"
)

// getter is the function that reads one property in the place of an index
// operation. It takes the object and gives the value.
type getter struct {
	s    *State
	prop *property
	// what names the expression that is indexed, as in "local 'udp'"; it is
	// empty for one that has no name.
	what string
}

// call is the Lua function.
func (g *getter) call(L *lua.LState) int {
	v := L.Get(1)
	if o := objectOf(v); o != nil {
		L.Push(g.s.read(L, o, g.prop))
		return 1
	}
	L.Push(g.s.readOther(L, v, g.prop, g.what))
	return 1
}

// readOther reads the property of anything that is no object of ours, as the
// index operation would have done.
func (s *State) readOther(L *lua.LState, v lua.LValue, p *property, what string) lua.LValue {
	if v == lua.LNil {
		L.RaiseError("%s", s.nilIndex(what, p.name))
	}
	return L.GetField(v, p.name)
}

// nilIndex gives the error message for indexing nil by a property's name.
func (s *State) nilIndex(what, name string) string {
	where := fmt.Sprintf("field '%s'", name)
	if what != "" {
		where = what + ", " + where
	}
	msg := "attempt to index a nil value (" + where + ")"
	if _, id, ok := cutName(what); ok && s.hasFieldNamed(name) {
		if isHeaderName(id) || s.protocols.Named(id) != nil {
			return fmt.Sprintf("%s: this packet has no %s header; test it first, e.g. \"if %s and %s.%s == ...\"", msg, id, id, id, name)
		}
		return fmt.Sprintf("%s: a header is nil when the packet does not have it; test it first, e.g. \"if %s and %s.%s == ...\"", msg, id, id, name)
	}
	return msg
}

// cutName parts "local 'udp'" into its sort and its name.
func cutName(what string) (sort, name string, ok bool) {
	for i := range len(what) {
		if what[i] == '\'' {
			return what[:max(i-1, 0)], what[i+1 : len(what)-1], true
		}
	}
	return "", "", false
}

// hasFieldNamed reports whether any header has a field of this name.
func (s *State) hasFieldNamed(name string) bool {
	for _, k := range kindsWith(name) {
		if k < packet.NumHeaders {
			return true
		}
	}
	return slices.ContainsFunc(s.protocols.All(), func(p *packet.Protocol) bool { return p.Field(name) != nil })
}

// read gives the value of a property of object o. It raises an error when o
// has no such property, or is a view of a header that is not there any more.
func (s *State) read(L *lua.LState, o *object, p *property) lua.LValue {
	src := &p.from[o.kind]
	f := o.frame
	if f != nil && f.stale {
		f.prepare(L, o)
	}
	switch src.access {
	case accessUint:
		n, ok := src.field.Uint(f.b, &f.layout)
		if ok {
			return s.values.number(n)
		}
	case accessBool:
		n, ok := src.field.Uint(f.b, &f.layout)
		if ok {
			return boolean(n != 0)
		}
	case accessIPv6:
		b, ok := src.field.Bytes(f.b, &f.layout)
		if ok {
			return s.values.bytes16(b)
		}
	case accessBytes:
		b, ok := src.field.Bytes(f.b, &f.layout)
		if ok {
			return lua.LString(b)
		}
	case accessHeader:
		if f.layout.Present(packet.HeaderID(src.index)) {
			return s.viewOf(f, kind(src.index))
		}
		return lua.LNil
	case accessPort:
		if n := uint(f.pkt.Port); n < uint(len(s.ports)) {
			return s.ports[n].ud
		}
		return lua.LNil
	case accessPayload:
		from, to := f.layout.Payload()
		return lua.LString(f.b[from:to])
	case accessFact:
		return o.port.facts[src.index]
	default:
		return s.readDeclared(L, o, p)
	}
	// The field is not there: its header has gone, or it is in an option that
	// this packet does not have.
	mustHave(L, o)
	return lua.LNil
}

// mustHave raises an error if o is a header that the packet has no longer.
func mustHave(L *lua.LState, o *object) {
	switch {
	case !o.isHeader():
	case o.kind == kindDeclared && o.frame.layout.Above != o.proto, o.kind < packet.NumHeaders && !o.frame.layout.Present(packet.HeaderID(o.kind)):
		L.RaiseError("the packet has no %s header any more: it was changed since this one was looked up", o.name())
	}
}
