-- SPDX-License-Identifier: GPL-3.0-or-later

-- Tests of arp_watch.lua: "pvlua test scripts/arp_watch.lua" runs the functions here whose names begin with test_.

local pv = require "pv"

test.ports{{name = "left"}, {name = "right"}}
test.args{stations = 50, forget = 100}

local mac_1, mac_2 = pv.mac"02:00:00:00:00:0a", pv.mac"02:00:00:00:00:0b"
local ip, ip6 = pv.ip"10.0.0.7", pv.ip6"2001:db8::7"

local function arp(mac, address, op, eth_src)
  return pv.build{eth = {src = eth_src or mac}, arp = {op = op or 1, sha = mac, spa = address, tpa = pv.ip"10.0.0.8"}}
end

local function nd(src, icmp6, hlim)
  return pv.build{eth = {src = mac_1}, ip6 = {src = src, dst = pv.ip6"ff02::1", hlim = hlim or 255}, icmp6 = icmp6}
end

-- Hands over a packet and looks at the line that is printed, if there is one.
local function says(pkt, line, port)
  local verdict, after = test.handle(pkt, port)
  test.equal(verdict, pv.PASS, "verdict")
  test.equal(after, pkt, "packet")
  test.equal(test.log(), {line})
end

function test_new_station_and_change()
  says(arp(mac_1, ip), "left: new station 10.0.0.7 at 02:00:00:00:00:0a")
  says(arp(mac_1, ip))
  says(arp(mac_1, ip, 2))
  says(arp(mac_2, ip, 2), "left: 10.0.0.7 moved from 02:00:00:00:00:0a to 02:00:00:00:00:0b")
  says(arp(mac_2, ip + 1), "left: new station 10.0.0.8 at 02:00:00:00:00:0b")
end

function test_each_interface_is_another_network()
  says(arp(mac_1, ip), "left: new station 10.0.0.7 at 02:00:00:00:00:0a")
  says(arp(mac_2, ip), "right: new station 10.0.0.7 at 02:00:00:00:00:0b", pv.ports[2])
end

function test_other_sender()
  says(arp(mac_1, ip), "left: new station 10.0.0.7 at 02:00:00:00:00:0a")
  says(arp(mac_1, ip, 2, mac_2), "left: 02:00:00:00:00:0b says that 10.0.0.7 is at 02:00:00:00:00:0a")
end

-- A host that asks whether anybody has the address it would like has none yet.
function test_no_address_yet()
  says(arp(mac_1, 0))
  says(nd(pv.ip6"::", {type = 135, target = ip6, slla = mac_1}))
end

function test_neighbour_discovery()
  says(nd(ip6, {type = 135, target = pv.ip6"2001:db8::8", slla = mac_1}), "left: new station 2001:db8::7 at 02:00:00:00:00:0a")
  says(nd(ip6, {type = 136, target = ip6, tlla = mac_2}), "left: 2001:db8::7 moved from 02:00:00:00:00:0a to 02:00:00:00:00:0b")
  says(nd(ip6, {type = 136, target = ip6}))
  says(nd(ip6, {type = 135, target = ip6, slla = mac_1}, 64))     -- it came through a router
  says(nd(ip6, {type = 128}))
end

function test_other_networks()
  local tagged = pv.build{eth = {src = mac_1}, vlan = {vid = 5}, arp = {sha = mac_1, spa = ip, tpa = ip}}
  says(tagged)
end

function test_forgets()
  says(arp(mac_1, ip), "left: new station 10.0.0.7 at 02:00:00:00:00:0a")
  test.advance(99)
  says(arp(mac_1, ip))
  test.advance(99)
  says(arp(mac_1, ip))
  test.advance(101)
  says(arp(mac_1, ip), "left: new station 10.0.0.7 at 02:00:00:00:00:0a")
end

function test_floods_are_bounded()
  for i = 1, 70 do test.handle(arp(mac_1, ip + i)) end            -- of which it remembers 50
  local lines = test.log()
  test.equal(table.remove(lines), "map stations left is full: new keys are refused")
  test.equal(#lines, 20, "lines")
  test.advance(1)
  test.equal(test.log(), {"and 30 more"})
  says(arp(mac_2, ip + 1), "left: 10.0.0.8 moved from 02:00:00:00:00:0a to 02:00:00:00:00:0b")
end
