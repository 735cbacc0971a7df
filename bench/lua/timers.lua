-- SPDX-License-Identifier: GPL-3.0-or-later
-- Drops every packet, and has as many timers as its argument says. One of them is due each millisecond.

local pv = require "pv"

local ticks, n = 0, tonumber(pv.args[1])

for i = 1, n do
  pv.after(i / 1000, function() pv.every(n / 1000, function() ticks = ticks + 1 end) end)
end

function on_packet(pkt)
  return pv.DROP
end
