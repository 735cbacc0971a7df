// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"fmt"

	lua "github.com/yuin/gopher-lua"
)

// Counters, maps and sockets are objects of a class: userdata that hold a Go
// value of their own and have the methods that API lists for the class. They
// have no properties, live as long as a script keeps them, and so are apart
// from the objects of object.go.

// classNames are the classes, as Entry.Of and error messages name them.
var classNames = []string{"counter", "map", "socket"}

// makeClasses makes the metatables of all classes. Calling a method allocates
// nothing: the methods are in a table.
func (s *State) makeClasses() {
	s.out.classes = make(map[string]*lua.LTable)
	for _, class := range classNames {
		s.out.classes[class] = s.newClass(class)
	}
}

func (s *State) newClass(class string) *lua.LTable {
	L := s.L
	methods := L.NewTable()
	var names []string
	for _, e := range API {
		if e.Kind == Method && e.Of == class {
			methods.RawSetString(e.Name, L.NewFunction(e.make(s)))
			names = append(names, e.Name)
		}
	}
	missing := L.NewTable()
	missing.RawSetString("__index", L.NewFunction(func(L *lua.LState) int {
		key := L.Get(2)
		msg := fmt.Sprintf("a %s has no method %s", class, describe(key))
		if near := nearest(key.String(), names); near != "" {
			msg += fmt.Sprintf("; did you mean '%s'?", near)
		} else if class == "map" {
			msg += "; its entries are got and set by m:get(key) and m:set(key, value)"
		}
		L.RaiseError("%s", msg)
		return 0
	}))
	methods.Metatable = missing

	mt := L.NewTable()
	mt.RawSetString("__index", methods)
	mt.RawSetString("__newindex", L.NewFunction(func(L *lua.LState) int {
		msg := fmt.Sprintf("nothing can be assigned to a %s", class)
		if class == "map" {
			msg += "; its entries are set by m:set(key, value)"
		}
		L.RaiseError("%s", msg)
		return 0
	}))
	mt.RawSetString("__tostring", L.NewFunction(func(L *lua.LState) int {
		text := class
		if ud, ok := L.Get(1).(*lua.LUserData); ok {
			if v, ok := ud.Value.(fmt.Stringer); ok {
				text = v.String()
			}
		}
		L.Push(lua.LString(text))
		return 1
	}))
	mt.RawSetString("__metatable", lua.LString(class))
	return mt
}

// newInstance makes the userdata of a class that holds v.
func (s *State) newInstance(class string, v any) *lua.LUserData {
	return &lua.LUserData{Value: v, Env: s.L.Env, Metatable: s.out.classes[class]}
}

// self gives what the object that a method of a class was called on holds.
func self[T any](L *lua.LState, class string) T {
	if ud, ok := L.Get(1).(*lua.LUserData); ok {
		if v, ok := ud.Value.(T); ok {
			return v
		}
	}
	L.RaiseError("a %s is missing: got %s; methods are called with a colon, as in %[1]s:%[3]s()",
		class, describe(L.Get(1)), firstMethod(class))
	panic("unreachable")
}

// firstMethod gives a method of a class as an example.
func firstMethod(class string) string {
	for _, e := range API {
		if e.Kind == Method && e.Of == class {
			return e.Name
		}
	}
	return ""
}
