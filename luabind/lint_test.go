// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// inHandler makes a script of the body of on_packet, which begins at line 3.
func inHandler(body string) string {
	return "local pv = require \"pv\"\nfunction on_packet(pkt)\n" + body + "\nend"
}

// What is certain to be misspelt is refused before anything of the script runs.
func TestMisspeltNamesAreRefused(t *testing.T) {
	for source, want := range map[string]string{
		inHandler("local u = pkt.upd"):                                 "test.lua:3: a packet has no property 'upd'; did you mean 'udp'?",
		inHandler("local u = pkt['upd']"):                              "test.lua:3: a packet has no property 'upd'; did you mean 'udp'?",
		inHandler("\nif pkt.udp.dprot == 7 then end"):                  "test.lua:4: the udp header has no field 'dprot'; did you mean 'dport'?",
		inHandler("local udp = pkt.udp\nudp.dprot = 1"):                "test.lua:4: the udp header has no field 'dprot'; did you mean 'dport'?",
		inHandler("local e, u = pkt.eth, pkt.udp u.x=1"):               "test.lua:3: the udp header has no field 'x'",
		inHandler("local p = pkt local q = p return q.ipp"):            "test.lua:3: a packet has no property 'ipp'; did you mean 'ip'?",
		inHandler("local i = pkt.ip or pkt.ip6 i.tll = 1"):             "test.lua:3: the ip header has no field 'tll'; did you mean 'ttl'?",
		inHandler("local u = pkt.ip and pkt.udp u.dst=1"):              "test.lua:3: the udp header has no field 'dst'",
		inHandler("local u if pkt.ip then u = pkt.udp end return u.y"): "test.lua:3: the udp header has no field 'y'",
		inHandler("return pkt.dport"):                                  "test.lua:3: a packet has no property 'dport'; it is a field of tcp, udp, as in pkt.tcp.dport",
		inHandler("pkt:u61(0)"):                                        "test.lua:3: a packet has no method 'u61'; did you mean 'u16'?",
		inHandler("pkt.udp:dport()"):                                   "test.lua:3: the udp header has no methods; its fields are read and assigned with a dot, as in udp.checksum",
		inHandler("pkt:port()"):                                        "test.lua:3: a packet has no method 'port'; it is a property, read with a dot",
		inHandler("pkt.port:sned(pkt)"):                                "test.lua:3: a port has no method 'sned'; did you mean 'send'?",
		inHandler("local me = pkt.port return me.mca"):                 "test.lua:3: a port has no property 'mca'; did you mean 'mac'?",
		inHandler("return function() return pkt.upd end"):              "test.lua:3: a packet has no property 'upd'",
		inHandler("return pv.TXX"):                                     `test.lua:3: pv has no member "TXX"; did you mean 'TX'?`,
		inHandler("return pv.ports[1].nmae"):                           "test.lua:3: a port has no property 'nmae'; did you mean 'name'?",
		inHandler("pv.ports.veth1:ownes(1)"):                           "test.lua:3: a port has no method 'ownes'; did you mean 'owns'?",
		inHandler("bit32.bandd(1)"):                                    "test.lua:3: the library bit32 has no function 'bandd'; did you mean 'band'?",
		inHandler("return string.fromat('x')"):                         "test.lua:3: the library string has no function 'fromat'; did you mean 'format'?",
		inHandler("local t = pv.every(1, print) t:stpo()"):             "test.lua:3: a timer has no method 'stpo'; did you mean 'stop'?",
		inHandler("local c = pv.counter('c') c:ad(1)"):                 "test.lua:3: a counter has no method 'ad'; did you mean 'add'?",
		inHandler("pv.map{name = 'm'}:gte(1)"):                         "test.lua:3: a map has no method 'gte'; did you mean 'get'?",
		inHandler("local q = pkt:clone() return q.upd"):                "test.lua:3: a packet has no property 'upd'",
		inHandler("pv.map{name = 'm',\n mx = 3}"):                      "test.lua:4: pv.map: it has no argument \"mx\"; did you mean 'max'?",
		inHandler("pv.udp_socket{foo = 1}"):                            "test.lua:3: pv.udp_socket: it has no argument \"foo\"; there are bind, connect, on_receive",
		inHandler("pv.build{udp = {}, upd = {}}"):                      "test.lua:3: pv.build: there is no header 'upd'; did you mean 'udp'?",
		inHandler("pv.build{\nudp = {dport = 1,\ndprot = 1}}"):         "test.lua:5: pv.build: the udp header has no field 'dprot'; did you mean 'dport'?",
		inHandler("for _, p in ipairs(pv.ports) do p:sned(pkt) end"):   "test.lua:3: a port has no method 'sned'; did you mean 'send'?",
		inHandler("repeat until pkt.upd"):                              "test.lua:3: a packet has no property 'upd'",
		inHandler("while pkt.upd do end"):                              "test.lua:3: a packet has no property 'upd'",
		inHandler("for i = 1, pkt.upd do end"):                         "test.lua:3: a packet has no property 'upd'",
		inHandler("for k in pairs(pkt.upd) do end"):                    "test.lua:3: a packet has no property 'upd'",
		inHandler("local t = {1, [2] = {x = -pkt.upd}}"):               "test.lua:3: a packet has no property 'upd'",
		inHandler("return 'a' .. #pkt.upd .. 'b'"):                     "test.lua:3: a packet has no property 'upd'",
		inHandler("return not (1 + pkt.upd < 2)"):                      "test.lua:3: a packet has no property 'upd'",
		inHandler("do local x x = pkt.upd end"):                        "test.lua:3: a packet has no property 'upd'",
		inHandler("if x then elseif pkt.upd then end"):                 "test.lua:3: a packet has no property 'upd'",

		"function on_packet() end\npv.evry(1, print)":                                                                                `test.lua:2: pv has no member "evry"; did you mean 'every'?`,
		"function on_packet() end\nlocal t = require 'pv'.TZ":                                                                        `test.lua:2: pv has no member "TZ"; did you mean 'TX'?`,
		"local p = pv\nfunction on_packet() return p.DORP end":                                                                       `test.lua:2: pv has no member "DORP"; did you mean 'DROP'?`,
		"on_packet = function(p) return p.upd end":                                                                                   "test.lua:1: a packet has no property 'upd'",
		"local function h(p) return p.upd end\non_packet = h":                                                                        "test.lua:1: a packet has no property 'upd'",
		"local function f(u) return u.dprot end\nfunction on_packet(p) return p.udp and f(p.udp) end":                                "test.lua:1: the udp header has no field 'dprot'",
		"local function g(u) return u.dprot end\nlocal function f(a, u) g(u) end\nfunction on_packet(p) local u = p.udp f(1, u) end": "test.lua:1: the udp header has no field 'dprot'",

		"print('x')\nfunction on_pakcet() end":                        "test.lua:2: the script defines no global function on_packet(pkt); did you mean on_packet? found on_pakcet at line 2",
		"onPacket = function() end":                                   "test.lua:1: the script defines no global function on_packet(pkt); did you mean on_packet? found onPacket at line 1",
		"function on_packet() end\nfunction onstart() end":            "test.lua:2: nothing calls the global function 'onstart'; did you mean 'on_start', which pvlua calls?",
		"function on_packet() end\nfunction on_stpo() end":            "test.lua:2: nothing calls the global function 'on_stpo'; did you mean 'on_stop', which pvlua calls?",
		"function on_packet(p) local a = p.upd end\nlocal b = pv.TXX": "test.lua:1: a packet has no property 'upd'", // the first one
	} {
		f, err := tryLoad(t, source)
		wantError(t, err, want)
		var e *ScriptError
		if err != nil && !errors.As(err, &e) {
			t.Errorf("a %T", err)
		}
		if f.stdout.Len() > 0 {
			t.Errorf("the script ran before it was refused: %q\n%s", f.stdout, source)
		}
		if t.Failed() {
			t.Fatal(source)
		}
	}
}

// What may be something else than it looks like is left to the first use.
func TestUncertainNamesAreNotRefused(t *testing.T) {
	for _, source := range []string{
		inHandler("pkt = {} return pkt.upd"),
		inHandler("local pkt = {} return pkt.upd"),
		inHandler("local udp = pkt.udp if udp then udp = {} end return udp.dprot"),
		inHandler("local udp = pkt.udp local function f() udp = {} end f() return udp.dprot"),
		inHandler("local pv = {} return pv.TXX"),
		inHandler("local ip = pkt.ip or pkt.ip6 return ip.hlim"), // one of them has it
		inHandler("local x = pkt.ip or {} return x.tll"),
		inHandler("for _, pkt in ipairs{} do pkt.upd = 1 end"),
		inHandler("local ok = pcall(function() return pkt.upd, pv.TXX end)"),
		inHandler("if math.tointegre then math.tointegre(1) end"),
		inHandler("return string.char, ('x').y"),
		inHandler("local function f(u) return u.dprot end f(pkt.udp) f{}"),
		inHandler("local function f(u) return u.dprot end f(pkt.udp) return pcall(f, {})"),
		inHandler("local function f(...) return ... end return f(pkt.udp).dprot"),
		inHandler("local function f(a, u) return u and u.dprot end f((pkt.udp)) f(f(1))"),
		inHandler("local a, b = pkt.udp, pkt.udp a, b = b, a return a.len"),
		"local function f(u) return u.dprot end function on_packet(p) end f{}",
		inHandler("for _, p in ipairs(pv.ports) do p = {} p:sned() end"),
		inHandler("for _, p in ipairs{pv.ports} do p.x = 1 end"),
		inHandler("for p in pairs(pv.ports) do p.x = 1 end"),
		inHandler("local t = {upd = {}} t.upd.x = pv.build(t and {})"),
		inHandler("local build = {build = pv.now} build.build{upd = 1}"),
		inHandler("pcall(function() pv.build{upd = {}} end)"),
		inHandler("pv.pace{rate = 1, count = 1, function() end}"),
		"function on_packet(p) return p.upd and p.upd.x end on_packet{}",
		"function on_packet(pkt) end function other(pkt) return pkt.upd end",
		"function on_packet() end function math.flor(x) return x end print(math.flor(1))",
		"function on_packet() end function onstart() end onstart()",
		"function on_packet() end function on_start() end function on_sart() end",
		"function on_packet() end function begin() end",
		"function on_packet(pkt) return pkt.upd end setfenv(on_packet, {})",
		"math = {flor = function() end} function on_packet() math.flor() end",
	} {
		if _, err := tryLoad(t, source); err != nil {
			t.Errorf("%v\n%s", err, source)
		}
	}
}

// The names that are checked at load are those that the functions know.
func TestOptionsAreThoseOfTheFunctions(t *testing.T) {
	n := 0
	for _, e := range API {
		if e.Of != "pv" || e.Name == "build" || len(e.Options()) == 0 {
			continue
		}
		n++
		_, err := tryLoad(t, "function on_packet() end local f = pv."+e.Name+" f{qqqqqqqqqq = 1}")
		wantError(t, err, "pv."+e.Name+`: it has no argument "qqqqqqqqqq"; there are `+strings.Join(e.Options(), ", "))
	}
	if n < 3 {
		t.Errorf("%d functions have named arguments", n)
	}
}

// A header that the script or one of its modules declares itself is no
// misspelling.
func TestDeclaredProtocolsAreKnown(t *testing.T) {
	s := &State{lints: newLints()}
	s.cfg.Script = "test.lua"
	dir := t.TempDir()
	s.cfg.Script = filepath.Join(dir, "test.lua")
	for name, text := range map[string]string{
		"one.lua": `require("two") local pv = require "pv" pv.proto{name = "ones", fields = {}}`,
		"two.lua": `require "one" local p = ... p.proto{fields = {}, name = "twos"}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	declared := func(source string) (*lints, bool) {
		f := load(t, "function on_packet() end", func(c *Config) { c.Script = s.cfg.Script })
		chunk, err := parseChunk("test.lua", []byte(source))
		if err != nil {
			t.Fatal(err)
		}
		ls := newLints()
		foreign := ls.collect(f.State, chunk, resolve(chunk))
		return ls, foreign
	}
	ls, foreign := declared(`pv.proto{name = "mine"} require "one"`)
	if !ls.protocols["mine"] || !ls.protocols["ones"] || !ls.protocols["twos"] || ls.anyName || !foreign {
		t.Errorf("%+v, foreign %v", ls, foreign)
	}
	for source, any := range map[string]bool{
		`local name = "x" pv.proto{name = name}`: true,
		`pv.proto(t)`:                            true,
		`local p = pv.proto`:                     true,
		`require(x)`:                             true,
		`pcall(require, "x")`:                    true,
		`require "math" require "pv"`:            false,
		`local x = ip.proto == 1`:                false,
		`require "nothing"`:                      false,
	} {
		if ls, _ := declared(source); ls.anyName != any {
			t.Errorf("%s: any name is %v", source, ls.anyName)
		}
	}
}

// Globals that look like mistakes are reported in the log, with their line.
func TestWarningsAboutGlobals(t *testing.T) {
	for source, want := range map[string]string{
		"local count = 0\n" + inHandler("cuont = count + 1"):         "test.lua:4: assignment to the global 'cuont' inside a function: did you mean 'count' (line 1)? Declare it local, or assign it at the top level first",
		"count = 0\n" + inHandler("cuont = count + 1"):               "test.lua:4: assignment to the global 'cuont' inside a function: did you mean 'count' (line 1)?",
		inHandler("total = 1"):                                       "test.lua:3: assignment to the global 'total' inside a function: declare it local, or assign it at the top level first",
		inHandler("local function f() x, total = 1, 2 end"):          "test.lua:3: assignment to the global 'x' inside a function: declare it local",
		inHandler("function helper() end"):                           "test.lua:3: assignment to the global 'helper' inside a function",
		inHandler("count = 1") + "\nlocal count = 0":                 "test.lua:3: assignment to the global 'count' inside a function: the local 'count' of line 5 is not visible here; declare that one further out and above this line",
		inHandler("local seen = {} seen[1] = sene"):                  "test.lua:3: the global 'sene' is never assigned: did you mean 'seen' (line 3)?",
		inHandler("if x then pritn('x') end"):                        "test.lua:3: the global 'pritn' is never assigned: did you mean 'print'?",
		inHandler("return DROP"):                                     "test.lua:3: the global 'DROP' is never assigned: did you mean 'pv.DROP'?",
		inHandler("return TX"):                                       "test.lua:3: the global 'TX' is never assigned: did you mean 'pv.TX'?",
		inHandler("return pass"):                                     "test.lua:3: the global 'pass' is never assigned: did you mean 'pv.PASS'?",
		inHandler("return DORP"):                                     "test.lua:3: the global 'DORP' is never assigned: did you mean 'pv.DROP'?",
		inHandler("if pkt.udp then return udp.dport end"):            "test.lua:3: the global 'udp' is never assigned: headers are taken from the packet, as in local udp = pkt.udp",
		inHandler("if pkt.udp then local ip = pkt.ip end return ip"): "test.lua:3: the global 'ip' is never assigned: the local 'ip' of line 3 is not visible here",
	} {
		f := load(t, source)
		var got []string
		for _, w := range f.Warnings() {
			got = append(got, w.String())
		}
		if all := strings.Join(got, "\n"); !strings.Contains(all, want) {
			t.Errorf("warnings %q; want\n%s\nfor\n%s", got, want, source)
		}
		if len(got) > 0 && strings.Count(f.log.String(), "level=WARN") != len(got) {
			t.Errorf("the log has\n%s\nfor %q", f.log, got)
		}
	}
}

func TestNoWarnings(t *testing.T) {
	for _, source := range []string{
		"count = 0\n" + inHandler("count = count + 1"),
		"if x then count = 0 end\n" + inHandler("count = 1"),
		inHandler("count = 1") + " count = 0",
		inHandler("local count count = 1"),
		inHandler("on_packet = function() end"),
		inHandler("if DEBUG then print(pkt) end"),
		inHandler("local f = print or log return f"),
		"rawset(_G, 'count', 0)\n" + inHandler("count = 1"), // by another way
		"setfenv(1, {})\nfunction f() x = 1 end on_packet = f setfenv(f, {})",
	} {
		f, err := tryLoad(t, source)
		if err != nil && !strings.Contains(source, "setfenv") {
			t.Errorf("%v\n%s", err, source)
		}
		if err == nil && len(f.Warnings()) > 0 || strings.Contains(f.log.String(), "WARN") {
			t.Errorf("warnings:\n%s\nfor\n%s", f.log, source)
		}
	}
}

// States that share their sources say the same only once, and a name at many
// places is one warning.
func TestWarningsAreLoggedOnce(t *testing.T) {
	sources := NewSources()
	source := inHandler("total = 1 total = 2")
	for i, want := range []int{1, 0} {
		f := load(t, source, func(c *Config) { c.Sources = sources })
		if n := strings.Count(f.log.String(), "level=WARN"); n != want || len(f.Warnings()) != 1 {
			t.Errorf("state %d: %d lines, warnings %q", i, n, f.Warnings())
		}
	}
}

// A module is checked as well, whenever it is loaded.
func TestModulesAreChecked(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"wrong.lua":   "local M = {}\nfunction M.f() return pv.TXX end\nreturn M",
		"global.lua":  "function helper() cuont = 1 end",
		"defines.lua": "count = 0",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	in := func(c *Config) { c.Script = filepath.Join(dir, "test.lua") }
	_, err := tryLoad(t, "require 'wrong' function on_packet() end", in)
	wantError(t, err, filepath.Join(dir, "wrong.lua")+`:2: pv has no member "TXX"; did you mean 'TX'?`)

	f := load(t, "require 'defines' require 'global' function on_packet() count = count + 1 return 1 end", in)
	if w := f.Warnings(); len(w) != 1 || w[0].Script != filepath.Join(dir, "global.lua") || w[0].Line != 1 {
		t.Errorf("warnings %q", w)
	}
	f = load(t, "function on_packet() require 'global' end", in)
	f.handle(make([]byte, 60))
	if w := f.Warnings(); len(w) != 1 {
		t.Errorf("warnings %q after a late require", w)
	}
}

func TestSignatures(t *testing.T) {
	for _, c := range []struct {
		signature, params, results string
	}{
		{"pv.now() -> number", "", "number"},
		{"pv.log([level,] ...)", "level? ...", ""},
		{"pkt:find(s [, from]) -> offset or nil", "s from?", "offset or nil"},
		{"port:send(packet or string) -> boolean", "packet or string", "boolean"},
		{"bit32.replace(x, v, field [, width]) -> number", "x v field width?", "number"},
		{"string.unpack(format, s [, position]) -> ..., next", "format s position?", "... next"},
		{"pv.build{eth={dst=, src=}, ip=} -> packet", "options", "packet"},
		{"f(a [, b [, c]])", "a b? c?", ""},
		{"pv.pace({rate=, burst=}, fn)", "{rate=, burst=} fn", ""},
		{"pv.TX", "", ""},
		{"f([a,] b) -> x", "a? b", "x"},
	} {
		e := Entry{Signature: c.signature}
		var params []string
		for _, p := range e.Params() {
			params = append(params, p.Name+map[bool]string{true: "?"}[p.Optional])
		}
		if got := strings.Join(params, " "); got != c.params {
			t.Errorf("%s: parameters %q", c.signature, got)
		}
		if got := strings.Join(e.Results(), " "); got != c.results {
			t.Errorf("%s: results %q", c.signature, got)
		}
	}
}
