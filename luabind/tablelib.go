// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"math/bits"
	"sort"

	lua "github.com/yuin/gopher-lua"
)

// maxArray is the first integer key that gopher-lua hashes. Up to it a table
// with one such key has an array of that many elements, 16 bytes each; so a
// table of ports takes 64 KiB at most, not a megabyte. gopher-lua's own
// functions know nothing of elements beyond; those here do.
const maxArray = 4096

// tableLength gives the length of a table: some n with t[n] not nil and
// t[n+1] nil, 0 if t[1] is nil.
func tableLength(t *lua.LTable) int {
	n := t.Len()
	if n < maxArray-1 {
		return n
	}
	// As in PUC Lua: double until an element is missing, then bisect.
	missing := n + 1
	for step := 1; t.RawGet(lua.LNumber(missing)) != lua.LNil; step *= 2 {
		n, missing = missing, missing+step
	}
	for missing-n > 1 {
		if mid := n + (missing-n)/2; t.RawGet(lua.LNumber(mid)) == lua.LNil {
			missing = mid
		} else {
			n = mid
		}
	}
	return n
}

// element gives t[i], without metamethods.
func element(t *lua.LTable, i int) lua.LValue {
	if i < maxArray && i > 0 {
		return t.RawGetInt(i)
	}
	return t.RawGet(lua.LNumber(i))
}

// setElement assigns t[i], without metamethods.
func setElement(t *lua.LTable, i int, v lua.LValue) { t.RawSetInt(i, v) }

// tableFunctions are the table library.
func (s *State) tableFunctions() map[string]lua.LGFunction {
	return map[string]lua.LGFunction{
		"concat": s.tableConcat,
		"getn":   s.tableGetN,
		"insert": s.tableInsert,
		"maxn":   s.tableMaxN,
		"remove": s.tableRemove,
		"sort":   s.tableSort,
	}
}

// checkTable gives argument n, which must be a table; for one that is frozen,
// the table behind it.
func (s *State) checkTable(L *lua.LState, n int) *lua.LTable {
	t := L.CheckTable(n)
	if real := s.frozen[t]; real != nil {
		return real
	}
	return t
}

// checkWritable gives argument n, which must be a table that is not frozen.
func (s *State) checkWritable(L *lua.LState, n int) *lua.LTable {
	t := L.CheckTable(n)
	if s.frozen[t] != nil {
		L.ArgError(n, "the table is read-only")
	}
	return t
}

func (s *State) tableGetN(L *lua.LState) int {
	L.Push(s.values.number(uint64(tableLength(s.checkTable(L, 1)))))
	return 1
}

func (s *State) tableMaxN(L *lua.LState) int {
	t := s.checkTable(L, 1)
	var largest lua.LNumber
	count := 0
	t.ForEach(func(k, _ lua.LValue) {
		count++
		if n, ok := k.(lua.LNumber); ok && n > largest {
			largest = n
		}
	})
	s.quota.spend(L, count)
	L.Push(s.values.float(float64(largest)))
	return 1
}

// tableInsert is table.insert(t, [pos,] value).
func (s *State) tableInsert(L *lua.LState) int {
	t := s.checkWritable(L, 1)
	n := tableLength(t)
	switch L.GetTop() {
	case 2:
		s.noteKept(L.Get(2))
		setElement(t, n+1, L.Get(2))
	case 3:
		pos := checkInt(L, 2)
		if pos < 1 || pos > n+1 {
			L.ArgError(2, "position out of bounds")
		}
		s.noteKept(L.Get(3))
		if n+1 < maxArray {
			s.quota.spend(L, (n-pos+1)/8)
			t.Insert(pos, L.Get(3))
			return 0
		}
		s.quota.spend(L, n-pos+1)
		for i := n; i >= pos; i-- {
			setElement(t, i+1, element(t, i))
		}
		setElement(t, pos, L.Get(3))
	default:
		L.RaiseError("wrong number of arguments to 'insert'")
	}
	return 0
}

// tableRemove is table.remove(t [, pos]).
func (s *State) tableRemove(L *lua.LState) int {
	t := s.checkWritable(L, 1)
	n := tableLength(t)
	pos := optInt(L, 2, n)
	if n == 0 || pos < 1 || pos > n {
		return 0
	}
	if n < maxArray {
		s.quota.spend(L, (n-pos)/8)
		L.Push(t.Remove(pos))
		return 1
	}
	s.quota.spend(L, n-pos)
	L.Push(element(t, pos))
	for i := pos; i < n; i++ {
		setElement(t, i, element(t, i+1))
	}
	setElement(t, n, lua.LNil)
	return 1
}

// tableConcat is table.concat(t [, separator [, from [, to]]]).
func (s *State) tableConcat(L *lua.LState) int {
	t := s.checkTable(L, 1)
	sep := L.OptString(2, "")
	from := optInt(L, 3, 1)
	var to int
	if L.Get(4) == lua.LNil {
		to = tableLength(t)
	} else {
		to = checkInt(L, 4)
	}
	var buf []byte
	for i := from; i <= to; i++ {
		v := element(t, i)
		if !lua.LVCanConvToString(v) {
			L.RaiseError("invalid value (%s) at index %d in table for 'concat'", v.Type().String(), i)
		}
		before := len(buf)
		buf = appendText(buf, v)
		if i < to {
			buf = append(buf, sep...)
		}
		s.quota.spend(L, 1)
		if len(buf) > maxString {
			s.quota.checkString(L, len(buf))
		}
		s.quota.spendBytes(L, len(buf)-before)
	}
	L.Push(lua.LString(buf))
	return 1
}

// tableSort is table.sort(t [, less]).
func (s *State) tableSort(L *lua.LState) int {
	t := s.checkWritable(L, 1)
	less, _ := L.Get(2).(*lua.LFunction)
	if less == nil && L.Get(2) != lua.LNil {
		L.TypeError(2, lua.LTFunction)
	}
	n := tableLength(t)
	s.quota.spend(L, n*bits.Len(uint(n)))
	v := make([]lua.LValue, n)
	for i := range v {
		v[i] = element(t, i+1)
	}
	sort.Sort(&sorter{L, less, v})
	for i := range v {
		setElement(t, i+1, v[i])
	}
	return 0
}

// sorter sorts values by a Lua function or by the operator <.
type sorter struct {
	L      *lua.LState
	less   *lua.LFunction
	values []lua.LValue
}

func (o *sorter) Len() int      { return len(o.values) }
func (o *sorter) Swap(i, j int) { o.values[i], o.values[j] = o.values[j], o.values[i] }
func (o *sorter) Less(i, j int) bool {
	if o.less == nil {
		return o.L.LessThan(o.values[i], o.values[j])
	}
	o.L.Push(o.less)
	o.L.Push(o.values[i])
	o.L.Push(o.values[j])
	o.L.Call(2, 1)
	v := o.L.Get(-1)
	o.L.Pop(1)
	return lua.LVAsBool(v)
}

// unpack is unpack(t [, from [, to]]).
func (s *State) unpack(L *lua.LState) int {
	t := s.checkTable(L, 1)
	from := optInt(L, 2, 1)
	var to int
	if L.Get(3) == lua.LNil {
		to = tableLength(t)
	} else {
		to = checkInt(L, 3)
	}
	if from > to {
		return 0
	}
	if to-from >= maxResults || to-from < 0 {
		L.RaiseError("too many results to unpack")
	}
	for i := from; i <= to; i++ {
		L.Push(element(t, i))
	}
	return to - from + 1
}

// maxResults bounds the values that one call may give; the registers of a Lua
// state are 5120.
const maxResults = 4000
