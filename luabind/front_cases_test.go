// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"pvlua/internal/pkttest"
)

// frontCases are handlers, and on which packets their front decides: the others
// are gopher-lua's. A body is that of on_packet, whose variables are those of
// frontHead.
var frontCases = []struct {
	name, body string
	decides    string // some of "udp tcp arp ip6 runt", in that order; "none": there is no front
}{
	{"nothing", "", "udp tcp arp ip6 runt"},
	{"constant verdict", "return pv.DROP", "udp tcp arp ip6 runt"},
	{"header", "if pkt.udp then return pv.DROP end", "udp tcp arp ip6 runt"},
	{"field of an absent header", "return pkt.udp.dport == 7 and pv.DROP", "udp"},
	{"field of an absent header, verdict", "return pkt.udp.dport == 7 and pv.DROP or pv.PASS", "udp"},
	{"field that is absent", "if pkt.ip6 and pkt.ip6.frag_id then return pv.DROP end", "udp tcp arp ip6 runt"},
	{"one of two headers", "local l4 = pkt.tcp or pkt.udp return l4.dport == 7 and pv.DROP or pv.TX", "udp tcp"},
	{"same name, other forms", "local ip = pkt.ip or pkt.ip6 if ip and seen[ip.src] then return pv.DROP end", "udp tcp arp ip6 runt"},
	{"raw", "return pkt:u8(12) == 8 and pv.DROP or pv.PASS", "udp tcp arp ip6"},
	{"raw, computed", "return pkt:u8(#pkt - 1) == 8 and pv.DROP or pv.PASS", "none"},
	{"copy that fits", "pkt.ip.ttl = 64 return pv.TX", "udp tcp"},
	{"number that does not fit", "pkt.eth.src, pkt.ip.ttl = 1, 300 return pv.TX", ""},
	{"second one does not fit", "if pkt.ip then pkt.ip.ttl = 3 pkt.ip.ttl = 300 return pv.TX end", "arp ip6 runt"},
	{"computed", "pkt.ip.ttl = pkt.ip.ttl - 1 return pv.TX", "udp tcp"},
	{"computed, below 0", "pkt.ip.ttl = pkt.ip.ttl - 100 return pv.TX", ""},
	{"fraction", "pkt.ip.ttl = pkt.ip.ttl / 3 return pv.TX", ""},
	{"wrong type", "pkt.ip.df = 1 return pv.TX", "none"},
	{"value unknown", "pkt.ip.ttl = limit return pv.TX", "udp tcp"},
	{"value unknown and wrong", "pkt.ip.ttl = word return pv.TX", ""},
	{"held value that does not fit", "if pkt.ip then local sum = pkt.ip.checksum pkt.ip.ttl = 3 pkt.ip.ttl = sum return pv.TX end", "arp ip6 runt"},
	{"header changes its kind", "if pkt.ip then pkt.ip.proto = 6 end return pv.TX", "udp tcp arp ip6 runt"},
	{"header changes its kind, then a decision", "local udp = pkt.udp if pkt.ip then pkt.ip.proto = 6 end if pkt.udp or udp then return pv.TX end", "arp ip6 runt"},
	{"assigned and read", "local ip = pkt.ip ip.ttl = 7 if ip.ttl == 7 then return pv.TX end", "udp tcp"},
	{"value kept over an assignment", "local ttl = pkt.ip.ttl pkt.ip.ttl = 9 return ttl == 9 and pv.DROP or pv.TX", "udp tcp"},
	{"address kept over an assignment", "local a = pkt.ip6.src pkt.ip6.src = pkt.ip6.dst pkt.ip6.dst = a return pv.TX", "ip6"},
	{"swap", "local udp = pkt.udp udp.dport, udp.sport = udp.sport, udp.dport return pv.TX", "udp"},
	{"the same variable twice", "local a a, a = pv.DROP, pv.TX return a", "none"},
	{"the same global twice", "total, total = pv.DROP, pv.TX return total", "udp tcp arp ip6 runt"},
	{"the same field twice", "pkt.udp.dport, pkt.udp.dport = 1, 2 return pv.TX", "udp"},
	{"reply", "if pkt.udp and pkt.udp.dport == 7 then return pkt:reply() end", "udp tcp arp ip6 runt"},
	{"reply, then failure", "pkt:reply() pkt.ip.ttl = pkt.ip.ttl - 1 return pv.TX", "udp tcp"},
	{"reply twice", "local v = pkt:reply() pkt:reply() return v", "udp tcp arp ip6 runt"},
	{"reply and fields", "local ip = pkt.ip local src = ip.src pkt:reply() if ip.dst == src then ip.ttl = 9 return pv.TX end", "udp tcp"},
	{"checksums", "if pkt.ip then pkt.ip.checksum = 0 pkt:fix_checksums() return pv.TX end", "udp tcp arp ip6 runt"},
	{"table", "if blocked[pkt.udp and pkt.udp.dport] then return pv.DROP end", "udp tcp arp ip6 runt"},
	{"table with a metatable", "if guarded[7] == 5 then return pv.DROP end", ""},
	{"table with a metatable, in a global", "if fence.x == 5 then return pv.DROP end", ""},
	{"table in a table", "if pkt.ip and nested.a[pkt.ip.proto] then return pv.DROP end", "udp tcp arp ip6 runt"},
	{"no table", "if pkt.ip and nested.b[pkt.ip.proto] then return pv.DROP end", "arp ip6 runt"},
	{"comparison of a number and a string", "if limit < word then return pv.DROP end", ""},
	{"equality of a number and a string", "if limit == word then return pv.DROP end", "udp tcp arp ip6 runt"},
	{"equality of tables", "if blocked == seen then return pv.DROP end", "udp tcp arp ip6 runt"},
	{"equality that is a matter of opinion", "if equals == equals2 then return pv.DROP end", ""},
	{"header and nil", "if pkt.udp == nil then return pv.DROP end", "udp tcp arp ip6 runt"},
	{"helper", "return decide(pkt, pkt.udp)", "udp tcp arp ip6 runt"},
	{"helper that is a value", "local f = decide return f(pkt, pkt.udp)", "none"},
	{"helper that was chosen", "return changing(pkt, pkt.udp)", "udp tcp arp ip6 runt"},
	{"helper that changes", "count = count + 1 if count > 2 then changing = shared end return changing(pkt, pkt.udp)", "udp tcp"},
	{"global helper", "return shared(pkt)", "udp tcp arp ip6 runt"},
	{"global helper in a condition", "if brief(pkt.udp) then return pv.DROP end", "udp tcp arp ip6 runt"},
	{"global helper that changes", "total = total + 1 local v = shared(pkt) if total == 2 then shared = decide end return v", "udp tcp"},
	{"global helper in a condition that changes", "total = total + 1 if total == 3 then brief = print end if brief(pkt.udp) then return pv.DROP end", "udp tcp"},
	{"global helper that calls itself", "return round(3)", ""},
	{"helper with too many arguments", "return decide(pkt, pkt.udp, 3)", "none"},
	{"helper as a statement", "if pkt.eth then bounce(pkt.eth, pkt.port) end return pv.TX", "udp tcp arp ip6 runt"},
	{"values of a helper", "local a, b, c = two(7) if a == 7 and b == 8 and c == nil then return pv.DROP end", "udp tcp arp ip6 runt"},
	{"recursive helper", "return again(1)", "none"},
	{"count", "count = count + 1", "udp tcp arp ip6 runt"},
	{"count in a global", "total = total + 1", "udp tcp arp ip6 runt"},
	{"count in a table", "seen[#pkt] = (seen[#pkt] or 0) + 1 return pv.DROP", "udp tcp arp ip6 runt"},
	{"counts, then failure", "count = count + 1 total = total + 1 seen.x = count if pkt.udp.dport == 7 then return pv.TX end", "udp"},
	{"one count twice, then failure", "count = count + 1 count = count + 1 if pkt.udp.dport == 7 then return pv.TX end", "udp"},
	{"counter", "hits:add() return pv.DROP", "udp tcp arp ip6 runt"},
	{"counter, then failure", "hits:add() if pkt.udp.dport == 7 then return pv.DROP end", "udp"},
	{"assignments of all kinds", "local x = 1 x, pkt.eth.src, count, seen[1] = 2, 3, x, count return x == 2 and pv.TX or nil", "udp tcp arp ip6"},
	{"nil as a key", "seen[missing] = 1", ""},
	{"metatable and assignment", "guarded.x = 1", ""},
	{"the global on_packet", "on_packet = nil", "none"},
	{"ports", "return pkt.port == first and second or first", "udp tcp arp ip6 runt"},
	{"ports of pv", "return pkt.port == pv.ports[1] and pv.ports.veth2 or first", "udp tcp arp ip6 runt"},
	{"verdict that is none", "return 9", "none"},
	{"verdict of a table", "return verdicts[#pkt > 50 and 1 or 2]", "udp tcp ip6"},
	{"port facts", "if pkt.eth and pkt.eth.dst == pkt.port.mac and pkt.port.up then return pv.DROP end", "udp tcp arp ip6 runt"},
	{"owned", "if pkt.ip and pkt.port:owns(pkt.ip.dst) or pkt.ip6 and pkt.port:owns(pkt.ip6.dst) then return pv.DROP end", "udp tcp arp ip6 runt"},
	{"part of an address", "if pkt.ip6 and pkt.ip6.src:byte(1) == 0x20 then return pv.DROP end", "udp tcp arp ip6 runt"},
	{"bits", "if pkt.tcp and bit32.band(pkt.tcp.flags, 2) ~= 0 and band(6, 3) == 2 then return pv.DROP end", "udp tcp arp ip6 runt"},
	{"bits of a library that has changed", "count = count + 1 if count == 3 then bit32.band = function() return 7 end end return bit32.band(1, 2) == 7 and pv.DROP or pv.TX", "udp tcp"},
	{"shifts", "return bit32.lshift(1, 31) == 2^31 and bit32.rshift(8, 3) == 1 and bit32.lshift(1, 40) == 0 and pv.DROP or pv.TX", "udp tcp arp ip6 runt"},
	{"division", "return math.floor(#pkt / 7) == 6 and pv.DROP or pv.TX", "udp tcp arp ip6 runt"},
	{"map", "local n = flows:get(#pkt) flows:set(#pkt, (n or 0) + 1) return n and n > 1 and pv.DROP or pv.TX", "udp tcp arp ip6 runt"},
	{"map, counting", "flows:add(#pkt) return pv.DROP", "udp tcp arp ip6 runt"},
	{"map, full", "for i = 1, 5 do count = count + flows:get(i) end flows:set(#pkt, 1) flows:set(1, 1) return pv.DROP", "none"},
	{"map, then failure", "flows:add(#pkt) count = count + 1 if pkt.udp.dport == 7 then return pv.DROP end", "udp"},
	{"map asked after a change", "flows:add(1) if flows:get(1) == 1 then return pv.DROP end", "none"},
	{"two changes of maps", "if pkt.udp then flows:add(1) end flows:add(2)", "tcp arp ip6 runt"},
	{"map that can't have the entry", "count = count + 1 narrow:set(#pkt, 256) count = count + 1", ""},
	{"map in a loop", "for i = 1, 2 do flows:add(i) end", ""},
	{"counter in a loop", "for i = 1, 2 do hits:add(i) end", "udp tcp arp ip6 runt"},
	{"map, wrong key", "flows:set(pkt.udp and 1 or true, 1) return pv.DROP", "udp"},
	{"loop", "for i = 1, 2 do count = count + i end", "udp tcp arp ip6 runt"},
	{"loop with a step", "local n = 0 for i = 10, 1, -3 do n = n + i end for i = 0.1, 1, 0.1 do n = n + i end return n == 22 + 5.5 and pv.DROP or pv.TX", "udp tcp arp ip6 runt"},
	{"loop with variables around", "local n, m = 0 for i = 1, 5 do n, m = n + i, i if i == 3 then break end end return n == 6 and m == 3 and pv.DROP or pv.TX", "udp tcp arp ip6 runt"},
	{"loop in a loop", "local n = 0 for i = 1, 3 do for j = i, 3 do n = n + 1 if j == 2 then break end end end return n == 5 and pv.DROP or pv.TX", "udp tcp arp ip6 runt"},
	{"list", "for i, rule in ipairs(rules) do if pkt.ip and rule.proto == pkt.ip.proto then return rule.verdict end end", "udp tcp arp ip6 runt"},
	{"list by number", "for i = 1, #rules do local rule = rules[i] if pkt.ip and rule.proto == pkt.ip.proto then return rule.verdict end end", "udp tcp arp ip6 runt"},
	{"list of nothing", "for i, rule in ipairs(missing) do count = 1 end", ""},
	{"while", "local n = 0 while n < 4 do n = n + 1 end return n == 4 and pv.DROP or pv.TX", "udp tcp arp ip6 runt"},
	{"while, endless", "local n = 0 while n < 4 do count = count + 1 end", ""},
	{"loop that changes the packet", "if pkt.ip then for i = 1, 3 do pkt.ip.ttl = pkt.ip.ttl - i end return pv.TX end", "udp tcp arp ip6 runt"},
	{"loop that fails in the end", "if pkt.ip then for i = 1, 30 do count = count + 1 pkt.ip.ttl = pkt.ip.ttl - i end return pv.TX end", "arp ip6 runt"},
	{"helper with a loop", "local n = place(7) local m = place(9) return n == 2 and m == nil and pv.DROP or pv.TX", "udp tcp arp ip6 runt"},
	{"helper in a loop", "local n = 0 for i = 1, 3 do local at = place(i) if at then n = n + at end end return n == 4 and pv.DROP or pv.TX", "udp tcp arp ip6 runt"},
	{"loop variable assigned", "for i = 1, 3 do i = 7 count = count + i end", "none"},
	{"many branches", strings.Repeat("if pkt.udp and pkt.udp.sport ~= 9 then count = count + 1 elseif pkt.tcp then total = total + 1 end ", 20) + "return pv.TX", "udp tcp arp ip6 runt"},
	{"branches that set a variable", "local v = 1 if pkt.udp then v = 2 elseif pkt.tcp then v = 3 end if pkt.ip then v = v + 1 end return v == 3 and pv.DROP or pv.TX", "udp tcp arp ip6 runt"},
	{"branches and a variable of theirs", "local v = 1 if pkt.udp then local v = 2 count = count + v else local v = 3 total = total + v end return v == 1 and pv.DROP or pv.TX", "udp tcp arp ip6 runt"},
	{"repeat", "local n = 0 repeat n = n + 1 until n > 3", "none"},
	{"pairs", "for k in pairs(blocked) do count = count + k end", "none"},
	{"after what is not simple", "if pkt.udp then print(1) end", "tcp arp ip6 runt"},
	{"inner function", "local f = function() return 1 end", "none"},
}

const frontHead = `local pv = require "pv"
local limit, word, count, verdicts = tonumber("20"), tostring("abc"), 0, {1, 7}
local blocked, seen, nested, missing = {[7] = true}, {}, {a = {[17] = true}, b = 1}
local guarded = setmetatable({}, {__index = function() return 5 end, __newindex = function() print("assigned") end})
local opinion = {__eq = function() return true end}
local equals, equals2 = setmetatable({}, opinion), setmetatable({}, opinion)
local places = {3, 7, 1}
local first, second = pv.ports[1], pv.ports[2]
local flows, band = pv.map{name = "flows", max = 3}, bit32.band
local narrow = pv.map{name = "narrow", max = 3, key = "u32", value = "u8"}
local hits = pv.counter("hits")
total, fence = 0, guarded
local rules = {{proto = 1, verdict = pv.TX}, {proto = 17, verdict = pv.DROP}}
local function place(x)
  local n = 0
  for _, v in ipairs(places) do n = n + 1 if v == x then return n end end
end
local function decide(pkt, udp) if udp then return pv.DROP end return pkt.arp and pv.TX or pv.PASS end
local changing = function() return 1 end
if limit then changing = decide end
local function bounce(eth, me) if eth.dst == 1 then return end eth.dst, eth.src = eth.src, me.mac end
local function two(a) return a, a + 1 end
local function again(n) return n > 3 and 1 or again(n + 1) end
function shared(pkt) if pkt.udp then return pv.DROP end return decide(pkt) end
function brief(udp) return udp and udp.dport == 7 end
function round(n) if n == 0 then return pv.TX end return round(n - 1) end
function on_stop() for k, v in flows:each() do print(k, v) end print(flows:refused(), narrow:len(), count, total, hits:get(), seen[1], seen.x, seen[60], seen[42], guarded.x) end
function on_packet(pkt)
`

func TestFrontCases(t *testing.T) {
	needFront(t)
	packets := []struct {
		name  string
		frame []byte
	}{
		{"udp", pkttest.UDP(pkttest.Options{TTL: 64, Payload: make([]byte, 20)})}, {"tcp", pkttest.TCPSyn(pkttest.Options{TTL: 64})},
		{"arp", pkttest.ARPRequest(pkttest.Options{})}, {"ip6", pkttest.ICMP6Echo(pkttest.Options{})}, {"runt", make([]byte, 10)},
	}
	for _, c := range frontCases {
		t.Run(c.name, func(t *testing.T) {
			source := frontHead + c.body + "\nend"
			with, without := load(t, source, brief), load(t, source, brief, plain)
			decides := ""
			var frames [][]byte
			for _, p := range packets {
				frames = append(frames, p.frame)
				before := with.pass.taken
				answer := answerTo(with, bytes.Clone(p.frame), 0)
				if want := answerTo(without, bytes.Clone(p.frame), 0); answer != want {
					t.Fatalf("%s: %s\nwithout a front:\n%s", p.name, answer, want)
				}
				if with.pass.taken > before {
					decides += " " + p.name
				}
			}
			switch {
			case with.front == nil && c.decides != "none":
				t.Error("there is no front")
			case with.front != nil && decides != "" && decides[1:] != c.decides, decides == "" && with.front != nil && c.decides != "":
				t.Errorf("the front decides on%s; want %s", decides, c.decides)
			}
			compareHandlers(t, with, without, frames)
			if c.name == "ports" && answerTo(with, frames[0], 7) != answerTo(without, frames[0], 7) {
				t.Error("a packet from nowhere makes a difference")
			}
		})
	}
}

// A front that always gives up is let alone, and tried again after a while.
func TestFrontRests(t *testing.T) {
	needFront(t)
	f := load(t, "local x = true function on_packet(pkt) if x == true and pkt.udp.dport == 7 then return pv.DROP end end")
	frame := pkttest.TCPSyn(pkttest.Options{})
	for range tooVain + 1 {
		f.handle(frame)
	}
	if f.front.rest != restTime {
		t.Fatalf("after %d packets it rests for %d", tooVain+1, f.front.rest)
	}
	f.front.rest = 1
	udp := pkttest.UDP(pkttest.Options{})
	f.handle(udp)
	if taken := f.pass.taken; taken != 0 {
		t.Errorf("it decided on %d packets while it rested", taken)
	}
	if p := f.handle(udp); f.pass.taken != 1 || p.Verdict != Drop {
		t.Errorf("after its rest it decided on %d packets, verdict %s", f.pass.taken, p.Verdict)
	}
}

// Functions that call each other in breadth, and calls in calls, do not make
// fronts of any size.
func TestFrontIsBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString("local function f0(a) return a + 1 end\n")
	for i := 1; i <= 30; i++ {
		fmt.Fprintf(&b, "local function f%d(a) return f%d(a) + f%d(a) end\n", i, i-1, i-1)
	}
	fmt.Fprintf(&b, "function on_packet(pkt) if f30(#pkt) > %sf0(1%s then return pv.DROP end end", strings.Repeat("f0(", 100), strings.Repeat(")", 101))
	began := time.Now()
	f := load(t, b.String(), brief)
	if d := time.Since(began); d > 2*time.Second {
		t.Errorf("it took %v to load", d)
	}
	if p := f.handle(make([]byte, 60)); p.Err == nil || f.pass.taken > 0 {
		t.Errorf("verdict %s, error %v", p.Verdict, p.Err)
	}
}
