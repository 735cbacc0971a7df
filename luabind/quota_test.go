// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"strings"
	"testing"
	"time"

	"pvlua/internal/pkttest"
)

// endless are statements that never end, or take too long, or too much.
var endless = []struct{ name, body, err string }{
	{"while", "while true do end", "handler stopped: more than 100000 instructions in one call (an endless loop?)"},
	{"repeat", "repeat until false", "handler stopped"},
	{"for", "for i = 1, math.huge do end", "handler stopped"},
	{"generic for", "local function f() return 1 end for _ in f do end", "handler stopped"},
	{"goto", "::again:: goto again", "handler stopped"},
	{"tail call", "local function f() return f() end f()", "handler stopped"},
	{"recursion in breadth", "local function f(n) if n > 0 then f(n - 1) f(n - 1) end end f(80)", "handler stopped"},
	{"recursion in depth", "local function f() return 1 + f() end f()", "stack overflow"},
	{"inside pcall", "pcall(function() while true do end end)", "handler stopped"},
	{"around pcall", "while true do pcall(function() while true do end end) end", "handler stopped"},
	{"caught again and again", "while true do pcall(function() while true do pcall(error) end end) end", "handler stopped"},
	{"inside xpcall", "xpcall(function() while true do end end, function() while true do end end)", "handler stopped"},
	{"in a coroutine", "coroutine.wrap(function() while true do end end)()", "handler stopped"},
	{"in a coroutine that is resumed", "while true do coroutine.resume(coroutine.create(function() while true do end end)) end", "handler stopped"},
	{"in a coroutine in a coroutine", "coroutine.wrap(function() coroutine.wrap(function() while true do end end)() end)()", "handler stopped"},
	{"with yields", "local co = coroutine.wrap(function() while true do coroutine.yield() end end) while true do co() end", "handler stopped"},
	{"many coroutines", "while true do coroutine.create(function() end) end", "handler stopped"},
	{"in a metamethod", "local t = setmetatable({}, {__index = function() while true do end end}) local _ = t.x", "handler stopped"},
	{"in a comparison of table.sort", "table.sort({3, 2, 1}, function() while true do end end)", "handler stopped"},
	{"in a replacement of gsub", "('x'):gsub('x', function() while true do end end)", "handler stopped"},
	{"in tostring", "tostring(setmetatable({}, {__tostring = function() while true do end end}))", "handler stopped"},
	{"string.rep", "('x'):rep(1e9)", "longer than 16777216 bytes"},
	{"string.rep of long strings", "('x'):rep(2^52)", "longer than 16777216 bytes"},
	{"doubling", "local s = 'x' while true do s = s .. s end", ""},
	{"doubling with table.concat", "local s = 'x' while true do s = table.concat{s, s} end", ""},
	{"doubling with gsub", "local s = 'xx' while true do s = s:gsub('.', '%0%0') end", ""},
	{"doubling with format", "local s = 'x' while true do s = string.format('%s%s', s, s) end", ""},
	{"doubling with pack", "local s = 'x' while true do s = string.pack('zz', s, s) end", ""},
	{"string functions of long strings", "local s = ('x'):rep(2^20) while true do s = s:upper() end", "handler stopped"},
	{"plain find of long strings", "local s = ('x'):rep(2^20) while true do s:find('y', 1, true) end", "handler stopped"},
	{"a pattern that backtracks", "('x'):rep(2000):find('.-.-.-.-y')", "handler stopped"},
	{"a pattern that backtracks greedily", "('a'):rep(30):find('a*a*a*a*a*a*a*a*b')", "handler stopped"},
	{"a pattern at every place", "('x'):rep(100000):match('x*y')", "handler stopped"},
	{"balanced at every place", "('('):rep(100000):find('%b()y')", "handler stopped"},
	{"gmatch", "for w in ('x'):rep(100000):gmatch('.-') do end", "handler stopped"},
	{"table.insert at the front", "local t = {} while true do table.insert(t, 1, 1) end", "handler stopped"},
	{"table.concat of many", "local t = {} for i = 1, 5000 do t[i] = 1 end while true do table.concat(t) end", "handler stopped"},
	{"unpack", "unpack({}, 1, 1e8)", "too many results to unpack"},
	{"unpack of everything", "unpack({}, -2^53, 2^53)", "too many results to unpack"},
	{"string.byte", "('x'):rep(10000):byte(1, -1)", "string slice too long"},
	{"format width", "string.format('%999999999d', 1)", "width or precision too long"},
	{"packsize", "string.pack('c999999999', '')", "too long"},
	{"sparse array", "local t = {} t[0x01020304] = 1 t[2^52] = 1 while true do end", "handler stopped"},
	{"deep nesting of a pattern", "('x'):find(('('):rep(40) .. (')'):rep(40))", "too many captures"},
	{"many values", "local function f(...) return (f(1, ...)) end f()", "overflow"},
}

func TestQuota(t *testing.T) {
	for _, c := range endless {
		t.Run(c.name, func(t *testing.T) {
			f := load(t, "function on_start()\n"+c.body+"\nend\nfunction on_packet(pkt)\n"+c.body+"\nend\nfunction on_stop() end",
				func(c *Config) { c.Quota = 100_000 })
			began := time.Now()
			p := f.handle(pkttest.UDP(pkttest.Options{}))
			if p.Err == nil {
				t.Fatal("no error")
			}
			if !strings.HasPrefix(p.Err.Error(), "test.lua:5: ") || !strings.Contains(p.Err.Error(), c.err) {
				t.Errorf("error %q; want test.lua:5 and %q", p.Err, c.err)
			}
			wantError(t, f.Start(), "test.lua:2: ")
			if d := time.Since(began); d > 5*time.Second {
				t.Errorf("it took %v", d)
			}
			// The state goes on working.
			if err := f.Stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

// The quota is exact, new for each packet, and does not carry over.
func TestQuotaIsExact(t *testing.T) {
	f := load(t, "function on_packet() for i = 1, N do end end")
	enough := func(n, quota int) bool {
		f.quota.limit = quota
		f.L.SetGlobal("N", small[n])
		pkts := make([]Packet, 3)
		f.handleAll(pkts)
		for i := range pkts {
			if (pkts[i].Err == nil) != (pkts[0].Err == nil) {
				t.Errorf("quota %d: packet %d has error %v, packet 0 %v", quota, i, pkts[i].Err, pkts[0].Err)
			}
		}
		return pkts[0].Err == nil
	}
	// Five iterations more take five instructions more.
	least := func(n int) int {
		q := 1
		for !enough(n, q) {
			q++
		}
		return q
	}
	if a, b := least(20), least(25); b-a != 5 {
		t.Errorf("five iterations more take %d instructions more; want 5", b-a)
	}
}

// A timer and the main chunk are stopped as well.
func TestQuotaElsewhere(t *testing.T) {
	_, err := tryLoad(t, "\nwhile true do end", func(c *Config) { c.Quota = 1000 })
	wantError(t, err, "test.lua:2: handler stopped: more than 1000 instructions")
	f := load(t, "pv.every(1, function()\nwhile true do end end) function on_packet() end", func(c *Config) { c.Quota = 1000 })
	for range 2 {
		f.host.now = f.host.now.Add(time.Second)
		errs := f.RunTimers(f.host.now)
		if len(errs) != 1 {
			t.Fatalf("errors %v", errs)
		}
		wantError(t, errs[0], "test.lua:2: handler stopped")
	}
}

// TestHandleReturnsWhenItHasTakenAsMuchAsAQuota, whether by one packet or by all
// together: the caller has other things to do than to wait for a whole batch.
func TestHandleReturnsWhenItHasTakenAsMuchAsAQuota(t *testing.T) {
	for _, c := range []struct {
		body string
		want int
	}{
		{"", 64},
		{"for i = 1, 1000 do end", 64},
		{"for i = 1, 20000 do end", 5},
		{"pcall(function() for i = 1, 20000 do end error() end)", 5},
		{"for i = 1, 20000 do end error 'x'", 5},
		{"while true do end", 1},
	} {
		f := load(t, "function on_packet(pkt) "+c.body+" return pv.DROP end", func(c *Config) { c.Quota = 100_000 })
		pkts := udpBatch(64)
		for len(pkts) > 0 {
			n := f.Handle(pkts)
			if n != min(c.want, len(pkts)) {
				t.Errorf("%s: %d of %d packets", c.body, n, len(pkts))
			}
			for _, p := range pkts[:n] {
				if p.Verdict == 0 && p.Err == nil {
					t.Errorf("%s: a packet has no answer", c.body)
				}
			}
			pkts = pkts[n:]
		}
	}
}

// TestTimersLeaveOffWhenTheyHaveTakenAQuota has many that are due at once, and a
// pacer, which never end: the caller is not held up for all of them.
func TestTimersLeaveOffWhenTheyHaveTakenAQuota(t *testing.T) {
	for _, set := range []string{
		"for i = 1, 50 do pv.after(0, function() while true do end end) end",
		"pv.pace{rate = 1e6, count = 50, function() while true do end end}",
	} {
		f := load(t, "function on_packet() end "+set, func(c *Config) { c.Quota = 10_000 })
		failed := 0
		for range 1000 {
			at, ok := f.NextTimer()
			if !ok {
				break
			}
			errs := f.RunTimers(at.Add(time.Millisecond))
			if len(errs) > 1 {
				t.Fatalf("%s: %d ran to the end of their quota in one call", set, len(errs))
			}
			failed += len(errs)
		}
		if failed != 50 {
			t.Errorf("%s: %d of 50 were called", set, failed)
		}
	}
}
