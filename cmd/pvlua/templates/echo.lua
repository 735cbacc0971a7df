-- SPDX-License-Identifier: GPL-3.0-or-later

-- NAME.lua sends every datagram for UDP port 7 back to where it came from, and leaves the rest to the kernel.
--
--   sudo pvlua eth0 NAME.lua        runs it on an interface; on another machine: nc -u ADDRESS 7
--   pvlua test NAME.lua             runs NAME_test.lua, without root and without an interface
--   pvlua help pkt.udp              says what a header has; pvlua help topics lists all there is
--
-- How to read it: two dashes begin a comment, and ~= means "not equal".

local pv = require "pv"

local PORT = 7
local answered = 0 -- it lives as long as the script, so it can count

-- pvlua calls on_packet for each packet. What it returns is the packet's fate: nothing (the kernel gets it, as if pvlua
-- were not there), pv.DROP (it is gone), pv.TX (back out of the port it came from), or a port (out of that one).
---@param pkt pvlua.packet
function on_packet(pkt)
  local eth, udp, me = pkt.eth, pkt.udp, pkt.port         -- a header is nil where the packet has none
  if not udp or udp.dport ~= PORT or eth.dst ~= me.mac then
    return                                                -- not for us
  end
  if udp.sport == PORT then
    return pv.DROP                                        -- an echo of an echo would go on for ever
  end
  answered = answered + 1
  return pkt:reply()                                      -- exchanges all addresses and ports, and is pv.TX
end

-- Called at the end. on_start is called before the first packet.
function on_stop()
  print("answered " .. answered .. " datagrams")
end
