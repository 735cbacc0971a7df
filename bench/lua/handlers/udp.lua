-- SPDX-License-Identifier: GPL-3.0-or-later
-- Is the echo service over UDP and IPv4.

local pv = require "pv"

function on_packet(pkt)
  local eth, ip, udp, me = pkt.eth, pkt.ip, pkt.udp, pkt.port
  if pkt.vlan or not ip or not udp or eth.dst ~= me.mac or not me:owns(ip.dst) or ip.mf then return end
  if udp.dport ~= 7 or udp.sport == 7 then return end
  udp.dport, udp.sport, ip.ttl = udp.sport, udp.dport, 64
  ip.dst, ip.src = ip.src, ip.dst
  eth.dst, eth.src = eth.src, me.mac
  return pv.TX
end
