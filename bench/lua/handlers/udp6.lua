-- SPDX-License-Identifier: GPL-3.0-or-later
-- Is the echo service over UDP and IPv6 without extension headers.

local pv = require "pv"

function on_packet(pkt)
  if pkt.vlan then return end
  local eth, ip6, me = pkt.eth, pkt.ip6, pkt.port
  if not ip6 or ip6.nexthdr ~= 17 then return end
  local udp = pkt.udp
  if not udp or eth.dst ~= me.mac or not me:owns(ip6.dst) or udp.dport ~= 7 or udp.sport == 7 then return end
  udp.dport, udp.sport, ip6.hlim = udp.sport, udp.dport, 64
  ip6.dst, ip6.src = ip6.src, ip6.dst
  eth.dst, eth.src = eth.src, me.mac
  return pv.TX
end
