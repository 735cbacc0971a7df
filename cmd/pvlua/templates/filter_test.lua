-- SPDX-License-Identifier: GPL-3.0-or-later

-- Tests of NAME.lua: "pvlua test NAME.lua" runs the functions here whose names begin with test_.
-- The script has been loaded before; test.handle gives its on_packet a packet that came in on a port, and returns the
-- verdict.

-- For the editor: the packets here have the headers that they are built with.
---@diagnostic disable: need-check-nil

local pv = require "pv"

-- Makes a TCP segment. What is not said, such as lengths and checksums, is filled in.
local function segment(src, dport)
  return pv.build{
    eth = {src = pv.mac"02:00:00:00:00:aa", dst = pv.mac"02:00:00:00:00:bb"},
    ip = {src = pv.ip(src), dst = pv.ip"10.0.0.5"},
    tcp = {sport = 40000, dport = dport, syn = true},
  }
end

function test_forwards_both_ways()
  test.ports(2)
  local left, right = pv.ports[1], pv.ports[2]
  test.equal(test.handle(segment("10.0.0.4", 80), left), right, "the way from left to right")
  test.equal(test.handle(segment("10.0.0.4", 80), right), left, "the way from right to left")
end

function test_drops_what_the_rules_say()
  test.ports(2)
  test.equal(test.handle(segment("10.0.0.4", 23), pv.ports[1]), pv.DROP, "the verdict on telnet")
  test.equal(test.handle(segment("192.0.2.66", 80), pv.ports[1]), pv.DROP, "the verdict on a packet of the bad host")
end

function test_forwards_what_is_not_ip()
  test.ports(2)
  local arp = pv.build{eth = {dst = pv.mac"ff:ff:ff:ff:ff:ff"}, arp = {op = 1, tpa = pv.ip"10.0.0.5"}}
  test.equal(test.handle(arp, pv.ports[1]), pv.ports[2], "the way out of ARP")
end
