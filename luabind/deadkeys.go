// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"reflect"
	"unsafe"

	lua "github.com/yuin/gopher-lua"
)

// gopher-lua never forgets the key of an element that was removed: a table that
// has flows put in and taken out grows by about 100 bytes for each. So removing
// an element, where a script writes t[k] = nil or calls rawset, goes through a
// function that counts dead keys, and a table with too many is rid of them
// between two callbacks, when no loop goes over it. What is not seen is nil
// that comes out of a variable.

// maxDead is how many dead keys a table can have, unless it has as many living
// ones.
const maxDead = 1024

// tableKeys is a table of gopher-lua, as far as it matters here.
type tableKeys struct {
	Metatable lua.LValue
	array     []lua.LValue
	dict      map[lua.LValue]lua.LValue
	strdict   map[string]lua.LValue
	keys      []lua.LValue       // all keys outside of array, dead ones included
	k2i       map[lua.LValue]int // where they are in keys
}

func init() {
	sameLayout(reflect.TypeFor[tableKeys](), reflect.TypeFor[lua.LTable](), reflect.TypeFor[lua.LTable]().NumField())
}

func keysOf(t *lua.LTable) *tableKeys { return (*tableKeys)(unsafe.Pointer(t)) }

// removal is one element that was removed.
type removal struct {
	table *lua.LTable
	key   lua.LValue
}

// removals are the last ones: a script may go on from a key with next after it
// has removed it, in another callback even.
type removals struct {
	last  [32]removal
	count int
	full  []*lua.LTable // tables with too many dead keys
}

// removed notes that an element may have been removed.
func (r *removals) removed(v, key lua.LValue) {
	t, ok := v.(*lua.LTable)
	if !ok {
		return
	}
	r.last[r.count%len(r.last)] = removal{t, key}
	r.count++
	k := keysOf(t)
	living := len(k.dict) + len(k.strdict)
	if dead := len(k.keys) - living; dead < max(maxDead, living) || len(r.full) > 0 && r.full[len(r.full)-1] == t {
		return
	}
	r.full = append(r.full, t)
}

// bury rids the tables of their dead keys, but for the last ones.
func (r *removals) bury() {
	for i, t := range r.full {
		recent := make(map[lua.LValue]bool)
		for _, last := range r.last {
			if last.table == t {
				recent[last.key] = true
			}
		}
		k := keysOf(t)
		living := make([]lua.LValue, 0, len(k.dict)+len(k.strdict)+len(recent))
		places := make(map[lua.LValue]int, cap(living))
		for _, key := range k.keys {
			if recent[key] || t.RawGetH(key) != lua.LNil {
				places[key] = len(living)
				living = append(living, key)
			}
		}
		k.keys, k.k2i = living, places
		r.full[i] = nil
	}
	r.full = r.full[:0]
}

// remove is the statement t[k] = nil.
func (s *State) remove(L *lua.LState) int {
	t, key := L.Get(1), L.Get(2)
	L.SetTable(t, key, lua.LNil)
	s.removals.removed(t, key)
	return 0
}
