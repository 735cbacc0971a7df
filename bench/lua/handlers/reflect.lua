-- SPDX-License-Identifier: GPL-3.0-or-later
-- Sends every packet back to where it came from, with the MAC addresses swapped.

local pv = require "pv"

function on_packet(pkt)
  local eth = pkt.eth
  if not eth then return end
  eth.dst, eth.src = eth.src, eth.dst
  return pv.TX
end
