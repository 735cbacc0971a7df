-- SPDX-License-Identifier: GPL-3.0-or-later

-- NAME.lua joins two interfaces like a cable, but some packets do not get through.
--
--   sudo pvlua eth0 eth1 NAME.lua   runs it between two interfaces
--   pvlua test NAME.lua             runs NAME_test.lua, without root and without an interface
--   pvlua help verdicts             says what on_packet can return; pvlua help topics lists all there is
--
-- How to read it: two dashes begin a comment, and ~= means "not equal".

local pv = require "pv"

-- Put your rules here: destination ports, of TCP and UDP, and addresses that packets come from.
local ports = {[23] = "telnet", [445] = "smb"}
local hosts = {[pv.ip"192.0.2.66"] = "a bad host"}

local dropped = {} -- how many, by reason

local function drop(reason)
  dropped[reason] = (dropped[reason] or 0) + 1
  return pv.DROP
end

-- pvlua calls on_packet for each packet. The port that it returns is where the packet goes out; pv.DROP is its end.
---@param pkt pvlua.packet
function on_packet(pkt)
  local ip, l4 = pkt.ip, pkt.tcp or pkt.udp               -- a header is nil where the packet has none
  if ip and hosts[ip.src] then
    return drop(hosts[ip.src])
  elseif l4 and ports[l4.dport] then
    return drop(ports[l4.dport])
  end
  if pkt.port == pv.ports[1] then
    return pv.ports[2]
  end
  return pv.ports[1]
end

-- Called before the first packet.
function on_start()
  if #pv.ports ~= 2 then
    error("give two interfaces: pvlua eth0 eth1 NAME.lua", 0)
  end
end

-- Called every 10 seconds.
pv.every(10, function()
  for reason, n in pairs(dropped) do
    pv.log("dropped " .. n .. " packets: " .. reason)
  end
end)
