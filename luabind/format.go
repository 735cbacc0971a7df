// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"bytes"
	"math"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// conversion is one conversion of string.format, such as %-5.2f.
type conversion struct {
	minus, plus, space, alt, zero bool
	width, precision              int // -1 for none
	letter                        byte
}

// stringFormat is string.format(format, ...), with the conversions of the Lua
// 5.1 manual, which are those of C. Widths and precisions have at most two
// digits, as in PUC Lua.
func (s *State) stringFormat(L *lua.LState) int {
	format := L.CheckString(1)
	var out []byte
	arg := 1
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			out = append(out, format[i])
			continue
		}
		i++
		if i < len(format) && format[i] == '%' {
			out = append(out, '%')
			continue
		}
		c, n := parseConversion(L, format[i:])
		i += n - 1
		arg++
		out = s.appendConversion(out, L, c, arg)
		s.quota.spend(L, 1)
		if len(out) > maxString {
			s.quota.checkString(L, len(out))
		}
	}
	s.quota.checkString(L, len(out))
	L.Push(lua.LString(out))
	return 1
}

// parseConversion reads the conversion that format begins with, after its %,
// and gives its length. It raises an error if it is malformed.
func parseConversion(L *lua.LState, format string) (c conversion, n int) {
	c.width, c.precision = -1, -1
	flags := map[byte]*bool{'-': &c.minus, '+': &c.plus, ' ': &c.space, '#': &c.alt, '0': &c.zero}
	for n < len(format) && flags[format[n]] != nil {
		*flags[format[n]] = true
		n++
	}
	if n > len(flags) {
		L.RaiseError("invalid format (repeated flags)")
	}
	number := func() int {
		from := n
		for n < len(format) && isDigit(format[n]) {
			n++
		}
		if n-from > 2 {
			L.RaiseError("invalid format (width or precision too long)")
		}
		x, _ := strconv.Atoi(format[from:n])
		return x
	}
	if n < len(format) && isDigit(format[n]) {
		c.width = number()
	}
	if n < len(format) && format[n] == '.' {
		n++
		c.precision = number()
	}
	if n == len(format) || !strings.ContainsRune("cdiouxXeEfgGqs", rune(format[n])) {
		L.RaiseError("invalid conversion '%%%s' to 'format'", format[:min(n+1, len(format))])
	}
	c.letter = format[n]
	return c, n + 1
}

// appendConversion appends argument n as a conversion says.
func (s *State) appendConversion(out []byte, L *lua.LState, c conversion, n int) []byte {
	switch c.letter {
	case 'c':
		c.zero = false
		return c.pad(out, "", []byte{byte(int64(L.CheckNumber(n)))})
	case 'd', 'i':
		x := int64(L.CheckNumber(n))
		u := uint64(x)
		if x < 0 {
			u = -u
		}
		return c.pad(out, c.sign(x < 0), c.digits(u, 10))
	case 'o':
		return c.unsigned(out, L.CheckNumber(n), 8, "0")
	case 'u':
		return c.unsigned(out, L.CheckNumber(n), 10, "")
	case 'x':
		return c.unsigned(out, L.CheckNumber(n), 16, "0x")
	case 'X':
		return bytesUpper(out, c.unsigned(out, L.CheckNumber(n), 16, "0x"))
	case 'q':
		return appendQuoted(out, L.CheckString(n))
	case 's':
		L.CheckAny(n)
		str := L.ToStringMeta(L.Get(n)).String()
		s.quota.spendBytes(L, len(str))
		if c.precision >= 0 {
			str = str[:min(c.precision, len(str))]
		}
		c.zero = false
		return c.pad(out, "", []byte(str))
	}
	return c.float(out, float64(L.CheckNumber(n)))
}

// sign gives what goes before a number.
func (c conversion) sign(negative bool) string {
	switch {
	case negative:
		return "-"
	case c.plus:
		return "+"
	case c.space:
		return " "
	}
	return ""
}

// digits gives a whole number's digits, at least as many as the precision.
func (c *conversion) digits(u uint64, base int) []byte {
	if c.precision < 0 {
		return strconv.AppendUint(nil, u, base)
	}
	c.zero = false // as in C, a precision turns it off
	var d []byte
	if u != 0 {
		d = strconv.AppendUint(nil, u, base)
	}
	return append(bytes.Repeat([]byte("0"), max(c.precision-len(d), 0)), d...)
}

// unsigned appends a number as an unsigned one. Negative ones are taken modulo
// 2^64, as C does.
func (c conversion) unsigned(out []byte, x lua.LNumber, base int, prefix string) []byte {
	u := uint64(int64(x))
	if x >= 1<<63 {
		u = uint64(x)
	}
	if !c.alt || u == 0 {
		prefix = ""
	}
	return c.pad(out, prefix, c.digits(u, base))
}

// float appends a number by e, f or g.
func (c conversion) float(out []byte, x float64) []byte {
	sign := c.sign(math.Signbit(x) && !math.IsNaN(x))
	x = math.Abs(x)
	var body []byte
	switch {
	case math.IsInf(x, 0):
		body, c.zero = []byte("inf"), false
	case math.IsNaN(x):
		body, c.zero = []byte("nan"), false
	default:
		if c.precision < 0 {
			c.precision = 6
		}
		body = c.finite(x)
	}
	if c.letter < 'a' {
		body = bytes.ToUpper(body)
	}
	return c.pad(out, sign, body)
}

// finite gives the digits of x, which is not negative.
func (c conversion) finite(x float64) []byte {
	letter := lower(c.letter)
	if letter != 'g' {
		body := strconv.AppendFloat(nil, x, letter, c.precision, 64)
		if c.alt && c.precision == 0 {
			i := bytes.IndexByte(append(body, 'e'), 'e')
			body = append(body[:i:i], append([]byte("."), body[i:]...)...)
		}
		return body
	}
	// C11 7.21.6.1: with P significant digits and the exponent X that e would
	// show, g is f if P > X >= -4 and e otherwise.
	p := max(c.precision, 1)
	mantissa, exponent, _ := strings.Cut(string(strconv.AppendFloat(nil, x, 'e', p-1, 64)), "e")
	e, _ := strconv.Atoi(exponent)
	if p > e && e >= -4 {
		mantissa, exponent = string(strconv.AppendFloat(nil, x, 'f', p-1-e, 64)), ""
	} else {
		exponent = "e" + exponent
	}
	if !c.alt && strings.Contains(mantissa, ".") {
		mantissa = strings.TrimRight(strings.TrimRight(mantissa, "0"), ".")
	}
	return []byte(mantissa + exponent)
}

// pad appends prefix and body, filled up to the width.
func (c conversion) pad(out []byte, prefix string, body []byte) []byte {
	fill := max(c.width-len(prefix)-len(body), 0)
	switch {
	case c.minus:
		out = append(append(out, prefix...), body...)
		return append(out, bytes.Repeat([]byte(" "), fill)...)
	case c.zero:
		out = append(append(out, prefix...), bytes.Repeat([]byte("0"), fill)...)
		return append(out, body...)
	}
	out = append(append(out, bytes.Repeat([]byte(" "), fill)...), prefix...)
	return append(out, body...)
}

// bytesUpper makes what was appended to out upper-case.
func bytesUpper(out, appended []byte) []byte {
	copy(appended[len(out):], bytes.ToUpper(appended[len(out):]))
	return appended
}

// appendQuoted appends a string so that Lua can read it back.
func appendQuoted(out []byte, str string) []byte {
	out = append(out, '"')
	for _, c := range []byte(str) {
		switch c {
		case '"', '\\', '\n':
			out = append(out, '\\', c)
		case '\r':
			out = append(out, `\r`...)
		case 0:
			out = append(out, `\000`...)
		default:
			out = append(out, c)
		}
	}
	return append(out, '"')
}
