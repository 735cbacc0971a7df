// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"pvlua/internal/pkttest"
)

func TestLoadErrors(t *testing.T) {
	for source, want := range map[string]string{
		"":                                 "test.lua: the script defines no global function on_packet(pkt)",
		"-- nothing":                       "test.lua: the script defines no global function on_packet(pkt)",
		"x = 1\nfunction onpacket() end":   "test.lua:2: the script defines no global function on_packet(pkt); did you mean on_packet? found onpacket at line 2",
		"function on_Packet() end":         "found on_Packet at line 1",
		"function on_pakcet() end":         "found on_pakcet at line 1",
		"\nlocal function on_packet() end": "test.lua:2: the script defines no global function on_packet(pkt); the one at line 2 is local: leave out \"local\"",
		"local on_packet = function() end": `the one at line 1 is local`,
		"\n\nlocal on_packet\nfunction on_packet() end": `the one at line 4 is local`,
		"on_packet = 5":                        "test.lua: on_packet is 5; expected a function",
		"on_packet = print":                    "test.lua: on_packet is a function of the library; expected one of the script",
		"function on_packet() end\nerror('x')": "test.lua:2: x",
		"function on_packet() end\nerror({})":  "test.lua: the error value is a table, not a message",
		"error(setmetatable({}, {__tostring = function() return 'text' end}))": "test.lua: text",
		"error(setmetatable({}, {__tostring = function() error() end}))":       "a table whose __tostring fails",
		"x =":                                   "test.lua:1: syntax error at the end of the file: an \"end\" or a bracket may be missing",
		"x = = 1":                               `test.lua:1: syntax error near "="`,
		"\nif x then\n":                         "test.lua:2: syntax error at the end of the file",
		"\nend":                                 `test.lua:2: syntax error near "end"`,
		"x = 1\nx += 1":                         `test.lua:2: syntax error near "+": Lua has no such assignment; write x = x + 1`,
		"if x != nil then end":                  `test.lua:1: syntax error near "!": Lua writes ~= for not equal`,
		"x = y & 1":                             `test.lua:1: syntax error near "&": Lua 5.1 has no operators for bits; use bit32.band(a, b)`,
		"x = y && z":                            `test.lua:1: syntax error near "&": Lua writes and for it`,
		"x = y || z":                            `test.lua:1: syntax error near "|": Lua writes or for it`,
		"x = y << 1":                            "use bit32.lshift(x, n)",
		"x = = 1 -- not !=":                     `test.lua:1: syntax error near "="`,
		"x = 'abc":                              "test.lua:1: unterminated string",
		"goto nowhere":                          "no visible label 'nowhere'",
		"break":                                 "test.lua:1: no loop to break",
		"function f() return ... end":           "cannot use '...' outside a vararg function",
		"\npv = 5":                              `test.lua:2: the global pv is pvlua's module and can't be assigned; write local pv = require "pv"`,
		"function pv() end":                     "the global pv is pvlua's module",
		"x, pv = 1, 2":                          "the global pv is pvlua's module",
		"local x <const> = 1":                   "test.lua:1: syntax error",
		strings.Repeat("local x\n", 300):        "too many local variables",
		"x = " + strings.Repeat("(", 200) + "1": "test.lua",
	} {
		_, err := tryLoad(t, source)
		wantError(t, err, want)
		var e *ScriptError
		if err != nil && !errors.As(err, &e) {
			t.Errorf("%q: a %T", source, err)
		}
	}
}

func TestLoadRefusesBadConfigs(t *testing.T) {
	_, err := Load(Config{Script: "x.lua", Source: []byte("")})
	wantError(t, err, "Config.Host is missing")
	_, err = tryLoad(t, "", func(c *Config) { c.Quota = -1 })
	wantError(t, err, "a quota of -1 instructions")
}

// Errors name the line they are at, also in statements that are rewritten and
// stretch over lines.
func TestLines(t *testing.T) {
	for body, line := range map[string]int{
		"\n\nreturn pkt.tcp.dport":                                  4,
		"local tcp = pkt.tcp\nlocal a, b =\n  tcp.dport, tcp.sport": 3,
		"local tcp = pkt.tcp\n\ntcp.dport, tcp.sport = 1, 2":        4,
		"local udp, x = pkt.udp\nx, udp.dport = 1,\n  -5":           3,
		"local t = {}\nt.a.b = 1":                                   3,
		"local s = 'a'\ns = s ..\n nil":                             3,
		"for i = 1, 2 do\n  local x = #nil\nend":                    3,
		"local f = function()\n  error('x')\nend\nf()":              3,
		"pkt:set_u8(99999, 1)":                                      2,
		"local v = 1\nv = pkt['fo' .. 'o'] or v":                    3,
	} {
		f := load(t, "function on_packet(pkt)\n"+body+"\nend")
		p := f.handle(pkttest.UDP(pkttest.Options{}))
		var e *ScriptError
		if !errors.As(p.Err, &e) || e.Line != line || e.Script != "test.lua" {
			t.Errorf("error %v; want line %d\n%s", p.Err, line, body)
		}
	}
}

func TestTraceback(t *testing.T) {
	f := load(t, `local function inner(pkt)
  return pkt.tcp.dport
end
local function outer(pkt)
  local x = inner(pkt)
  return x
end
function on_packet(pkt)
  local x = outer(pkt)
  return x
end`)
	var e *ScriptError
	if p := f.handle(pkttest.UDP(pkttest.Options{})); !errors.As(p.Err, &e) {
		t.Fatal(p.Err)
	}
	want := "test.lua:2: in function 'inner'\ntest.lua:5: in function 'outer'\ntest.lua:9: in function <test.lua:8>"
	if e.Traceback != want {
		t.Errorf("traceback\n%s; want\n%s", e.Traceback, want)
	}
}

// A script may have any string constants, also those that the rewriter uses.
func TestMarker(t *testing.T) {
	out, err := run(t, `
		local t = {["\0go0"] = 1, ["\0go\0001"] = 2}
		local u = {dst = "\0go2"}
		print(#"\0go0", t["\0go0"], t["\0go\0001"], #u.dst, "\0go3" == "\0go" .. 3, #pv.ports)`)
	if want := "4\t1\t2\t4\ttrue\t2"; err != nil || out != want {
		t.Errorf("printed %q, error %v; want %q", out, err, want)
	}
	if m := chooseMarker([]string{"a", "\x00go\x00\x00x", "\x00go1"}); strings.HasPrefix("\x00go\x00\x00x", m) || strings.HasPrefix("\x00go1", m) {
		t.Errorf("marker %q", m)
	}
}

// Members of pv become constants; where they stand makes no difference.
func TestConstants(t *testing.T) {
	out, err := run(t, `
		local p = require "pv"
		local q = pv
		local t = {[pv.DROP] = "a", [p.ports] = "b", [q.log] = "c", x = p.TX, pv.PASS}
		print(t[1], t[pv.ports], t[p.log], t.x, t[1] == nil, #t, t[pv.DROP])
		print(pv.TX == 3 and p.TX == q.TX, -pv.TX, pv.TX + 1, pv.TX .. "", not pv.log, pv.ports and 1, type(pv.log), p["TX"])
		local function f() return p.DROP, pv.ip end print((f()), select("#", f()))
		t[pv.log], t[pv.ports] = nil, nil print(t[p.log], t[q.ports])
		if pv.DROP then print "yes" end
		print(p.ports[1].name, pv.ports.veth2.name, #p.ports, #pv.ports)`)
	want := `2	b	c	3	false	1	2
true	-3	4	3	false	1	function	3
1	2
nil	nil
yes
veth1	veth2	2	2`
	if err != nil || out != want {
		t.Errorf("error %v, printed\n%s; want\n%s", err, out, want)
	}
}

// The global pv can't be hidden by an environment behind the rewriter's back.
func TestConstantsAndEnvironments(t *testing.T) {
	out, err := run(t, `local function f() return pv.TX end setfenv(f, {pv = {TX = "mine"}}) print(f())`)
	if err != nil || out != "mine" {
		t.Errorf("printed %q, error %v", out, err)
	}
}

// States do not share anything.
func TestStatesAreSeparate(t *testing.T) {
	const source = "n = 0 string.own = 1 function on_packet() n = n + 1 print(n, string.own) string.own = 2 end"
	a, b := load(t, source), load(t, source)
	a.handle(nil)
	a.handle(nil)
	b.handle(nil)
	if a.stdout.String() != "1\t1\n2\t2\n" || b.stdout.String() != "1\t1\n" {
		t.Errorf("printed %q and %q", a.stdout, b.stdout)
	}
}

func ExampleScriptError() {
	s, err := Load(Config{Script: "drop.lua", Host: &fakeHost{}, Source: []byte(`
		function on_packet(pkt)
		  if pkt.tcp.dport == 80 then return pv.DROP end
		end`)})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	frame := pkttest.UDP(pkttest.Options{})
	pkts := []Packet{{Buf: frame, To: len(frame)}}
	s.Handle(pkts)
	fmt.Println(pkts[0].Err)
	// Output: drop.lua:3: attempt to index a nil value (field 'tcp', field 'dport'): this packet has no tcp header; test it first, e.g. "if tcp and tcp.dport == ..."
}
