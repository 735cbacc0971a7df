// SPDX-License-Identifier: GPL-3.0-or-later

package scripttest

import "testing"

// handler does something else for each destination port.
const handler = `
local pv = require "pv"
seen, kept = pv.counter("seen"), nil
function on_packet(pkt)
  seen:add(1)
  local n = pkt.udp and pkt.udp.dport
  if n == 1 then return pv.DROP end
  if n == 2 then pkt.payload = "two" return pkt:reply() end
  if n == 3 then return pv.ports[2] end
  if n == 4 then pkt.udp.sport = 99 error("four") end
  if n == 5 then kept = pkt end
  if n == 6 then pkt.port:send(pkt) pv.ports[2]:send("\1\2\3\4\5\6\1\2\3\4\5\6\8\0") return pv.DROP end
  if n == 7 then while true do end end
  if n == 8 then return "eight" end
  if n == 9 then return pv.PASS end
end
`

const datagram = `
local function udp(dport) return pv.build{eth = {src = 1}, udp = {dport = dport}, payload = "hello"} end
`

func TestHandle(t *testing.T) {
	passes(t, handler, datagram+`
test.ports(2)
function test_verdicts()
  for dport, want in pairs{[0] = pv.PASS, pv.DROP, pv.TX, pv.ports[2], [9] = pv.PASS} do
    test.equal(test.handle(udp(dport)), want, dport)
  end
  test.equal(seen:get(), 5)
end
function test_the_packet_afterwards()
  local before = udp(2)
  local _, after = test.handle(before)
  test.equal(after.payload, "two")
  test.equal(after.udp.sport, 2)
  test.equal(before.payload, "hello")
  after.payload = "it is mine"
  test.equal(after.payload, "it is mine")
end
function test_ports_by_name_and_number()
  for what, port in pairs{object = pv.ports[2], number = 2, name = "port2"} do
    local _, after = test.handle(udp(1), port)
    test.equal(after.port, pv.ports[2], what)
  end
  local _, after = test.handle(udp(1))
  test.equal(after.port, pv.ports[1])
end
function test_bytes()
  local s = udp(2):bytes(0, #udp(2))
  local verdict, after = test.handle(s)
  test.equal(verdict, pv.TX)
  test.equal(test.handle("short"), pv.PASS)
  test.equal(test.handle(""), pv.PASS)
  test.equal(test.handle(("x"):rep(5000)), pv.PASS)
end
function test_packets_die_with_the_callback()
  test.handle(udp(5))
  test.fails(function() return kept.udp end, "used after its callback")
  test.handle(udp(9))
  test.fails(function() return #kept end, "used after its callback")
end
function test_sent()
  test.equal(test.handle(udp(6), 1), pv.DROP)
  test.handle(udp(6), 2)
  local first = test.sent(1)
  test.equal(#first, 1)
  test.equal(first[1], udp(6))
  test.equal(first[1].port, pv.ports[1])
  local rest = test.sent()
  test.equal(#rest, 3)
  test.equal(#rest[1], 14)
  test.equal(rest[2], udp(6))
  test.equal(test.sent(), {})
end
function test_fresh_state() test.equal(seen:get(), 0) test.equal(kept, nil) end
`)
}

// What goes wrong in the handler is an error in the test that says where, and
// the test can go on.
func TestHandlerErrors(t *testing.T) {
	passes(t, handler, datagram+`
function test_errors()
  local n = 1
  local function count() n = n + 1 return n end
  for dport, pattern in pairs{[4] = "a.lua:10: four$", [7] = "a.lua:13: handler stopped: more than", [8] = 'a.lua:4: on_packet returned "eight"'} do
    local msg = test.fails(function() count() test.handle(udp(dport)) end, pattern)
    n = n + 1
  end
  test.equal(n, 7)
  test.equal(count(), 8)
  test.equal(n, 8)
  test.equal(seen:get(), 3)
  test.equal(test.handle(udp(1)), pv.DROP)
end
`)
	expect(t, handler, datagram+`
local function ask(dport) return test.handle(udp(dport)) end
function test_it()
  ask(4)
end`, `FAIL  test_it
      a.lua:10: four
        called from a_test.lua:4
        called from a_test.lua:6
`)
	for call, want := range map[string]string{
		`test.handle()`:            `test.handle: got nil; expected a packet, such as pv.build makes, or a string with the bytes of a frame`,
		`test.handle(udp(1), 2)`:   `test.handle: the port is 2; expected one of pv.ports, of which there are 1 here, or its number or name`,
		`test.handle(udp(1), "x")`: `test.handle: the port is "x"; expected one of pv.ports, of which there are 1 here, or its number or name`,
		`coroutine.wrap(function() test.handle(udp(1)) end)()`:               `test.handle can't be called in a coroutine`,
		`on_packet = function() test.handle(udp(1)) end test.handle(udp(1))`: `test.handle can't be called while on_packet runs`,
		`test.hnadle(udp(1))`:                      `test has no member "hnadle"; did you mean 'handle'?`,
		`test.handle = 1`:                          `test is read-only: "handle" can't be assigned`,
		`while true do end`:                        `test stopped: more than 200000000 instructions in one call (an endless loop?)`,
		`while true do pcall(test.handle, "") end`: `test stopped: more than 200000000 instructions in one call (an endless loop?)`,
	} {
		expect(t, handler, datagram+"function test_it() "+call+" end", "FAIL  test_it\n      a_test.lua:3: "+want+"\n")
	}
}

// However a handler fails, and however often, nothing of it is left in the test.
func TestManyFailures(t *testing.T) {
	passes(t, `
local function deep(n) return n == 0 and error("deep") or 1 + deep(n - 1) end
local function endless() return 1 + endless() end
local function grow(...) return grow(1, ...) end
fail = {
  function() error{} end,
  function() deep(50) end,
  function() endless() end,
  function() grow() end,
  function() pcall(deep, 50) error("after pcall") end,
  function() xpcall(function() deep(5) end, function() error("in the handler") end) error("after xpcall") end,
  function() coroutine.wrap(function() coroutine.wrap(function() deep(50) end)() end)() end,
  function() table.sort({1, 2, 3}, function() error("in sort") end) end,
  function() string.gsub("x", "x", function() error("in gsub") end) end,
  function() string.rep("x", 1e10) end,
  function() return nil .. "x" end,
}
local n = 0
function on_packet(pkt)
  n = n + 1
  local kept = n
  closure = function() kept = kept + 1 return kept end
  fail[n % #fail + 1]()
end`, `
function test_many()
  local a, b = 0, {}
  local function count() a = a + 1 b[a % 7] = a return a end
  for i = 1, 40 * #fail do
    local before = closure
    local x = i
    local function mine() x = x + 1 return x end
    if i % 2 == 0 then
      test.fails(function() count() mine() test.handle("x") end)
    else
      count()
      mine()
      test.equal(pcall(test.handle, "x"), false)
    end
    test.equal(x, i + 1)
    test.equal(mine(), i + 2)
    test.equal(a, i)
    test.equal(closure(), i + 1)
    test.equal(closure ~= before, true)
  end
  test.equal(count(), 40 * #fail + 1)
end`)
}

func TestTime(t *testing.T) {
	passes(t, `
local m = pv.map{name = "m", ttl = 2}
pv.every(1, function() print("tick", pv.now()) end)
pv.after(0.5, function() pv.log("warn", "once") end)
pv.pace{rate = 4, count = 3, function(i) print("pace", i) end}
pv.after(100, function() error("late") end)
function on_packet() m:set(1, 1) end
entries = m
`, `
local began = 1767225600
function test_time_stands_still()
  test.equal(pv.now(), began)
  test.handle("")
  test.equal(pv.now(), began)
  test.equal(os.time(), began)
end
function test_timers()
  test.advance(0.25)
  test.equal(test.log(), {"pace\t1", "pace\t2"})
  test.advance(0.75)
  test.equal(test.log(), {"once", "pace\t3", "tick\t" .. began + 1})
  test.equal(test.log(), {})
  test.advance(2.5)
  test.equal(pv.now(), began + 3.5)
  test.equal(test.log(), {"tick\t" .. began + 2, "tick\t" .. began + 3})
end
function test_maps_age()
  test.handle("")
  test.advance(1.5)
  test.equal(entries:get(1), 1)
  test.advance(2.5)
  test.equal(entries:get(1), nil)
end
function test_timer_errors()
  test.fails(function() test.advance(200) end, "a.lua:6: late$")
  test.equal(pv.now(), began + 100)
end
function test_timers_that_set_themselves_again()
  local n = 0
  local function again() n = n + 1 pv.after(0, again) end
  again()
  test.advance(0.001)
  test.equal(n > 900, true)
end
function test_errors_in_timers_leave_the_test_alone()
  local n, caught = 0, nil
  pv.after(1, function()
    local m = 1
    local function add() m = m + 1 n = n + m end
    caught = test.fails(function() add() test.handle(1) end, "test.handle: got 1")
    add()
    test.equal({m, n}, {3, 5})
    error("after that")
  end)
  test.fails(function() test.advance(1) end, "after that")
  n = n + 1
  test.equal(n, 6)
  test.equal(type(caught), "string")
end
function test_wrong_times()
  for _, wrong in ipairs{-1, 0/0, 1e10, "soon"} do
    test.fails(function() test.advance(wrong) end, "expected seconds, 0 to 1e9")
  end
end`)
}

func TestSockets(t *testing.T) {
	passes(t, `
server = pv.udp_socket{bind = "10.0.0.1:500", on_receive = function(data, address, port) server:send(data:upper(), address, port) end}
client = pv.udp_socket{connect = "[2001:db8::9]:53", on_receive = function(data, address, port)
  if data == "bad" then error("bad answer") end
  print(data, pv.ip6_str(address), port)
end}
function on_packet(pkt) client:send(pkt:bytes(0, #pkt)) return pv.DROP end
`, `
function test_server()
  test.equal(test.receive("hello", pv.ip"10.0.0.9", 1234), true)
  test.equal(test.datagrams(), {{data = "HELLO", address = pv.ip"10.0.0.9", port = 1234, own_port = 500}})
  test.equal(test.datagrams(), {})
  test.equal(test.receive("hello"), true)
  test.equal(test.datagrams()[1].port, 40000)
end
function test_client()
  test.handle("frame")
  local _, own = client:address()
  test.equal(test.datagrams(), {{data = "frame", address = pv.ip6"2001:db8::9", port = 53, own_port = own}})
  test.equal(test.receive("answer", nil, nil, own), true)
  test.equal(test.log(), {"answer\t2001:db8::9\t53"})
  test.equal(test.receive("forged", pv.ip6"2001:db8::8", 53, own), false)
  test.fails(function() test.receive("bad", nil, nil, own) end, "a.lua:4: bad answer")
end
function test_closed()
  server:close()
  client:close()
  test.equal(test.receive("hello"), false)
end
function test_taken()
  test.fails(function() pv.udp_socket{bind = "0.0.0.0:500"} end, "0.0.0.0:500: the address is in use")
  pv.udp_socket{bind = "10.0.0.2:500"}
end`)
}

func TestExit(t *testing.T) {
	passes(t, `function on_packet(pkt) pv.exit(#pkt) end`, `
function test_exit()
  test.equal(test.exited(), nil)
  test.handle("123")
  test.handle("1234")
  test.equal(test.exited(), 3)
end`)
	expect(t, `pv.exit(4) function on_packet() end`, `function test_it() end`,
		"FAIL  test_it\n      the script ended with exit status 4 while it was loaded\n")
}

// on_start runs before a test, on_stop after it.
func TestStartAndStop(t *testing.T) {
	const script = `
fail = false
function on_start() print("start") end
function on_packet() end
function on_stop() print("stop") if fail then error("at the end") end end`
	expect(t, script, `
function test_order() test.equal(test.log(), {"start"}) print("test") error("now", 0) end
function test_stop() fail = true end`, `FAIL  test_order
      a.lua: now
        raised at a_test.lua:2
      it said:
        start
        test
FAIL  test_stop
      a.lua:5: at the end
      it said:
        start
        stop
`)
}
