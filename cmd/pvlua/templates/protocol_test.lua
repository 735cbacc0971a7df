-- SPDX-License-Identifier: GPL-3.0-or-later

-- Tests of NAME.lua: "pvlua test NAME.lua" runs the functions here whose names begin with test_.
-- The script has been loaded before; test.handle gives its on_packet a packet, and returns the verdict and what has
-- become of the packet.

-- For the editor: the packets here have the headers that they are built with.
---@diagnostic disable: need-check-nil

local pv = require "pv"

-- Makes a datagram for our port. What is not said, such as lengths and checksums, is filled in.
local function datagram(message, data)
  return pv.build{
    eth = {src = pv.mac"02:00:00:00:00:aa", dst = pv.ports[1].mac},
    ip = {src = pv.ip"10.0.0.4", dst = pv.ip"10.0.0.5"},
    udp = {sport = 40000, dport = 4242},
    greeting = message,
    payload = data,
  }
end

function test_answers_requests()
  local verdict, pkt = test.handle(datagram{number = 77, text = "Ada"})
  test.equal(verdict, pv.TX, "the verdict")
  test.equal(pkt.greeting.kind, 2)
  test.equal(pkt.greeting.number, 77, "the number")
  test.equal(pkt.greeting.text, "Hello, Ada!", "the answer")
  test.equal(pv.ip_str(pkt.ip.dst), "10.0.0.4", "where it goes")
  test.equal(pkt.udp.dport, 40000, "the port it goes to")
end

function test_drops_what_is_no_request()
  test.equal(test.handle(datagram{kind = 2, text = "Ada"}), pv.DROP, "the verdict on an answer")
  test.equal(test.handle(datagram{version = 2, text = "Ada"}), pv.DROP, "the verdict on another version")
end

-- Every message that is cut short, and lengths that lie.
function test_drops_broken_messages()
  local whole = string.pack(">BBHs2", 1, 1, 77, "Ada") -- two bytes, a number of 2 bytes, a text after its length
  test.equal(test.handle(datagram(nil, whole)), pv.TX, "the verdict on all of it")
  for n = 0, #whole - 1 do
    test.equal(test.handle(datagram(nil, whole:sub(1, n))), pv.DROP, "the verdict on " .. n .. " bytes")
  end
end
