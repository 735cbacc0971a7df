// SPDX-License-Identifier: GPL-3.0-or-later

package analysis

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/yuin/gopher-lua/ast"
	"github.com/yuin/gopher-lua/parse"
)

func parsed(t *testing.T, source string) ([]ast.Stmt, *Scopes) {
	t.Helper()
	chunk, err := parse.Parse(strings.NewReader(source), "test.lua")
	if err != nil {
		t.Fatal(err)
	}
	return chunk, Resolve(chunk)
}

// symbol finds the n-th variable of a name, from 0.
func symbol(t *testing.T, sc *Scopes, name string, n int) *Symbol {
	t.Helper()
	for _, sym := range sc.Symbols {
		if sym.Name == name {
			if n == 0 {
				return sym
			}
			n--
		}
	}
	t.Fatalf("no variable %s", name)
	return nil
}

// What a name means, told by the line of its declaration: 0 is a global.
func TestScopes(t *testing.T) {
	for _, c := range []struct {
		source string
		want   string // name:line of the declaration for each use, in the order of lines and names
	}{
		{"local a\nprint(a)", "a:1 print:0"},
		{"local a\nlocal a = a\nprint(a)", "a:1 a:2 print:0"},
		{"do local a end\nprint(a)", "a:0 print:0"},
		{"local f = function() return f end", "f:1"}, // gopher-lua's own rule
		{"local f, g = function() return f end", "f:0"},
		{"repeat local a\nuntil a", "a:1"},
		{"for i = i, 1 do\ni() end", "i:0 i:1"},
		{"for k, v in k do\nk() v() end", "k:0 k:1 v:1"},
		{"function t:m()\nself() end", "self:1 t:0"},
		{"local function g(x)\nx = x end", "x:1 x:1"},
		{"if a then local a\na() else a() end", "a:0 a:0 a:1"},
		{"while a do local a\na() end", "a:0 a:1"},
	} {
		_, sc := parsed(t, c.source)
		var uses []string
		for id, sym := range sc.Uses {
			line := 0
			if sym != nil {
				line = sym.Line
			}
			uses = append(uses, fmt.Sprintf("%s:%d", id.Value, line))
		}
		slices.Sort(uses)
		if got := strings.Join(uses, " "); got != c.want {
			t.Errorf("%q: %s; want %s", c.source, got, c.want)
		}
	}
}

func TestSymbols(t *testing.T) {
	_, sc := parsed(t, `
local fixed, changed, inside, never = 1, 2, 3
changed = 4
local function f(p) inside = fixed; return p end
local a, b = f()
for i = 1, 2 do i = i end
g = a`)
	for _, c := range []struct {
		name                                                string
		values, assigned                                    int
		fixed, unknown, captured, inside, counter, constant bool
	}{
		{name: "fixed", values: 1, fixed: true, captured: true, constant: true},
		{name: "changed", values: 2, assigned: 1},
		{name: "inside", values: 1, assigned: 1, captured: true, inside: true},
		{name: "never", fixed: true, constant: true},
		{name: "f", values: 1, fixed: true},
		{name: "p", fixed: true, unknown: true},
		{name: "a", values: 1, fixed: true},
		{name: "b", fixed: true, unknown: true},
		{name: "i", values: 1, assigned: 1, counter: true},
	} {
		sym := symbol(t, sc, c.name, 0)
		_, constant := (&Folder{Scopes: sc}).Variable(sym)
		got := c
		got.values, got.assigned, got.fixed, got.unknown = len(sym.Values), sym.Assigned, sym.Fixed(), sym.Unknown
		got.captured, got.inside, got.counter, got.constant = sym.Captured, sym.ChangedInside, sym.Counter, constant
		if got != c {
			t.Errorf("got %+v\nwant %+v", got, c)
		}
	}
	if !sc.Globals["g"] || len(sc.Globals) != 1 || len(sc.Reads) != 0 {
		t.Errorf("globals assigned %v, read %v", sc.Globals, sc.Reads)
	}
	f := sc.Chunk.Inner[0]
	if !f.Free[symbol(t, sc, "fixed", 0)] || !f.Free[symbol(t, sc, "inside", 0)] || len(f.Free) != 2 {
		t.Errorf("f has the outer variables %v", f.Free)
	}
}

func TestCallees(t *testing.T) {
	_, sc := parsed(t, `
local function leaf(a, b) return a end
local function user(x) return leaf(x, 1) + leaf(x) end
local function own(n) return own(n - 1) end
local even, odd
local function ping(n) return pong(n) end
local function left(n) local function inside() return left(n) end return inside() end
local function various(...) return ... end
local function makes() return function() end end
local function jumps() goto over ::over:: end
local changing = function() end
changing = leaf
local kept = leaf
leaf(user(1)) own(1) left(1) various(1) makes() jumps() changing() leaf(f()) leaf(1, 2, f()) leaf(1, f())`)
	for _, c := range []struct {
		name               string
		calls              int
		escapes, recursive bool
	}{
		{"leaf", 6, true, false},
		{"user", 1, false, false},
		{"own", 2, false, true},
		{"ping", 0, false, false},
		{"left", 2, false, true},
	} {
		got := sc.CalleeOf(symbol(t, sc, c.name, 0))
		if got == nil {
			t.Errorf("%s is no certain callee", c.name)
		} else if len(got.Calls) != c.calls || got.Escapes != c.escapes || got.Recursive != c.recursive {
			t.Errorf("%s: %d calls, escapes %v, recursive %v", c.name, len(got.Calls), got.Escapes, got.Recursive)
		}
	}
	if sc.CalleeOf(symbol(t, sc, "changing", 0)) != nil || sc.CalleeOf(symbol(t, sc, "even", 0)) != nil || sc.CalleeOf(nil) != nil {
		t.Error("a variable that is no function for certain is a callee")
	}
	var inlinable []string
	sc.Walk(func(fn *Function, e ast.Expr) {
		if call, ok := e.(*ast.FuncCallExpr); ok && fn == sc.Chunk && sc.Inlinable(call) {
			inlinable = append(inlinable, fmt.Sprintf("%s/%d", call.Func.(*ast.IdentExpr).Value, len(call.Args)))
		}
	})
	// leaf(user(1)), leaf(f()) and leaf(1, f()) give parameters values of no expression.
	if got, want := strings.Join(inlinable, " "), "user/1 leaf/3"; got != want {
		t.Errorf("inlinable: %s; want %s", got, want)
	}
}

func TestConstants(t *testing.T) {
	const head = `
local pv = require "pv"
local n, s, none, list, global = 6, "abc", nil, {}, g
local m = n + 1
local late = 1
late = 2
local deep = m * 2 + pv.TX
local circle = function() return circle end
return `
	for _, c := range []struct {
		source string
		want   any
		ok     bool
	}{
		{"n", 6.0, true}, {"m", 7.0, true}, {"deep", 17.0, true}, {"s", "abc", true}, {"none", nil, true},
		{"list", nil, false}, {"global", nil, false}, {"late", nil, false}, {"g", nil, false}, {"circle", nil, false},
		{"pv.TX", 3.0, true}, {"pv.ip '10.0.0.1'", nil, false}, {"(pv).TX", 3.0, true},
		{"0x10", 16.0, true}, {"1e3", 1000.0, true}, {"-n", -6.0, true}, {"#s", 3.0, true}, {"not none", true, true},
		{"7 % 3", 1.0, true}, {"-7 % 3", 2.0, true}, {"7 % -3", -2.0, true}, {"2 ^ 10", 1024.0, true}, {"7 / 2", 3.5, true},
		{"s .. 'd'", "abcd", true}, {"s .. 1", nil, false}, {"'1' + 1", nil, false}, {"s + 1", nil, false}, {"-s", nil, false},
		{"n < 7", true, true}, {"n <= 6 and s", "abc", true}, {"s < 'b'", true, true}, {"n >= 7 or none", nil, true},
		{"n < s", nil, false}, {"n == s", false, true}, {"n ~= s", true, true}, {"none == false", false, true}, {"n > 6", false, true},
		{"false and f()", false, true}, {"1 or f()", 1.0, true}, {"nil or f()", nil, false}, {"f() and 1", nil, false},
		{"{}", nil, false}, {"function() end", nil, false}, {"#list", nil, false},
	} {
		chunk, sc := parsed(t, head+c.source)
		f := &Folder{Scopes: sc}
		f.Known = func(e ast.Expr) (any, bool) {
			name, ok := sc.Member(e, "pv")
			return 3.0, ok && name == "TX"
		}
		got, ok := f.Constant(chunk[len(chunk)-1].(*ast.ReturnStmt).Exprs[0])
		if ok != c.ok || ok && got != c.want {
			t.Errorf("%s: %v, %v; want %v, %v", c.source, got, ok, c.want, c.ok)
		}
	}
}

func TestIsModule(t *testing.T) {
	for source, want := range map[string]bool{
		"return pv":                                         true,
		"local pv = require 'pv' return pv":                 true,
		"local other = require 'pv' return other":           true,
		"local other = pv return other":                     true,
		"local pv = require 'other' return pv":              false,
		"local pv = {} return pv":                           false,
		"local pv = require 'pv' pv = {} return pv":         false,
		"require = f local m = require 'pv' return m":       false,
		"local require = f local m = require 'pv' return m": false,
		"return function(pv) return pv end":                 false,
	} {
		chunk, sc := parsed(t, source)
		e := chunk[len(chunk)-1].(*ast.ReturnStmt).Exprs[0]
		if f, ok := e.(*ast.FunctionExpr); ok {
			e = f.Stmts[0].(*ast.ReturnStmt).Exprs[0]
		}
		if got := sc.IsModule(e, "pv"); got != want {
			t.Errorf("%s: %v", source, got)
		}
	}
}
