-- SPDX-License-Identifier: GPL-3.0-or-later

-- Tests of gen.lua: "pvlua test scripts/gen.lua" runs the functions here whose names begin with test_.

local pv = require "pv"

test.ports{{mac = "02:00:00:00:00:05", ip = "10.0.0.5", ip6 = "2001:db8::5"}}

local eth = {src = pv.mac"02:00:00:00:00:05", dst = pv.mac"02:00:00:00:00:04"}

-- Lets the time pass and looks at what was sent, and the log.
local function sends(seconds, want)
  test.advance(seconds)
  test.equal(test.sent(), want)
end

local function udp4(sport, dport, size)
  return pv.build{
    eth = eth, ip = {src = pv.ip"10.0.0.5", dst = pv.ip"10.0.0.4"},
    udp = {sport = sport, dport = dport}, payload = ("x"):rep(size - 42),
  }
end

function test_rate_count_and_totals()
  test.args{to = "10.0.0.4", mac = "02:00:00:00:00:04", rate = 10, count = 15, size = 100}
  test.advance(0.95)
  test.equal(#test.sent(), 10, "packets of the first second")
  test.equal(test.exited(), nil)
  local p = udp4(40000, 9, 100)
  sends(0.51, {p, p, p, p, p})
  test.equal(test.exited(), 0)
  sends(2, {})
  on_stop()
  test.equal(test.log(), {
    "gen.lua: sent 15 packets, 1500 bytes, in 1.400 s; no room for 0",
    "gen.lua: 10 packets/s, 0.008 Mbit/s",
  })
end

function test_flows()
  test.args{to = "10.0.0.4", mac = "02:00:00:00:00:04", rate = 1000, count = 5, size = 60, flows = 2, sport = 5000, dport = 7}
  local a, b = udp4(5000, 7, 60), udp4(5001, 7, 60)
  sends(1, {b, a, b, a, b})
end

function test_ipv6()
  test.args{to = "2001:db8::4", mac = "02:00:00:00:00:04", count = 1, size = 1514, from = "2001:db8::9"}
  local want = pv.build{
    eth = eth, ip6 = {src = pv.ip6"2001:db8::9", dst = pv.ip6"2001:db8::4"},
    udp = {sport = 40000, dport = 9}, payload = ("x"):rep(1452),
  }
  sends(1, {want})
end

function test_without_end()
  test.args{to = "10.0.0.4", mac = "02:00:00:00:00:04", rate = 100, count = 0}
  test.advance(30)
  test.equal(#test.sent(), 3001)
  test.equal(test.exited(), nil)
end

function test_passes_what_comes_in()
  test.args{to = "10.0.0.4", mac = "02:00:00:00:00:04"}
  test.equal(test.handle(udp4(1, 2, 60)), pv.PASS)
end
