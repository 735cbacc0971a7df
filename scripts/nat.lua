-- SPDX-License-Identifier: GPL-3.0-or-later

-- nat.lua lets the hosts of an inside network reach an outside one behind a single address, that of the outside interface:
-- TCP, UDP and pings over IPv4. Each flow from within has a port (for pings, an id) of that address for itself, and only
-- answers to it get in. Silent flows are forgotten. There are only so many: beyond that new ones get nowhere.
-- All else is the kernel's, with ARP for its own addresses. Fragments and ICMP errors are not translated.
--
--   pvlua veth0 veth2 scripts/nat.lua -- --gateway 192.0.2.1
--   (inside, outside; the hosts inside have the address of veth0 as their gateway, and the kernel does not forward)
--
-- How to read it: pvlua calls on_packet for each packet. A map is a table that is bounded and forgets. Two dashes begin a
-- comment, and ~= means "not equal".

local pv = require "pv"

local gateway = pv.arg{name = "gateway", type = "ip", help = "the router outside; without one all addresses are neighbours"}
local timeout = pv.arg{name = "timeout", default = 300, min = 1, help = "seconds of silence after which a flow is forgotten"}
local max     = pv.arg{name = "flows", type = "integer", default = 10000, min = 1, help = "how many flows there can be"}

if #pv.ports ~= 2 then error("nat.lua needs two interfaces: pvlua INSIDE OUTSIDE scripts/nat.lua", 0) end
local inside, outside = pv.ports[1], pv.ports[2]

local flows = pv.map{name = "flows", max = max, ttl = timeout}    -- a flow as seen inside: our port
local hosts = pv.map{name = "hosts", max = max, ttl = timeout}    -- a flow as seen outside: MAC, address and port inside
local macs  = pv.map{name = "macs", max = 1000, ttl = 300}        -- an address outside: its MAC
local waits = pv.map{name = "waits", max = 100, ttl = 1}          -- an address outside: a packet that waits for its MAC

local function flow(proto, near, near_port, far, far_port)
  return string.pack(">BI4I2I4I2", proto, near, near_port, far, far_port)
end

-- The header with the ports, the name of the near one, and the far one; nothing if the packet can't be translated.
local function transport(pkt, near, far, echo)
  local ip, icmp, header = pkt.ip, pkt.icmp, pkt.tcp or pkt.udp
  if not ip or ip.mf or ip.frag > 0 or ip.ttl < 2 then return end
  if header then return header, near, header[far] end
  if icmp and icmp.type == echo then return icmp, "id", 0 end
end

local first, ports = 61000, 4500                                  -- Linux gives these ports to no program by itself
local last_port = math.random(ports)

local function new_port(ip, far, host)
  for _ = 1, ports do
    last_port = last_port % ports + 1
    local free = hosts:insert(flow(ip.proto, outside.ip, first + last_port, ip.dst, far), host)
    if free then return first + last_port elseif free == nil then return end
  end
end

-- Sends a packet to the next hop's MAC; one for an unknown MAC waits until it is known.
local function deliver(pkt, hop)
  local mac = macs:get(hop)
  if mac then
    pkt.eth.dst = mac
    return outside
  end
  if waits:insert(hop, pkt:bytes(0, #pkt)) then
    outside:send(pv.build{eth = {src = outside.mac}, arp = {sha = outside.mac, spa = outside.ip, tpa = hop}})
  end
  return pv.DROP
end

local function outward(pkt)
  local eth, ip, header, near, far = pkt.eth, pkt.ip, transport(pkt, "sport", "dport", 8)
  if not header or eth.dst ~= inside.mac or inside:owns(ip.dst) or outside:owns(ip.dst) then return pv.PASS end
  local key, host = flow(ip.proto, ip.src, header[near], ip.dst, far), string.pack(">I6I4I2", eth.src, ip.src, header[near])
  local port = flows:get(key)
  if port then
    hosts:set(flow(ip.proto, outside.ip, port, ip.dst, far), host)
  else
    port = new_port(ip, far, host)
    if not port or not flows:set(key, port) then return pv.DROP end
  end
  header[near], ip.src, ip.ttl, eth.src = port, outside.ip, ip.ttl - 1, outside.mac
  return deliver(pkt, gateway or ip.dst)
end

local function inward(pkt)
  local eth, ip, header, near, far = pkt.eth, pkt.ip, transport(pkt, "dport", "sport", 0)
  local host = header and hosts:get(flow(ip.proto, ip.dst, header[near], ip.src, far))
  if not host or eth.dst ~= outside.mac then return pv.PASS end
  local mac, address, port = string.unpack(">I6I4I2", host)
  flows:get(flow(ip.proto, address, port, ip.src, far))           -- so that it is not forgotten
  header[near], ip.dst, ip.ttl, eth.dst, eth.src = port, address, ip.ttl - 1, mac, inside.mac
  return inside
end

-- Learns the MAC of a neighbour outside from what it asks or answers us, and sends what waited for it.
local function learn(arp)
  if not outside:owns(arp.tpa) and not macs:get(arp.spa) then return end
  macs:set(arp.spa, arp.sha)
  local waiting = waits:get(arp.spa)
  if waiting then
    waits:delete(arp.spa)
    local pkt = pv.packet(waiting)
    pkt.eth.dst = arp.sha
    outside:send(pkt)
  end
end

function on_packet(pkt)
  if not outside.ip or pkt.vlan then return pv.PASS end
  if pkt.port == inside then return outward(pkt) end
  if pkt.arp then learn(pkt.arp) end
  return inward(pkt)
end
