// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"reflect"
	"unsafe"

	lua "github.com/yuin/gopher-lua"
)

// gopher-lua has two loops over instructions: one without a guard, and one that
// asks a context before each instruction whether to go on, by way of an
// interface and a channel. The one here counts, which costs next to nothing,
// and is otherwise the same. It takes the place of the second one. As in
// internals.go, it needs things that gopher-lua does not export, and a version
// that has them otherwise fails at start or does not link.

// jumpTable has the function that executes an instruction, by its code.
//
//go:linkname jumpTable github.com/yuin/gopher-lua.jumpTable
var jumpTable [lua.OP_NOP + 1]func(L *lua.LState, inst uint32, base *callFrame) int

// callFrame is a function that runs, as gopher-lua has it.
type callFrame struct {
	Idx        int
	Fn         *lua.LFunction
	Parent     *callFrame
	Pc         int
	Base       int
	LocalBase  int
	ReturnBase int
	NArgs      int
	NRet       int
	TailCall   int
}

// thread is a Lua state as gopher-lua has it, as far as it matters here.
type thread struct {
	G            *lua.Global
	Parent       *lua.LState
	Env          *lua.LTable
	Panic        func(*lua.LState)
	Dead         bool
	Options      lua.Options
	stop         int32
	reg          unsafe.Pointer
	stack        struct{ _, data *callStack } // an interface value
	alloc        unsafe.Pointer
	currentFrame *callFrame
	wrapped      bool
	uvcache      *lua.Upvalue
	hasErrorFunc bool
	mainLoop     func(*lua.LState, *callFrame)
}

// callStack is the stack of them of a state without Options.MinimizeStackMemory.
type callStack struct {
	array []callFrame
	sp    int
}

// checkLayouts panics unless the types here are as gopher-lua has them.
func checkLayouts(L *lua.LState) {
	state := reflect.ValueOf(L).Elem()
	sameLayout(reflect.TypeFor[callFrame](), fieldType(state.Type(), "currentFrame").Elem(), 10)
	sameLayout(reflect.TypeFor[callStack](), state.FieldByName("stack").Elem().Type().Elem(), 2)
	sameLayout(reflect.TypeFor[thread](), state.Type(), reflect.TypeFor[thread]().NumField())
}

// sameLayout panics unless the first n fields of two types are alike.
func sameLayout(ours, theirs reflect.Type, n int) {
	same := ours.NumField() == n && theirs.NumField() >= n
	for i := 0; same && i < n; i++ {
		a, b := ours.Field(i), theirs.Field(i)
		same = a.Name == b.Name && a.Offset == b.Offset && a.Type.Size() == b.Type.Size()
	}
	if !same {
		panic("luabind: this version of gopher-lua has another " + theirs.String())
	}
}

// guardLoop has a thread run by the loop that counts on q.
func (q *quota) guardLoop(L *lua.LState) {
	L.SetContext(q) // which also sets a loop that asks it
	th := (*thread)(unsafe.Pointer(L))
	asking := th.mainLoop
	th.mainLoop = func(L *lua.LState, base *callFrame) {
		if !q.runs(L) {
			asking(L, base)
			return
		}
		q.run(L, base)
	}
}

// runs makes the function at the top of the call stack the current one. It
// reports false if there is none, or it is a Go function, which the loops run as
// well.
func (q *quota) runs(L *lua.LState) bool {
	th := (*thread)(unsafe.Pointer(L))
	stack := th.stack.data
	if stack.sp == 0 {
		return false
	}
	th.currentFrame = &stack.array[stack.sp-1]
	return !th.currentFrame.Fn.IsG
}

// run executes instructions until the current function has returned.
func (q *quota) run(L *lua.LState, base *callFrame) {
	for {
		cf := (*thread)(unsafe.Pointer(L)).currentFrame
		inst := cf.Fn.Proto.Code[cf.Pc]
		cf.Pc++
		if q.left--; q.left < 0 {
			q.stop(L)
		}
		if jumpTable[inst>>26](L, inst, base) == 1 {
			return
		}
	}
}
