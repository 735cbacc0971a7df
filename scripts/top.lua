-- SPDX-License-Identifier: GPL-3.0-or-later

-- top.lua prints, every second, who sends the most to whom, in bits per second, and what is left for the rest. On one
-- interface it counts what comes in, for this machine; between two it is a cable, and counts what goes through, both ways.
-- It remembers only so many pairs of addresses, so a flood of forged ones does no harm: they are part of the rest.
--
--   pvlua eth0 scripts/top.lua          or          pvlua veth0 veth2 scripts/top.lua -- --lines 5
--
-- How to read it: pvlua calls on_packet for each packet. A map is a table that is bounded and forgets, and that all
-- workers share. {...} is a table of this worker. Two dashes begin a comment, and ~= means "not equal".

local pv = require "pv"

local every = pv.arg{name = "every", default = 1, min = 0.1, max = 3600, help = "seconds from one list to the next"}
local lines = pv.arg{name = "lines", type = "integer", default = 10, min = 0, help = "how many pairs to show"}
local max   = pv.arg{name = "pairs", type = "integer", default = 1000, min = 1, help = "how many pairs to remember"}

local left, right = pv.ports[1], pv.ports[2]
if #pv.ports > 2 then error("it takes one or two interfaces, got " .. #pv.ports, 0) end

local bytes = pv.map{name = "bytes", max = max, ttl = 60 + every}     -- the addresses of a pair: what they have sent
local all   = pv.counter("all bytes")

function on_packet(pkt)
  local ip, ip6 = pkt.ip, pkt.ip6
  all:add(#pkt)
  if ip then
    bytes:add(string.pack(">I4I4", ip.src, ip.dst), #pkt)
  elseif ip6 then
    bytes:add(ip6.src .. ip6.dst, #pkt)
  end
  if not right then return pv.PASS end
  return pkt.port == left and right or left
end

local function pair_text(pair)
  if #pair == 32 then
    return pv.ip6_str(pair:sub(1, 16)) .. " > " .. pv.ip6_str(pair:sub(17))
  end
  local src, dst = string.unpack(">I4I4", pair)
  return pv.ip_str(src) .. " > " .. pv.ip_str(dst)
end

local function line(count, text)
  print(string.format("%12.3f Mbit/s  %s", count * 8 / every / 1e6, text))
end

local before, all_before = {}, 0                                      -- what the counts were when the last list was shown

local function show()
  local now, list, rest = {}, {}, all:get() - all_before
  for pair, total in bytes:each() do
    local more = total - (before[pair] or 0)
    if more < 0 then more = total end                                 -- it was forgotten and is back
    if more > 0 then table.insert(list, {pair = pair, more = more}) end
    now[pair] = total
  end
  before, all_before = now, all:get()
  table.sort(list, function(a, b) return a.more > b.more end)
  print("")
  line(rest, "in all")
  for i = 1, math.min(lines, #list) do
    line(list[i].more, pair_text(list[i].pair))
    rest = rest - list[i].more
  end
  line(math.max(0, rest), "the rest")
end

if pv.worker == 1 then pv.every(every, show) end
