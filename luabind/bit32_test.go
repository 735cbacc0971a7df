// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"strings"
	"testing"
)

// bitCases are from the manual of Lua 5.2 and its test suite (bitwise.lua).
var bitCases = map[string]string{
	`bit32.band()`:                        "4294967295",
	`bit32.band(0xff)`:                    "255",
	`bit32.band(0xff, 0xf0, 0x3c)`:        "48",
	`bit32.band(-1, 2^40 + 5)`:            "5",
	`bit32.bor()`:                         "0",
	`bit32.bor(1, 2, 4, 2^31)`:            "2147483655",
	`bit32.bxor()`:                        "0",
	`bit32.bxor(0xff, 0x0f, 0x01)`:        "241",
	`bit32.bnot(0)`:                       "4294967295",
	`bit32.bnot(0xffff0000)`:              "65535",
	`bit32.bnot(-1)`:                      "0",
	`bit32.btest()`:                       "true",
	`bit32.btest(1, 2)`:                   "false",
	`bit32.btest(3, 2)`:                   "true",
	`bit32.lshift(1, 31)`:                 "2147483648",
	`bit32.lshift(1, 32)`:                 "0",
	`bit32.lshift(1, 1e9)`:                "0",
	`bit32.lshift(1, -1)`:                 "0",
	`bit32.lshift(0x80, -4)`:              "8",
	`bit32.lshift(-1, 4)`:                 "4294967280",
	`bit32.rshift(0x80000000, 31)`:        "1",
	`bit32.rshift(-1, 32)`:                "0",
	`bit32.rshift(1, -4)`:                 "16",
	`bit32.rshift(-1, 0)`:                 "4294967295",
	`bit32.arshift(0x80000000, 4)`:        "4160749568",
	`bit32.arshift(0x80000000, 31)`:       "4294967295",
	`bit32.arshift(0x80000000, 100)`:      "4294967295",
	`bit32.arshift(0x40000000, 100)`:      "0",
	`bit32.arshift(1, -3)`:                "8",
	`bit32.arshift(1, -32)`:               "0",
	`bit32.lrotate(0x12345678, 4)`:        "591751041",
	`bit32.lrotate(0x12345678, -4)`:       "2166572391",
	`bit32.lrotate(0x12345678, 36)`:       "591751041",
	`bit32.lrotate(0x12345678, 2^53)`:     "305419896",
	`bit32.rrotate(0x12345678, 4)`:        "2166572391",
	`bit32.rrotate(0x12345678, -36)`:      "591751041",
	`bit32.extract(0x12345678, 0, 4)`:     "8",
	`bit32.extract(0x12345678, 28, 4)`:    "1",
	`bit32.extract(0x12345678, 0, 32)`:    "305419896",
	`bit32.extract(0xf0000000, 31)`:       "1",
	`bit32.replace(0x12345678, 5, 28, 4)`: "1379161720",
	`bit32.replace(0, -1, 4)`:             "16",
	`bit32.replace(-1, 0, 31)`:            "2147483647",
	`bit32.replace(0, 0x12345678, 0, 32)`: "305419896",
	`bit32.band(1.9, 3)`:                  "1",
	`bit32.band(-1.5, 0xff)`:              "254",
	`bit32.bor(2^32 + 1, 2^53)`:           "1",
	`bit32.bor("0x10", "3")`:              "19",
}

func TestBit32(t *testing.T) {
	for expr, want := range bitCases {
		if got, err := run(t, "print("+expr+")"); err != nil || got != want {
			t.Errorf("%s is %s, error %v; want %s", expr, got, err, want)
		}
	}
	for expr, want := range map[string]string{
		`bit32.extract(1, -1)`:       "field cannot be negative",
		`bit32.extract(1, 0, 0)`:     "width must be positive",
		`bit32.extract(1, 0, -1)`:    "width must be positive",
		`bit32.extract(1, 32)`:       "trying to access non-existent bits",
		`bit32.extract(1, 31, 2)`:    "trying to access non-existent bits",
		`bit32.extract(1, 2^53)`:     "trying to access non-existent bits",
		`bit32.extract(1, 1, 2^53)`:  "trying to access non-existent bits",
		`bit32.replace(1, 2, 0, 33)`: "trying to access non-existent bits",
		`bit32.band("x")`:            "number expected",
		`bit32.band(nil)`:            "number expected",
		`bit32.band(0/0)`:            "number has no integer representation",
		`bit32.band(1/0)`:            "number has no integer representation",
		`bit32.lshift(1, 0/0)`:       "number has no integer representation",
		`bit32.bnot()`:               "number expected",
		`bit32.lshift(1)`:            "number expected",
	} {
		_, err := run(t, expr)
		wantError(t, err, want)
	}
}

// packCases are checked with Lua 5.3's string.pack; hexadecimal.
var packCases = []struct{ format, values, packed string }{
	{"b", "-1", "ff"},
	{"B", "255", "ff"},
	{"<h", "-2", "feff"},
	{">h", "-2", "fffe"},
	{"<H", "0x1234", "3412"},
	{">H", "0x1234", "1234"},
	{"=H", "0x1234", "3412"},
	{">i", "-3", "fffffffd"},
	{">I", "4294967295", "ffffffff"},
	{">i3", "-3", "fffffd"},
	{"<i3", "-8388608", "000080"},
	{">I6", "0x0200000000ff", "0200000000ff"},
	{">l", "-1", "ffffffffffffffff"},
	{"<j", "2^53", "0000000000002000"},
	{">j", "-2^53", "ffe0000000000000"},
	{">L", "1", "0000000000000001"},
	{">J", "1", "0000000000000001"},
	{">T", "1", "0000000000000001"},
	{">i16", "-2", "fffffffffffffffffffffffffffffffe"},
	{"<I16", "258", "02010000000000000000000000000000"},
	{">f", "1.5", "3fc00000"},
	{"<d", "-1.5", "000000000000f8bf"},
	{">n", "0.1", "3fb999999999999a"},
	{">s2", "'hi'", "00026869"},
	{"<s1", "''", "00"},
	{">s", "'a'", "000000000000000161"},
	{"z", "'hi'", "686900"},
	{"c4", "'hi\\0\\0'", "68690000"},
	{"c2", "'hi'", "6869"},
	{"c0", "''", ""},
	{"bxb", "1, 2", "010002"},
	{"!4 b >I4", "1, 2", "0100000000000002"},
	{"!2 b >I4", "1, 2", "010000000002"},
	{"! b d", "1, 0", "01000000000000000000000000000000"},
	{"!4 b Xi4 b", "1, 2", "0100000002"},
	{"!8 b Xd", "1", "0100000000000000"},
	{"b Xi4 b", "1, 2", "0102"},
	{"!4 b >s4", "1, 'x'", "010000000000000178"},
	{">H <H", "1, 1", "00010100"},
	{">I2 I2 z s1", "1, 2, 'a', 'b'", "0001000261000162"},
	{"", "", ""},
	{"  ", "", ""},
}

func TestPack(t *testing.T) {
	for _, c := range packCases {
		args := strings.TrimSuffix("'"+c.format+"', "+c.values, ", ")
		got, err := run(t, `
			local s = string.pack(`+args+`)
			local hex = s:gsub(".", function(c) return string.format("%02x", c:byte()) end)
			if s == "" then hex = "" end
			local want = {`+c.values+`}
			local back = {string.unpack('`+c.format+`', s)}
			for i = 1, #want do if want[i] ~= back[i] then error(i .. ": " .. tostring(back[i])) end end
			if back[#want + 1] ~= #s + 1 or back[#want + 2] ~= nil then error("next is " .. tostring(back[#want + 1])) end
			if not ('`+c.format+`'):find("[sz]") and string.packsize('`+c.format+`') ~= #s then error("size") end
			print(hex)`)
		if err != nil || got != c.packed {
			t.Errorf("%q with %s gives %s, error %v; want %s", c.format, c.values, got, err, c.packed)
		}
	}
	for expr, want := range map[string]string{
		`string.pack("b", 128)`:                           "integer overflow",
		`string.pack("b", -129)`:                          "integer overflow",
		`string.pack("B", -1)`:                            "integer overflow",
		`string.pack("I3", 2^24)`:                         "integer overflow",
		`string.pack("L", -1)`:                            "integer overflow",
		`string.pack("j", 2^54)`:                          "whole numbers beyond 2^53 are not exact",
		`string.pack("i", 1.5)`:                           "number has no integer representation",
		`string.pack("i", 0/0)`:                           "number has no integer representation",
		`string.pack("i", 1/0)`:                           "number has no integer representation",
		`string.pack("i", "x")`:                           "number expected",
		`string.pack("i")`:                                "number expected",
		`string.pack("y")`:                                "invalid format option 'y'",
		`string.pack("i17", 1)`:                           "integral size (17) out of limits [1,16]",
		`string.pack("i0", 1)`:                            "integral size (0) out of limits [1,16]",
		`string.pack("!3 i3", 1)`:                         "format asks for alignment not power of 2",
		`string.pack("s1", ("x"):rep(256))`:               "string length does not fit in given size",
		`string.pack("z", "a\0b")`:                        "string contains zeros",
		`string.pack("c1", "ab")`:                         "string longer than given size",
		`string.pack("c", "ab")`:                          "missing size for format option 'c'",
		`string.pack("X")`:                                "invalid next option for option 'X'",
		`string.pack("Xc1")`:                              "invalid next option for option 'X'",
		`string.pack("Xz")`:                               "invalid next option for option 'X'",
		`string.unpack("I2", "x")`:                        "data string too short",
		`string.unpack("I2", "xyz", 3)`:                   "data string too short",
		`string.unpack("I2", "xyz", 5)`:                   "initial position out of string",
		`string.unpack("s1", "\5ab")`:                     "data string too short",
		`string.unpack("s8", ("\255"):rep(8))`:            "beyond 2^53",
		`string.unpack("z", "abc")`:                       "unfinished string for format 'z'",
		`string.unpack("J", ("\255"):rep(8))`:             "the whole number 18446744073709551615 is beyond 2^53, so not exact",
		`string.unpack(">j", "\128\0\0\0\0\0\0\0")`:       "is beyond 2^53",
		`string.unpack(">I9", "\1\0\0\0\0\0\0\0\0")`:      "9-byte integer does not fit into a number",
		`string.unpack(">i9", "\255\127\0\0\0\0\0\0\0")`:  "9-byte integer does not fit into a number",
		`string.packsize("s")`:                            "variable-size format in packsize",
		`string.packsize("z")`:                            "variable-size format in packsize",
		`string.unpack(("b"):rep(5000), ("x"):rep(5000))`: "too many results",
	} {
		_, err := run(t, expr)
		wantError(t, err, want)
	}
	out, err := run(t, `
		print(string.unpack("<I2", "\1\2\3\4", 3))
		print(string.unpack("<I2", "\1\2\3\4", -2))
		print(string.unpack("z B", "ab\0\7"))
		print(string.unpack("", "abc"))
		print(#string.pack("c4", "hi"), string.pack("c4", "hi") == "hi\0\0")
		print((string.unpack("<d", string.pack("<d", 1/0))), (string.unpack("<f", string.pack("<f", -0.1))) + 0.1 < 1e-7)`)
	if want := "1027\t5\n1027\t5\nab\t7\t5\n1\n4\ttrue\n+Inf\ttrue"; err != nil || out != want {
		t.Errorf("printed\n%s, error %v; want\n%s", out, err, want)
	}
}
