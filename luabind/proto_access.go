// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"errors"
	"fmt"

	lua "github.com/yuin/gopher-lua"

	"pvlua/packet"
)

// Protocols lists the headers that the script has declared, in the order of
// their declarations. They do not change any more once Load has returned.
func (s *State) Protocols() []*packet.Protocol { return s.protocols.All() }

// AppendSummary appends one line about packet b as packet.AppendSummary does,
// with the header that the script has declared, if b has one. It may be called
// by any goroutine, and does not allocate when dst has room.
func (s *State) AppendSummary(dst, b []byte) []byte { return s.protocols.AppendSummary(dst, b) }

// declaredView gives the userdata of a declared header that a packet has.
func (s *State) declaredView(f *frame, p *packet.Protocol) *lua.LUserData {
	if len(f.above) <= p.Number {
		f.above = append(f.above, make([]*lua.LUserData, len(s.protocols.All())-len(f.above))...)
	}
	ud := f.above[p.Number]
	if ud == nil {
		ud = s.newObject(&object{kind: kindDeclared, frame: f, proto: p})
		f.above[p.Number] = ud
	}
	return ud
}

// readDeclared gives the value of a property that no object of the kind of o
// has by itself: it is a declared header or one of its fields, or an error.
func (s *State) readDeclared(L *lua.LState, o *object, p *property) lua.LValue {
	f := o.frame
	switch o.kind {
	case kindPacket:
		header := s.protocols.Named(p.name)
		if header == nil {
			break
		}
		if f.layout.Above != header {
			return lua.LNil
		}
		// Where the name was not known when the script was compiled, nothing
		// will note that the view is kept.
		if !p.header && f == &s.hand {
			s.kept = true
		}
		return s.declaredView(f, header)
	case kindDeclared:
		field := o.proto.Field(p.name)
		if field == nil {
			break
		}
		if field.Kind == packet.Bytes {
			b, ok := field.Bytes(f.b, &f.layout)
			if ok {
				s.quota.spendBytes(L, len(b))
				return lua.LString(b)
			}
		} else if n, ok := field.Uint(f.b, &f.layout); ok {
			if field.Kind == packet.Bool {
				return boolean(n != 0)
			}
			return s.values.number(n)
		}
		mustHave(L, o)
		return lua.LNil
	}
	s.raiseUnknown(L, o, p.name)
	return lua.LNil
}

// writeDeclared assigns a property that no object of the kind of o has by
// itself, as readDeclared reads it. The frame has been touched.
func (s *State) writeDeclared(L *lua.LState, o *object, p *property, value lua.LValue) {
	if o.kind == kindPacket && s.protocols.Named(p.name) != nil {
		L.RaiseError("%s of a packet is read-only; assign its fields, or make a packet by pv.build{%[1]s={...}}", p.name)
	}
	var field *packet.ProtocolField
	if o.kind == kindDeclared {
		field = o.proto.Field(p.name)
	}
	if field == nil {
		s.raiseUnknown(L, o, p.name)
	}
	mustHave(L, o)
	f := o.frame
	if field.Kind == packet.Bytes {
		s.writeDeclaredBytes(L, f, field, value)
		return
	}
	n, ok := declaredNumber(field, value)
	if !ok {
		L.RaiseError("%s", wrongDeclared(field, value))
	}
	if err := field.SetUint(f.b, &f.layout, n); err != nil {
		L.RaiseError("%s", err.Error())
	}
}

// writeDeclaredBytes assigns bytes. Where their length changes, what follows
// moves, and the lengths of the packet change with them.
func (s *State) writeDeclaredBytes(L *lua.LState, f *frame, field *packet.ProtocolField, value lua.LValue) {
	str, ok := value.(lua.LString)
	if !ok {
		L.RaiseError("%s", wrongDeclared(field, value))
	}
	s.quota.spendBytes(L, 2*len(str))
	s.needle = append(s.needle[:0], str...)
	old, ok := field.Bytes(f.b, &f.layout)
	if ok && len(old) == len(str) {
		if err := field.SetBytes(f.b, &f.layout, s.needle); err != nil {
			L.RaiseError("%s", err.Error())
		}
		return
	}
	payload, err := field.Replace(nil, f.b, &f.layout, s.needle)
	if err != nil {
		L.RaiseError("%s", err.Error())
	}
	f.layout.Uncover()
	f.stale = true // unless replacePayload succeeds
	s.replacePayload(L, f, field.String(), lua.LString(payload), len(payload)-len(str))
}

// rebind looks, after an assignment to o, whether it may have led to another
// declared header.
func (s *State) rebind(o *object) {
	if len(s.protocols.All()) > 0 && (o.kind == kind(packet.UDP) || o.kind == kind(packet.TCP)) {
		o.frame.stale = true
	}
}

// declaredNumber gives the number that a value is to a field, false if it is
// none.
func declaredNumber(f *packet.ProtocolField, value lua.LValue) (n uint64, ok bool) {
	if f.Kind == packet.Bool {
		if value == lua.LTrue {
			n = 1
		}
		return n, value == lua.LTrue || value == lua.LFalse
	}
	return wholeNumber(value)
}

// wrongDeclared says that a field of a declared header can't have a value, and
// which it can have.
func wrongDeclared(f *packet.ProtocolField, value lua.LValue) string {
	got := describe(value)
	if value.Type() == lua.LTString {
		switch {
		case len(f.Enum) > 0:
			got += fmt.Sprintf("; the value that pv.proto gives has the numbers, as in %s.%s", f, f.Enum[0].Name)
		case f.Kind == packet.IPv4:
			got += `; pv.ip"10.0.0.1" gives the number of an address`
		case f.Kind == packet.MAC:
			got += `; pv.mac"02:00:00:00:00:01" gives the number of an address`
		}
	}
	switch f.Kind {
	case packet.Bytes:
		return fmt.Sprintf("%s takes a string, got %s", f, got)
	case packet.Bool:
		return fmt.Sprintf("%s takes true or false, got %s", f, got)
	}
	return fmt.Sprintf("%s takes a whole number of 0 to %d, got %s", f, uint64(1)<<f.Width-1, got)
}

// declaredBy gives the declared header that a key of pv.build's table names,
// nil if it names none.
func (s *State) declaredBy(key lua.LValue) *packet.Protocol {
	name, _ := key.(lua.LString)
	return s.protocols.Named(string(name))
}

// buildDeclared takes myproto = {ver = 1} of pv.build.
func (s *State) buildDeclared(L *lua.LState, r *packet.Recipe, p *packet.Protocol, v lua.LValue) {
	fields, ok := v.(*lua.LTable)
	if !ok {
		L.RaiseError("pv.build: %s takes a table of fields, got %s", p.Name, describe(v))
	}
	err := r.AddProtocol(p)
	fields.ForEach(func(k, v lua.LValue) {
		name, ok := k.(lua.LString)
		if !ok {
			L.RaiseError("pv.build: the key %s in %s is no field's name", describe(k), p.Name)
		}
		f := p.Field(string(name))
		if f == nil {
			L.RaiseError("pv.build: %s", unknownField(p, string(name)))
		}
		if f.Kind == packet.Bytes {
			str, ok := v.(lua.LString)
			if !ok {
				L.RaiseError("pv.build: %s", wrongDeclared(f, v))
			}
			err = errors.Join(err, r.SetProtocolBytes(f, []byte(str)))
			return
		}
		n, ok := declaredNumber(f, v)
		if !ok {
			L.RaiseError("pv.build: %s", wrongDeclared(f, v))
		}
		err = errors.Join(err, r.SetProtocolUint(f, n))
	})
	if err != nil {
		L.RaiseError("pv.build: %s", err.Error())
	}
}
