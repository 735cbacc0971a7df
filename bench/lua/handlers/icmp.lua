-- SPDX-License-Identifier: GPL-3.0-or-later
-- Answers pings.

local pv = require "pv"

function on_packet(pkt)
  if pkt.vlan then return end
  local eth, ip, icmp, me = pkt.eth, pkt.ip, pkt.icmp, pkt.port
  if not icmp or eth.dst ~= me.mac or not me:owns(ip.dst) or ip.mf or icmp.type ~= 8 then return end
  icmp.type, ip.ttl = 0, 64
  ip.dst, ip.src = ip.src, ip.dst
  eth.dst, eth.src = eth.src, me.mac
  return pv.TX
end
