// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"encoding/binary"
	"math"
	"sync"

	lua "github.com/yuin/gopher-lua"
)

// gopher-lua's values are Go interfaces, so a number that a Go function
// returns is a pointer to 8 bytes on the heap. The tables here hand out
// pointers that exist already. A value once handed out never changes, however
// long a script keeps it.

// small has the numbers 0 to 65535, for all states.
var small [1 << 16]lua.LValue

// fillSmall fills small.
var fillSmall = sync.OnceFunc(func() {
	for i := range small {
		small[i] = lua.LNumber(i)
	}
})

// numberSlots and stringSlots are the sizes of the caches, powers of two:
// enough for the addresses of a busy local network.
const (
	numberSlots = 1 << 14
	stringSlots = 1 << 10
)

// values caches the numbers above 65535 and the IPv6 addresses that a state has
// read lately, one per slot. It belongs to one state.
type values struct {
	numbers [numberSlots]struct {
		n     uint64
		value lua.LValue
	}
	strings [stringSlots]struct {
		b     [16]byte
		value lua.LValue
	}
}

// hashFactor spreads numbers over slots by multiplication: 2^64 divided by the
// golden ratio (Knuth, TAOCP volume 3, section 6.4).
const hashFactor = 0x9E3779B97F4A7C15

// number gives n, which is below 2^53, as a Lua number. It allocates 8 bytes
// when n is neither small nor in the cache.
func (c *values) number(n uint64) lua.LValue {
	if n < uint64(len(small)) {
		return small[n]
	}
	e := &c.numbers[n*hashFactor>>(64-14)]
	if e.n != n {
		e.n, e.value = n, lua.LNumber(n)
	}
	return e.value
}

// float gives x as a Lua number; those that number can hand out do not
// allocate.
func (c *values) float(x float64) lua.LValue {
	if n := uint64(x); float64(n) == x && n < 1<<53 && (n != 0 || !math.Signbit(x)) {
		return c.number(n)
	}
	return lua.LNumber(x)
}

// bytes16 gives 16 bytes as a Lua string. It allocates when they are not in
// the cache.
func (c *values) bytes16(p []byte) lua.LValue {
	hi, lo := binary.BigEndian.Uint64(p), binary.BigEndian.Uint64(p[8:])
	e := &c.strings[(hi*hashFactor^lo)*hashFactor>>(64-10)]
	if e.value == nil || string(e.b[:]) != string(p[:16]) {
		e.b = [16]byte(p)
		e.value = lua.LString(p[:16])
	}
	return e.value
}

// boolean gives b as a Lua boolean. It does not allocate.
func boolean(b bool) lua.LValue {
	if b {
		return lua.LTrue
	}
	return lua.LFalse
}
