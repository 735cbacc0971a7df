// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"math"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// withheld are the globals of gopher-lua that scripts do not get: they read
// files, compile code past the rewriter, or reach into the interpreter.
var withheld = []string{
	"collectgarbage", "dofile", "load", "loadfile", "loadstring", "module", "newproxy", "_printregs",
}

// openLibraries opens the libraries that scripts have, with the functions
// replaced that must know about views, frozen tables or the quota, or whose
// gopher-lua version differs from Lua 5.1.
func (s *State) openLibraries() {
	L := s.L
	for _, lib := range []struct {
		name string
		open lua.LGFunction
	}{
		{lua.BaseLibName, lua.OpenBase}, {lua.TabLibName, lua.OpenTable}, {lua.StringLibName, lua.OpenString},
		{lua.MathLibName, lua.OpenMath}, {lua.CoroutineLibName, lua.OpenCoroutine}, {lua.OsLibName, lua.OpenOs},
	} {
		L.Push(L.NewFunction(lib.open))
		L.Push(lua.LString(lib.name))
		L.Call(1, 0)
	}
	for _, name := range withheld {
		L.SetGlobal(name, lua.LNil)
	}
	L.SetGlobal("_GOPHER_LUA_VERSION", lua.LNil)
	s.replace(L.G.Global, s.baseFunctions())
	s.replace(L.GetGlobal("table").(*lua.LTable), s.tableFunctions())
	s.replace(L.GetGlobal("string").(*lua.LTable), s.stringFunctions())
	s.replace(L.GetGlobal("math").(*lua.LTable), s.mathFunctions())
	s.replace(L.GetGlobal("coroutine").(*lua.LTable), s.coroutineFunctions())
	s.openYield()
	s.openOS()

	bit32 := L.NewTable()
	for name, fn := range s.functionsOf("bit32") {
		bit32.RawSetString(name, fn)
	}
	L.SetGlobal("bit32", bit32)
	str := L.GetGlobal("string").(*lua.LTable)
	for name, fn := range s.functionsOf("string") {
		str.RawSetString(name, fn)
	}
}

// replace puts Go functions into a library.
func (s *State) replace(library *lua.LTable, functions map[string]lua.LGFunction) {
	for name, fn := range functions {
		library.RawSetString(name, s.L.NewFunction(fn))
	}
}

// baseFunctions are those of the base library that are replaced.
func (s *State) baseFunctions() map[string]lua.LGFunction {
	return map[string]lua.LGFunction{
		"ipairs":       s.iterate(s.L.NewFunction(s.indexStep), small[0]),
		"pairs":        s.iterate(s.L.NewFunction(nextPair), lua.LNil),
		"next":         s.nextOf,
		"pcall":        s.pcall,
		"print":        s.print,
		"rawget":       s.rawGet,
		"rawset":       s.rawSet,
		"setmetatable": s.setMetatable,
		"tonumber":     s.toNumber,
		"type":         typeName,
		"unpack":       s.unpack,
		"xpcall":       s.xpcall,
	}
}

// iterate makes pairs or ipairs of an iterator and the value it begins with.
func (s *State) iterate(step *lua.LFunction, first lua.LValue) lua.LGFunction {
	frozenStep := s.L.NewFunction(func(L *lua.LState) int {
		L.Replace(1, s.checkTable(L, 1))
		return step.GFunction(L)
	})
	return func(L *lua.LState) int {
		t := L.CheckTable(1)
		if s.frozen[t] == nil {
			L.Push(step)
		} else {
			L.Push(frozenStep)
		}
		L.Push(t)
		L.Push(first)
		return 3
	}
}

// nextOf is next(t [, key]).
func (s *State) nextOf(L *lua.LState) int {
	L.Replace(1, s.checkTable(L, 1))
	return nextPair(L)
}

// nextPair is next for a table that is not frozen, and the iterator of pairs.
func nextPair(L *lua.LState) int {
	key, value := L.CheckTable(1).Next(L.Get(2))
	if key == lua.LNil {
		L.Push(lua.LNil)
		return 1
	}
	L.Push(key)
	L.Push(value)
	return 2
}

// indexStep is the iterator of ipairs.
func (s *State) indexStep(L *lua.LState) int {
	i := checkInt(L, 2) + 1
	v := element(L.CheckTable(1), i)
	if v == lua.LNil {
		return 0
	}
	L.Push(s.values.number(uint64(i)))
	L.Push(v)
	return 2
}

// pcall is pcall(f, ...).
func (s *State) pcall(L *lua.LState) int {
	L.CheckAny(1)
	return s.protected(L, L.GetTop()-1, nil)
}

// xpcall is xpcall(f, handler).
func (s *State) xpcall(L *lua.LState) int {
	handler := L.CheckFunction(2)
	L.Remove(2)
	return s.protected(L, L.GetTop()-1, handler)
}

// protected calls the function below nargs arguments and gives what pcall
// gives. handler gets the error value, if there is one; before the registers
// of the functions that failed are cleared, their variables are detached.
func (s *State) protected(L *lua.LState, nargs int, handler *lua.LFunction) int {
	first := registerTop(L) - nargs
	handling := *hasHandler(L)
	err := L.PCall(nargs, lua.MultRet, L.NewFunction(func(L *lua.LState) int {
		defer detach(L, first)
		if handler != nil {
			L.Insert(handler, 1)
			L.Call(1, 1)
		}
		return 1
	}))
	*hasHandler(L) = handling
	if err == nil {
		L.Insert(lua.LTrue, 1)
		return L.GetTop()
	}
	detach(L, first) // what is left, when there were no registers for the handler
	value := lua.LValue(lua.LString(err.Error()))
	if api, ok := err.(*lua.ApiError); ok {
		value = api.Object
	}
	s.passOn(L, value)
	L.Push(lua.LFalse)
	L.Push(value)
	return 2
}

// passOn raises an error again that was caught although the quota is used up:
// it would be raised at the next instruction anyhow, but with that one's line.
func (s *State) passOn(L *lua.LState, value lua.LValue) {
	if s.quota.left < 0 {
		L.Error(value, 0)
	}
}

// print is print(...): a line to Config.Stdout in one piece, so that lines of
// several states do not mix.
func (s *State) print(L *lua.LState) int {
	var line []byte
	for i := 1; i <= L.GetTop(); i++ {
		if i > 1 {
			line = append(line, '\t')
		}
		line = append(line, L.ToStringMeta(L.Get(i)).String()...)
	}
	s.quota.spendBytes(L, len(line))
	if _, err := s.cfg.Stdout.Write(append(line, '\n')); err != nil {
		L.RaiseError("print: %s", err.Error())
	}
	return 0
}

// rawGet is rawget(t, key).
func (s *State) rawGet(L *lua.LState) int {
	L.Push(s.checkTable(L, 1).RawGet(L.CheckAny(2)))
	return 1
}

// rawSet is rawset(t, key, value).
func (s *State) rawSet(L *lua.LState) int {
	t := s.checkWritable(L, 1)
	key, value := L.CheckAny(2), L.CheckAny(3)
	s.noteKept(key)
	s.noteKept(value)
	if t == L.G.Global {
		s.handlerChanged = true
	}
	L.RawSet(t, key, value)
	if value == lua.LNil {
		s.removals.removed(t, key)
	}
	L.SetTop(1)
	return 1
}

// setMetatable is setmetatable(t, metatable), for tables only.
func (s *State) setMetatable(L *lua.LState) int {
	t := L.CheckTable(1)
	mt := L.Get(2)
	if mt != lua.LNil {
		L.CheckTable(2)
	}
	if old, ok := t.Metatable.(*lua.LTable); ok && old.RawGetString("__metatable") != lua.LNil {
		L.RaiseError("cannot change a protected metatable")
	}
	t.Metatable = mt
	L.SetTop(1)
	return 1
}

// toNumber is tonumber(value [, base]).
func (s *State) toNumber(L *lua.LState) int {
	v := L.CheckAny(1)
	base := optInt(L, 2, 10)
	if base == 10 {
		switch v := v.(type) {
		case lua.LNumber:
			L.Push(v)
			return 1
		case lua.LString:
			if x, ok := parseNumber(string(v)); ok {
				L.Push(s.values.float(x))
				return 1
			}
		}
		L.Push(lua.LNil)
		return 1
	}
	if base < 2 || base > 36 {
		L.ArgError(2, "base out of range")
	}
	text := strings.ToLower(strings.TrimSpace(L.CheckString(1)))
	if base == 16 {
		text = strings.TrimPrefix(text, "0x")
	}
	if n, err := strconv.ParseUint(text, base, 64); err == nil {
		L.Push(s.values.float(float64(n)))
		return 1
	}
	L.Push(lua.LNil)
	return 1
}

// parseNumber reads a number as Lua writes it: decimal with fraction and
// exponent, or hexadecimal.
func parseNumber(text string) (x float64, ok bool) {
	text = strings.Trim(text, " \t\n\v\f\r")
	digits, negative := text, false
	if digits != "" && (digits[0] == '-' || digits[0] == '+') {
		digits, negative = digits[1:], digits[0] == '-'
	}
	if hex, isHex := strings.CutPrefix(strings.ToLower(digits), "0x"); isHex {
		n, err := strconv.ParseUint(hex, 16, 64)
		if negative {
			return -float64(n), err == nil
		}
		return float64(n), err == nil
	}
	for i := range len(digits) {
		if c := digits[i]; !(c >= '0' && c <= '9' || c == '.' || c == 'e' || c == 'E' || c == '+' || c == '-') {
			return 0, false // Go knows more forms, such as inf and 1_000
		}
	}
	x, err := strconv.ParseFloat(text, 64)
	return x, err == nil || math.IsInf(x, 0)
}

// typeNames are the results of type, made once.
var typeNames [9]lua.LValue

func init() {
	for i := range typeNames {
		typeNames[i] = lua.LString(lua.LValueType(i).String())
	}
}

// typeName is type(value).
func typeName(L *lua.LState) int {
	L.Push(typeNames[L.CheckAny(1).Type()])
	return 1
}
