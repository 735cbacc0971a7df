// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	lua "github.com/yuin/gopher-lua"
)

// A call of a Go function costs several times what reading a field does. So a
// statement that reads or copies many fields becomes one call; see
// rewrite_fuse.go. What fields hold then goes from one to the other without
// being made a Lua value.

// maxFused is how many properties one call can copy.
const maxFused = 6

// place is one property of an object that a call has among its arguments.
type place struct {
	arg  int // which one, from 1
	prop *property
	what string // as getter.what
}

// fetcher is the function that stands for the right side of
// local a, b = x.p, y.q. It takes the objects and gives the values.
type fetcher struct {
	s      *State
	places []place
}

// call is the Lua function.
func (f *fetcher) call(L *lua.LState) int {
	for i := range f.places {
		p := &f.places[i]
		v := L.Get(p.arg)
		if o := objectOf(v); o != nil {
			L.Push(f.s.read(L, o, p.prop))
		} else {
			L.Push(f.s.readOther(L, v, p.prop, p.what))
		}
	}
	return len(f.places)
}

// copier is the function that stands for an assignment to properties whose
// right sides are properties and simple values. It takes the objects and those
// values.
type copier struct {
	s    *State
	to   []place
	from []place // a place without a property is the argument itself
}

// slot holds a value between reading and assigning.
type slot struct {
	kind  access   // accessUint and accessBool: in n; accessIPv6: in addr; accessNone: in value
	n     uint64   //
	addr  [16]byte //
	value lua.LValue
}

// call is the Lua function. It reads all values and then, like Lua, assigns
// from last to first.
func (c *copier) call(L *lua.LState) int {
	var slots [maxFused]slot
	for i := range c.from {
		c.s.load(L, &c.from[i], &slots[i])
	}
	for i := len(c.to) - 1; i >= 0; i-- {
		c.s.store(L, &c.to[i], &slots[i])
	}
	return 0
}

// load reads what is at a place.
func (s *State) load(L *lua.LState, p *place, out *slot) {
	v := L.Get(p.arg)
	if p.prop == nil {
		out.value = v
		return
	}
	o := objectOf(v)
	if o == nil {
		out.value = s.readOther(L, v, p.prop, p.what)
		return
	}
	src := &p.prop.from[o.kind]
	f := o.frame
	if f != nil && f.stale {
		f.prepare(L, o)
	}
	switch src.access {
	case accessUint, accessBool:
		if n, ok := src.field.Uint(f.b, &f.layout); ok {
			out.kind, out.n = src.access, n
			return
		}
	case accessIPv6:
		if b, ok := src.field.Bytes(f.b, &f.layout); ok {
			out.kind = accessIPv6
			copy(out.addr[:], b)
			return
		}
	}
	out.value = s.read(L, o, p.prop)
}

// store assigns to a place.
func (s *State) store(L *lua.LState, p *place, in *slot) {
	v := L.Get(p.arg)
	o := objectOf(v)
	if o == nil {
		s.writeOther(L, v, p.prop, p.what, s.slotValue(in))
		return
	}
	src := &p.prop.from[o.kind]
	if in.kind == accessNone || in.kind != src.access {
		s.write(L, o, p.prop, s.slotValue(in))
		return
	}
	f := o.frame
	if f.stale {
		f.prepare(L, o)
	}
	s.touch(f)
	var err error
	if in.kind == accessIPv6 {
		s.scratch = in.addr
		err = src.field.SetBytes(f.b, &f.layout, s.scratch[:])
	} else {
		err = src.field.SetUint(f.b, &f.layout, in.n)
	}
	if err != nil {
		raiseWrite(L, o, err)
	}
	s.rebind(o)
}

// slotValue gives what is in a slot as a Lua value.
func (s *State) slotValue(in *slot) lua.LValue {
	switch in.kind {
	case accessUint:
		return s.values.number(in.n)
	case accessBool:
		return boolean(in.n != 0)
	case accessIPv6:
		return s.values.bytes16(in.addr[:])
	}
	return in.value
}
