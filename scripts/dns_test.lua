-- SPDX-License-Identifier: GPL-3.0-or-later

-- Tests of dns.lua: "pvlua test scripts/dns.lua" runs the functions here whose names begin with test_.

local pv = require "pv"

test.ports{{mac = "02:00:00:00:00:05", ip = "10.0.0.5", ip6 = "2001:db8::5"}}
test.args{"printer.test=10.0.0.9", "Printer.TEST.=10.0.0.10", "printer.test=2001:db8::9"}

local me, peer = pv.ports[1].mac, pv.mac"02:00:00:00:00:04"
local A, MX, AAAA, IN, CHAOS = 1, 15, 28, 1, 3

-- The parts of a name, each behind its length.
local function wire(...)
  local text = ""
  for _, part in ipairs{...} do text = text .. string.pack("s1", part) end
  return text .. "\0"
end

local function query(name, kind, class, flags)
  return string.pack(">HHHHHH", 4711, flags or 0x0100, 1, 0, 0, 0) .. name .. string.pack(">HH", kind, class or IN)
end

local function packet(text, headers)
  headers = headers or {}
  headers.eth = headers.eth or {src = peer, dst = me}
  headers.ip = not headers.ip6 and (headers.ip or {src = pv.ip"10.0.0.4", dst = pv.ip"10.0.0.5"}) or nil
  headers.udp = headers.udp or {sport = 5353, dport = 53}
  headers.payload = text
  return pv.build(headers)
end

-- An answer to a question that has the text.
local function answer(text, status, addresses)
  local kind = string.unpack(">H", text, #text - 3)
  local want = string.pack(">HHHHHH", 4711, status, 1, #addresses, 0, 0) .. text:sub(13)
  for _, address in ipairs(addresses) do
    want = want .. string.pack(">HHHI4s2", 0xc00c, kind, IN, 60, address)
  end
  return want
end

local function answers(text, status, addresses)
  local verdict, pkt = test.handle(packet(text))
  test.equal(verdict, pv.TX, "verdict")
  test.equal(pkt, pv.build{
    eth = {src = me, dst = peer}, ip = {src = pv.ip"10.0.0.5", dst = pv.ip"10.0.0.4"},
    udp = {sport = 53, dport = 5353}, payload = answer(text, status, addresses),
  })
end

local function passes(what, pkt)
  local verdict, after = test.handle(pkt)
  test.equal(verdict, pv.PASS, what)
  test.equal(after, pkt, what)
end

local printer = wire("printer", "test")

function test_addresses()
  answers(query(printer, A), 0x8500, {"\10\0\0\9", "\10\0\0\10"})
  answers(query(printer, AAAA), 0x8500, {pv.ip6"2001:db8::9"})
  answers(query(wire("pvlua", "test"), A), 0x8500, {"\192\0\2\1"})
end

function test_case_is_kept_and_does_not_matter()
  answers(query(wire("PRINTER", "Test"), A), 0x8500, {"\10\0\0\9", "\10\0\0\10"})
end

function test_recursion_is_not_desired()
  answers(query(printer, AAAA, IN, 0), 0x8400, {pv.ip6"2001:db8::9"})
end

function test_names_without_such_data()
  answers(query(printer, MX), 0x8500, {})
  answers(query(printer, A, CHAOS), 0x8500, {})
end

function test_unknown_names_do_not_exist()
  answers(query(wire("scanner", "test"), A), 0x8503, {})
  answers(query(wire("test"), A), 0x8503, {})
  answers(query(wire(), A), 0x8503, {})
  answers(query(wire("printer.test"), A), 0x8503, {})
  answers(query(wire(("x"):rep(63), ("x"):rep(63), ("x"):rep(63), ("x"):rep(61)), A), 0x8503, {})
end

-- What resolvers put behind the question is not copied.
function test_extensions_of_the_query()
  local text = query(printer, AAAA)
  local extended = text:sub(1, 10) .. "\0\1" .. text:sub(13) .. "\0\0\41\4\208\0\0\0\0\0\0"
  local verdict, pkt = test.handle(packet(extended))
  test.equal(verdict, pv.TX)
  test.equal(pkt.payload, answer(text, 0x8500, {pv.ip6"2001:db8::9"}))
end

function test_unknown_names_are_for_others()
  test.args{"--others", "pass", "--ttl=60", "printer.test=10.0.0.9"}
  answers(query(printer, A), 0x8500, {"\10\0\0\9"})
  answers(query(printer, AAAA), 0x8500, {})
  passes("an unknown name", packet(query(wire("scanner", "test"), A)))
end

function test_ipv6()
  local text = query(printer, AAAA)
  local from, to = pv.ip6"2001:db8::4", pv.ip6"2001:db8::5"
  local verdict, pkt = test.handle(packet(text, {ip6 = {src = from, dst = to, hlim = 3}}))
  test.equal(verdict, pv.TX, "verdict")
  test.equal(pkt, pv.build{
    eth = {src = me, dst = peer}, ip6 = {src = to, dst = from},
    udp = {sport = 53, dport = 5353}, payload = answer(text, 0x8500, {pv.ip6"2001:db8::9"}),
  })
end

function test_what_is_not_for_us()
  local text = query(printer, A)
  passes("another port", packet(text, {udp = {sport = 53, dport = 54}}))
  passes("another address", packet(text, {ip = {src = pv.ip"10.0.0.4", dst = pv.ip"10.0.0.6"}}))
  passes("another MAC", packet(text, {eth = {src = peer, dst = peer}}))
  passes("a tag", packet(text, {vlan = {vid = 5}}))
  passes("a first fragment", packet(text, {ip = {src = pv.ip"10.0.0.4", dst = pv.ip"10.0.0.5", mf = true}}))
  passes("TCP", pv.build{eth = {src = peer, dst = me}, ip = {dst = pv.ip"10.0.0.5"}, tcp = {dport = 53}})
end

function test_what_is_no_query()
  local text = query(printer, A)
  for n = 0, #text - 1 do
    passes("cut short after " .. n, packet(text:sub(1, n)))
  end
  passes("an answer", packet(query(printer, A, IN, 0x8000)))
  passes("another kind of query", packet(query(printer, A, IN, 0x2800)))
  passes("two questions", packet(text:sub(1, 5) .. "\2" .. text:sub(7)))
  passes("a pointer", packet(query("\192\12", A)))
  passes("a name that is too long", packet(query(("\1x"):rep(128) .. "\0", A)))
end

function test_garbage()
  for n = 1, 300 do
    local bytes = {}
    for i = 1, n % 60 do bytes[i] = string.char(math.random(0, 255)) end
    test.handle(packet("\1\1\1\0\0\1" .. table.concat(bytes)))
  end
end
