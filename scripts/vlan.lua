-- SPDX-License-Identifier: GPL-3.0-or-later

-- vlan.lua joins two interfaces like a cable, and pushes, pops or rewrites the VLAN tags of what goes through.
-- Where a tag is popped, packets without that tag are of other networks and end here. A tag in front of another is one of
-- a provider (802.1ad); two tags need an MTU above 1500.
--
--   pvlua veth0 veth2 scripts/vlan.lua -- --mode push --tag 100                 nothing is tagged on the left, all on the right
--   pvlua veth0 veth2 scripts/vlan.lua -- --mode pop --tag 100                  the same with left and right exchanged
--   pvlua veth0 veth2 scripts/vlan.lua -- --mode rewrite --tag 100 --to 200     100 on the left is 200 on the right
--
-- How to read it: pvlua calls on_packet for each packet. pkt.vlan is its outermost tag, nil if it has none. Two dashes
-- begin a comment, and ~= means "not equal".

local pv = require "pv"

local mode = pv.arg{name = "mode", choices = {"push", "pop", "rewrite"}, required = true, help = "done from left to right"}
local tag  = pv.arg{name = "tag", type = "integer", min = 1, max = 4094, required = true, help = "the tag to do it with"}
local to   = pv.arg{name = "to", type = "integer", min = 1, max = 4094, default = 1, help = "what a tag is rewritten to"}

if #pv.ports ~= 2 then
  error("vlan.lua needs two interfaces, got " .. #pv.ports .. ": pvlua veth0 veth2 scripts/vlan.lua -- ...", 0)
end

local function push(pkt)
  local addresses, kind = pkt:bytes(0, 12), pkt.vlan and 0x88a8 or 0x8100
  pkt:push(4)
  pkt:set_bytes(0, addresses)                                         -- to the front; the tag follows
  pkt:set_u16(12, kind)
  pkt:set_u16(14, tag)
  return true
end

local function pop(pkt)
  if not pkt.vlan or pkt.vlan.vid ~= tag then return false end
  local addresses = pkt:bytes(0, 12)
  pkt:pull(4)
  pkt:set_bytes(0, addresses)
  return true
end

local function rewrite(pkt, from, into)
  if pkt.vlan and pkt.vlan.vid == from then pkt.vlan.vid = into end
  return true
end

-- What is done on the way to the right and to the left; false means that the packet ends here.
local rightward, leftward = push, pop
if mode == "pop" then
  rightward, leftward = pop, push
elseif mode == "rewrite" then
  rightward = function(pkt) return rewrite(pkt, tag, to) end
  leftward = function(pkt) return rewrite(pkt, to, tag) end
end

function on_packet(pkt)
  if pkt.port == pv.ports[1] then
    return rightward(pkt) and pv.ports[2] or pv.DROP
  end
  return leftward(pkt) and pv.ports[1] or pv.DROP
end
