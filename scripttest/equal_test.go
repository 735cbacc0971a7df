// SPDX-License-Identifier: GPL-3.0-or-later

package scripttest

import (
	"testing"
)

func TestEqual(t *testing.T) {
	passes(t, `function on_packet() end`, `
local function p(n) return pv.build{udp = {dport = n}} end
function test_equal()
  test.equal(1, 1)
  test.equal("a", "a")
  test.equal(nil, nil)
  test.equal(true, true)
  test.equal(p(1), p(1))
  test.equal({}, {})
  test.equal({1, {a = {p(1)}}, x = "y"}, {1, {a = {p(1)}}, x = "y"})
  test.equal(pv.ports, pv.ports)
  test.equal(pv.ports, {pv.ports[1], port1 = pv.ports[1]})
  local circle, other = {}, {}
  circle[1], other[1] = circle, other
  test.equal(circle, other)
  local f = function() end
  test.equal(f, f)
end`)
	for args, want := range map[string]string{
		`1, 2`:                                 `got 1, want 2`,
		`1, 3, "the verdict"`:                  `the verdict: got 1 (pv.DROP), want 3 (pv.TX)`,
		`nil, pv.TX`:                           `got nil, want 3 (pv.TX)`,
		`2, pv.ports[1], "the verdict"`:        `the verdict: got 2 (pv.PASS), want port port1`,
		`167772161, 1, "address"`:              `address: got 167772161 (0xa000001), want 1`,
		`"1", 1`:                               `got "1", want 1`,
		`"cat", "dog", "word"`:                 `word: got "cat", want "dog"`,
		`{1, 2}, {1, 3}`:                       `at [2]: got 2, want 3`,
		`{a = {b = {"x"}}}, {a = {b = {"y"}}}`: `at .a.b[1]: got "x", want "y"`,
		`{1}, {1, 2}`:                          `at [2]: got nil, want 2`,
		`{1, 2}, {1}, 7`:                       `7: at [2]: got 2, want nil`,
		`{["a b"] = 1}, {}`:                    `at ["a b"]: got 1, want nil`,
		`{}, 1`:                                `got a table, want 1`,
		`pv.ports[1], 1`:                       `got port port1, want 1`,
		`1`:                                    `test.equal: it takes two values, what there is and what there should be`,
		`"a\nb", "a\nc"`:                       "the strings, of 3 and 3 bytes, differ from byte 2 on\n      > got   0000  61 0a 62                                          a.b\n      > want  0000  61 0a 63                                          a.c",
		`{pv.build{payload = "x"}}, {pv.build{payload = "y"}}`: `at [1]: the packets differ
                  got                want
        eth.dst   00:00:00:00:00:00  00:00:00:00:00:00
        eth.src   00:00:00:00:00:00  00:00:00:00:00:00
        eth.type  0x88b5             0x88b5
      > payload   "x"                "y"
        length    15                 15`,
	} {
		expect(t, `function on_packet() end`, "function test_it() test.equal("+args+") end", "FAIL  test_it\n      a_test.lua:1: "+want+"\n")
	}
}

func TestFails(t *testing.T) {
	passes(t, `function on_packet() end`, `
function test_fails()
  test.equal(test.fails(function() error("oh no") end, "a_test.lua:3: oh"):match("[^/]*$"), "a_test.lua:3: oh no")
  test.equal(test.fails(function() error("bare", 0) end), "bare")
  test.equal(test.fails(function() error(setmetatable({}, {__tostring = function() return "object" end})) end, "obj"), "object")
  test.fails(function() test.equal(1, 2) end, "got 1, want 2")
  test.fails(function() test.fails(function() end) end, "no error was raised")
end
function test_variables()
  local n = 0
  local function add() n = n + 1 return n end
  test.fails(function() add() local m = n error(m) end, "1$")
  add()
  test.equal(n, 2)
end`)
	for args, want := range map[string]string{
		`function() end`:                     `test.fails: no error was raised`,
		`function() error("a", 0) end, "b+"`: "test.fails: the error does not match \"b+\":\n      a",
		`1`:                                  `test.fails: got 1; expected a function that is to fail`,
		`print, 1`:                           `test.fails: the pattern is 1; expected a string`,
	} {
		expect(t, `function on_packet() end`, "function test_it() test.fails("+args+") end", "FAIL  test_it\n      a_test.lua:1: "+want+"\n")
	}
}

// Headers that the script declares are shown as the others.
func TestDeclaredHeaders(t *testing.T) {
	expect(t, `pv.proto{name = "greet", udp = 7000, fields = {{"kind", 8, enum = {ask = 1, answer = 2}}, {"len", 8}, {"who", bytes = "len"}, {"after", 8}}}
function on_packet() end`, `
local function p(kind, who) return pv.build{udp = {dport = 7000}, greet = {kind = kind, who = who}} end
function test_it() test.equal(p(1, "Ada"), p(2, "Bob")) end`, `FAIL  test_it
      a_test.lua:3: the packets differ
                      got                want
        eth.dst       00:00:00:00:00:00  00:00:00:00:00:00
        eth.src       00:00:00:00:00:00  00:00:00:00:00:00
        eth.type      0x0800             0x0800
        ip.version    4                  4
        ip.ihl        5                  5
        ip.dscp       0                  0
        ip.ecn        0                  0
        ip.len        34                 34
        ip.id         0                  0
        ip.df         false              false
        ip.mf         false              false
        ip.frag       0                  0
        ip.ttl        64                 64
        ip.proto      17                 17
        ip.checksum   0x7acc             0x7acc
        ip.src        0.0.0.0            0.0.0.0
        ip.dst        0.0.0.0            0.0.0.0
        udp.sport     0                  0
        udp.dport     7000               7000
        udp.len       14                 14
      > udp.checksum  0x4113             0x3e08
      > greet.kind    ask                answer
        greet.len     3                  3
      > greet.who     "Ada"              "Bob"
        greet.after   0                  0
        payload       ""                 ""
        length        48                 48
`)
}
