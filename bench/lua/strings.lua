-- SPDX-License-Identifier: GPL-3.0-or-later
-- Makes a string of each packet, which is garbage at once.

local pv = require "pv"

function on_packet(pkt)
  if #pkt:bytes(0, 20) == 20 then return pv.DROP end
end
