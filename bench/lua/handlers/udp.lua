-- SPDX-License-Identifier: GPL-3.0-or-later
-- Is the echo service over UDP and IPv4 without options: with a source route, a swap of the addresses would change the
-- checksum of UDP.

local pv = require "pv"

function on_packet(pkt)
  if pkt.vlan then return end
  local eth, ip, udp, me = pkt.eth, pkt.ip, pkt.udp, pkt.port
  if not ip or ip.ihl ~= 5 or not udp or eth.dst ~= me.mac or not me:owns(ip.dst) or ip.mf then return end
  if udp.dport ~= 7 or udp.sport == 7 then return end
  udp.dport, udp.sport, ip.ttl = udp.sport, udp.dport, 64
  ip.dst, ip.src = ip.src, ip.dst
  eth.dst, eth.src = eth.src, me.mac
  return pv.TX
end
