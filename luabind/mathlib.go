// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"math"
	"math/rand/v2"

	lua "github.com/yuin/gopher-lua"
)

// mathFunctions are those of the math library that are replaced: random
// numbers come from a generator of the state's own, which begins with the same
// seed in each run as Lua's does, so that a run over a capture file can be
// repeated; and floor, which handlers need to divide, does not allocate.
func (s *State) mathFunctions() map[string]lua.LGFunction {
	return map[string]lua.LGFunction{
		"floor": func(L *lua.LState) int {
			L.Push(s.values.float(math.Floor(float64(L.CheckNumber(1)))))
			return 1
		},
		"random":     s.mathRandom,
		"randomseed": s.mathRandomSeed,
	}
}

// newRandom makes a generator.
func newRandom(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

// mathRandom is math.random([[from,] to]).
func (s *State) mathRandom(L *lua.LState) int {
	from, to := 1.0, 0.0
	switch L.GetTop() {
	case 0:
		L.Push(lua.LNumber(s.random.Float64()))
		return 1
	case 1:
		to = math.Floor(float64(L.CheckNumber(1)))
	case 2:
		from, to = math.Floor(float64(L.CheckNumber(1))), math.Floor(float64(L.CheckNumber(2)))
	default:
		L.RaiseError("wrong number of arguments")
	}
	if !(from <= to) || math.IsInf(to-from, 0) {
		L.ArgError(L.GetTop(), "interval is empty")
	}
	L.Push(s.values.float(from + math.Floor(s.random.Float64()*(to-from+1))))
	return 1
}

// mathRandomSeed is math.randomseed(seed).
func (s *State) mathRandomSeed(L *lua.LState) int {
	s.random = newRandom(math.Float64bits(float64(L.CheckNumber(1))))
	return 0
}
