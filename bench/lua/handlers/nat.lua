-- SPDX-License-Identifier: GPL-3.0-or-later
-- Sends what a host behind it sends over UDP on as its own, from the port that is set down for it.

local pv = require "pv"

local outside = pv.map{name = "outside", max = 1000, key = "u64", value = "u16"}

for i = 0, 999 do outside:set((pv.ip"10.1.0.0" + i) * 65536 + 1024 + i, 61001 + i) end

function on_packet(pkt)
  if pkt.vlan then return end
  local eth, ip, udp, me = pkt.eth, pkt.ip, pkt.udp, pkt.port
  if not ip or not udp or ip.ttl < 2 then return end
  local port = outside:get(ip.src * 65536 + udp.sport)
  if not port then return end
  ip.src, udp.sport, ip.ttl = me.ip, port, ip.ttl - 1
  eth.dst, eth.src = eth.src, me.mac
  return pv.TX
end
