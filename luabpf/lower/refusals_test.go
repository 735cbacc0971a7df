// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"fmt"
	"strings"
	"testing"
)

// refusalCases are bodies of on_packet with what their exits say: the line,
// counted from that of the body's first one, and the reason. "?" stands for an
// exit that depends on the packet.
var refusalCases = []struct{ body, want string }{
	{`last = 5`, `1: assignment to "last", which outlives the packet; use pv.counter or pv.map`},
	{`return seen + 1`, `1: "seen" is read, which line 2 changes while the script runs; use pv.counter or pv.map`},
	{`seen = seen + 1`, `1: assignment to "seen", which outlives the packet; use pv.counter or pv.map`},
	{`if later then return pv.DROP end`, `1: "later" is read, which line 3 changes while the script runs; use pv.counter or pv.map`},
	{`list[1] = 2`, `1: an element of table list is assigned, which outlives the packet; use pv.map`},
	{`return changing[1]`, `1: table changing may be changed by line 3; use pv.map`},
	{`local function put(t) t.x = 1 end if #pkt > 9000 then put(list) end return list.x`, `1: an element of table t is assigned, which outlives the packet; use pv.map | 1: table list may be changed by line 4; use pv.map`},
	{`local t = pkt.eth t = changing t.y = 1`, `1: an element of table t is assigned, which outlives the packet; use pv.map`},
	{`local t = pkt.eth if #pkt > 9000 then t = list t.y = 1 end return list.y`, `1: an element of table t is assigned, which outlives the packet; use pv.map | 1: table list may be changed by line 4; use pv.map`},
	{`local t = {}`, `1: a table is made for each packet; use local variables, or make it when the script is loaded`},
	{`local s = "a" .. pkt.port.index .. "b"`, `1: a string is made for each packet; compare and store numbers`},
	{`local n = #pkt / 2`, `?1: operator / gives a fraction; write math.floor(a / b)`},
	{`local n = 7 / #pkt`, `1: operator / may give a fraction; write math.floor(a / b)`},
	{`print(1)`, `1: print writes to the outside; pv.counter counts in the kernel`},
	{`pv.log("x")`, `1: pv.log writes to the outside; pv.counter counts in the kernel`},
	{`error "x"`, `1: error is called`},
	{`pcall(error)`, `1: pcall needs Lua`},
	{`return string.format("%d", 1)`, `1: string function format needs Lua`},
	{`return ("x"):rep(3)`, `1: string function rep needs Lua`},
	{`return tonumber("5")`, `1: tonumber of a string needs Lua`},
	{`local ip = pkt.ip return ip.ttl > 3 and pv.DROP`, `?1: ip is nil here, which has no ttl | ?1: on_packet returns a boolean here; expected nil, pv.PASS, pv.DROP, pv.TX or a port`},
	{`return nothing.x`, `1: there is no "nothing"`},
	{`return 7`, `1: on_packet returns 7 here, which is no verdict`},
	{`return "drop"`, `1: on_packet returns a string here; expected nil, pv.PASS, pv.DROP, pv.TX or a port`},
	{`local eth = pkt.eth if eth then return eth.type % 5 end`, `?1: on_packet returns a number that is no verdict`},
	{`return pv.ports[3]`, ``},
	{`local function f(n) if n > 0 then return f(n - 1) end end return f(3)`, `1: a function that calls itself: write a loop`},
	{`local f = function() return 1 end return f() + nil`, `1: arithmetic on nil`},
	{`return 1 < "2"`, `1: a number is compared with a string by <, which is an error`},
	{`for i = 1, #pkt do count() end`, `?1: the loop has more than 2048 rounds | 1: there is no "count"`},
	{`for k in pairs(changing) do end`, `1: table changing may be changed by line 3; use pv.map`},
	{`for i = 10, 1, 1 - #pkt do end`, `1: the step of the loop is not a known number`},
	{`for i = #pkt * 40, 1, -1 do end`, `?1: the loop has more than 2048 rounds`},
	{`local n = 0 while n < #pkt * 20 do n = n + 1 end`, `?1: the loop has more than 512 rounds`},
	{`for i = 1, 5000 do end`, `1: the loop has 5000 rounds, more than 2048`},
	{`for i = 1, #pkt * 40 do end`, `?1: the loop has more than 2048 rounds`},
	{`local x for i = 1, 40 do if i == 5 then x = i end end return x`, `1: "x" becomes a value of another kind in the loop`},
	{`local function f() return pkt end local g = function() return f end return g()()`, `1: g() uses variables of the function around it, and is not called by its own name`},
	{`return pv.worker`, `1: pv.worker is read; keep what it says in a local variable when the script is loaded`},
	{`return mixed[#pkt]`, `1: table mixed has 70 elements of several kinds; if there are more than 24, they have to be numbers`},
	{`return meta.x`, `1: table meta has a metatable`},
	{`return #meta`, `1: table meta has a metatable`},
	{`for k in pairs(meta) do end`, `1: table meta has a metatable`},
	{`for k in next, list do end`, `1: a loop over something that is not a constant table; loops over numbers run in the kernel`},
	{`for k, v in pairs(long) do end`, `1: a loop over a table of 70 elements, more than 64`},
	{`return list[pkt]`, ``},
	{`return list[pkt:bytes(0, 3)]`, `?1: bytes: a packet ends before the offset, which is an error | 1: table list is looked up by a string made at run time`},
	{`return pv.ports[#pkt]`, `1: the index of pv.ports is not known; write pv.ports[1] and so on`},
	{`return pv[pkt:bytes(0, 3)]`, `?1: bytes: a packet ends before the offset, which is an error | 1: which member of pv is meant is worked out at run time`},
	{`return pkt[pkt:bytes(0, 3)]`, `?1: bytes: a packet ends before the offset, which is an error | 1: the name of a property is worked out at run time`},
	{`pkt[pkt:bytes(0, 3)] = 1`, `?1: bytes: a packet ends before the offset, which is an error | 1: the name of a property is worked out at run time`},
	{`return math.nothing`, `1: math has no member nothing`},
	{`return #5`, `1: the value is a number here, which has no length`},
	{`return #map`, `1: an object has no length`},
	{`local n = nil return n.x`, `1: n is nil here, which has no x`},
	{`local n = nil return n[1]`, `1: n is nil here, which can't be indexed`},
	{`local n = nil n.x = 1`, `1: n is nil here, of which nothing can be assigned`},
	{`local n = nil n()`, `1: n is nil here, which can't be called`},
	{`local n = nil n:f()`, `1: n is nil here, which has no method f`},
	{`return map()`, `1: map is not a function of this script`},
	{`local s = pkt:bytes(0, 6) return s < "abc"`, `?1: bytes: a packet ends before the offset, which is an error | 1: strings are compared by <`},
	{`return print == on_packet`, `1: on_packet returns a boolean here; expected nil, pv.PASS, pv.DROP, pv.TX or a port`},
	{`local function a() end local function b() end return a == b`, `1: functions are compared`},
	{`return ("abc"):byte(#pkt)`, `1: a byte of a string at a place that is not a constant; pkt:u8(offset) reads any byte`},
	{`return select(#pkt, 1)`, `1: select with a number that is not known here`},
	{`return #pkt ^ 3`, `1: arithmetic on the packet`},
	{`return 2 ^ (#pkt - 60)`, `?1: a power beyond 2^53 | ?1: a power of a negative number | ?1: on_packet returns a number that is no verdict`},
	{`return 2 ^ #pkt`, `?1: a power beyond 2^53 | ?1: on_packet returns a number that is no verdict`},
	{`return #pkt + 0.5`, `1: arithmetic with a fraction`},
	{`return #pkt * 2^40 * 2^40`, `?1: a number beyond 2^53 | ?1: a product that may be beyond 2^53 | ?1: on_packet returns a number that is no verdict`},
	{`return -(#pkt * 2^40) * 2^40`, `?1: a number beyond -2^53 | ?1: a number beyond 2^53 | ?1: a product that may be beyond -2^53 | ?1: on_packet returns a number that is no verdict`},
	{`return #pkt * 2^40 + 2^52`, `?1: a number beyond 2^53 | ?1: on_packet returns a number that is no verdict`},
	{`return -#pkt * 2^40 - 2^52`, `?1: a number beyond -2^53 | ?1: on_packet returns a number that is no verdict`},
	{`return #pkt % (#pkt - 60)`, `?1: a divisor that is not above 0 | ?1: on_packet returns a number that is no verdict`},
	{`return #pkt % 0`, `1: a divisor that is not above 0`},
	{`return math.floor(2^53 / #pkt)`, `?1: a divisor that is not above 0 | 1: a quotient of numbers beyond 2^52`},
	{`return math.floor((#pkt - 2^53) / 7)`, `1: a quotient of numbers beyond -2^52`},
	{`return -list`, `1: arithmetic on a table`},
	{`return math.floor("x")`, `1: math.floor of a string`},
	{`return math.abs(nil)`, `1: math.abs of nil`},
	{`return math.min()`, `1: math.min of nothing`},
	{`return math.max(1, "2")`, `1: math.max of a string`},
	{`return pv.ip(5)`, `1: pv.ip of a number`},
	{`return pv.ip"x"`, `1: "x" is no IPv4 address such as 10.0.0.1`},
	{`assert(pkt.ip) return pv.DROP`, `?1: assert fails`},
	{`return bit32.band("1")`, `1: bit32.band of a string`},
	{`return bit32.lshift(1)`, `1: bit32.lshift has too few arguments`},
	{`return bit32.lshift(1, #pkt)`, `?1: on_packet returns 0 here, which is no verdict | ?1: on_packet returns a number that is no verdict`},
	{`return bit32.extract(1, 40)`, `1: a field of bits beyond the 32 that there are, which is an error`},
	{`return bit32.extract(1, #pkt)`, `?1: a field of bits beyond the 32 that there are, which is an error | ?1: on_packet returns a number that is no verdict`},
	{`return bit32.extract(1, 4, #pkt)`, `1: a field of bits whose width is not a constant from 1 to 32`},
	{`for i = 1, "2" do end`, `1: the loop counts with a number, a string and a number`},
	{`for i = #pkt, #pkt * 100 do end`, `1: the loop may have 6553501 rounds, more than 2048`},
	{`goto out ::out::`, `1: goto needs Lua; write if, while or for`},
	{`function other() end`, `1: a function is given a name that outlives the packet; write local function`},
	{`return other_global`, `1: there is no "other_global"`},
	{`return outer()`, `1: outer uses variables of the function around it, and is not called by its own name`},
	{`local f = function() return seen end return f()`, `1: "seen" is read, which line 2 changes while the script runs; use pv.counter or pv.map`},
	{`return (pv.ports[1] == pkt.port) and pv.ports[2]`, ``},
	{"local eth = pkt.eth if not eth then return end\neth.dst = 5\nlast = 7", `3: assignment to "last", which outlives the packet; use pv.counter or pv.map`},
	{"local eth = pkt.eth if not eth then return end\nif eth.src == 7 then eth.dst = 5 else eth.dst = 6 end\neth.src = 9\nlast = 7", `4: assignment to "last", which outlives the packet; use pv.counter or pv.map`},
	{"local ip = pkt.ip if not ip then return end\npkt.eth.dst = 5 numbers:set(1, 5)\nreturn ip.ttl", `?2: before the change here, because it can't be undone when line 3 is reached: on_packet returns a number that is no verdict`},
	{"local ip = pkt.ip if not ip then return end\npkt.eth.dst = 5\nnumbers:set(1, 5)\nreturn ip.ttl", `?3: before the change here, because it can't be undone when line 4 is reached: on_packet returns a number that is no verdict`},
	{"local ip = pkt.ip if not ip then return end\nnumbers:set(1, 5)\nnumbers:set(2, 5) last = 7", `2: before the change here, because it can't be undone when line 3 is reached: assignment to "last", which outlives the packet; use pv.counter or pv.map`},
	{"local ip = pkt.ip if not ip then return end\nnumbers:set(1, 5)\nreturn ip.ttl", `?2: before the change here, because it can't be undone when line 3 is reached: on_packet returns a number that is no verdict`},
	{"local eth = pkt.eth if not eth then return end\nif eth.src == 7 then eth.dst = 5 end\neth.src = 9\nlast = 7",
		`2: before the change here, because it can't be undone when line 4 is reached: assignment to "last", which outlives the packet; use pv.counter or pv.map | ` +
			`3: before the change here, because it can't be undone when line 4 is reached: assignment to "last", which outlives the packet; use pv.counter or pv.map`},
}

// refusalPrologue is what the bodies find in the script; they begin at its
// fourth line.
const refusalPrologue = `local pv = require "pv" local seen, later, list, changing = 0, nil, {1}, {2} local numbers = pv.map{name = "n", key = "u8", value = "u8"} local map, mixed, long, meta = pv.map{name = "m"}, {}, {}, setmetatable({}, {}) for i = 1, 70 do long[i], mixed[i] = i, i % 2 == 0 or i end local function make() local n = 1 return function() return n end end local outer = make()
function on_start() seen = 2
later = 1 changing[1] = 3 end
function on_packet(pkt) `

func TestRefusals(t *testing.T) {
	for _, c := range refusalCases {
		e := startEngines(t, refusalPrologue+c.body+"\nend", 0)
		e.fuzz(5)
		var got []string
		for _, s := range e.result.Func.Sites {
			text := fmt.Sprintf("%d: %s", s.Line-3, strings.NewReplacer("line 5 is", "line 2 is", "line 6 is", "line 3 is", "line 7 is", "line 4 is").Replace(s.Reason))
			if s.Rare {
				text = "?" + text
			}
			got = append(got, text)
		}
		if got := strings.Join(got, " | "); got != c.want {
			t.Errorf("%s\nexits: %s\n want: %s", c.body, got, c.want)
		}
	}
}
