-- SPDX-License-Identifier: GPL-3.0-or-later
-- Makes a table of each packet, which is garbage at once.

local pv = require "pv"

function on_packet(pkt)
  local ip = pkt.ip
  local ends = {src = ip.src, dst = ip.dst}
  if ends.src ~= ends.dst then return pv.DROP end
end
