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
	{`local t = {}`, `1: a table is made for each packet; use local variables, or make it when the script is loaded`},
	{`local s = "a" .. pkt.port.index .. "b"`, `1: a string is made at run time`},
	{`local n = #pkt / 2`, `?1: operator / gives a fraction; write math.floor(a / b)`},
	{`local n = 7 / #pkt`, `1: operator / may give a fraction; write math.floor(a / b)`},
	{`print(1)`, `1: print writes to the outside`},
	{`pv.log("x")`, `1: pv.log writes to the outside`},
	{`error "x"`, `1: error is called`},
	{`pcall(error)`, `1: pcall needs Lua`},
	{`return string.format("%d", 1)`, `1: string function format needs Lua`},
	{`return ("x"):rep(3)`, `1: string function rep needs Lua`},
	{`return tonumber("5")`, `1: tonumber of a string`},
	{`local ip = pkt.ip return ip.ttl > 3 and pv.DROP`, `?1: on_packet returns a boolean here; expected nil, pv.PASS, pv.DROP, pv.TX or a port | ?1: ip is nil here, which has no ttl`},
	{`return nothing.x`, `1: there is no "nothing"`},
	{`return 7`, `1: on_packet returns 7 here, which is no verdict`},
	{`return "drop"`, `1: on_packet returns a string here; expected nil, pv.PASS, pv.DROP, pv.TX or a port`},
	{`local eth = pkt.eth if eth then return eth.type % 5 end`, `?1: on_packet returns a number that is no verdict`},
	{`return pv.ports[3]`, ``},
	{`local function f(n) return f(n) end return f(1)`, `1: a function that calls itself: write a loop`},
	{`local f = function() return 1 end return f() + nil`, `1: arithmetic on nil`},
	{`return 1 < "2"`, `1: a number is compared with a string by <, which is an error`},
	{`for i = 1, #pkt do count() end`, `?1: the loop has more than 2048 rounds | 1: there is no "count"`},
	{`for k in pairs(changing) do end`, `1: table changing may be changed by line 3; use pv.map`},
	{`for i = 10, 1, 1 - #pkt do end`, `1: the step of the loop is not a known number`},
	{`for i = #pkt * 50, 1, -1 do end`, `?1: the loop has more than 2048 rounds`},
	{`local n = 0 while n < #pkt * 2000 do n = n + 1 end`, `?1: the loop has more than 512 rounds`},
	{`for i = 1, 5000 do end`, `1: the loop has 5000 rounds, more than 2048`},
	{`for i = 1, #pkt * 100 do end`, `?1: the loop has more than 2048 rounds`},
	{`local x for i = 1, 40 do if i == 5 then x = i end end return x`, `1: "x" becomes a value of another kind in the loop`},
	{`local function f() return pkt end local g = function() return f end return g()()`, `1: g() uses variables of the function around it, and is not called by its own name`},
	{`return pv.worker`, `1: pv.worker is read; keep what it says in a local variable when the script is loaded`},
	{"local eth = pkt.eth if not eth then return end\neth.dst = 5\nlast = 7", `2: before the change here, because nothing can be undone when line 3 is reached: assignment to "last", which outlives the packet; use pv.counter or pv.map`},
	{"local eth, ip = pkt.eth, pkt.ip if not ip then return end\neth.dst = 5\nreturn ip.ttl", `?2: before the change here, because nothing can be undone when line 3 is reached: on_packet returns a number that is no verdict`},
	{"local eth = pkt.eth if not eth then return end\nif eth.src == 7 then eth.dst = 5 end\neth.src = 9\nlast = 7",
		`2: before the change here, because nothing can be undone when line 4 is reached: assignment to "last", which outlives the packet; use pv.counter or pv.map | ` +
			`3: before the change here, because nothing can be undone when line 4 is reached: assignment to "last", which outlives the packet; use pv.counter or pv.map`},
}

// refusalPrologue is what the bodies find in the script; they begin at its
// fourth line.
const refusalPrologue = `local pv = require "pv" local seen, later, list, changing = 0, nil, {1}, {2}
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
