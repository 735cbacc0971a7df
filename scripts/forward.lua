-- SPDX-License-Identifier: GPL-3.0-or-later

-- forward.lua joins two interfaces like a cable: every packet that comes in on one goes out of the other, both ways.
-- Nothing reaches the kernel of this machine.
--
--   pvlua veth0 veth2 scripts/forward.lua          and then hosts behind veth0 and veth2 reach each other
--
-- How to read it: pvlua calls on_packet for each packet. pkt.port is where it came in, and the port that the function
-- returns is where it goes out. Two dashes begin a comment, and ~= means "not equal".

local pv = require "pv"

if #pv.ports ~= 2 then
  error("forward.lua needs exactly two interfaces, got " .. #pv.ports .. ": pvlua veth0 veth2 scripts/forward.lua", 0)
end

local left, right = pv.ports[1], pv.ports[2]

function on_packet(pkt)
  if pkt.port == left then
    return right
  end
  return left
end
