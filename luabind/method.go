// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	lua "github.com/yuin/gopher-lua"
)

// caller is the function that stands for the call of a method that objects of
// ours have. It takes the object and the arguments.
type caller struct {
	s          *State
	name, what string // what is as getter.what
	methods    [numKinds]lua.LGFunction
}

// otherMethods are names of methods that other values have as well: strings,
// or objects of the script's own. Their calls are left to gopher-lua, so that
// they may yield, which nothing below a Go function can.
var otherMethods = map[string]bool{
	"bytes": true, "find": true, "send": true, "stop": true,
	"clone": true, "pull": true, "push": true, "reply": true, "resize": true,
	"add": true, "address": true, "close": true, "delete": true, "each": true, "get": true, "len": true, "refused": true, "set": true,
}

// newCaller makes a caller for a method, nil if objects of ours have no such
// method.
func (s *State) newCaller(name, what string) *caller {
	if otherMethods[name] {
		return nil
	}
	var c *caller
	for _, e := range API {
		if e.Kind != Method || e.Name != name {
			continue
		}
		if c == nil {
			c = &caller{s: s, name: name, what: what}
		}
		for k := range numKinds {
			if k.String() == e.Of {
				c.methods[k] = e.make(s)
			}
		}
	}
	return c
}

// call is the Lua function.
func (c *caller) call(L *lua.LState) int {
	v := L.Get(1)
	if o := objectOf(v); o != nil {
		if method := c.methods[o.kind]; method != nil {
			return method(L)
		}
	}
	return c.other(L, v)
}

// other calls the method of anything else, as gopher-lua would have done.
func (c *caller) other(L *lua.LState, v lua.LValue) int {
	if v == lua.LNil {
		L.RaiseError("%s", c.s.nilIndex(c.what, c.name))
	}
	n := L.GetTop()
	method := L.GetField(v, c.name)
	if method == lua.LNil {
		L.RaiseError("attempt to call a nil value (method '%s')", c.name)
	}
	L.Push(method)
	for i := 1; i <= n; i++ {
		L.Push(L.Get(i))
	}
	L.Call(n, lua.MultRet)
	return L.GetTop() - n
}
