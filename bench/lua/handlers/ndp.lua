-- SPDX-License-Identifier: GPL-3.0-or-later
-- Answers who has the port's IPv6 address, in solicitations that say the MAC of who asks and nothing more, and computes
-- the checksum of the answer anew.

local pv = require "pv"

function on_packet(pkt)
  if pkt.vlan then return end
  local eth, ip6, me = pkt.eth, pkt.ip6, pkt.port
  if not ip6 or ip6.nexthdr ~= 58 or ip6.len ~= 32 or ip6.hlim ~= 255 then return end
  local icmp6 = pkt.icmp6
  if not icmp6 or icmp6.type ~= 135 or not icmp6.slla then return end
  local target = icmp6.target
  if not target or not me:owns(target) then return end
  icmp6.type = 136
  icmp6.solicited, icmp6.override, icmp6.tlla = true, true, me.mac
  ip6.dst, ip6.src = ip6.src, target
  eth.dst, eth.src = eth.src, me.mac
  pkt:fix_checksums()
  return pv.TX
end
