-- SPDX-License-Identifier: GPL-3.0-or-later

-- Tests of firewall.lua: "pvlua test scripts/firewall.lua" runs the functions here whose names begin with test_. They go by
-- the tables that are in the script.

local pv = require "pv"

test.ports{{name = "left"}, {name = "right"}}

local left, right = pv.ports[1], pv.ports[2]

local function packet(src, dst, headers)
  headers = headers or {}
  if src:find(":") then
    headers.ip6 = headers.ip6 or {}
    headers.ip6.src, headers.ip6.dst = pv.ip6(src), pv.ip6(dst)
  else
    headers.ip = headers.ip or {}
    headers.ip.src, headers.ip.dst = pv.ip(src), pv.ip(dst)
  end
  return pv.build(headers)
end

local function allows(pkt, what)
  for _, way in ipairs{{left, right}, {right, left}} do
    local verdict, after = test.handle(pkt, way[1])
    test.equal(verdict, way[2], (what or tostring(pkt)) .. ": verdict")
    test.equal(after, pkt, what)
  end
end

local function drops(pkt, what)
  for _, port in ipairs{left, right} do
    test.equal(test.handle(pkt, port), pv.DROP, (what or tostring(pkt)) .. ": verdict")
  end
end

local here, there, here6, there6 = "10.0.0.4", "10.0.0.5", "2001:db8::4", "2001:db8::5"

function test_addresses()
  for _, bad in ipairs{"192.0.2.66", "198.51.100.7"} do
    drops(packet(bad, there, {icmp = {}}))
    drops(packet(here, bad, {tcp = {dport = 80}}))
    drops(packet(here, bad, {ip = {frag = 9, proto = 17}, payload = "a later fragment"}))
  end
  drops(packet("2001:db8::66", there6, {icmp6 = {}}))
  drops(packet(here6, "2001:db8::66", {udp = {}, vlan = {vid = 5}}))
  allows(packet("192.0.2.67", there, {icmp = {}}))
  allows(packet("2001:db8::67", there6, {icmp6 = {}}))
end

function test_the_first_rule_that_fits()
  allows(packet(here, there, {tcp = {dport = 22}}))
  drops(packet("10.0.0.9", there, {tcp = {dport = 22}}))
  drops(packet(here, "10.0.0.9", {tcp = {dport = 22}}))
  drops(packet(here6, there6, {tcp = {dport = 22}}))
end

function test_what_a_rule_says_must_all_fit()
  drops(packet(here, there, {tcp = {dport = 23}}))
  drops(packet(here6, there6, {tcp = {dport = 23}}))
  allows(packet(here, there, {udp = {dport = 23}}))
  allows(packet(here, there, {tcp = {sport = 23, dport = 40000}}), "an answer")
  drops(packet(here, there, {udp = {sport = 4000, dport = 5000}}))
  allows(packet(here, there, {udp = {sport = 4001, dport = 5000}}))
  allows(packet(here, there, {udp = {sport = 4000, dport = 5001}}))
  allows(packet("10.0.0.9", there, {udp = {sport = 4000, dport = 5000}}))
  allows(packet(here, "10.0.0.9", {udp = {sport = 4000, dport = 5000}}))
  allows(packet(here, there, {tcp = {sport = 4000, dport = 5000}}))
end

function test_what_no_rule_is_about()
  allows(packet(here, there, {icmp = {}}))
  allows(packet(here, there, {ip = {proto = 47}, payload = "another protocol"}))
  allows(pv.build{arp = {}})
  allows(pv.build{eth = {type = 0x88b5}, payload = "what"})
end

-- Rules can't see what such a packet is, and a host may put it together with others.
function test_cut_short()
  local syn = packet(here, there, {tcp = {dport = 23}})
  for length = 15, #syn - 1 do
    local cut = pv.packet(syn:bytes(0, length))
    if cut.ip then drops(cut, length .. " bytes") end
  end
  drops(packet(here, there, {ip = {mf = true, proto = 6}, payload = "\0\0\0\23\0\0\0\0"}), "a tiny fragment")
  drops(packet(here6, there6, {ip6 = {nexthdr = 60}, payload = "\6"}), "an extension header that is cut short")
  allows(packet(here, there, {ip = {frag = 1, proto = 6}, payload = "a later fragment"}))
end

function test_one_interface_stands_before_the_kernel()
  test.ports(1)
  test.equal(test.handle(packet(here, there, {tcp = {dport = 22}})), pv.PASS, "verdict")
  test.equal(test.handle(packet(here, there, {tcp = {dport = 23}})), pv.DROP, "verdict")
end
