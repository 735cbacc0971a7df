-- SPDX-License-Identifier: GPL-3.0-or-later
-- Drops the packets of blocked flows: so many as its argument says, 1,000 if there is none. A flow is blocked by its five
-- values: protocol, and address and port of either end. The address and port of an end are one number.

local pv = require "pv"

local first = pv.ip"10.1.0.0"
local blocked = {[6] = {}, [17] = {}}                            -- by protocol: destination by source

for i = 0, (tonumber(pv.args[1]) or 1000) - 1 do
  local set = blocked[i % 2 == 0 and 17 or 6]
  set[(first + i) * 65536 + 1024 + i] = (first + 65536 + i) * 65536 + 53
end

local over_tcp, over_udp = blocked[6], blocked[17]

function on_packet(pkt)
  local ip, tcp, udp = pkt.ip, pkt.tcp, pkt.udp
  if udp then
    if over_udp[ip.src * 65536 + udp.sport] == ip.dst * 65536 + udp.dport then return pv.DROP end
  elseif tcp then
    if over_tcp[ip.src * 65536 + tcp.sport] == ip.dst * 65536 + tcp.dport then return pv.DROP end
  end
end
