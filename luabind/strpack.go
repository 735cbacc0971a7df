// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"bytes"
	"math"

	lua "github.com/yuin/gopher-lua"
)

// packEntries are string.pack, unpack and packsize of Lua 5.3 (its manual,
// section 6.4.2). Numbers here are doubles, so whole numbers beyond 2^53 are
// refused, in both directions. Sizes that C leaves to the platform are those of
// 64-bit Linux.
func packEntries() []Entry {
	const formats = " The format letters are those of Lua 5.3: < > = ! b B h H i[n] I[n] l L j J T f d n s[n] c[n] z x X."
	return []Entry{
		{Kind: Function, Of: "string", Name: "pack", Signature: "string.pack(format, ...) -> string",
			Doc: "The values in binary form, as the format says." + formats, make: method((*State).stringPack)},
		{Kind: Function, Of: "string", Name: "unpack", Signature: "string.unpack(format, s [, position]) -> ..., next",
			Doc: "The values that s has in binary form from position on (default 1), and the position after them.", make: method((*State).stringUnpack)},
		{Kind: Function, Of: "string", Name: "packsize", Signature: "string.packsize(format) -> number",
			Doc: "How many bytes string.pack would give; the format must not have s or z.", make: method((*State).stringPackSize)},
	}
}

// stringPack is string.pack(format, ...).
func (s *State) stringPack(L *lua.LState) int {
	f := newPackFormat(L)
	var out []byte
	arg := 1
	for {
		it, ok := f.next(len(out))
		if !ok {
			break
		}
		s.quota.spend(L, 1)
		out = append(out, make([]byte, it.pad)...)
		switch it.what {
		case packAlign:
			continue
		case packPad:
			out = append(out, 0)
			continue
		}
		arg++
		switch it.what {
		case packInt, packUint:
			out = f.appendInteger(out, it, arg)
		case packFloat:
			bits := math.Float32bits(float32(L.CheckNumber(arg)))
			out = appendBytes(out, uint64(bits), 4, f.big, 0)
		case packDouble:
			bits := math.Float64bits(float64(L.CheckNumber(arg)))
			out = appendBytes(out, bits, 8, f.big, 0)
		case packString:
			str := L.CheckString(arg)
			if it.size < 8 && uint64(len(str)) >= 1<<(8*it.size) {
				L.ArgError(arg, "string length does not fit in given size")
			}
			out = appendBytes(out, uint64(len(str)), it.size, f.big, 0)
			s.quota.checkString(L, len(out)+len(str))
			out = append(out, str...)
		case packChars:
			str := L.CheckString(arg)
			if len(str) > it.size {
				L.ArgError(arg, "string longer than given size")
			}
			s.quota.checkString(L, len(out)+it.size)
			out = append(append(out, str...), make([]byte, it.size-len(str))...)
		case packZero:
			str := L.CheckString(arg)
			if bytes.IndexByte([]byte(str), 0) >= 0 {
				L.ArgError(arg, "string contains zeros")
			}
			s.quota.checkString(L, len(out)+len(str)+1)
			out = append(append(out, str...), 0)
		}
	}
	L.Push(lua.LString(out))
	return 1
}

// appendInteger appends argument n as a whole number.
func (f *packFormat) appendInteger(out []byte, it item, n int) []byte {
	x := float64(f.L.CheckNumber(n))
	if x != math.Trunc(x) || math.IsInf(x, 0) {
		f.L.ArgError(n, "number has no integer representation")
	}
	if math.Abs(x) > 1<<53 {
		f.L.ArgError(n, "whole numbers beyond 2^53 are not exact")
	}
	if it.size < 8 {
		low, high := 0.0, math.Ldexp(1, 8*it.size)
		if it.what == packInt {
			low, high = -high/2, high/2
		}
		if x < low || x >= high {
			f.L.ArgError(n, "integer overflow")
		}
	} else if it.what == packUint && x < 0 {
		f.L.ArgError(n, "integer overflow")
	}
	var fill byte
	if x < 0 {
		fill = 0xff
	}
	return appendBytes(out, uint64(int64(x)), it.size, f.big, fill)
}

// appendBytes appends the low size bytes of x; those beyond the eighth are
// fill.
func appendBytes(out []byte, x uint64, size int, big bool, fill byte) []byte {
	from := len(out)
	for i := range size {
		b := fill
		if i < 8 {
			b = byte(x >> (8 * i))
		}
		out = append(out, b)
	}
	if big {
		reverse(out[from:])
	}
	return out
}

func reverse(b []byte) {
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
}

// stringPackSize is string.packsize(format).
func (s *State) stringPackSize(L *lua.LState) int {
	f := newPackFormat(L)
	total := 0
	for {
		it, ok := f.next(total)
		if !ok {
			break
		}
		if it.what == packString || it.what == packZero {
			L.ArgError(1, "variable-size format in packsize")
		}
		total += it.pad + it.size
	}
	L.Push(s.values.number(uint64(total)))
	return 1
}

// stringUnpack is string.unpack(format, s [, position]).
func (s *State) stringUnpack(L *lua.LState) int {
	f := newPackFormat(L)
	data := L.CheckString(2)
	pos := optInt(L, 3, 1)
	if pos < 0 {
		pos = max(len(data)+pos+1, 1)
	}
	if pos--; pos < 0 || pos > len(data) {
		L.ArgError(3, "initial position out of string")
	}
	count := 0
	for {
		it, ok := f.next(pos)
		if !ok {
			break
		}
		s.quota.spend(L, 1)
		if it.pad+it.size > len(data)-pos {
			L.ArgError(2, "data string too short")
		}
		pos += it.pad
		b := data[pos : pos+it.size]
		pos += it.size
		var v lua.LValue
		switch it.what {
		case packAlign, packPad:
			continue
		case packInt, packUint:
			v = s.values.float(f.integer(b, it.what == packInt))
		case packFloat:
			v = s.values.float(float64(math.Float32frombits(uint32(f.bits(b)))))
		case packDouble:
			v = s.values.float(math.Float64frombits(f.bits(b)))
		case packChars:
			v = lua.LString(b)
		case packString:
			n := f.integer(b, false)
			if n > float64(len(data)-pos) {
				L.ArgError(2, "data string too short")
			}
			v = lua.LString(data[pos : pos+int(n)])
			pos += int(n)
		case packZero:
			n := bytes.IndexByte([]byte(data[pos:]), 0)
			if n < 0 {
				L.ArgError(2, "unfinished string for format 'z'")
			}
			v = lua.LString(data[pos : pos+n])
			pos += n + 1
		}
		if count++; count >= maxResults {
			L.RaiseError("too many results")
		}
		L.Push(v)
	}
	L.Push(s.values.number(uint64(pos + 1)))
	return count + 1
}

// bits gives up to eight bytes as a number.
func (f *packFormat) bits(b string) (x uint64) {
	for i := range len(b) {
		c := b[i]
		if !f.big {
			c = b[len(b)-1-i]
		}
		x = x<<8 | uint64(c)
	}
	return x
}

// integer gives a whole number of any size.
func (f *packFormat) integer(b string, signed bool) float64 {
	low, high := b, "" // the eight low bytes and those above them
	if len(b) > 8 {
		if f.big {
			low, high = b[len(b)-8:], b[:len(b)-8]
		} else {
			low, high = b[:8], b[8:]
		}
	}
	x := f.bits(low)
	negative := signed && x>>(8*min(len(b), 8)-1)&1 != 0
	if len(b) > 8 {
		negative = signed && x>>63 != 0
	}
	fill := byte(0)
	if negative {
		fill = 0xff
		x |= ^uint64(0) << (8*len(low) - 1)
	}
	for i := range len(high) {
		if high[i] != fill {
			f.L.RaiseError("%d-byte integer does not fit into a number", len(b))
		}
	}
	if negative {
		if int64(x) < -1<<53 {
			f.L.RaiseError("the whole number %d is beyond 2^53, so not exact", int64(x))
		}
		return float64(int64(x))
	}
	if x > 1<<53 {
		f.L.RaiseError("the whole number %d is beyond 2^53, so not exact", x)
	}
	return float64(x)
}
