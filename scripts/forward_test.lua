-- SPDX-License-Identifier: GPL-3.0-or-later

-- Tests of forward.lua: "pvlua test scripts/forward.lua" runs the functions here whose names begin with test_.

local pv = require "pv"

test.ports{{name = "left"}, {name = "right"}}

local left, right = pv.ports[1], pv.ports[2]
local eth = {src = pv.mac"02:00:00:00:00:0a", dst = pv.mac"02:00:00:00:00:0b"}
local ip = {src = pv.ip"10.0.0.1", dst = pv.ip"10.0.0.2", ttl = 1}
local ip6 = {src = pv.ip6"2001:db8::1", dst = pv.ip6"2001:db8::2", hlim = 1}

-- One of each kind that there is on a network.
local kinds = {
  ["ARP"] = pv.build{eth = {src = eth.src, dst = pv.mac"ff:ff:ff:ff:ff:ff"}, arp = {op = 1, spa = ip.src, tpa = ip.dst}},
  ["a ping"] = pv.build{eth = eth, ip = ip, icmp = {type = 8}, payload = "hello"},
  ["a datagram"] = pv.build{eth = eth, ip = ip, udp = {sport = 1, dport = 7}, payload = ("x"):rep(1472)},
  ["a segment"] = pv.build{eth = eth, ip = ip, tcp = {sport = 1, dport = 80, syn = true, mss = 1460}},
  ["a wrong checksum"] = pv.build{eth = eth, ip = {src = ip.src, dst = ip.dst, checksum = 1}, udp = {checksum = 2}},
  ["a fragment"] = pv.build{eth = eth, ip = {src = ip.src, dst = ip.dst, frag = 9, mf = true, proto = 17}, payload = "12345678"},
  ["neighbour solicitation"] = pv.build{eth = eth, ip6 = ip6, icmp6 = {type = 135, target = ip6.dst, slla = eth.src}},
  ["a datagram of IPv6"] = pv.build{eth = eth, ip6 = ip6, udp = {sport = 1, dport = 7}, payload = "hello"},
  ["a tag"] = pv.build{eth = eth, vlan = {vid = 5, pcp = 3}, ip = ip, udp = {dport = 7}},
  ["two tags"] = pv.build{eth = eth, vlan = {vid = 5}, vlan2 = {vid = 6}, ip = ip, udp = {dport = 7}},
  ["spanning tree"] = pv.build{eth = {src = eth.src, dst = pv.mac"01:80:c2:00:00:00", type = 38}, payload = ("\66"):rep(46)},
  ["an unknown ethertype"] = pv.build{eth = {src = eth.src, dst = eth.dst, type = 0x88b5}, payload = "what"},
  ["an Ethernet header alone"] = pv.build{eth = eth},
  ["a packet to the port itself"] = pv.build{eth = {src = eth.src, dst = left.mac}, ip = {src = ip.src, dst = left.ip}, udp = {dport = 7}},
}

local function goes(pkt, from, to, what)
  local verdict, after = test.handle(pkt, from)
  test.equal(verdict, to, what .. ": verdict")
  test.equal(after, pkt, what)
  test.equal(test.sent(), {}, what .. ": sent besides")
end

function test_from_left_to_right()
  for what, pkt in pairs(kinds) do goes(pkt, left, right, what) end
end

function test_from_right_to_left()
  for what, pkt in pairs(kinds) do goes(pkt, right, left, what) end
end

-- Not even the hop count changes: it is a cable, not a router.
function test_forwards_what_a_router_would_drop()
  for ttl = 0, 1 do
    goes(pv.build{eth = eth, ip = {src = ip.src, dst = ip.dst, ttl = ttl}, udp = {}}, left, right, "ttl " .. ttl)
  end
end

function test_broken_packets()
  local whole = kinds["a segment"]
  for length = 0, #whole do
    local cut = whole:bytes(0, length)
    local verdict, after = test.handle(cut, left)
    test.equal(verdict, right, length .. " bytes: verdict")
    test.equal(after:bytes(0, #after), cut, length .. " bytes")
  end
end

-- The first port on the command line is one end, the second the other, whatever they are called.
function test_ports_by_place()
  test.ports{{name = "b"}, {name = "a"}}
  goes(kinds["a ping"], pv.ports.b, pv.ports.a, "b to a")
  goes(kinds["a ping"], pv.ports.a, pv.ports.b, "a to b")
end
