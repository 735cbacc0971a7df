// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"pvlua/packet"
)

// protocolEntries is pv.proto.
func protocolEntries() []Entry {
	return []Entry{{Kind: Function, Of: "pv", Name: "proto", Signature: "pv.proto{name=, fields=, udp=, tcp=, ip=, eth=} -> table",
		Doc:  "Declares a header of the script's own, its fields and where it is found: at UDP or TCP ports, as IP protocols, under ethertypes, each a number or a list of them. Packets then have it as pkt.NAME. Gives the names of its values: t.FIELD.NAME.",
		make: method((*State).proto)}}
}

// protoExample is what errors show of a declaration.
const protoExample = `pv.proto{name="myproto", fields={{"ver", 4}, {"type", 4}}, udp=7000}`

// proto is pv.proto{...}.
func (s *State) proto(L *lua.LState) int {
	if s.out.loaded {
		L.RaiseError("pv.proto: protocols are declared while the script is loaded: at its top, outside of functions that run later")
	}
	d := protoDeclaration{options: takeOptions(L, "pv.proto", protoExample, "name", "fields", "udp", "tcp", "ip", "eth")}
	d.p = &packet.Protocol{Name: d.name("name", d.text("name", `a name, as in `+protoExample, true))}
	d.checkReserved()
	d.takeFields()
	if err := d.p.Prepare(); err != nil {
		d.raise("%s", err.Error())
	}
	d.takeBindings()
	if err := s.protocols.Add(d.p); err != nil {
		d.raise("%s", err.Error())
	}
	for _, name := range append(declaredFields(d.p), d.p.Name) {
		s.expectName(name)
	}
	L.Push(s.protoTable(d.p))
	return 1
}

// protoDeclaration is the table of a call of pv.proto, as it is read.
type protoDeclaration struct {
	options
	p *packet.Protocol
}

// raise raises the error of a declaration.
func (d *protoDeclaration) raise(format string, args ...any) {
	what := d.fn
	if d.p != nil {
		what += " " + d.p.Name
	}
	d.L.RaiseError("%s: %s", what, fmt.Sprintf(format, args...))
}

// luaWords are the words that can't be written after a dot.
var luaWords = []string{"and", "break", "do", "else", "elseif", "end", "false", "for", "function", "if", "in",
	"local", "nil", "not", "or", "repeat", "return", "then", "true", "until", "while"}

// name checks the name of a protocol, a field or a value.
func (d *protoDeclaration) name(what, name string) string {
	for i := range len(name) {
		if c := name[i]; c != '_' && !isLetter(c) && (i == 0 || !isDigit(c)) {
			d.raise("%s is %s; a name has letters, digits and _, and begins with no digit", what, quote(name))
		}
	}
	if name == "" || len(name) > 40 {
		d.raise("%s has %d letters; expected 1 to 40", what, len(name))
	}
	if slices.Contains(luaWords, name) {
		d.raise("%s is '%s', which is a word of Lua and can't stand after a dot; choose another name", what, name)
	}
	return name
}

// checkReserved refuses the names that packets have already.
func (d *protoDeclaration) checkReserved() {
	name := d.p.Name
	if lower := strings.ToLower(name); lower != name {
		d.raise("the name of a protocol is in small letters; write '%s'", lower)
	}
	what := ""
	switch p := properties[name]; {
	case isHeaderName(name):
		what = "a header that pvlua knows"
	case p != nil && p.from[kindPacket].access != accessNone:
		what = "a property of every packet"
	case slices.Contains(methodsOf(species(kindPacket)), name):
		what = "a method of every packet"
	default:
		return
	}
	d.raise("the name is taken: pkt.%s is %s; choose another, such as 'my%[1]s'", name, what)
}

// takeFields reads fields={{"ver", 4}, ...}.
func (d *protoDeclaration) takeFields() {
	list, ok := d.t.RawGetString("fields").(*lua.LTable)
	if !ok {
		d.fail("fields", `a list of fields, as in fields={{"ver", 4}, {"type", 4}}`)
	}
	n := tableLength(list)
	list.ForEach(func(k, v lua.LValue) {
		if i, ok := wholeNumber(k); !ok || i < 1 || i > uint64(n) {
			d.raise(`fields has %s; expected a list of fields, as in fields={{"ver", 4}, {"type", 4}}`, describe(k))
		}
	})
	for i := 1; i <= n; i++ {
		d.p.Fields = append(d.p.Fields, d.takeField(i, list.RawGetInt(i)))
	}
}

// fieldOptions are the names that a field's table may have.
var fieldOptions = []string{"bytes", "default", "enum", "le", "type"}

// takeField reads {"ver", 4, default = 1}.
func (d *protoDeclaration) takeField(i int, v lua.LValue) *packet.ProtocolField {
	t, ok := v.(*lua.LTable)
	if !ok {
		d.raise(`field %d is %s; expected its name and width in bits, as in {"ver", 4}, or {"data", bytes="rest"}`, i, describe(v))
	}
	str, ok := t.RawGetInt(1).(lua.LString)
	if !ok {
		d.raise(`the name of field %d is %s; expected a string, as in {"ver", 4}`, i, describe(t.RawGetInt(1)))
	}
	f := &packet.ProtocolField{Name: d.name(fmt.Sprintf("the name of field %d", i), string(str))}
	t.ForEach(func(k, _ lua.LValue) {
		if k == lua.LNumber(1) || k == lua.LNumber(2) {
			return
		}
		if name, ok := k.(lua.LString); !ok || !slices.Contains(fieldOptions, string(name)) {
			d.raise("%s", unknownOption("the field '"+f.Name+"'", describe(k), k.String(), fieldOptions))
		}
	})
	if t.RawGetString("bytes") != lua.LNil {
		d.takeBytes(f, t)
	} else {
		d.takeNumber(f, t)
	}
	return f
}

// takeBytes reads {"data", bytes = 6}, or "len", or "rest".
func (d *protoDeclaration) takeBytes(f *packet.ProtocolField, t *lua.LTable) {
	f.Kind = packet.Bytes
	switch typ := t.RawGetString("type"); typ {
	case lua.LNil:
	case lua.LString("text"):
		f.Text = true
	default:
		d.raise(`the type of '%s', which is made of bytes, is %s; expected "text" or none`, f.Name, describe(typ))
	}
	for _, other := range []string{"enum", "le"} {
		if t.RawGetString(other) != lua.LNil {
			d.raise("the field '%s' is made of bytes and has no '%s'; leave it out", f.Name, other)
		}
	}
	if v := t.RawGetInt(2); v != lua.LNil {
		d.raise("the field '%s' has both a width, %s, and bytes; leave one out", f.Name, describe(v))
	}
	const expected = `a number of bytes, the name of the field that counts them, or "rest"`
	switch v := t.RawGetString("bytes").(type) {
	case lua.LNumber:
		n, ok := wholeNumber(v)
		if !ok || n < 1 || n > 65535 {
			d.raise("bytes of '%s' is %s; expected %s", f.Name, describe(v), expected)
		}
		f.Size = int(n)
	case lua.LString:
		if v == "rest" {
			f.Rest = true
			break
		}
		f.Count = d.counter(f, t, string(v))
	default:
		d.raise("bytes of '%s' is %s; expected %s", f.Name, describe(v), expected)
	}
	switch v := t.RawGetString("default").(type) {
	case *lua.LNilType:
	case lua.LString:
		f.DefaultBytes = []byte(v)
		if f.Size > 0 && len(v) != f.Size {
			d.raise("the default of '%s' has %d bytes, the field has %d", f.Name, len(v), f.Size)
		}
	default:
		d.raise("the default of '%s' is %s; expected a string", f.Name, describe(v))
	}
}

// counter finds the field that counts the bytes of f.
func (d *protoDeclaration) counter(f *packet.ProtocolField, t *lua.LTable, name string) *packet.ProtocolField {
	var names []string
	for _, c := range d.p.Fields {
		if c.Name == name {
			return c
		}
		names = append(names, c.Name)
	}
	all, _ := d.t.RawGetString("fields").(*lua.LTable)
	for i := 1; i <= tableLength(all); i++ {
		if other, ok := all.RawGetInt(i).(*lua.LTable); ok && other.RawGetInt(1) == lua.LString(name) {
			if other == t {
				d.raise("the field '%s' can't count its own bytes; name a number before it", name)
			}
			d.raise("the field '%s' counts the bytes of '%s' but comes after them; put it before", name, f.Name)
		}
	}
	msg := fmt.Sprintf("no field '%s' counts the bytes of '%s'", name, f.Name)
	if near := nearest(name, append(names, "rest")); near != "" {
		d.raise("%s; did you mean '%s'?", msg, near)
	}
	d.raise(`%s; declare it before, as in {"%s", 8}, or write bytes="rest"`, msg, name)
	return nil
}

// numberTypes are what type= of a number can be, with their widths if that is
// all they can have.
var numberTypes = map[string]struct {
	kind  packet.Kind
	width int
}{
	"number":  {packet.Uint, 0},
	"boolean": {packet.Bool, 1},
	"ip":      {packet.IPv4, 32},
	"mac":     {packet.MAC, 48},
}

// takeNumber reads {"type", 4, enum = {...}}.
func (d *protoDeclaration) takeNumber(f *packet.ProtocolField, t *lua.LTable) {
	typ, typed := numberTypes["number"], false
	if v := t.RawGetString("type"); v != lua.LNil {
		if typ, typed = numberTypes[v.String()]; !typed {
			d.raise(`the type of '%s' is %s; expected "number", "boolean", "ip" or "mac" (or bytes=, which can be "text")`, f.Name, describe(v))
		}
	}
	f.Kind, f.Width = typ.kind, typ.width
	switch v := t.RawGetInt(2); {
	case v != lua.LNil:
		n, ok := wholeNumber(v)
		if !ok || n > 1<<20 {
			d.raise("the width of '%s' is %s; expected a number of bits, 1 to 48", f.Name, describe(v))
		}
		f.Width = int(n)
	case f.Width == 0:
		d.raise(`the field '%s' has no width; give it in bits, as in {"%[1]s", 8}, or make it bytes, as in {"%[1]s", bytes="rest"}`, f.Name)
	}
	enum := t.RawGetString("enum")
	if f.Width == 1 && !typed && enum == lua.LNil {
		f.Kind = packet.Bool
	}
	switch le := t.RawGetString("le"); le {
	case lua.LNil, lua.LFalse:
	case lua.LTrue:
		f.LittleEndian = true
	default:
		d.raise("le of '%s' is %s; expected true or false", f.Name, describe(le))
	}
	d.takeEnum(f, enum)
	d.takeDefault(f, t.RawGetString("default"))
}

// takeEnum reads enum = {HELLO = 1, BYE = 2}, or {[1] = "HELLO", [2] = "BYE"}.
func (d *protoDeclaration) takeEnum(f *packet.ProtocolField, v lua.LValue) {
	if v == lua.LNil {
		return
	}
	t, ok := v.(*lua.LTable)
	if !ok || f.Kind == packet.Bool {
		d.raise("enum of '%s' is %s; expected names of numbers, as in enum={HELLO=1, BYE=2}", f.Name, describe(v))
	}
	seen := make(map[string]bool)
	t.ForEach(func(k, v lua.LValue) {
		if _, ok := v.(lua.LString); ok {
			k, v = v, k
		}
		name, ok := k.(lua.LString)
		n, whole := wholeNumber(v)
		if !ok || !whole {
			d.raise("enum of '%s' has %s = %s; expected names of numbers, as in enum={HELLO=1, BYE=2}", f.Name, describe(k), describe(v))
		}
		d.name("a name of a value of '"+f.Name+"'", string(name))
		if seen[string(name)] {
			d.raise("enum of '%s' has the name '%s' twice", f.Name, string(name))
		}
		seen[string(name)] = true
		f.Enum = append(f.Enum, packet.EnumName{Value: n, Name: string(name)})
	})
	slices.SortFunc(f.Enum, func(a, b packet.EnumName) int {
		return cmp.Or(cmp.Compare(a.Value, b.Value), cmp.Compare(a.Name, b.Name))
	})
}

// takeDefault reads the default of a number, which may be a name of the enum.
func (d *protoDeclaration) takeDefault(f *packet.ProtocolField, v lua.LValue) {
	switch v := v.(type) {
	case *lua.LNilType:
		return
	case lua.LBool:
		if f.Kind == packet.Bool {
			if v {
				f.Default = 1
			}
			return
		}
	case lua.LString:
		var names []string
		for _, e := range f.Enum {
			if e.Name == string(v) {
				f.Default = e.Value
				return
			}
			names = append(names, e.Name)
		}
		if len(names) > 0 {
			d.raise("%s", suggest(fmt.Sprintf("the default of '%s' is '%s', which enum does not have", f.Name, string(v)), string(v), names))
		}
	case lua.LNumber:
		if n, ok := wholeNumber(v); ok && f.Kind != packet.Bool {
			f.Default = n
			return
		}
	}
	expected := "a whole number"
	if f.Kind == packet.Bool {
		expected = "true or false"
	}
	d.raise("the default of '%s' is %s; expected %s", f.Name, describe(v), expected)
}

// takeBindings reads udp=, tcp=, ip= and eth=.
func (d *protoDeclaration) takeBindings() {
	for _, under := range []packet.HeaderID{packet.UDP, packet.TCP, packet.IP, packet.Eth} {
		v := d.t.RawGetString(under.String())
		if v == lua.LNil {
			continue
		}
		list := []lua.LValue{v}
		if t, ok := v.(*lua.LTable); ok {
			list = nil
			for i := 1; i <= tableLength(t); i++ {
				list = append(list, t.RawGetInt(i))
			}
		}
		for _, v := range list {
			n, ok := wholeNumber(v)
			if !ok || n > 65535 {
				d.raise("%s is %s; expected a number of 0 to 65535 or a list of them, as in %[1]s={7000, 7001}", under, describe(v))
			}
			d.p.Bindings = append(d.p.Bindings, packet.Binding{Under: under, Number: uint16(n)})
		}
		if len(list) == 0 {
			d.raise("%s has no numbers; expected one or a list of them, as in %[1]s={7000, 7001}", under)
		}
	}
}
