-- SPDX-License-Identifier: GPL-3.0-or-later

-- Tests of tunnel.lua: "pvlua test scripts/tunnel.lua" runs the functions here whose names begin with test_.

local pv = require "pv"

test.ports{{name = "veth1"}}
test.args{"--bind", "192.0.2.1:5000", "--peer", "192.0.2.2:5001"}

local eth = {src = pv.mac"02:00:00:00:00:0a", dst = pv.mac"02:00:00:00:00:0b"}
local ip, ip6 = {src = 1, dst = 2}, {src = pv.ip6"2001:db8::1", dst = pv.ip6"2001:db8::2"}
local max_mss = 1500 - 40 - 8 - 18 - 40 - 20

local function segment(mss, headers)
  headers = headers or {}
  headers.eth, headers.ip = eth, not headers.ip6 and ip or nil
  headers.tcp = headers.tcp or {syn = true}
  headers.tcp.mss = mss
  return pv.build(headers)
end

-- Wants a frame to come out at the other end as another one, both ways.
local function becomes(pkt, want, what)
  test.equal(test.handle(pkt), pv.DROP, "verdict")
  test.equal(test.datagrams(), {{data = want:bytes(0, #want), address = pv.ip"192.0.2.2", port = 5001, own_port = 5000}}, what)
  test.equal(test.sent(), {}, "sent")
  test.equal(test.receive(pkt:bytes(0, #pkt), pv.ip"192.0.2.2", 5001), true, "taken")
  test.equal(test.sent(), {want}, what)
  test.equal(test.datagrams(), {}, "sent")
end

function test_frames_come_out_as_they_went_in()
  for what, pkt in pairs{
    ARP = pv.build{eth = eth, arp = {}},
    ping = pv.build{eth = eth, ip = ip, icmp = {}, payload = ("x"):rep(1472)},
    tagged = pv.build{eth = eth, vlan = {vid = 5}, ip6 = ip6, udp = {}, payload = ("x"):rep(1452)},
    other = pv.build{eth = {src = eth.src, dst = eth.dst, type = 0x88b5}, payload = "\0\1\2"},
    ["wrong checksum"] = pv.build{eth = eth, ip = {checksum = 1}, udp = {checksum = 2}},
    ["Ethernet header alone"] = pv.build{eth = eth},
  } do becomes(pkt, pkt, what) end
end

function test_mss_becomes_smaller()
  becomes(segment(1460), segment(max_mss))
  becomes(segment(max_mss + 1), segment(max_mss))
  becomes(segment(1440, {ip6 = ip6}), segment(max_mss, {ip6 = ip6}))
  becomes(segment(1460, {vlan = {vid = 5}}), segment(max_mss, {vlan = {vid = 5}}))
  becomes(segment(1460, {tcp = {syn = true, ack_flag = true}}), segment(max_mss, {tcp = {syn = true, ack_flag = true}}))
end

function test_mss_never_becomes_larger()
  becomes(segment(max_mss), segment(max_mss))
  becomes(segment(536), segment(536))
  becomes(segment(nil), segment(nil), "none")
end

-- The option means something in the first segments only (RFC 9293, 3.7.1).
function test_other_segments_stay()
  local later = segment(1460, {tcp = {ack_flag = true}})
  becomes(later, later)
end

-- A frame with all that may be around a segment fits.
function test_the_longest_segment_fits()
  local pkt = pv.build{eth = eth, vlan = {vid = 5}, ip6 = ip6, tcp = {}, payload = ("x"):rep(max_mss)}
  test.equal(#pkt + 8 + 40, 1500, "with the headers of UDP and IPv6")
end

function test_mtu()
  test.args{"--bind", "192.0.2.1:5000", "--peer", "192.0.2.2:5001", "--mtu", "9000"}
  becomes(segment(1460), segment(1460))
  becomes(segment(8960), segment(max_mss + 7500))
end

function test_strangers_are_not_heard()
  local pkt = segment(1460)
  test.equal(test.receive(pkt:bytes(0, #pkt), pv.ip"192.0.2.2", 5002), false, "taken from another port")
  test.equal(test.receive(pkt:bytes(0, #pkt), pv.ip"192.0.2.3", 5001), false, "taken from another host")
  test.equal(test.sent(), {}, "sent")
end

function test_what_is_no_frame_is_an_error()
  test.fails(function() test.receive("short") end, "a frame of 5 bytes is too short")
  test.fails(function() test.receive(("x"):rep(1519)) end, "a frame of 1519 bytes is too long for veth1")
  test.fails(function() test.receive(("x"):rep(5000)) end, "5000 bytes do not fit")
  test.equal(test.sent(), {}, "sent")
end
