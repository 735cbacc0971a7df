// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pvlua/internal/pkttest"
)

// routes are the ways in which a script can make a value last longer than its
// callback. Each is a chunk with the functions store(v), which takes a view, and
// get(), which gives it in a later callback.
var routes = []struct{ name, source string }{
	{"global", `function store(v) G = v end function get() return G end`},
	{"upvalue", `local u; function store(v) u = v end function get() return u end`},
	{"upvalue of an inner function", `
		local function outer() local u; return function(v) u = v end, function() return u end end
		store, get = outer()`},
	{"table field", `local t = {} function store(v) t.x = v end function get() return t.x end`},
	{"table field named like a property", `local t = {} function store(v) t.dst = v end function get() return t.dst end`},
	{"fields named like properties, at once", `
		local t = {} function store(v) local w = t; w.src, w.dst = 1, v end function get() return t.dst end`},
	{"table field of a parameter", `
		local t = {} local function put(o, v) o.ttl = v end function store(v) put(t, v) end function get() return t.ttl end`},
	{"computed key", `local t, k = {}, "x" function store(v) t[k] = v end function get() return t.x end`},
	{"array element", `local t = {} function store(v) t[#t + 1] = v end function get() return t[1] end`},
	{"as a key", `local t = {} function store(v) t[v] = true end function get() return next(t) end`},
	{"as a key with pairs", `local t = {} function store(v) t[v] = 1 end function get() for k in pairs(t) do return k end end`},
	{"constructor, by position", `function store(v) G = {v} end function get() return G[1] end`},
	{"constructor, by name", `function store(v) G = {x = v} end function get() return G.x end`},
	{"constructor, by computed key", `function store(v) G = {[v] = 1} end function get() return next(G) end`},
	{"constructor, last of many", `function store(v) G = {1, 2, 3, v} end function get() return G[4] end`},
	{"constructor, all values of a call", `local function two(v) return 1, v end function store(v) G = {two(v)} end function get() return G[2] end`},
	{"constructor, varargs", `local function pack(...) return {...} end function store(v) G = pack(1, v) end function get() return G[2] end`},
	{"constructor, not stored itself", `local t = {} function store(v) local u = {v}; t.u = u end function get() return t.u[1] end`},
	{"constructor within one", `function store(v) G = {{{v}}} end function get() return G[1][1][1] end`},
	{"multiple assignment", `local a function store(v) local x; x, a, G = 1, v, v end function get() return a == G and a end`},
	{"multiple assignment from a call", `
		local a local function two(v) return v, v end function store(v) a, G = two(v) end function get() return G end`},
	{"multiple assignment from varargs", `local a function store(...) a, G = 1, ... end function get() return G end`},
	{"through a local variable", `function store(v) local w = v; local x = w; G = x end function get() return G end`},
	{"through a local variable assigned later", `function store(v) local w; w = v; G = w end function get() return G end`},
	{"through a swap", `function store(v) local a, b = v, 1; a, b = b, a; G = b end function get() return G end`},
	{"through the variable of a loop", `
		local function iter(s, c) if not c then return s end end
		function store(v) for x in iter, v do G = x end end function get() return G end`},
	{"or", `function store(v) G = v or 1 end function get() return G end`},
	{"and", `function store(v) G = true and v end function get() return G end`},
	{"call", `local function id(v) return v end function store(v) G = id(v) end function get() return G end`},
	{"call in parentheses", `local function id(v) return v end function store(v) G = (id(v)) end function get() return G end`},
	{"tail call", `local function id(v) return v end local function tail(v) return id(v) end
		function store(v) G = tail(v) end function get() return G end`},
	{"method call", `local o = {} function o:f(v) return v end function store(v) G = o:f(v) end function get() return G end`},
	{"self", `local o = {} function o.f(self) G = self end function store(v) local f = o.f; f(v) end function get() return G end`},
	{"select", `function store(v) G = select(2, 1, v) end function get() return G end`},
	{"pcall's results", `local function id(v) return v end function store(v) local _; _, G = pcall(id, v) end function get() return G end`},
	{"pcall around the storing", `function store(v) pcall(function(w) G = w end, v) end function get() return G end`},
	{"pcall that fails after the storing", `function store(v) pcall(function(w) G = w; error() end, v) end function get() return G end`},
	{"error value", `function store(v) local _; _, G = pcall(error, v) end function get() return G end`},
	{"error value in xpcall's handler", `
		function store(v) xpcall(function() error(v) end, function(e) G = e end) end function get() return G end`},
	{"assert", `function store(v) G = assert(v) end function get() return G end`},
	{"closure", `function store(v) G = function() return v end end function get() return G() end`},
	{"closure in a local that is returned", `
		local function make(v) local f = function() return v end; return f end
		function store(v) G = make(v) end function get() return G() end`},
	{"local function", `function store(v) local function f() return v end; G = f end function get() return G() end`},
	{"global function", `function store(v) function get() return v end end`},
	{"method", `local o = {} function store(v) function o:m() return v end end function get() return o:m() end`},
	{"closure made before the assignment", `
		function store(v) local w; G = function() return w end; w = v end function get() return G() end`},
	{"closure in a closure", `
		function store(v) G = function() return function() return v end end end function get() return G()() end`},
	{"closure over a loop variable", `
		local function iter(s, c) if not c then return s end end
		function store(v) for x in iter, v do G = function() return x end end end function get() return G() end`},
	{"closure as an argument", `
		local function keep(f) G = f end function store(v) keep(function() return v end) end function get() return G() end`},
	{"closure that assigns", `
		function store(v) local w; local function set(x) w = x end; G = function() return w end; set(v) end
		function get() return G() end`},
	{"table.insert", `local t = {} function store(v) table.insert(t, v) end function get() return t[1] end`},
	{"table.insert at a place", `local t = {1} function store(v) table.insert(t, 1, v) end function get() return t[1] end`},
	{"rawset", `local t = {} function store(v) rawset(t, "x", v) end function get() return t.x end`},
	{"rawset as a key", `local t = {} function store(v) rawset(t, v, 1) end function get() return next(t) end`},
	{"rawset of a global", `function store(v) rawset(_G, "G", v) end function get() return G end`},
	{"_G", `function store(v) _G.G = v end function get() return G end`},
	{"environment", `
		local env = setmetatable({}, {__index = _G}) local function set(v) x = v end setfenv(set, env)
		function store(v) set(v) end function get() return env.x end`},
	{"metatable", `local t = {} function store(v) setmetatable(t, {x = v}) end function get() return getmetatable(t).x end`},
	{"__index that is the view", `
		local t = {} function store(v) setmetatable(t, {__index = function() return v end}) end function get() return t.x end`},
	{"__index that gives back its key", `
		local t = setmetatable({}, {__index = function(_, k) return k end}) function store(v) G = t[v] end function get() return G end`},
	{"__newindex", `
		local last local t = setmetatable({}, {__newindex = function(_, _, v) last = v end})
		function store(v) t.x = v end function get() return last end`},
	{"__newindex of a field named like a property", `
		local last local t = setmetatable({}, {__newindex = function(_, _, v) last = v end})
		function store(v) local u = t; u.dst = v end function get() return last end`},
	{"__call", `local t = setmetatable({}, {__call = function(_, v) return v end}) function store(v) G = t(v) end function get() return G end`},
	{"__add that gives back its operand", `
		local t = setmetatable({}, {__add = function(_, v) return v end}) function store(v) G = t + v end function get() return G end`},
	{"__sub from the left", `
		local t = setmetatable({}, {__sub = function(v) return v end}) function store(v) G = v - t end function get() return G end`},
	{"__concat that gives back its operand", `
		local t = setmetatable({}, {__concat = function(_, v) return v end}) function store(v) G = t .. v end function get() return G end`},
	{"__concat in a chain", `
		local t = setmetatable({}, {__concat = function(_, v) return v end}) function store(v) G = t .. t .. v end function get() return G end`,
	},
	{"__eq", `
		local t = setmetatable({}, {__lt = function(_, v) G = v return true end})
		local u = setmetatable({}, getmetatable(t)) function store(v) u.v = v; G = u.v end function get() return G end`},
	{"coroutine argument", `
		local co = coroutine.create(function(v) coroutine.yield() return v end)
		function store(v) coroutine.resume(co, v) end function get() local _, v = coroutine.resume(co); return v end`},
	{"coroutine argument to a yield", `
		local co = coroutine.create(function() local v = coroutine.yield() coroutine.yield() return v end)
		coroutine.resume(co)
		function store(v) coroutine.resume(co, v) end function get() local _, v = coroutine.resume(co); return v end`},
	{"coroutine capture", `
		local co
		function store(v) co = coroutine.wrap(function() coroutine.yield() return v end) co() end
		function get() return co() end`},
	{"coroutine.wrap argument", `
		local co = coroutine.wrap(function(v) coroutine.yield() return v end)
		function store(v) co(v) end function get() return co() end`},
	{"yield from a coroutine", `
		function store(v) local co = coroutine.wrap(function() coroutine.yield(v) end) G = co() end function get() return G end`},
	{"coroutine that runs for ever", `
		local co = coroutine.wrap(function(v) while true do v = coroutine.yield(v) or v end end)
		function store(v) co(v) end function get() return co() end`},
	{"module value", `function store(v) package_value = v; return v end function get() return package_value end`},
	{"next", `local t = {} function store(v) t[1] = v; local _, w = next(t); G = w end function get() return G end`},
	{"unpack", `function store(v) local t = {v}; G = unpack(t) end function get() return G end`},
	{"table.remove", `function store(v) local t = {v}; G = table.remove(t) end function get() return G end`},
	{"table.sort", `
		function store(v) local t = {2, 1}; table.sort(t, function(a, b) G = v; return a < b end) end function get() return G end`},
	{"string.gsub", `function store(v) ("x"):gsub("x", function() G = v end) end function get() return G end`},
	{"repeat", `function store(v) repeat local w = v; G = w until w end function get() return G end`},
	{"while", `function store(v) while true do G = v break end end function get() return G end`},
	{"timer", `function store(v) pv.after(1, function() G = v end) G = v end function get() return G end`},
	{"recursion", `local function f(n, v) if n > 0 then return f(n - 1, v) end G = v end function store(v) f(5, v) end function get() return G end`},
	{"goto", `function store(v) do goto there end ::there:: G = v end function get() return G end`},
	{"shadowed name", `function store(v) local w = 1; do local w = v; G = w end end function get() return G end`},
	{"assignment of a parameter", `function store(a, v) a = a; G = a end function get() return G end`},
}

// views are ways to get a view of a packet.
var viewsToKeep = []struct{ name, expr string }{
	{"packet", "pkt"},
	{"header", "pkt.udp"},
	{"header by a computed name", "pkt['u' .. 'dp']"},
}

// uses are ways to use a view, all of which must fail once it is dead.
var uses = []string{
	"v.eth", "v.dport", "v.port", "v.payload", "#v", "v['d'..'port']", "v.foo",
	"v:u8(0)", "v:u16(0)", "v:set_u8(0, 0)", "v:bytes(0, 1)", "v:find('x')", "v:fix_checksums()", "pkt.port:send(v)",
	"(function() v.dport = 1 end)()", "(function() v.dport, v.sport = v.sport, 1 end)()",
	"(function() v['d'..'port'] = 1 end)()", "(function() local a, b = v.eth, v.ip end)()",
	"(function() local w = v; w.dport, w.sport = w.sport, w.dport end)()", "(function() local w = v; local a, b = w.dport, w.sport end)()",
}

func TestViewsKeptAreDead(t *testing.T) {
	for _, route := range routes {
		for _, view := range viewsToKeep {
			t.Run(route.name+"/"+view.name, func(t *testing.T) {
				f := load(t, route.source+fmt.Sprintf(`
					local n, use = 0
					function on_packet(pkt)
					  n = n + 1
					  if n == 1 then store(%s) return pv.DROP end
					  V = V or get() -- a coroutine gives it once
					  local v = V
					  if n == 2 then print(v == pkt, v == pkt.udp, rawequal(v, pkt), type(v)) end
					  return uses[n - 1](v, pkt)
					end
					uses = {`, view.expr)+usesSource()+"}")
				if p := f.handle(pkttest.UDP(pkttest.Options{})); p.Err != nil {
					t.Fatal(p.Err)
				}
				for _, use := range uses {
					// The later packet has the same headers, so that a view
					// that is not dead would work.
					p := f.handle(pkttest.UDP(pkttest.Options{SrcPort: 999}))
					if p.Err == nil || !strings.Contains(p.Err.Error(), "used after its callback") {
						t.Errorf("%s: error %v", use, p.Err)
					}
				}
				if got := f.stdout.String(); got != "false\tfalse\tfalse\tuserdata\n" {
					t.Errorf("the view is not the old one: %s", got)
				}
			})
		}
	}
}

// usesSource makes a list of functions of uses.
func usesSource() string {
	var b strings.Builder
	for _, u := range uses {
		if strings.HasPrefix(u, "(function() ") {
			fmt.Fprintf(&b, "function(v, pkt) local function f() %s end f() end,\n", strings.TrimSuffix(strings.TrimPrefix(u, "(function() "), " end)()"))
		} else {
			fmt.Fprintf(&b, "function(v, pkt) local _ = %s end,\n", u)
		}
	}
	return b.String()
}

// Headers are views of their own: storing one where it is looked up is storing
// a view.
func TestHeadersStoredAtOnceAreDead(t *testing.T) {
	for _, store := range []string{
		"G = pkt.udp", "G = pkt['udp']", "local k = 'udp' G = pkt[k]", "G = {pkt.udp} G = G[1]", "G = ({x = pkt.udp}).x", "local t = {} t.x = pkt.udp G = t.x",
		"local x; x, G = 1, pkt.udp", "G, H = pkt.udp, pkt.ip", "G = pkt.tcp or pkt.udp", "G = pkt.ip and pkt.udp", "G = (pkt.udp)",
		"local udp = pkt.udp G = udp", "local ip, udp = pkt.ip, pkt.udp G = udp", "local function f() return pkt.udp end G = f()",
		"local function f(p) return p.udp end G = f(pkt)", "local function f(p) G = p.udp end f(pkt)", "table.insert(T, pkt.udp) G = T[1]",
		"local t = {} t.src = pkt.udp G = t.src", "rawset(_G, 'G', pkt.udp)", "G = select(2, pkt.ip, pkt.udp)", "T[pkt.udp] = 1 G = next(T)",
	} {
		f := load(t, "T = {} function on_packet(pkt) if not G then "+store+" return end return G.dport end")
		p := f.handle(pkttest.UDP(pkttest.Options{}))
		if p.Err != nil {
			t.Errorf("%s: %v", store, p.Err)
			continue
		}
		p = f.handle(pkttest.UDP(pkttest.Options{}))
		if p.Err == nil || !strings.Contains(p.Err.Error(), "used after its callback") {
			t.Errorf("%s: the header can be used later: error %v", store, p.Err)
		}
	}
}

// A dead view stays dead when no packet is in hand, in timers and on_stop.
func TestViewsKeptAreDeadOutside(t *testing.T) {
	f := load(t, `
		function on_packet(pkt) G = pkt.ip; pv.after(1, function() return pkt.eth end) end
		function on_stop() return G.dst end`)
	if p := f.handle(pkttest.UDP(pkttest.Options{})); p.Err != nil {
		t.Fatal(p.Err)
	}
	errs := f.RunTimers(f.host.now.Add(2 * time.Second))
	if len(errs) != 1 {
		t.Fatalf("errors of timers: %v", errs)
	}
	wantError(t, errs[0], "test.lua:2: packet view used after its callback")
	wantError(t, f.Stop(), "test.lua:3: packet view (ip header) used after its callback")
}

// Views that are not kept are the same objects for packet after packet.
func TestViewsAreUsedAgain(t *testing.T) {
	f := load(t, `
		local n = 0
		local t = {}
		function on_packet(pkt)
		  local udp, ip = pkt.udp, pkt.ip
		  local key = ip.src
		  t[key] = (t[key] or 0) + udp.len
		  t.last, t.bytes = udp.dport, (t.bytes or 0) + #pkt
		  n = n + 1
		  local x = {udp.sport, a = ip.ttl, [ip.dst] = 1}
		  local f = function(p) return p.udp end
		  return f(pkt) == udp and pv.DROP or nil
		end`)
	for range 3 {
		if p := f.handle(pkttest.UDP(pkttest.Options{})); p.Err != nil || p.Verdict != Drop {
			t.Fatal(p)
		}
		if f.State.hand.views[kindPacket] == nil {
			t.Fatal("the views were retired, but nothing was kept")
		}
	}
}
