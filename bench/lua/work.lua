-- SPDX-License-Identifier: GPL-3.0-or-later
-- Works for some microseconds on each packet and drops it: what it costs to receive the packet is little beside it.

local pv = require "pv"

function on_packet(pkt)
  local x = #pkt
  for i = 1, 200 do x = (x * 17 + i) % 65521 end
  if x >= 0 then return pv.DROP end
end
