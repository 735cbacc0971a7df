-- SPDX-License-Identifier: GPL-3.0-or-later

-- nat.lua lets the hosts of an inside network reach an outside one behind the address of the outside interface: TCP,
-- UDP and pings over IPv4. Each flow from within has a port (for pings, an id) of that address, and only answers to it
-- get in. Silent flows are forgotten; beyond so many, new ones get nowhere. All else, fragments too, is the kernel's.
--
--   pvlua veth0 veth2 scripts/nat.lua -- --gateway 192.0.2.1
--
-- Here veth0 is inside; its address is the gateway of the hosts there. The kernel must not forward.
-- How to read it: pvlua calls on_packet for each packet. A map is a bounded table that forgets. ~= is "not equal".

local pv = require "pv"
local gateway = pv.arg{name = "gateway", type = "ip", help = "the router outside; without one all are neighbours"}
local timeout = pv.arg{name = "timeout", default = 300, min = 1, help = "seconds of silence until a flow is forgotten"}
local max     = pv.arg{name = "flows", type = "integer", default = 10000, min = 1, help = "how many flows there can be"}
if #pv.ports ~= 2 then error("nat.lua needs two interfaces: pvlua INSIDE OUTSIDE scripts/nat.lua", 0) end
local inside, outside = pv.ports[1], pv.ports[2]
local flows = pv.map{name = "flows", max = max, ttl = timeout}   -- a flow as seen inside: its port outside
local hosts = pv.map{name = "hosts", max = max, ttl = timeout}   -- a flow as seen outside: MAC, address, port inside
local macs  = pv.map{name = "macs", max = 1000, ttl = 300}       -- an address outside: its MAC
local waits = pv.map{name = "waits", max = 100, ttl = 1}         -- an address outside: a packet that waits for its MAC

local function flow(ip, a, port_a, b, port_b) return string.pack(">BI4I2I4I2", ip.proto, a, port_a, b, port_b) end

-- The port of a flow outside: the one it has, or the next free one. Linux gives 61001 to 65500 to no program by itself.
local function port_outside(ip, near, far, host)
  local key = flow(ip, ip.src, near, ip.dst, far)
  local port = flows:get(key)
  if port and hosts:set(flow(ip, outside.ip, port, ip.dst, far), host) then return port end
  for n = near, near + 4499 do
    port = 61001 + n % 4500
    local free = hosts:insert(flow(ip, outside.ip, port, ip.dst, far), host)
    if free ~= false then return free and flows:set(key, port) and port end   -- it is nil if there is no room
  end
end

local function outward(pkt, eth, ip, header, near, far)
  if inside:owns(ip.dst) or outside:owns(ip.dst) then return pv.PASS end
  local port = port_outside(ip, header[near], far, string.pack(">I6I4I2", eth.src, ip.src, header[near]))
  if not port then return pv.DROP end
  local hop, mac = gateway or ip.dst, macs:get(gateway or ip.dst)
  header[near], ip.src, ip.ttl, eth.src, eth.dst = port, outside.ip, ip.ttl - 1, outside.mac, mac or 0
  if mac then return outside end
  if waits:insert(hop, pkt:bytes(6, #pkt - 6)) then              -- all but the MAC, which this asks for
    outside:send(pv.build{eth = {src = outside.mac}, arp = {sha = outside.mac, spa = outside.ip, tpa = hop}})
  end
  return pv.DROP
end

local function inward(_, eth, ip, header, near, far)
  local host = hosts:get(flow(ip, ip.dst, header[near], ip.src, far))
  if not host then return pv.PASS end
  local mac, address, port = string.unpack(">I6I4I2", host)
  flows:get(flow(ip, address, port, ip.src, far))                -- so that it is not forgotten
  header[near], ip.dst, ip.ttl, eth.src, eth.dst = port, address, ip.ttl - 1, inside.mac, mac
  return inside
end

function on_packet(pkt)
  if pkt.vlan or not outside.ip then return pv.PASS end
  local eth, ip, arp, icmp, header, out = pkt.eth, pkt.ip, pkt.arp, pkt.icmp, pkt.tcp or pkt.udp, pkt.port == inside
  if arp and not out and (outside:owns(arp.tpa) or macs:get(arp.spa)) then   -- it tells a MAC
    local waiting = waits:get(arp.spa)
    macs:set(arp.spa, arp.sha)
    if waiting and waits:delete(arp.spa) then outside:send(string.pack(">I6", arp.sha) .. waiting) end
  end
  if not ip or ip.mf or ip.frag > 0 or ip.ttl < 2 or eth.dst ~= pkt.port.mac then return pv.PASS end
  local way, near, far, echo = inward, "dport", "sport", 0
  if out then way, near, far, echo = outward, "sport", "dport", 8 end
  if header then return way(pkt, eth, ip, header, near, header[far]) end
  if icmp and icmp.type == echo then return way(pkt, eth, ip, icmp, "id", 0) end
end
