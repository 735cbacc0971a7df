// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"fmt"

	lua "github.com/yuin/gopher-lua"
)

// options are the named arguments of a function that is called with a table:
// pv.map{name = "flows", max = 1000}.
type options struct {
	L  *lua.LState
	fn string // "pv.map", for errors
	t  *lua.LTable
}

// takeOptions gives the named arguments of fn. A name that is none of names,
// with or without a text about how fn is called, is an error.
func takeOptions(L *lua.LState, fn, example string, names ...string) options {
	t, ok := L.Get(1).(*lua.LTable)
	if !ok || L.GetTop() > 1 {
		L.RaiseError("%s: got %s; it is called with one table, as in %s", fn, describe(L.Get(1)), example)
	}
	t.ForEach(func(k, _ lua.LValue) {
		for _, n := range names {
			if k == lua.LString(n) || n == "1" && k == lua.LNumber(1) {
				return
			}
		}
		var known []string
		for _, n := range names {
			if n != "1" {
				known = append(known, n)
			}
		}
		L.RaiseError("%s", unknownOption(fn, describe(k), k.String(), known))
	})
	return options{L, fn, t}
}

// fail raises an error about an argument.
func (o options) fail(name, expected string) {
	o.L.RaiseError("%s: %s is %s; expected %s", o.fn, name, describe(o.t.RawGetString(name)), expected)
}

// has reports whether an argument is given.
func (o options) has(name string) bool { return o.t.RawGetString(name) != lua.LNil }

// text gives a string; it is empty if it may be absent and is.
func (o options) text(name, expected string, required bool) string {
	switch v := o.t.RawGetString(name).(type) {
	case lua.LString:
		return string(v)
	case *lua.LNilType:
		if !required {
			return ""
		}
	}
	o.fail(name, expected)
	return ""
}

// whole gives a whole number from least to most, or other if it is absent.
func (o options) whole(name string, least, most, other uint64) uint64 {
	v := o.t.RawGetString(name)
	if v == lua.LNil {
		return other
	}
	n, ok := wholeNumber(v)
	if !ok || n < least || n > most {
		o.fail(name, fmt.Sprintf("a whole number from %d to %d", least, most))
	}
	return n
}

// function gives a function, nil if it may be absent and is. The name is "1"
// for the one that is not named.
func (o options) function(name string, required bool) *lua.LFunction {
	v := o.t.RawGetString(name)
	if name == "1" {
		v = o.t.RawGetInt(1)
	}
	if fn, ok := v.(*lua.LFunction); ok {
		return fn
	}
	if v != lua.LNil || required {
		if name == "1" {
			o.L.RaiseError("%s: the function to call is %s; expected a function, the last thing in the table", o.fn, describe(v))
		}
		o.L.RaiseError("%s: %s is %s; expected a function", o.fn, name, describe(v))
	}
	return nil
}
