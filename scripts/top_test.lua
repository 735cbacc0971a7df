-- SPDX-License-Identifier: GPL-3.0-or-later

-- Tests of top.lua: "pvlua test scripts/top.lua" runs the functions here whose names begin with test_.

local pv = require "pv"

-- Makes a datagram of so many bytes in all.
local function datagram(src, dst, size)
  return pv.build{ip = {src = pv.ip(src), dst = pv.ip(dst)}, udp = {dport = 7}, payload = ("x"):rep(size - 42)}
end

local function handle(n, pkt, verdict, port)
  for _ = 1, n do test.equal(test.handle(pkt, port), verdict or pv.PASS) end
end

local function says(...)
  test.equal(test.log(), {"", ...})
end

function test_sorted_by_bytes()
  handle(1, datagram("10.0.0.1", "10.0.0.2", 1250))
  handle(3, datagram("10.0.0.2", "10.0.0.1", 1000))
  local ip6 = {src = pv.ip6"2001:db8::1", dst = pv.ip6"2001:db8::2"}
  handle(2, pv.build{ip6 = ip6, udp = {dport = 7}, payload = ("x"):rep(1188)})
  handle(1, pv.build{arp = {tpa = pv.ip"10.0.0.2"}})
  test.advance(1)
  says(
    "       0.054 Mbit/s  in all",
    "       0.024 Mbit/s  10.0.0.2 > 10.0.0.1",
    "       0.020 Mbit/s  2001:db8::1 > 2001:db8::2",
    "       0.010 Mbit/s  10.0.0.1 > 10.0.0.2",
    "       0.000 Mbit/s  the rest")
end

function test_each_second_anew()
  handle(1, datagram("10.0.0.1", "10.0.0.2", 1250))
  test.advance(1)
  test.log()
  handle(2, datagram("10.0.0.3", "10.0.0.2", 1250))
  test.advance(1)
  says("       0.020 Mbit/s  in all", "       0.020 Mbit/s  10.0.0.3 > 10.0.0.2", "       0.000 Mbit/s  the rest")
  test.advance(1)
  says("       0.000 Mbit/s  in all", "       0.000 Mbit/s  the rest")
end

-- Forgotten after a minute, counted from nothing when it is back.
function test_after_a_pause()
  handle(9, datagram("10.0.0.1", "10.0.0.2", 1250))
  test.advance(100)
  test.log()
  handle(1, datagram("10.0.0.1", "10.0.0.2", 1250))
  test.advance(1)
  says("       0.010 Mbit/s  in all", "       0.010 Mbit/s  10.0.0.1 > 10.0.0.2", "       0.000 Mbit/s  the rest")
end

function test_bounds()
  test.args{pairs = 2, lines = 1, every = 2}
  for i = 1, 4 do handle(5 - i, datagram("10.0.0." .. i, "10.0.0.9", 1250)) end
  test.equal(test.log(), {"map bytes is full: new keys are refused"})
  test.advance(2)
  says("       0.050 Mbit/s  in all", "       0.020 Mbit/s  10.0.0.1 > 10.0.0.9", "       0.030 Mbit/s  the rest")
end

function test_cable()
  test.ports(2)
  local left, right = pv.ports[1], pv.ports[2]
  handle(1, datagram("10.0.0.1", "10.0.0.2", 1250), right, left)
  handle(1, datagram("10.0.0.2", "10.0.0.1", 500), left, right)
  handle(1, pv.build{arp = {tpa = pv.ip"10.0.0.2"}}, left, right)
  test.advance(1)
  says(
    "       0.014 Mbit/s  in all",
    "       0.010 Mbit/s  10.0.0.1 > 10.0.0.2",
    "       0.004 Mbit/s  10.0.0.2 > 10.0.0.1",
    "       0.000 Mbit/s  the rest")
end
