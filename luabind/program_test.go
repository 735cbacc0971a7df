// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"testing"

	lua "github.com/yuin/gopher-lua"

	"pvlua/analysis"
	"pvlua/state"
)

// On one line, so that only the number of a function tells which it is.
const programSource = `local pv = require "pv" local limit, list, unused = pv.ip"0.0.0.9", {1}, 3 local seen = 0
local function twice() end local function helper(n) seen = seen + 1 return n < limit end local limit = "another" local function twice() return limit end
function other() return limit end function on_packet(pkt) local function inner() return list end return helper(#inner()) and pv.DROP end`

func TestProgramValues(t *testing.T) {
	f := load(t, programSource)
	p, err := f.Program()
	if err != nil {
		t.Fatal(err)
	}
	if p.Handler == nil || len(p.Handler.ParList.Names) != 1 || p.Handler.ParList.Names[0] != "pkt" {
		t.Fatalf("the handler is %+v", p.Handler)
	}
	f.handle(make([]byte, 60))
	seen := 0
	for _, sym := range p.Scopes.Symbols {
		v, ok := p.Value(sym)
		want := map[string]lua.LValue{"seen": lua.LNumber(1), "limit": lua.LNumber(9)}[sym.Name]
		switch {
		case sym.Name == "limit" && ok && v == lua.LString("another"), sym.Name == "list" && ok && v.Type() == lua.LTTable:
			seen++
		case sym.Name == "helper" && ok:
			if fn := p.Function(v.(*lua.LFunction)); fn == nil || fn.Params[0].Name != "n" {
				t.Errorf("helper is %+v", fn)
			}
			seen++
		case want != nil && v == want:
			seen++
		case ok:
			t.Errorf("%s has the value %v", sym.Name, v)
		}
	}
	if seen != 5 {
		t.Errorf("%d variables were found; want 5", seen)
	}
	if again, _ := f.Program(); again != p {
		t.Error("there are two programs")
	}
	if p.Global("other").Type() != lua.LTFunction || p.Global("absent") != lua.LNil {
		t.Error("globals are wrong")
	}
}

// The tree is another one than what was compiled, and lines are as they are.
func TestProgramIsApart(t *testing.T) {
	f := load(t, "function on_packet(pkt)\n  if pkt.udp then error 'here' end\n  return pkt.udp\nend")
	p, err := f.Program()
	if err != nil {
		t.Fatal(err)
	}
	if p.Handler.Line() != 1 || p.Handler.LastLine() != 4 {
		t.Errorf("lines %d to %d", p.Handler.Line(), p.Handler.LastLine())
	}
	for proto := range f.numbers {
		if proto.LastLineDefined > 4 {
			t.Errorf("a function ends at line %d", proto.LastLineDefined)
		}
		for _, line := range proto.DbgSourcePositions {
			if line > 4 {
				t.Errorf("an instruction is at line %d", line)
			}
		}
	}
	// What a rewriter does to the tree is nothing to the state.
	p.Handler.Stmts = nil
	if fn := analysis.Resolve(p.Chunk); len(fn.Chunk.Inner) != 1 {
		t.Error("the tree has changed")
	}
	wantError(t, f.handle(echoPaths[2].request).Err, "2: here")
}

// A handler of a module has no text in the script.
func TestProgramWithoutHandler(t *testing.T) {
	f, err := loadFile(t, folder(t, map[string]string{"main.lua": `require "module"`, "module.lua": `function on_packet(pkt) end`}))
	if err != nil {
		t.Fatal(err)
	}
	if p, err := f.Program(); err != nil || p.Handler != nil {
		t.Errorf("the handler is %+v, error %v", p.Handler, err)
	}
}

// What Object tells apart.
func TestProgramObjects(t *testing.T) {
	f := load(t, `local pv = require "pv" floor, count, flows, port, list = math.floor, pv.counter "c", pv.map{name = "m"}, pv.ports[2], {1, 2}
function on_packet(pkt) end`)
	p, err := f.Program()
	if err != nil {
		t.Fatal(err)
	}
	counter, _ := p.Object(p.Global("count")).(*state.Counter)
	if m, ok := p.Object(p.Global("flows")).(*state.Map); counter == nil || p.CounterName(counter) != "c" || !ok || m.Name() != "m" {
		t.Error("the counter or the map is not found")
	}
	for name, want := range map[string]any{"port": 1, "list": nil, "print": "print", "math": "math", "pv": "pv", "bit32": "bit32", "on_packet": nil,
		"floor": nil} { // which has two names
		if got := p.Object(p.Global(name)); got != want {
			t.Errorf("%s is %v; want %v", name, got, want)
		}
	}
	members := p.Members(p.Global("pv").(*lua.LTable))
	ports := members.RawGetString("ports").(*lua.LTable)
	if p.Object(ports) != "pv.ports" || p.Length(ports) != 2 || p.Object(members.RawGetString("ip")) != "pv.ip" || p.Object(p.Port(1)) != 1 {
		t.Error("members of pv are not found")
	}
	if p.Length(p.Global("list").(*lua.LTable)) != 2 || p.Name() != "test.lua" {
		t.Error("the length of a table or the name is wrong")
	}
}
