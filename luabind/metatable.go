// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	lua "github.com/yuin/gopher-lua"
)

// Each kind of object has a metatable whose __index is a table of methods, so
// that calling one allocates nothing. Properties are not in it: the rewriter
// makes calls of reading them. What comes here are names worked out at run
// time, as in pkt[name], and misspelt ones. They end in the __index function of
// the table of methods, which is not told the object; but of a kind of view of
// the packet in hand only one object is alive, and each port has a metatable of
// its own. There are many views of owned packets. Their __index is a function,
// which is told the object, at the price of an allocation.

// makeMetatables makes the metatables of all kinds.
func (s *State) makeMetatables() {
	for k := range numKinds {
		if k == kindPort {
			continue
		}
		s.metatables[k] = s.newMetatable(k, func() *object { return s.hand.views[k].Value.(*object) })
	}
	s.metatables[kindTimer] = s.newMetatable(kindTimer, func() *object { return &object{kind: kindTimer} })
	s.metatables[kindPacket].RawSetString("__len", s.L.NewFunction(s.length))
	for k := range s.ownedMetatables {
		s.ownedMetatables[k] = s.newOwnedMetatable(s.metatables[k])
	}
	// There may be several declared headers.
	s.metatables[kindDeclared] = s.ownedMetatables[kindDeclared]

	dead := s.L.NewTable()
	fail := s.L.NewFunction(func(L *lua.LState) int {
		raiseDead(L, objectOf(L.Get(1)))
		return 0
	})
	for _, event := range []string{"__index", "__newindex", "__len"} {
		dead.RawSetString(event, fail)
	}
	dead.RawSetString("__tostring", s.L.NewFunction(func(L *lua.LState) int {
		L.Push(lua.LString("packet view used after its callback"))
		return 1
	}))
	dead.RawSetString("__metatable", lua.LString("packet"))
	s.deadMetatable = dead
}

// newMetatable makes the metatable of a kind, or of the one object of it that
// self gives.
func (s *State) newMetatable(k kind, self func() *object) *lua.LTable {
	L := s.L
	methods := L.NewTable()
	for _, e := range API {
		if e.Kind == Method && e.Of == k.String() {
			methods.RawSetString(e.Name, L.NewFunction(e.make(s)))
		}
	}
	fallback := L.NewTable()
	fallback.RawSetString("__index", L.NewFunction(func(L *lua.LState) int {
		o := self()
		L.Push(s.read(L, o, s.dynamicProperty(L, o, L.Get(2))))
		return 1
	}))
	methods.Metatable = fallback

	mt := L.NewTable()
	mt.RawSetString("__index", methods)
	mt.RawSetString("__newindex", L.NewFunction(func(L *lua.LState) int {
		o := objectOf(L.Get(1))
		s.write(L, o, s.dynamicProperty(L, o, L.Get(2)), L.Get(3))
		return 0
	}))
	mt.RawSetString("__tostring", L.NewFunction(s.objectText))
	mt.RawSetString("__metatable", lua.LString(k.String()))
	return mt
}

// newOwnedMetatable makes the metatable of views of owned packets from that of
// views of the packet in hand of the same kind.
func (s *State) newOwnedMetatable(inHand *lua.LTable) *lua.LTable {
	mt := s.L.NewTable()
	inHand.ForEach(mt.RawSet)
	methods := inHand.RawGetString("__index").(*lua.LTable)
	mt.RawSetString("__index", s.L.NewFunction(func(L *lua.LState) int {
		o, key := objectOf(L.Get(1)), L.Get(2)
		if m := methods.RawGet(key); m != lua.LNil {
			L.Push(m)
		} else {
			L.Push(s.read(L, o, s.dynamicProperty(L, o, key)))
		}
		return 1
	}))
	return mt
}

// dynamicProperty gives the property that a value names.
func (s *State) dynamicProperty(L *lua.LState, o *object, key lua.LValue) *property {
	name, ok := key.(lua.LString)
	if !ok {
		L.RaiseError("attempt to index a %s with %s", o.name(), describe(key))
	}
	p := s.property(string(name))
	if p == nil {
		s.raiseUnknown(L, o, string(name))
	}
	return p
}

// objectText is tostring of an object.
func (s *State) objectText(L *lua.LState) int {
	o := objectOf(L.Get(1))
	if o == nil {
		L.ArgError(1, "an object of pvlua expected")
	}
	switch o.kind {
	case kindPacket:
		L.Push(lua.LString(s.summary(L, o)))
	case kindPort:
		L.Push(lua.LString("port " + o.port.Name))
	case kindTimer:
		L.Push(lua.LString("timer"))
	default:
		L.Push(lua.LString(o.name() + " header of " + s.summary(L, o)))
	}
	return 1
}
