// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"math"
	"math/bits"

	lua "github.com/yuin/gopher-lua"
)

// bit32Entries are the library bit32 of Lua 5.2 (its manual, section 6.7).
// Arguments are taken modulo 2^32, results are 0 to 2^32-1.
func bit32Entries() []Entry {
	entry := func(name, signature, doc string, f func(*State, *lua.LState) uint32) Entry {
		return Entry{Kind: Function, Of: "bit32", Name: name, Signature: "bit32." + name + signature, Doc: doc,
			make: method(func(s *State, L *lua.LState) int {
				L.Push(s.values.number(uint64(f(s, L))))
				return 1
			})}
	}
	return []Entry{
		entry("band", "(...) -> number", "The bits that all arguments have.", bitAnd),
		entry("bor", "(...) -> number", "The bits that any argument has.", func(_ *State, L *lua.LState) uint32 {
			return fold(L, 0, func(a, b uint32) uint32 { return a | b })
		}),
		entry("bxor", "(...) -> number", "The bits that an odd number of arguments has.", func(_ *State, L *lua.LState) uint32 {
			return fold(L, 0, func(a, b uint32) uint32 { return a ^ b })
		}),
		entry("bnot", "(x) -> number", "The bits that x does not have.", func(_ *State, L *lua.LState) uint32 {
			return ^checkBits(L, 1)
		}),
		{Kind: Function, Of: "bit32", Name: "btest", Signature: "bit32.btest(...) -> boolean",
			Doc: "Whether there are bits that all arguments have.",
			make: method(func(s *State, L *lua.LState) int {
				L.Push(boolean(bitAnd(s, L) != 0))
				return 1
			})},
		entry("lshift", "(x, n) -> number", "x shifted left by n bits, right if n is negative; vacant bits are 0.", func(_ *State, L *lua.LState) uint32 {
			return shiftLeft(checkBits(L, 1), checkWhole(L, 2))
		}),
		entry("rshift", "(x, n) -> number", "x shifted right by n bits, left if n is negative; vacant bits are 0.", func(_ *State, L *lua.LState) uint32 {
			return shiftLeft(checkBits(L, 1), -checkWhole(L, 2))
		}),
		entry("arshift", "(x, n) -> number", "x shifted right by n bits, left if n is negative; vacant bits at the left are copies of bit 31.", func(_ *State, L *lua.LState) uint32 {
			x, n := checkBits(L, 1), checkWhole(L, 2)
			if n < 0 {
				return shiftLeft(x, -n)
			}
			return uint32(int32(x) >> min(n, 31))
		}),
		entry("lrotate", "(x, n) -> number", "x rotated left by n bits, right if n is negative.", func(_ *State, L *lua.LState) uint32 {
			return bits.RotateLeft32(checkBits(L, 1), checkWhole(L, 2)%32)
		}),
		entry("rrotate", "(x, n) -> number", "x rotated right by n bits, left if n is negative.", func(_ *State, L *lua.LState) uint32 {
			return bits.RotateLeft32(checkBits(L, 1), -(checkWhole(L, 2) % 32))
		}),
		entry("extract", "(x, field [, width]) -> number", "width bits of x (default 1) from bit field on, counted from the lowest, 0.", func(_ *State, L *lua.LState) uint32 {
			field, mask := checkField(L, 2)
			return checkBits(L, 1) >> field & mask
		}),
		entry("replace", "(x, v, field [, width]) -> number", "x with width bits (default 1) from bit field on replaced by v.", func(_ *State, L *lua.LState) uint32 {
			field, mask := checkField(L, 3)
			return checkBits(L, 1)&^(mask<<field) | checkBits(L, 2)&mask<<field
		}),
	}
}

func bitAnd(_ *State, L *lua.LState) uint32 {
	return fold(L, math.MaxUint32, func(a, b uint32) uint32 { return a & b })
}

// fold combines all arguments.
func fold(L *lua.LState, x uint32, f func(a, b uint32) uint32) uint32 {
	for i := 1; i <= L.GetTop(); i++ {
		x = f(x, checkBits(L, i))
	}
	return x
}

// checkBits gives argument n modulo 2^32, its fraction cut off downwards.
func checkBits(L *lua.LState, n int) uint32 {
	x := float64(L.CheckNumber(n))
	if x >= 0 && x < 1<<32 {
		return uint32(x)
	}
	m := math.Mod(math.Floor(x), 1<<32)
	if math.IsNaN(m) {
		L.ArgError(n, "number has no integer representation")
	}
	if m < 0 {
		m += 1 << 32
	}
	return uint32(m)
}

// checkWhole gives argument n as a number of bits to shift by; far ones are
// brought near enough for an int.
func checkWhole(L *lua.LState, n int) int {
	x := float64(L.CheckNumber(n))
	if math.IsNaN(x) {
		L.ArgError(n, "number has no integer representation")
	}
	if math.Abs(x) >= 1<<52 {
		return int(math.Mod(x, 32)) + 32*int(math.Copysign(2, x))
	}
	return int(math.Floor(x))
}

// shiftLeft shifts left, or right if n is negative.
func shiftLeft(x uint32, n int) uint32 {
	switch {
	case n <= -32 || n >= 32:
		return 0
	case n < 0:
		return x >> -n
	}
	return x << n
}

// checkField gives the first bit that argument n says and the mask of the
// width after it.
func checkField(L *lua.LState, n int) (field int, mask uint32) {
	field = checkInt(L, n)
	width := optInt(L, n+1, 1)
	if field < 0 {
		L.ArgError(n, "field cannot be negative")
	}
	if width <= 0 {
		L.ArgError(n+1, "width must be positive")
	}
	if field+width > 32 || field > 32 || width > 32 {
		L.RaiseError("trying to access non-existent bits")
	}
	return field, uint32(1<<width - 1)
}
