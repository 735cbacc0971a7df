-- SPDX-License-Identifier: GPL-3.0-or-later
-- Answers who has the port's address.

local pv = require "pv"

function on_packet(pkt)
  if pkt.vlan then return end
  local eth, arp, me = pkt.eth, pkt.arp, pkt.port
  if not arp or arp.op ~= 1 or not me:owns(arp.tpa) then return end
  arp.op, arp.tha, arp.spa, arp.tpa, arp.sha = 2, arp.sha, arp.tpa, arp.spa, me.mac
  eth.dst, eth.src = eth.src, me.mac
  return pv.TX
end
