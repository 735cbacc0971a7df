// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"math"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"pvlua/state"
)

// counter is what a counter holds for Lua.
type counter struct {
	*state.Counter
	name string
}

func (c *counter) String() string { return "counter " + c.name }

// sharedMap is what a map holds for Lua.
type sharedMap struct {
	*state.Map
	ages bool // it has a ttl, so the time matters
}

func (m *sharedMap) String() string { return "map " + m.Name() + " with " + m.Shape().String() }

// sharedEntries are the methods of counters and maps.
func sharedEntries() []Entry {
	of := func(class, name, signature, doc string, f func(*State, *lua.LState) int) Entry {
		return Entry{Kind: Method, Of: class, Name: name, Signature: class + ":" + name + signature, Doc: doc, make: method(f)}
	}
	return []Entry{
		of("counter", "add", "([n])", "Adds a whole number, 1 if none is given. No other worker's addition is lost.", (*State).counterAdd),
		of("counter", "get", "() -> number", "The counter's number.", (*State).counterGet),
		of("counter", "set", "(n)", "Replaces the counter's number by a whole number.", (*State).counterSet),
		of("map", "get", "(key) -> value or nil", "The value of a key. Keys and values are numbers or strings (of at most 512 and 4096 bytes).", (*State).mapGet),
		of("map", "set", "(key, value) -> boolean", "Gives a key a value; false if the key is new and the map is full.", (*State).mapSet),
		of("map", "insert", "(key, value) -> boolean or nil", "Gives a key a value if it has none, in one step: true; false, and nothing happens, if it has one; nil if it has none and the map is full.", (*State).mapInsert),
		of("map", "add", "(key [, n]) -> number or nil", "Adds n (default 1) to the number that a key has, 0 if it has none, in one step, and gives the sum; nil if the key is new and the map is full.", (*State).mapAdd),
		of("map", "delete", "(key) -> boolean", "Removes a key; false if it was not there.", (*State).mapDelete),
		of("map", "len", "() -> number", "How many entries the map has.", (*State).mapLen),
		of("map", "each", "() -> function", "For loops: for key, value in m:each() do. It goes through the entries as they are when it is called, numbers before strings, in ascending order.", (*State).mapEach),
		of("map", "refused", "() -> number", "How many new keys found the map full.", (*State).mapRefused),
	}
}

// newCounter is pv.counter(name).
func (s *State) newCounter(L *lua.LState) int {
	name, ok := L.Get(1).(lua.LString)
	if !ok {
		L.RaiseError("pv.counter: the name is %s; expected a string", describe(L.Get(1)))
	}
	ud := s.out.counters[string(name)]
	if ud == nil {
		c, err := s.cfg.Store.Counter(string(name))
		if err != nil {
			L.RaiseError("pv.counter: %s", err.Error())
		}
		ud = s.newInstance("counter", &counter{c, string(name)})
		s.out.counters[string(name)] = ud
	}
	L.Push(ud)
	return 1
}

// defaultMax is how many entries a map has at most if it is not said.
const defaultMax = 1 << 16

// newMap is pv.map{name=, max=, ttl=, key=, value=}.
func (s *State) newMap(L *lua.LState) int {
	o := takeOptions(L, "pv.map", `pv.map{name = "flows", max = 1000}`, "name", "max", "ttl", "key", "value")
	name := o.text("name", "a string", true)
	shape := state.Shape{
		Max:   int(o.whole("max", 1, state.MaxEntries, defaultMax)),
		Key:   o.width("key"),
		Value: o.width("value"),
	}
	if o.has("ttl") {
		x, ok := o.t.RawGetString("ttl").(lua.LNumber)
		if seconds := float64(x); !ok || !(seconds >= minInterval) || seconds > maxInterval {
			o.fail("ttl", "seconds, 1e-06 to 1e+09")
		}
		shape.TTL = time.Duration(math.Round(float64(x) * 1e9))
	}
	m, err := s.cfg.Store.Map(name, shape)
	if err != nil {
		L.RaiseError("pv.map: %s", err.Error())
	}
	ud := s.out.maps[name]
	if ud == nil {
		ud = s.newInstance("map", &sharedMap{Map: m, ages: shape.TTL > 0})
		s.out.maps[name] = ud
	}
	L.Push(ud)
	return 1
}

// width gives the width of a map's keys or values.
func (o options) width(name string) state.Width {
	text := o.text(name, `the name of a width, such as "u32"`, false)
	if text == "" && !o.has(name) {
		return state.Any
	}
	w, err := state.ParseWidth(text)
	if err != nil {
		o.L.RaiseError("%s: %s: %s", o.fn, name, err.Error())
	}
	return w
}

// counterNumber gives an argument that is a whole number, of either sign.
func counterNumber(L *lua.LState, i int, fn string) int64 {
	x, ok := L.Get(i).(lua.LNumber)
	n := int64(x)
	if !ok || lua.LNumber(n) != x || n > 1<<53 || n < -1<<53 {
		L.RaiseError("%s: got %s; expected a whole number", fn, describe(L.Get(i)))
	}
	return n
}

// counterAdd is counter:add([n]).
func (s *State) counterAdd(L *lua.LState) int {
	c := self[*counter](L, "counter")
	n := int64(1)
	if L.Get(2) != lua.LNil {
		n = counterNumber(L, 2, "add")
	}
	c.Add(n)
	return 0
}

// counterGet is counter:get().
func (s *State) counterGet(L *lua.LState) int {
	L.Push(s.values.float(float64(self[*counter](L, "counter").Get())))
	return 1
}

// counterSet is counter:set(n).
func (s *State) counterSet(L *lua.LState) int {
	self[*counter](L, "counter").Set(counterNumber(L, 2, "set"))
	return 0
}

// time gives the time if the map has a use for it.
func (s *State) mapTime(m *sharedMap) time.Time {
	if !m.ages {
		return time.Time{}
	}
	return s.cfg.Host.Now()
}

// mapValue gives an argument that is a key or a value.
func mapValue(L *lua.LState, m *sharedMap, i int, fn, what string) state.Value {
	switch v := L.Get(i).(type) {
	case lua.LNumber:
		return state.Number(float64(v))
	case lua.LString:
		return state.String(string(v))
	}
	hint := ""
	switch {
	case L.Get(i) == lua.LNil && what == "value":
		hint = "; m:delete(key) removes an entry"
	case L.Get(i).Type() == lua.LTBool:
		hint = "; store 1 for true"
	}
	L.RaiseError("%s of map %s: the %s is %s; expected a number or a string%s", fn, m.Name(), what, describe(L.Get(i)), hint)
	return state.Value{}
}

// mapError raises an error that package state found.
func mapError(L *lua.LState, m *sharedMap, fn string, err error) {
	if err != nil {
		L.RaiseError("%s of map %s: %s", fn, m.Name(), err.Error())
	}
}

// luaValue gives a key or a value.
func (s *State) luaValue(v state.Value) lua.LValue {
	if x, ok := v.Number(); ok {
		return s.values.float(x)
	}
	text, _ := v.Text()
	return lua.LString(text)
}

// mapGet is map:get(key).
func (s *State) mapGet(L *lua.LState) int {
	m := self[*sharedMap](L, "map")
	v, ok, err := m.Get(mapValue(L, m, 2, "get", "key"), s.mapTime(m))
	mapError(L, m, "get", err)
	if !ok {
		L.Push(lua.LNil)
		return 1
	}
	L.Push(s.luaValue(v))
	return 1
}

// mapSet is map:set(key, value).
func (s *State) mapSet(L *lua.LState) int {
	m := self[*sharedMap](L, "map")
	ok, err := m.Set(mapValue(L, m, 2, "set", "key"), mapValue(L, m, 3, "set", "value"), s.mapTime(m))
	mapError(L, m, "set", err)
	if !ok {
		s.warnFull(m, callerOf(L))
	}
	L.Push(boolean(ok))
	return 1
}

// mapInsert is map:insert(key, value).
func (s *State) mapInsert(L *lua.LState) int {
	m := self[*sharedMap](L, "map")
	outcome, err := m.Insert(mapValue(L, m, 2, "insert", "key"), mapValue(L, m, 3, "insert", "value"), s.mapTime(m))
	mapError(L, m, "insert", err)
	switch outcome {
	case state.Inserted:
		L.Push(lua.LTrue)
	case state.Taken:
		L.Push(lua.LFalse)
	default:
		s.warnFull(m, callerOf(L))
		L.Push(lua.LNil)
	}
	return 1
}

// mapAdd is map:add(key [, n]).
func (s *State) mapAdd(L *lua.LState) int {
	m := self[*sharedMap](L, "map")
	n := lua.LNumber(1)
	if v := L.Get(3); v != lua.LNil {
		var ok bool
		if n, ok = v.(lua.LNumber); !ok {
			L.RaiseError("add of map %s: got %s to add; expected a number", m.Name(), describe(v))
		}
	}
	sum, ok, err := m.Add(mapValue(L, m, 2, "add", "key"), float64(n), s.mapTime(m))
	mapError(L, m, "add", err)
	if !ok {
		s.warnFull(m, callerOf(L))
		L.Push(lua.LNil)
		return 1
	}
	L.Push(s.values.float(sum))
	return 1
}

// warnFull logs that a map is full, once for all that share it.
func (s *State) warnFull(m *sharedMap, at func() string) {
	if m.Tell() {
		s.cfg.Log.Warn("map "+m.Name()+" is full: new keys are refused", "max", m.Shape().Max, "at", at())
	}
}

// callerOf gives where a function was called, as "echo.lua:12".
func callerOf(L *lua.LState) func() string {
	return func() string { return strings.TrimSuffix(L.Where(1), ":") }
}

// mapDelete is map:delete(key).
func (s *State) mapDelete(L *lua.LState) int {
	m := self[*sharedMap](L, "map")
	ok, err := m.Delete(mapValue(L, m, 2, "delete", "key"), s.mapTime(m))
	mapError(L, m, "delete", err)
	L.Push(boolean(ok))
	return 1
}

// mapLen is map:len().
func (s *State) mapLen(L *lua.LState) int {
	m := self[*sharedMap](L, "map")
	L.Push(s.values.number(uint64(m.Len(s.mapTime(m)))))
	return 1
}

// mapEach is map:each().
func (s *State) mapEach(L *lua.LState) int {
	m := self[*sharedMap](L, "map")
	now := s.mapTime(m)
	// Copying and sorting an entry takes about as long as ten instructions.
	s.quota.spend(L, 10*m.Len(now))
	items := m.Items(now)
	L.Push(L.NewFunction(func(L *lua.LState) int {
		if len(items) == 0 {
			L.Push(lua.LNil)
			return 1
		}
		item := items[0]
		items = items[1:]
		L.Push(s.luaValue(item.Key))
		L.Push(s.luaValue(item.Value))
		return 2
	}))
	return 1
}

// mapRefused is map:refused().
func (s *State) mapRefused(L *lua.LState) int {
	L.Push(s.values.float(float64(self[*sharedMap](L, "map").Refused())))
	return 1
}
