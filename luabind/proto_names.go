// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"github.com/yuin/gopher-lua/ast"

	lua "github.com/yuin/gopher-lua"

	"pvlua/packet"
)

// The names of declared headers and their fields are not among properties,
// which all states share. Those that a script's source gives away are known
// before it is compiled, so that reading pkt.myproto.ver becomes a call like
// reading any other property. The others work by the metatables.

// property gives what a name after a dot means, nil if to no object anything.
func (s *State) property(name string) *property {
	if p := s.names[name]; p != nil {
		return p
	}
	return properties[name]
}

// expectName makes a name a property.
func (s *State) expectName(name string) {
	if s.property(name) == nil {
		s.names[name] = &property{name: name}
	}
}

// expectHeader takes the names in pv.proto{name = "myproto", fields = {...}}
// that are constants. In chunks that are compiled from now on, every place
// where pkt.myproto is kept is known; see keep.go.
func (s *State) expectHeader(name string, declaration *ast.TableExpr) {
	p := s.property(name)
	switch {
	case p == nil:
		s.names[name] = &property{name: name, header: true}
	case p.header, p.from[kindPacket].access != accessNone: // or refused
	default:
		known := *p
		known.header = true
		s.names[name] = &known
	}
	for _, part := range declaration.Fields {
		fields, ok := part.Value.(*ast.TableExpr)
		if !ok || part.Key == nil || !isString(part.Key, "fields") {
			continue
		}
		for _, field := range fields.Fields {
			if t, ok := field.Value.(*ast.TableExpr); ok && len(t.Fields) > 0 && t.Fields[0].Key == nil {
				if name, ok := t.Fields[0].Value.(*ast.StringExpr); ok {
					s.expectName(name.Value)
				}
			}
		}
	}
}

// protocolNames lists the declared headers.
func (s *State) protocolNames() []string {
	var names []string
	for _, p := range s.protocols.All() {
		names = append(names, p.Name)
	}
	return names
}

// declaredFields lists the fields of a declared header.
func declaredFields(p *packet.Protocol) []string {
	var names []string
	for _, f := range p.Fields {
		names = append(names, f.Name)
	}
	return names
}

// unknownField gives the error message for a field that a declared header does
// not have.
func unknownField(p *packet.Protocol, name string) string {
	return suggest("the "+p.Name+" header has no field '"+name+"'", name, declaredFields(p))
}

// protoTable makes what pv.proto gives: a read-only table with a table for each
// field that has names of values, in which names stand for numbers and numbers
// for names.
func (s *State) protoTable(p *packet.Protocol) *lua.LTable {
	t := s.L.NewTable()
	var with []string
	for _, f := range p.Fields {
		if len(f.Enum) == 0 {
			continue
		}
		values, names := s.L.NewTable(), []string(nil)
		for _, e := range f.Enum {
			values.RawSetString(e.Name, lua.LNumber(e.Value))
			values.RawSet(lua.LNumber(e.Value), lua.LString(e.Name))
			names = append(names, e.Name)
		}
		s.refuseMissing(values, f.String()+" has no value named ", names)
		t.RawSetString(f.Name, s.freeze(values, f.String(), nil))
		with = append(with, f.Name)
	}
	s.refuseMissing(t, p.Name+" has no names for ", with)
	return s.freeze(t, p.Name, nil)
}

// refuseMissing makes it an error to read a name that a table does not have; a
// number gives nil.
func (s *State) refuseMissing(t *lua.LTable, msg string, names []string) {
	mt := s.L.NewTable()
	mt.RawSetString("__index", s.L.NewFunction(func(L *lua.LState) int {
		name, ok := L.Get(2).(lua.LString)
		if !ok {
			L.Push(lua.LNil)
			return 1
		}
		L.RaiseError("%s", suggest(msg+describe(name), string(name), append([]string(nil), names...)))
		return 0
	}))
	t.Metatable = mt
}
