-- SPDX-License-Identifier: GPL-3.0-or-later

-- change_word.lua joins two interfaces like a cable, and replaces every occurrence of one word in UDP datagrams by
-- another, which may be longer or shorter. Lengths and checksums are put right.
-- A datagram that would grow beyond what a frame, or the network behind the other interface, can take is an error: it is
-- counted, reported, and dealt with as --on-error says. Fragments go through as they are.
--
--   pvlua --on-error drop veth0 veth2 scripts/change_word.lua -- --old cat --new lion
--   and then, with "nc -u -l 5000" on 10.0.0.5 behind veth2, from a host behind veth0:   echo "a cat" | nc -u 10.0.0.5 5000
--
-- How to read it: pvlua calls on_packet for each packet. pkt.udp is its UDP header, nil if it has none, and pkt.payload
-- what follows the last header. Two dashes begin a comment, and ~= means "not equal".

local pv = require "pv"

local old = pv.arg{name = "old", default = "cat", help = "the word to replace"}
local new = pv.arg{name = "new", default = "lion", help = "what to put there"}

if #pv.ports ~= 2 then
  error("change_word.lua needs two interfaces, got " .. #pv.ports .. ": pvlua veth0 veth2 scripts/change_word.lua", 0)
elseif old == "" then
  error("--old is empty", 0)
end

-- gsub, below, takes a pattern, in which % before a sign means the sign itself.
local pattern = old:gsub("%p", "%%%0")
local replacement = new:gsub("%%", "%%%%")

local left, right = pv.ports[1], pv.ports[2]
local changed = pv.counter("replaced words")

local function is_fragment(ip, ip6)
  return ip and (ip.mf or ip.frag > 0) or ip6 and ip6.frag_id
end

function on_packet(pkt)
  local out = pkt.port == left and right or left                      -- right if it came in on the left, left otherwise
  if pkt.udp and not is_fragment(pkt.ip, pkt.ip6) then
    local text, n = pkt.payload:gsub(pattern, replacement)            -- the new text, and how many words it replaced
    if n > 0 then
      pkt.payload = text
      changed:add(n)
    end
  end
  return out
end

function on_stop()
  if pv.worker == 1 then print("change_word.lua: " .. changed:get() .. " words replaced") end
end
