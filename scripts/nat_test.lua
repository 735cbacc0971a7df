-- SPDX-License-Identifier: GPL-3.0-or-later

-- Tests of nat.lua: "pvlua test scripts/nat.lua" runs the functions here whose names begin with test_.

local pv = require "pv"

test.ports{
  {name = "inside", mac = "02:00:00:00:00:01", ip = "10.0.0.1"},
  {name = "outside", mac = "02:00:00:00:00:02", ip = "192.0.2.1"},
}

local inside, outside = pv.ports[1], pv.ports[2]
local host, server = pv.ip"10.0.0.4", pv.ip"192.0.2.5"
local host_mac, server_mac = pv.mac"02:00:00:00:00:0a", pv.mac"02:00:00:00:00:0b"

-- Packets as they are inside and outside, from the host to the server. The port of nat.lua is what it chose.
local function from_host(headers)
  headers.eth = {src = host_mac, dst = inside.mac}
  headers.ip = {src = headers.src or host, dst = headers.dst or server, ttl = headers.ttl, mf = headers.mf}
  headers.src, headers.dst, headers.ttl, headers.mf = nil, nil, nil, nil
  return pv.build(headers)
end

local function to_server(headers)
  headers.eth = {src = outside.mac, dst = server_mac}
  headers.ip = {src = outside.ip, dst = headers.dst or server, ttl = headers.ttl or 63}
  headers.dst, headers.ttl = nil, nil
  return pv.build(headers)
end

local function from_server(headers)
  headers.eth = {src = server_mac, dst = outside.mac}
  headers.ip = {src = headers.src or server, dst = outside.ip, ttl = headers.ttl}
  headers.src, headers.ttl = nil, nil
  return pv.build(headers)
end

local function to_host(headers)
  headers.eth, headers.ip = {src = inside.mac, dst = host_mac}, {src = server, dst = headers.dst or host, ttl = 63}
  headers.dst = nil
  return pv.build(headers)
end

local function arp_reply(from, mac)
  local arp = {op = 2, sha = mac, spa = from, tha = outside.mac, tpa = outside.ip}
  return pv.build{eth = {src = mac, dst = outside.mac}, arp = arp}
end

local function know_server()
  test.equal(test.handle(arp_reply(server, server_mac), outside), pv.PASS, "verdict")
end

local function passes(pkt, port, what)
  local verdict, after = test.handle(pkt, port)
  test.equal(verdict, pv.PASS, what .. ": verdict")
  test.equal(after, pkt, what)
  test.equal(test.sent(), {}, what .. ": sent")
end

-- Sends a datagram out and gives the port that it has then, nil if it was dropped.
local function out(sport, dport, src)
  local verdict, pkt = test.handle(from_host{udp = {sport = sport, dport = dport}, src = src}, inside)
  if verdict == pv.DROP then return nil end
  test.equal(verdict, outside, "verdict")
  return pkt.udp.sport
end

function test_tcp_and_udp()
  know_server()
  for _, kind in ipairs{"tcp", "udp"} do
    local verdict, pkt = test.handle(from_host{[kind] = {sport = 4000, dport = 80}, payload = "hello"}, inside)
    test.equal(verdict, outside, "verdict")
    local port = pkt[kind].sport
    test.equal(port > 61000 and port <= 65500, true, "a port of its own")
    test.equal(pkt, to_server{[kind] = {sport = port, dport = 80}, payload = "hello"})
    verdict, pkt = test.handle(from_server{[kind] = {sport = 80, dport = port}, payload = "welcome"}, outside)
    test.equal(verdict, inside, "verdict")
    test.equal(pkt, to_host{[kind] = {sport = 80, dport = 4000}, payload = "welcome"})
  end
end

function test_ping()
  know_server()
  local verdict, pkt = test.handle(from_host{icmp = {type = 8, id = 77, seq = 3}, payload = "hello"}, inside)
  test.equal(verdict, outside, "verdict")
  local id = pkt.icmp.id
  test.equal(pkt, to_server{icmp = {type = 8, id = id, seq = 3}, payload = "hello"})
  verdict, pkt = test.handle(from_server{icmp = {type = 0, id = id, seq = 3}, payload = "hello"}, outside)
  test.equal(verdict, inside, "verdict")
  test.equal(pkt, to_host{icmp = {type = 0, id = 77, seq = 3}, payload = "hello"})
end

function test_the_first_packet_waits()
  local request = pv.build{eth = {src = outside.mac}, arp = {op = 1, sha = outside.mac, spa = outside.ip, tpa = server}}
  test.equal(test.handle(from_host{udp = {sport = 4000, dport = 7}, payload = "first"}, inside), pv.DROP, "verdict")
  test.equal(test.sent(outside), {request})
  -- Only one waits for each neighbour, and who answers is asked once a second.
  test.equal(test.handle(from_host{udp = {sport = 4000, dport = 7}, payload = "second"}, inside), pv.DROP, "verdict")
  test.equal(test.sent(), {})
  know_server()
  local sent = test.sent()
  test.equal(#sent, 1, "sent")
  test.equal(sent[1].port, outside, "by")
  test.equal(sent[1], to_server{udp = {sport = sent[1].udp.sport, dport = 7}, payload = "first"})
  test.equal(out(4000, 7), sent[1].udp.sport, "port")
  test.equal(test.sent(), {})
end

function test_asks_again_after_a_second()
  for _ = 1, 3 do
    out(4000, 7)
    test.equal(#test.sent(), 1, "requests")
    test.advance(1)
  end
end

function test_neighbours_may_move()
  local mac, other = pv.mac"02:00:00:00:00:0c", pv.mac"02:00:00:00:00:0d"
  know_server()
  -- It says so to all (RFC 5227).
  test.handle(pv.build{eth = {src = mac}, arp = {op = 1, sha = mac, spa = server, tpa = server}}, outside)
  local _, pkt = test.handle(from_host{udp = {dport = 7}}, inside)
  test.equal(pkt.eth.dst, mac, "MAC")
  -- What others say to each other fills no table.
  test.handle(pv.build{arp = {op = 1, sha = other, spa = pv.ip"192.0.2.77", tpa = server}}, outside)
  test.equal(test.handle(from_host{udp = {dport = 7}, dst = pv.ip"192.0.2.77"}, inside), pv.DROP, "verdict")
  -- ARP inside says nothing of outside.
  test.equal(test.handle(pv.build{arp = {op = 2, sha = other, spa = server, tpa = inside.ip}}, inside), pv.PASS, "verdict")
  _, pkt = test.handle(from_host{udp = {dport = 7}}, inside)
  test.equal(pkt.eth.dst, mac, "MAC")
end

function test_flows_are_told_apart()
  know_server()
  local first = out(4000, 7)
  test.equal(out(4000, 7), first, "the same flow")
  local ports = {[first] = true}
  for _, other in ipairs{{4001, 7}, {8500, 7}, {4000, 7, pv.ip"10.0.0.44"}} do
    local port = out(other[1], other[2], other[3])
    test.equal(ports[port], nil, "another flow has the same port")
    ports[port] = true
  end
end

function test_only_answers_get_in()
  know_server()
  local port = out(4000, 7)
  passes(from_server{udp = {sport = 8, dport = port}}, outside, "from another port")
  passes(from_server{udp = {sport = 7, dport = port}, src = pv.ip"192.0.2.6"}, outside, "from another host")
  passes(from_server{udp = {sport = 7, dport = port == 65500 and 61001 or port + 1}}, outside, "to another port")
  passes(from_server{tcp = {sport = 7, dport = port}}, outside, "by another protocol")
  passes(from_server{icmp = {type = 8, id = 1}}, outside, "a ping")
  test.equal(test.handle(from_server{udp = {sport = 7, dport = port}}, outside), inside, "verdict")
end

function test_what_is_the_kernels()
  know_server()
  test.sent()
  passes(from_host{udp = {dport = 53}, dst = inside.ip}, inside, "to the gateway")
  passes(from_host{udp = {dport = 53}, dst = outside.ip}, inside, "to the gateway from the other side")
  passes(from_host{udp = {}, ttl = 1}, inside, "at the end of its life")
  passes(from_host{udp = {}, mf = true}, inside, "a fragment")
  passes(from_host{icmp = {type = 3}}, inside, "an ICMP error")
  passes(pv.build{eth = {src = host_mac}, ip = {src = host, dst = pv.ip"10.0.0.255"}, udp = {}}, inside, "broadcast")
  passes(pv.build{eth = {src = host_mac, dst = inside.mac}, ip6 = {}, udp = {}}, inside, "IPv6")
  local tagged = pv.build{eth = {dst = inside.mac}, vlan = {vid = 5}, ip = {src = host, dst = server}, udp = {}}
  passes(tagged, inside, "tagged")
  passes(pv.build{eth = {src = server_mac}, arp = {op = 1, sha = server_mac, spa = server, tpa = outside.ip}}, outside, "ARP")
end

function test_silent_flows_are_forgotten()
  test.args{"--flows", "2", "--timeout", "10"}
  know_server()
  local first, second = out(4000, 7), out(4001, 7)
  test.advance(6)
  test.equal(out(4000, 7), first, "the first flow")
  test.equal(out(4002, 7), nil, "a third flow")
  test.advance(6)                                      -- the second is silent for 12 seconds now
  test.equal(test.handle(from_server{udp = {sport = 7, dport = first}}, outside), inside, "verdict on an answer to the first")
  test.equal(test.handle(from_server{udp = {sport = 7, dport = second}}, outside), pv.PASS, "verdict on one to the second")
  test.advance(6)                                      -- the answer has kept the first one
  test.equal(out(4000, 7), first, "the first flow")
  test.equal(out(4002, 7) ~= nil, true, "a third flow when one is forgotten")
  test.equal(out(4003, 7), nil, "a fourth flow")
end

-- Ports that are in use are left out, and are no reason not to forget a flow.
function test_ports_come_round()
  test.args{"--flows", "5000", "--timeout", "10"}
  know_server()
  local old = out(1, 7)
  for i = 2, 4500 do
    test.equal(out(i, 7) ~= old, true, "has a port that is in use")
  end
  test.equal(out(1, 8) ~= nil, true, "to another port of the server there are as many again")
  test.advance(6)
  test.equal(out(4501, 7), nil, "a flow when all ports are in use")
  test.advance(6)
  test.equal(out(4501, 7) ~= nil, true, "a flow when all are forgotten")
end

function test_gateway()
  test.args{"--gateway", "192.0.2.5"}
  know_server()
  local far = pv.ip"203.0.113.7"
  local verdict, pkt = test.handle(from_host{udp = {sport = 4000, dport = 7}, dst = far}, inside)
  test.equal(verdict, outside, "verdict")
  test.equal(pkt, to_server{udp = {sport = pkt.udp.sport, dport = 7}, dst = far})
end
