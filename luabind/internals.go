// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"reflect"
	"unsafe"

	lua "github.com/yuin/gopher-lua"
)

// While a function runs, variables that closures have captured are in its
// registers, and gopher-lua keeps a list of them, to detach them when the
// function returns. When an error is caught it gets that wrong either way:
// without an error handler it detaches the variables of all functions that
// run, also of those that go on, which from then on have two copies; with a
// handler it detaches none, and variables of functions that are gone point at
// registers that others use. Nothing that it exports can put that right, so
// this file reaches for what it does not export. The offsets come from the
// types themselves; a version that names things otherwise fails at start.
var (
	offsetUpvalues = fieldOffset(reflect.TypeFor[lua.LState](), "uvcache")
	offsetHandler  = fieldOffset(reflect.TypeFor[lua.LState](), "hasErrorFunc")
	offsetRegistry = fieldOffset(reflect.TypeFor[lua.LState](), "reg")
	offsetTop      = fieldOffset(fieldType(reflect.TypeFor[lua.LState](), "reg").Elem(), "top")
	offsetNext     = fieldOffset(reflect.TypeFor[lua.Upvalue](), "next")
	offsetIndex    = fieldOffset(reflect.TypeFor[lua.Upvalue](), "index")
	offsetClosed   = fieldOffset(reflect.TypeFor[lua.Upvalue](), "closed")
)

func fieldOffset(t reflect.Type, name string) uintptr {
	f, ok := t.FieldByName(name)
	if !ok {
		panic("luabind: this version of gopher-lua has no " + t.String() + "." + name)
	}
	return f.Offset
}

func fieldType(t reflect.Type, name string) reflect.Type {
	f, _ := t.FieldByName(name)
	return f.Type
}

// openUpvalues gives the head of the list of captured variables that are in
// registers, in the order of these.
func openUpvalues(L *lua.LState) **lua.Upvalue {
	return (**lua.Upvalue)(unsafe.Add(unsafe.Pointer(L), offsetUpvalues))
}

// hasHandler gives the flag that says not to detach variables at an error.
func hasHandler(L *lua.LState) *bool {
	return (*bool)(unsafe.Add(unsafe.Pointer(L), offsetHandler))
}

// registerTop gives the number of the first free register.
func registerTop(L *lua.LState) int {
	reg := *(*unsafe.Pointer)(unsafe.Add(unsafe.Pointer(L), offsetRegistry))
	return *(*int)(unsafe.Add(reg, offsetTop))
}

// detach takes the captured variables in registers from first on out of them.
func detach(L *lua.LState, first int) {
	link := openUpvalues(L)
	for uv := *link; uv != nil; uv = *link {
		next := (**lua.Upvalue)(unsafe.Add(unsafe.Pointer(uv), offsetNext))
		if *(*int)(unsafe.Add(unsafe.Pointer(uv), offsetIndex)) < first {
			link = next
			continue
		}
		uv.Close()
		*link = *next
	}
}

// openBelow lists the captured variables in registers below a limit.
func openBelow(L *lua.LState, limit int) []*lua.Upvalue {
	var list []*lua.Upvalue
	for uv := *openUpvalues(L); uv != nil; uv = *(**lua.Upvalue)(unsafe.Add(unsafe.Pointer(uv), offsetNext)) {
		if *(*int)(unsafe.Add(unsafe.Pointer(uv), offsetIndex)) < limit {
			list = append(list, uv)
		}
	}
	return list
}

// attach makes a list that openBelow gave the captured variables that are in
// registers again, and no others: an error may have detached them since. It must
// come before anything runs that could change them.
func attach(L *lua.LState, list []*lua.Upvalue) {
	link := openUpvalues(L)
	for _, uv := range list {
		*(*bool)(unsafe.Add(unsafe.Pointer(uv), offsetClosed)) = false
		*link = uv
		link = (**lua.Upvalue)(unsafe.Add(unsafe.Pointer(uv), offsetNext))
	}
	*link = nil
}
