-- SPDX-License-Identifier: GPL-3.0-or-later
-- Answers pings.

local pv = require "pv"

function on_packet(pkt)
  local eth, ip, icmp, me = pkt.eth, pkt.ip, pkt.icmp, pkt.port
  if pkt.vlan or not icmp or eth.dst ~= me.mac or not me:owns(ip.dst) or ip.mf or icmp.type ~= 8 then return end
  icmp.type, ip.ttl = 0, 64
  ip.dst, ip.src = ip.src, ip.dst
  eth.dst, eth.src = eth.src, me.mac
  return pv.TX
end
