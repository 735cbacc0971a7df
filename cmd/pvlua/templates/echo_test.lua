-- SPDX-License-Identifier: GPL-3.0-or-later

-- Tests of NAME.lua: "pvlua test NAME.lua" runs the functions here whose names begin with test_.
-- The script has been loaded before; test.handle gives its on_packet a packet, and returns the verdict and what has
-- become of the packet.

-- For the editor: the packets here have the headers that they are built with.
---@diagnostic disable: need-check-nil

local pv = require "pv"

-- Makes a datagram for our port. What is not said, such as lengths and checksums, is filled in.
local function datagram(sport, dport, data)
  return pv.build{
    eth = {src = pv.mac"02:00:00:00:00:aa", dst = pv.ports[1].mac},
    ip = {src = pv.ip"10.0.0.4", dst = pv.ip"10.0.0.5"},
    udp = {sport = sport, dport = dport},
    payload = data,
  }
end

function test_answers()
  local verdict, pkt = test.handle(datagram(40000, 7, "hello"))
  test.equal(verdict, pv.TX, "the verdict")
  test.equal(pkt.eth.dst, pv.mac"02:00:00:00:00:aa", "where it goes")
  test.equal(pv.ip_str(pkt.ip.dst), "10.0.0.4", "where it goes")
  test.equal(pkt.udp.dport, 40000, "the port it goes to")
  test.equal(pkt.payload, "hello", "what it says")
end

function test_leaves_the_rest_alone()
  test.equal(test.handle(datagram(40000, 53, "hello")), pv.PASS, "the verdict on another port")
end

function test_does_not_echo_echoes()
  test.equal(test.handle(datagram(7, 7, "hello")), pv.DROP, "the verdict")
end
