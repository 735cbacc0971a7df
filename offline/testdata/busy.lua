-- SPDX-License-Identifier: GPL-3.0-or-later

-- busy.lua has a timer that fires a million times per second.

local pv = require "pv"

pv.every(0.000001, function() end)

function on_packet(pkt) return pv.DROP end
