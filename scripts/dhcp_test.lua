-- SPDX-License-Identifier: GPL-3.0-or-later

-- Tests of dhcp.lua: "pvlua test scripts/dhcp.lua" runs the functions here whose names begin with test_.

local pv = require "pv"

test.ports{{mac = "02:00:00:00:00:05", ip = "10.0.0.100"}}
test.args{first = "10.0.0.99", last = "10.0.0.102", router = "10.0.0.1", dns = "10.0.0.2", time = 600}

local me, server = pv.ports[1].mac, pv.ip"10.0.0.100"
local mac_1, mac_2, mac_3 = pv.mac"02:00:00:00:01:01", pv.mac"02:00:00:00:01:02", pv.mac"02:00:00:00:01:03"
local everybody, all = pv.mac"ff:ff:ff:ff:ff:ff", pv.ip"255.255.255.255"
local DISCOVER, OFFER, REQUEST, ACK, NAK, RELEASE = 1, 2, 3, 5, 6, 7
local first, second, third = pv.ip"10.0.0.99", pv.ip"10.0.0.101", pv.ip"10.0.0.102"

local function header(op, mac, flags, had, address)
  return string.pack(">BBBBI4HHI4I4I4I4I6", op, 1, 6, 0, 4711, 0, flags, had, address, 0, 0, mac)
    .. ("\0"):rep(202) .. "\99\130\83\99"
end

local function ip_option(number, address) return string.pack(">BBI4", number, 4, address) end

-- Makes a message of a client. It may say flags, had (the address it has), wanted, server and other options.
local function message(kind, mac, o)
  o = o or {}
  local text = header(1, mac, o.flags or 0, o.had or 0, 0) .. "\53\1" .. string.char(kind) .. (o.options or "")
    .. (o.wanted and ip_option(50, o.wanted) or "") .. (o.server and ip_option(54, o.server) or "") .. "\0\255"
  local alone = o.had and kind ~= RELEASE
  return pv.build{
    eth = {src = mac, dst = alone and me or everybody}, ip = {src = o.had or 0, dst = alone and server or all},
    udp = {sport = 68, dport = 67}, payload = text,
  }
end

-- The client's message gets an answer of this kind with this address.
local function answers(pkt, mac, kind, address, o)
  o = o or {}
  local text = header(2, mac, o.flags or 0, o.had or 0, address) .. "\53\1" .. string.char(kind) .. ip_option(54, server)
  if kind ~= NAK then
    text = text .. ip_option(51, 600) .. ip_option(1, pv.ip"255.255.255.0")
      .. ip_option(3, pv.ip"10.0.0.1") .. ip_option(6, pv.ip"10.0.0.2")
  end
  text = text .. "\255"
  text = text .. ("\0"):rep(300 - #text)
  local verdict, after = test.handle(pkt)
  test.equal(verdict, pv.TX, "verdict")
  test.equal(after, pv.build{
    eth = {src = me, dst = everybody}, ip = {src = server, dst = all},
    udp = {sport = 67, dport = 68}, payload = text,
  })
end

-- The client's message gets no answer.
local function is_silent(pkt)
  test.equal(test.handle(pkt), pv.DROP, "verdict")
end

local function lease(mac, address)
  answers(message(DISCOVER, mac), mac, OFFER, address)
  answers(message(REQUEST, mac, {wanted = address, server = server}), mac, ACK, address)
end

function test_lease()
  answers(message(DISCOVER, mac_1), mac_1, OFFER, first)
  test.equal(test.log(), {})
  answers(message(REQUEST, mac_1, {wanted = first, server = server}), mac_1, ACK, first)
  test.equal(test.log(), {"10.0.0.99 is lent to 02:00:00:00:01:01"})
  lease(mac_2, second) -- the one between is the server's own
  lease(mac_1, first)
end

function test_flags_are_kept()
  answers(message(DISCOVER, mac_1, {flags = 0x8000}), mac_1, OFFER, first, {flags = 0x8000})
end

function test_wanted_address()
  answers(message(DISCOVER, mac_1, {wanted = third}), mac_1, OFFER, third)
  answers(message(DISCOVER, mac_2, {wanted = third}), mac_2, OFFER, first)
  answers(message(DISCOVER, mac_3, {wanted = server}), mac_3, OFFER, second)
end

function test_renewal()
  lease(mac_1, first)
  test.advance(500)
  answers(message(REQUEST, mac_1, {had = first}), mac_1, ACK, first, {had = first})
  test.advance(500)
  answers(message(REQUEST, mac_2, {wanted = first}), mac_2, NAK, 0)
  test.advance(101)
  answers(message(REQUEST, mac_2, {wanted = first}), mac_2, ACK, first)
  answers(message(REQUEST, mac_1, {had = first}), mac_1, NAK, 0)
end

function test_refused()
  lease(mac_1, first)
  answers(message(REQUEST, mac_2, {wanted = first, server = server}), mac_2, NAK, 0)
  answers(message(REQUEST, mac_2, {wanted = pv.ip"10.0.0.98"}), mac_2, NAK, 0)
  answers(message(REQUEST, mac_2, {wanted = pv.ip"192.168.7.7"}), mac_2, NAK, 0)
  answers(message(REQUEST, mac_2, {wanted = server}), mac_2, NAK, 0)
end

function test_another_server_was_chosen()
  answers(message(DISCOVER, mac_1), mac_1, OFFER, first)
  is_silent(message(REQUEST, mac_1, {wanted = first, server = pv.ip"10.0.0.7"}))
end

function test_full_and_offers_end()
  for i, address in ipairs{first, second, third} do
    answers(message(DISCOVER, mac_1 + i - 1), mac_1 + i - 1, OFFER, address)
  end
  is_silent(message(DISCOVER, mac_1 + 3))
  answers(message(DISCOVER, mac_2), mac_2, OFFER, second)
  test.advance(61)
  answers(message(DISCOVER, mac_1 + 3), mac_1 + 3, OFFER, first)
end

function test_lease_is_not_cut_short_by_an_offer()
  lease(mac_1, first)
  answers(message(DISCOVER, mac_1), mac_1, OFFER, first)
  test.advance(61)
  answers(message(REQUEST, mac_2, {wanted = first}), mac_2, NAK, 0)
end

function test_address_is_kept_for_its_last_owner()
  lease(mac_1, first)
  lease(mac_2, second)
  test.advance(700)
  answers(message(DISCOVER, mac_2), mac_2, OFFER, second)
end

function test_release()
  lease(mac_1, first)
  is_silent(message(RELEASE, mac_2, {had = first, server = server}))
  answers(message(REQUEST, mac_2, {wanted = first}), mac_2, NAK, 0)
  is_silent(message(RELEASE, mac_1, {had = first, server = server}))
  answers(message(REQUEST, mac_2, {wanted = first}), mac_2, ACK, first)
end

function test_client_identifier()
  local one, other = {options = "\61\2\0A"}, {options = "\61\2\0B"}
  answers(message(DISCOVER, mac_1, one), mac_1, OFFER, first)
  answers(message(DISCOVER, mac_1, other), mac_1, OFFER, second)
  answers(message(DISCOVER, mac_2, one), mac_2, OFFER, first)
end

-- What is within an option is none, and zeros between options mean nothing.
function test_options_in_options()
  local options = "\0\0\12\6\53\1\7\61\1x\0"
  answers(message(DISCOVER, mac_1, {options = options}), mac_1, OFFER, first)
  answers(message(DISCOVER, mac_2, {options = options}), mac_2, OFFER, second)
  answers(message(DISCOVER, mac_3, {options = ("\0"):rep(1100)}), mac_3, OFFER, third)
end

local function passes(what, pkt)
  local verdict, after = test.handle(pkt)
  test.equal(verdict, pv.PASS, what)
  test.equal(after, pkt, what)
end

local function changed(change)
  local pkt = message(DISCOVER, mac_1)
  change(pkt)
  return pkt
end

function test_what_is_not_for_us()
  passes("another port", changed(function(pkt) pkt.udp.dport = 68 end))
  passes("another address", changed(function(pkt) pkt.ip.dst = pv.ip"10.0.0.7" end))
  passes("an answer", changed(function(pkt) pkt:set_u8(42, 2) end))
  passes("no Ethernet", changed(function(pkt) pkt:set_u8(43, 2) end))
  passes("a relay", changed(function(pkt) pkt:set_u8(42 + 24, 10) end))
  passes("another cookie", changed(function(pkt) pkt:set_u8(42 + 236, 0) end))
  passes("TCP", pv.build{eth = {src = mac_1, dst = me}, ip = {src = first, dst = server}, tcp = {dport = 67}})
  passes("ARP", pv.build{eth = {src = mac_1}, arp = {sha = mac_1, tpa = server}})
  passes("a tag", pv.build{
    eth = {src = mac_1}, vlan = {vid = 5}, ip = {dst = all}, udp = {sport = 68, dport = 67},
    payload = message(DISCOVER, mac_1).payload,
  })
  passes("a fragment", changed(function(pkt) pkt.ip.mf = true end))
end

function test_broken_messages()
  local whole = message(REQUEST, mac_1, {wanted = first, server = server, options = "\61\7\1abcdef"}).payload
  for n = 0, #whole do
    local pkt = message(DISCOVER, mac_1)
    pkt.payload = whole:sub(1, n)
    local verdict = test.handle(pkt)
    if n < 240 then test.equal(verdict, pv.PASS, n .. " bytes") end
  end
  is_silent(changed(function(pkt) pkt.payload = pkt.payload:sub(1, 240) .. "\255" end))
  for _ = 1, 300 do
    local bytes = {}
    for i = 1, 30 do bytes[i] = string.char(math.random(0, 255)) end
    test.handle(changed(function(pkt) pkt.payload = pkt.payload:sub(1, 243) .. table.concat(bytes) end))
  end
end
