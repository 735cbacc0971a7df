-- SPDX-License-Identifier: GPL-3.0-or-later

-- Tests of NAME.lua: "pvlua test NAME.lua" runs the functions here whose names begin with test_.
-- The script has been loaded before; test.handle gives its on_packet a packet, and returns the verdict and what has
-- become of the packet.

-- For the editor: the packets here have the headers that they are built with.
---@diagnostic disable: need-check-nil

local pv = require "pv"

-- Makes a datagram for our port. What is not said, such as lengths and checksums, is filled in.
local function datagram(data)
  return pv.build{
    eth = {src = pv.mac"02:00:00:00:00:aa", dst = pv.ports[1].mac},
    ip = {src = pv.ip"10.0.0.4", dst = pv.ip"10.0.0.5"},
    udp = {sport = 40000, dport = 4242},
    payload = data,
  }
end

local function message(version, kind, number, text)
  return string.pack(">BBHs2", version, kind, number, text)
end

function test_answers_requests()
  local verdict, pkt = test.handle(datagram(message(1, 1, 77, "Ada")))
  test.equal(verdict, pv.TX, "the verdict")
  test.equal(pkt.payload, message(1, 2, 77, "Hello, Ada!"), "the answer")
  test.equal(pv.ip_str(pkt.ip.dst), "10.0.0.4", "where it goes")
  test.equal(pkt.udp.dport, 40000, "the port it goes to")
end

function test_drops_what_is_no_request()
  test.equal(test.handle(datagram(message(1, 2, 77, "Ada"))), pv.DROP, "the verdict on an answer")
  test.equal(test.handle(datagram(message(2, 1, 77, "Ada"))), pv.DROP, "the verdict on another version")
end

-- Every message that is cut short, and lengths that lie.
function test_drops_broken_messages()
  local whole = message(1, 1, 77, "Ada")
  for n = 0, #whole - 1 do
    test.equal(test.handle(datagram(whole:sub(1, n))), pv.DROP, "the verdict on " .. n .. " bytes")
  end
end
