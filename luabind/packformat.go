// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	lua "github.com/yuin/gopher-lua"
)

// packItem is what one format letter asks for.
type packItem uint8

const (
	packInt packItem = iota
	packUint
	packFloat
	packDouble
	packString // a length of size bytes and then the bytes
	packZero   // bytes up to a zero byte
	packChars  // size bytes
	packPad    // one byte of padding
	packAlign  // padding up to an alignment
)

// packFormat reads a format, one item after the other.
type packFormat struct {
	L        *lua.LState
	text     string
	pos      int
	big      bool
	maxAlign int
}

// item is one item of a format.
type item struct {
	what packItem
	size int // in bytes; of a packString, that of its length
	pad  int // bytes of padding before it
}

// next gives the next item that stands for bytes; offset is where it would
// begin. It reports false at the end of the format.
func (f *packFormat) next(offset int) (it item, ok bool) {
	for f.pos < len(f.text) {
		letter := f.text[f.pos]
		f.pos++
		switch letter {
		case ' ':
		case '<', '=':
			f.big = false
		case '>':
			f.big = true
		case '!':
			f.maxAlign = f.size(8)
		case 'X':
			if f.pos == len(f.text) {
				f.fail("invalid next option for option 'X'")
			}
			letter = f.text[f.pos]
			f.pos++
			align := f.item(letter)
			if align.what == packChars || align.size == 0 {
				f.fail("invalid next option for option 'X'")
			}
			return item{packAlign, 0, f.padding(offset, align.size)}, true
		default:
			it := f.item(letter)
			if it.what != packChars {
				it.pad = f.padding(offset, it.size)
			}
			return it, true
		}
	}
	return item{}, false
}

// item gives the item that a letter begins, without its padding.
func (f *packFormat) item(letter byte) item {
	switch letter {
	case 'b':
		return item{what: packInt, size: 1}
	case 'B':
		return item{what: packUint, size: 1}
	case 'h':
		return item{what: packInt, size: 2}
	case 'H':
		return item{what: packUint, size: 2}
	case 'i':
		return item{what: packInt, size: f.size(4)}
	case 'I':
		return item{what: packUint, size: f.size(4)}
	case 'l', 'j':
		return item{what: packInt, size: 8}
	case 'L', 'J', 'T':
		return item{what: packUint, size: 8}
	case 'f':
		return item{what: packFloat, size: 4}
	case 'd', 'n':
		return item{what: packDouble, size: 8}
	case 's':
		return item{what: packString, size: f.size(8)}
	case 'z':
		return item{what: packZero}
	case 'c':
		n := f.number()
		if n < 0 {
			f.fail("missing size for format option 'c'")
		}
		return item{what: packChars, size: n}
	case 'x':
		return item{what: packPad, size: 1}
	}
	f.fail("invalid format option '" + string(rune(letter)) + "'")
	return item{}
}

// number reads a number, -1 if there is none.
func (f *packFormat) number() int {
	from, n := f.pos, 0
	for f.pos < len(f.text) && isDigit(f.text[f.pos]) {
		n = min(n*10+int(f.text[f.pos]-'0'), maxString+1)
		f.pos++
	}
	if f.pos == from {
		return -1
	}
	return n
}

// size reads an optional number of bytes, 1 to 16.
func (f *packFormat) size(byDefault int) int {
	n := f.number()
	if n == -1 {
		return byDefault
	}
	if n < 1 || n > 16 {
		f.L.RaiseError("integral size (%d) out of limits [1,16]", n)
	}
	return n
}

// padding gives how many bytes align an item of size bytes at offset.
func (f *packFormat) padding(offset, size int) int {
	align := min(size, f.maxAlign)
	if align <= 1 {
		return 0
	}
	if align&(align-1) != 0 {
		f.fail("format asks for alignment not power of 2")
	}
	return -offset & (align - 1)
}

func (f *packFormat) fail(msg string) { f.L.RaiseError("%s", msg) }

// newPackFormat reads argument 1.
func newPackFormat(L *lua.LState) *packFormat {
	return &packFormat{L: L, text: L.CheckString(1), maxAlign: 1}
}
