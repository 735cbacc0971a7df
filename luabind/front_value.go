// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"math/bits"
	"unsafe"

	lua "github.com/yuin/gopher-lua"

	"pvlua/packet"
)

// form is what the builder of a front knows of a value: how it is held.
type form uint8

const (
	formAny    form = iota // any Lua value
	formNumber             // a whole number from 0 to 2^53
	formFloat              // a number
	formBool               // true or false
	formBytes              // a string of 16 bytes: an IPv6 address
	formHeader             // a header of the packet, or nil
	formPacket             // the packet
	formPort               // a port
	formTruth              // only what a condition makes of it is known
)

// value is an expression of a front: closures that work it out, one for each
// use that its form has. One that can't work it out sets pass.bad and gives
// anything. None of them has an effect.
type value struct {
	form form

	any   func(*pass) lua.LValue // of every form but formHeader, formPacket and formTruth
	truth func(*pass) bool       // what a condition makes of it
	n     func(*pass) uint64     // formNumber
	x     func(*pass) float64    // formNumber, formFloat and formAny, which is bad if it is no number
	bytes func(*pass) []byte     // formBytes; the packet's own bytes, or others that do not change
	port  func(*pass) *port      // formPort

	headers  []packet.HeaderID // formHeader: the first of them that the packet has
	constant lua.LValue        // its value if that is constant, or else nil
	field    *packet.Field     // if it is nothing but this field of a header
	width    uint16            // of a number: the bits that it needs at most; 0 if unknown
	optional bool              // it may be nil as well, which only any and truth know
	steady   bool              // an assignment of fields does not change it
	and      *[2]value         // the operands, if it is x and y
}

// truth as a closure for values that are never nil or false.
func always(*pass) bool { return true }

// constantValue makes the value that a Lua value is.
func constantValue(v lua.LValue) value {
	out := value{form: formAny, constant: v, steady: true}
	out.any = func(*pass) lua.LValue { return v }
	t := lua.LVAsBool(v)
	out.truth = func(*pass) bool { return t }
	out.x = func(c *pass) float64 { c.bad = true; return 0 }
	switch v := v.(type) {
	case lua.LNumber:
		out.form = formFloat
		x := float64(v)
		out.x = func(*pass) float64 { return x }
		if n, ok := wholeNumber(v); ok {
			out.form = formNumber
			out.n = func(*pass) uint64 { return n }
			out.width = uint16(max(1, bits.Len64(n)))
		}
	case lua.LString:
		if len(v) == 16 {
			out.form = formBytes
			b := []byte(v)
			out.bytes = func(*pass) []byte { return b }
		}
	case lua.LBool:
		out.form = formBool
	case *lua.LUserData:
		if o := objectOf(v); o != nil && o.kind == kindPort {
			p := o.port
			out.form = formPort
			out.port = func(*pass) *port { return p }
		}
	}
	return out
}

// numberValue makes a value of a closure that gives whole numbers.
func numberValue(n func(*pass) uint64) value {
	return value{
		form:  formNumber,
		n:     n,
		x:     func(c *pass) float64 { return float64(n(c)) },
		any:   func(c *pass) lua.LValue { return c.s.values.number(n(c)) },
		truth: func(c *pass) bool { n(c); return true },
	}
}

// floatValue makes a value of a closure that gives numbers.
func floatValue(x func(*pass) float64) value {
	return value{
		form:  formFloat,
		x:     x,
		any:   func(c *pass) lua.LValue { return c.s.values.float(x(c)) },
		truth: func(c *pass) bool { x(c); return true },
	}
}

// boolValue makes a value of a condition.
func boolValue(t func(*pass) bool) value {
	return value{
		form:  formBool,
		truth: t,
		any:   func(c *pass) lua.LValue { return boolean(t(c)) },
	}
}

// bytesValue makes a value of a closure that gives IPv6 addresses.
func bytesValue(bytes func(*pass) []byte) value {
	return value{
		form:  formBytes,
		bytes: bytes,
		truth: func(c *pass) bool { bytes(c); return true },
		any: func(c *pass) lua.LValue {
			if b := bytes(c); b != nil {
				return c.s.values.bytes16(b)
			}
			return lua.LNil
		},
	}
}

// portValue makes a value of a closure that gives ports.
func portValue(p func(*pass) *port) value {
	return value{
		form:  formPort,
		port:  p,
		truth: always,
		any:   func(c *pass) lua.LValue { return p(c).ud },
	}
}

// anyValue makes a value of a closure that gives Lua values.
func anyValue(v func(*pass) lua.LValue) value {
	return value{
		form:  formAny,
		any:   v,
		truth: func(c *pass) bool { return lua.LVAsBool(v(c)) },
		x: func(c *pass) float64 {
			x, ok := v(c).(lua.LNumber)
			if !ok {
				c.bad = true
			}
			return float64(x)
		},
	}
}

// valid reports whether there is a value at all: the builder gives the zero
// value for an expression that is not simple.
func (v *value) valid() bool { return v.truth != nil }

// plain reports whether there is one that is no view, so that it can be worked
// out as a Lua value.
func (v *value) plain() bool { return v.valid() && v.any != nil }

// isNumber reports whether the value is certain to be a number.
func (v *value) isNumber() bool { return (v.form == formNumber || v.form == formFloat) && !v.optional }

// load works the value out into a slot.
func (v *value) load(c *pass, to *slotValue) {
	switch {
	case v.optional:
		to.v = v.any(c)
	case v.form == formNumber:
		to.n = v.n(c)
	case v.form == formFloat:
		to.x = v.x(c)
	case v.form == formBool:
		to.n = 0
		if v.truth(c) {
			to.n = 1
		}
	case v.form == formBytes:
		if b := v.bytes(c); len(b) == 16 {
			to.b = [16]byte(b)
		}
	default:
		to.v = v.any(c)
	}
}

// inSlot makes the value that load has put into slot i.
func (v *value) inSlot(i int) value {
	var out value
	switch {
	case v.optional:
		out = anyValue(func(c *pass) lua.LValue { return c.slots[i].v })
	case v.form == formNumber:
		out = numberValue(func(c *pass) uint64 { return c.slots[i].n })
	case v.form == formFloat:
		out = floatValue(func(c *pass) float64 { return c.slots[i].x })
	case v.form == formBool:
		out = boolValue(func(c *pass) bool { return c.slots[i].n != 0 })
	case v.form == formBytes:
		out = bytesValue(func(c *pass) []byte { return c.slots[i].b[:] })
	case v.form == formPort:
		out = portValue(func(c *pass) *port { return c.slots[i].v.(*lua.LUserData).Value.(*object).port })
	default:
		out = anyValue(func(c *pass) lua.LValue { return c.slots[i].v })
	}
	out.steady, out.width = true, v.width
	return out
}

// whole gives a number as one that a field can take; bad if it is not whole, or
// not from 0 to 2^53.
func (c *pass) whole(x float64) uint64 {
	n := uint64(x)
	if float64(n) != x || n > 1<<53 {
		c.bad = true
	}
	return n
}

// numberKey gives a number as a key for a look-up in a table, until the next one.
func (c *pass) numberKey(x float64) lua.LValue {
	*c.number = x
	return c.key
}

// bytesKey gives 16 bytes as a string for such a look-up.
func bytesKey(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
