-- SPDX-License-Identifier: GPL-3.0-or-later

-- Tests of ping.lua: "pvlua test scripts/ping.lua" runs the functions here whose names begin with test_.

local pv = require "pv"

test.ports{{name = "eth0", mac = "02:00:00:00:00:05", ip = "10.0.0.5"}}

local me, peer, router = pv.ports[1].mac, pv.mac"02:00:00:00:00:04", pv.mac"02:00:00:00:00:01"
local my_ip, peer_ip = pv.ip"10.0.0.5", pv.ip"10.0.0.4"

local function who_has(address)
  return pv.build{eth = {src = me}, arp = {op = 1, sha = me, spa = my_ip, tpa = address}}
end

local function is_at(address, mac)
  return pv.build{eth = {src = mac, dst = me}, arp = {op = 2, sha = mac, spa = address, tha = me, tpa = my_ip}}
end

local function ping(seq, mac, address)
  return pv.build{
    eth = {src = me, dst = mac or peer}, ip = {src = my_ip, dst = address or peer_ip},
    icmp = {type = 8, id = 0x7076, seq = seq}, payload = ("x"):rep(56),
  }
end

local function pong(seq, ttl)
  local pkt = ping(seq)
  pkt:reply()
  pkt.icmp.type, pkt.ip.ttl = 0, ttl or 64
  return pkt
end

-- Lets the time pass and looks at what was sent.
local function sends(seconds, want)
  test.advance(seconds)
  test.equal(test.sent(), want)
end

function test_pings_and_summary()
  test.args{to = "10.0.0.4", count = 3}
  sends(0, {who_has(peer_ip)})
  test.advance(0.5)
  test.equal(test.handle(is_at(peer_ip, peer)), pv.PASS)
  test.equal(test.sent(), {ping(1)})
  test.advance(0.01)
  test.equal(test.handle(pong(1)), pv.DROP)
  sends(0.5, {ping(2)})
  sends(1, {ping(3)})
  test.advance(0.03)
  test.equal(test.handle(pong(3, 5)), pv.DROP)
  test.equal(test.exited(), nil)
  test.advance(1)
  test.equal(test.exited(), 0)
  on_stop()
  test.equal(test.log(), {
    "PING 10.0.0.4 from 10.0.0.5 eth0: 56 bytes of data",
    "64 bytes from 10.0.0.4: seq=1 ttl=64 time=10.000 ms",
    "64 bytes from 10.0.0.4: seq=3 ttl=5 time=40.000 ms",
    "--- 10.0.0.4: 3 sent, 2 answered, 1 lost",
    "round trip min/avg/max = 10.000/25.000/40.000 ms",
  })
end

function test_ends_when_all_are_answered()
  test.args{to = "10.0.0.4", count = 1}
  sends(0, {who_has(peer_ip)})
  test.handle(is_at(peer_ip, peer))
  test.handle(pong(1))
  test.equal(test.exited(), 0)
end

function test_no_answer()
  test.args{to = "10.0.0.4", count = 2, interval = 0.5, timeout = 2}
  sends(2.4, {who_has(peer_ip), who_has(peer_ip)})
  test.equal(test.exited(), nil)
  test.advance(0.2)
  test.equal(test.exited(), 1)
  on_stop()
  test.equal(test.log(), {"PING 10.0.0.4 from 10.0.0.5 eth0: 56 bytes of data", "--- 10.0.0.4: 2 sent, 0 answered, 2 lost"})
end

function test_router()
  test.args{to = "192.0.2.9", via = "10.0.0.1"}
  sends(0, {who_has(pv.ip"10.0.0.1")})
  test.handle(is_at(pv.ip"10.0.0.1", router))
  test.equal(test.sent(), {ping(1, router, pv.ip"192.0.2.9")})
end

function test_answers_count_once()
  test.args{to = "10.0.0.4", count = 2}
  sends(0, {who_has(peer_ip)})
  test.handle(is_at(peer_ip, peer))
  test.handle(is_at(peer_ip, peer))
  test.equal(test.sent(), {ping(1)})
  for _ = 1, 3 do test.equal(test.handle(pong(1)), pv.DROP) end
  test.equal(test.handle(pong(7)), pv.DROP, "an answer that nobody asked for")
  test.equal(#test.log(), 2)
end

function test_passes_the_rest()
  test.args{to = "10.0.0.4"}
  sends(0, {who_has(peer_ip)})
  local other = pong(1)
  other.icmp.id = 5
  test.equal(test.handle(other), pv.PASS, "an answer to a ping of the kernel")
  other = pong(1)
  other.ip.src = pv.ip"10.0.0.7"
  test.equal(test.handle(other), pv.PASS, "an answer of somebody else")
  test.equal(test.handle(who_has(my_ip)), pv.PASS, "a question for our address")
  test.equal(test.handle(is_at(pv.ip"10.0.0.7", router)), pv.PASS, "the address of somebody else")
  test.equal(test.sent(), {})
end
