// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"

	"pvlua/internal/pkttest"
)

// liveViews looks for views that are not dead in all that a script can reach
// between callbacks: each would show bytes of a later packet. It gives the way
// to one, or "".
func liveViews(s *State) string {
	seen := map[any]bool{}
	var visit func(v lua.LValue, way string) string
	visit = func(v lua.LValue, way string) (found string) {
		if seen[v] {
			return ""
		}
		switch v := v.(type) {
		case *lua.LUserData:
			// Those that are dead have another metatable.
			if o := objectOf(v); o != nil && o.kind.isView() && v.Metatable == s.metatables[o.kind] {
				return way
			}
		case *lua.LTable:
			seen[v] = true
			v.ForEach(func(k, e lua.LValue) {
				if found == "" {
					found = visit(k, way+".<key>")
				}
				if found == "" {
					found = visit(e, way+"."+k.String())
				}
			})
			if found == "" {
				found = visit(v.Metatable, way+".<metatable>")
			}
		case *lua.LFunction:
			seen[v] = true
			for i, uv := range v.Upvalues {
				if uv != nil && found == "" {
					found = visit(uv.Value(), fmt.Sprintf("%s.<upvalue %d>", way, i+1))
				}
			}
			if found == "" {
				found = visit(v.Env, way+".<env>")
			}
		}
		return found
	}
	for name, v := range map[string]lua.LValue{"_G": s.L.G.Global, "registry": s.L.G.Registry, "on_packet": s.handler} {
		if way := visit(v, name); way != "" {
			return way
		}
	}
	for _, t := range s.timers.heap {
		if way := visit(t.fn, "timer"); way != "" {
			return way
		}
	}
	return ""
}

// storing makes random handlers that move a packet and its headers through
// variables, tables and functions of all sorts.
type storing struct {
	*rand.Rand
	b        strings.Builder
	depth    int
	closures bool // also functions, most of which note all views by themselves
}

// variables have values of any kind: local ones of the handler and of the
// chunk, globals, and elements of tables.
var storingVariables = []string{"p", "a", "b", "c", "u", "v", "G", "H", "T.x", "T.dst", "T[k]", "S.ttl", "S[1]"}

func (g *storing) variable() string { return storingVariables[g.IntN(len(storingVariables))] }

func (g *storing) value() string {
	g.depth++
	defer func() { g.depth-- }()
	if g.depth > 3 {
		return g.variable()
	}
	n := 16
	if !g.closures {
		n = 12
	}
	switch g.IntN(n) {
	case 0:
		return "{" + g.value() + "}"
	case 1:
		return "{x = " + g.value() + ", [k] = " + g.value() + ", " + g.value() + "}"
	case 2:
		return "get(" + g.value() + ")"
	case 3:
		return "(" + g.value() + " or " + g.value() + ")"
	case 4:
		return "(" + g.value() + " and " + g.value() + ")"
	case 5:
		return "call(" + g.value() + ", " + g.value() + ")"
	case 6:
		return "select(1, " + g.value() + ", " + g.value() + ")"
	case 7:
		return "pkt.udp"
	case 8:
		return "pkt[k]"
	case 9:
		return "(M + " + g.value() + ")"
	case 10:
		return "(" + g.value() + " .. M)"
	case 11:
		return "M[" + g.value() + "]"
	case 12:
		return "function() return " + g.value() + " end"
	case 13:
		return "function(a, ...) " + g.variable() + " = a return ... end"
	case 14:
		return "coroutine.wrap(function(x) " + g.variable() + " = x return coroutine.yield(" + g.variable() + ") end)(" + g.value() + ")"
	}
	return g.variable()
}

func (g *storing) stmt(depth int) {
	line := func(format string, args ...any) { fmt.Fprintf(&g.b, format+"\n", args...) }
	switch g.IntN(14) {
	case 0:
		line("local %c = %s", "abc"[g.IntN(3)], g.value())
	case 1:
		line("%s, %s = %s, %s", g.variable(), g.variable(), g.value(), g.value())
	case 2:
		line("%s, %s = call(%s, %s)", g.variable(), g.variable(), g.value(), g.value())
	case 3:
		line("try(table.insert, S, %s)", g.value())
	case 4:
		line("try(rawset, T, %s, %s)", g.value(), g.value())
	case 5:
		line("T[%s or 1] = %s", g.value(), g.value())
	case 6:
		line("for _, x in ipairs{%s, %s} do %s = x end", g.value(), g.value(), g.variable())
	case 7:
		line("for x in once, %s do %s = x end", g.value(), g.variable())
	case 8:
		if g.closures {
			line("local function f(x, ...) %s = x return ... end %s = f(%s, %s)", g.variable(), g.variable(), g.value(), g.value())
		}
	case 9:
		line("try(error, %s)", g.value())
	case 10:
		if depth < 3 {
			line("if get(%s) then", g.value())
			g.stmt(depth + 1)
			g.stmt(depth + 1)
			line("end")
		}
	case 11:
		if depth < 3 {
			line("do")
			g.stmt(depth + 1)
			g.stmt(depth + 1)
			line("end")
		}
	default:
		line("%s = %s", g.variable(), g.value())
	}
}

const storingPreamble = `
local k, u, v = "udp", nil, nil
T, S = {}, {}
M = setmetatable({}, {__add = function(_, x) return x end, __concat = function(x, y) return rawequal(x, M) and y or x end, __index = function(_, x) return x end})
local function get(x) if type(x) == "table" then return rawget(x, "x") or rawget(x, 1) end return x end
local function call(f, ...) if type(f) == "function" then local ok, r = pcall(f, ...) return r, ... end return ..., f end
local function once(s, c) if c == nil then return s end end
local function try(f, ...) local _, e = pcall(f, ...) G = e or G end
`

func TestRandomHandlersKeepNothingAlive(t *testing.T) {
	for seed := range uint64(600) {
		g := &storing{Rand: rand.New(rand.NewPCG(seed, 7)), closures: seed%4 == 0}
		for range 1 + g.IntN(8) {
			g.stmt(0)
		}
		source := storingPreamble + "function on_packet(pkt)\nlocal p, a, b, c = pkt, pkt.eth\n" + g.b.String() + "end"
		f := load(t, source, func(c *Config) { c.Quota = 50_000 })
		for range 3 {
			f.handle(pkttest.UDP(pkttest.Options{}))
			if way := liveViews(f.State); way != "" {
				t.Fatalf("program %d: a live view is at %s\n%s", seed, way, source)
			}
		}
		f.Close()
	}
}

// The search finds what is there: a view that a Go function has hidden from the
// state. It has been stored, but not noted.
func TestLiveViewsAreFound(t *testing.T) {
	f := load(t, "local u = {} function on_packet(pkt) hide(pkt) end")
	var hidden lua.LValue
	f.L.SetGlobal("hide", f.L.NewFunction(func(L *lua.LState) int { hidden = L.Get(1); return 0 }))
	f.handle(pkttest.UDP(pkttest.Options{}))
	if way := liveViews(f.State); way != "" {
		t.Fatal(way)
	}
	table := f.L.NewTable()
	table.RawSetString("x", f.L.NewClosure(func(*lua.LState) int { return 0 }, hidden))
	f.L.SetGlobal("leak", table)
	if way := liveViews(f.State); !strings.HasSuffix(way, ".leak.x.<upvalue 1>") {
		t.Errorf("found %q", way)
	}
}
