// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"fmt"

	lua "github.com/yuin/gopher-lua"

	"pvlua/packet"
)

// setter is the function that stands for an assignment to n properties. It
// takes the n objects and then the values, of which there may be more or fewer
// than n, as the assignment has them.
type setter struct {
	s     *State
	props []*property
	whats []string // for each property the name of its object, as getter.what
}

// call is the Lua function. Like Lua it assigns from last to first, after all
// objects and values were worked out.
func (a *setter) call(L *lua.LState) int {
	n := len(a.props)
	for i := n - 1; i >= 0; i-- {
		v, value := L.Get(1+i), L.Get(1+n+i)
		if o := objectOf(v); o != nil {
			a.s.write(L, o, a.props[i], value)
		} else {
			a.s.writeOther(L, v, a.props[i], a.whats[i], value)
		}
	}
	return 0
}

// writeOther assigns a property of anything that is no object of ours, as the
// index operation would have done.
func (s *State) writeOther(L *lua.LState, v lua.LValue, p *property, what string, value lua.LValue) {
	if v == lua.LNil {
		L.RaiseError("%s", s.nilIndex(what, p.name))
	}
	s.noteKept(value)
	L.SetField(v, p.name, value)
	if value == lua.LNil {
		s.removals.removed(v, lua.LString(p.name))
	}
}

// write assigns a property of object o. It raises an error when o has no such
// property, or it is read-only, or the value is not one that it can have.
func (s *State) write(L *lua.LState, o *object, p *property, value lua.LValue) {
	src := &p.from[o.kind]
	f := o.frame
	if f != nil {
		if f.stale {
			f.prepare(L, o)
		}
		s.touch(f)
	}
	var err error
	switch src.access {
	case accessUint:
		n, ok := wholeNumber(value)
		if !ok {
			raiseValue(L, o, src.field, value)
		}
		err = src.field.SetUint(f.b, &f.layout, n)
	case accessBool:
		var n uint64
		switch value {
		case lua.LTrue:
			n = 1
		case lua.LFalse:
		default:
			raiseValue(L, o, src.field, value)
		}
		err = src.field.SetUint(f.b, &f.layout, n)
	case accessIPv6:
		str, ok := value.(lua.LString)
		if !ok || len(str) != 16 {
			raiseValue(L, o, src.field, value)
		}
		copy(s.scratch[:], str)
		err = src.field.SetBytes(f.b, &f.layout, s.scratch[:])
	case accessNone:
		s.writeDeclared(L, o, p, value)
	case accessBytes:
		L.RaiseError("%s is read-only", src.field)
	case accessPayload:
		s.setPayload(L, f, value)
	default:
		L.RaiseError("%s of a %s is read-only", p.name, o.kind)
	}
	if err != nil {
		raiseWrite(L, o, err)
	}
	s.rebind(o)
}

// raiseWrite raises the error of an assignment that failed.
func raiseWrite(L *lua.LState, o *object, err error) {
	mustHave(L, o)
	L.RaiseError("%s", err.Error())
}

// wholeNumber gives a Lua number that is a whole one of 0 to 2^53.
func wholeNumber(v lua.LValue) (n uint64, ok bool) {
	x, ok := v.(lua.LNumber)
	n = uint64(x)
	return n, ok && lua.LNumber(n) == x && n <= 1<<53
}

// raiseValue raises the error of a value that a field can't have.
func raiseValue(L *lua.LState, o *object, f *packet.Field, value lua.LValue) {
	mustHave(L, o)
	if f.ReadOnly {
		L.RaiseError("%s is read-only", f)
	}
	L.RaiseError("%s", wrongValue(f, value))
}

// wrongValue says that a field can't have a value, and which it can have.
func wrongValue(f *packet.Field, value lua.LValue) string {
	name, got := f.String(), describe(value)
	switch {
	case f.Kind == packet.Bool:
		return fmt.Sprintf("%s takes true or false, got %s", name, got)
	case f.Kind == packet.IPv6:
		if value.Type() == lua.LTString {
			got += `; pv.ip6"2001:db8::1" gives such a string`
		}
		return fmt.Sprintf("%s takes a string of 16 bytes, got %s", name, got)
	case f.Kind == packet.IPv4 && value.Type() == lua.LTString:
		return fmt.Sprintf(`%s takes a number, got %s; pv.ip"10.0.0.1" gives the number of an address`, name, got)
	case f.Kind == packet.MAC && value.Type() == lua.LTString:
		return fmt.Sprintf(`%s takes a number, got %s; pv.mac"02:00:00:00:00:01" gives the number of an address`, name, got)
	}
	return fmt.Sprintf("%s takes a whole number of 0 to %d, got %s", name, uint64(1)<<f.Width-1, got)
}

// describe says what a value is, for error messages.
func describe(v lua.LValue) string {
	switch v := v.(type) {
	case lua.LNumber:
		return v.String()
	case lua.LString:
		if len(v) > 40 {
			return "a string of " + lua.LNumber(len(v)).String() + " bytes"
		}
		return quote(string(v))
	case lua.LBool:
		return v.String()
	case *lua.LUserData:
		if o := objectOf(v); o != nil {
			return "a " + o.name() + map[bool]string{true: " header"}[o.isHeader()]
		}
	case *lua.LNilType:
		return "nil"
	}
	return "a " + v.Type().String()
}
