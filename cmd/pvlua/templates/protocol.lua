-- SPDX-License-Identifier: GPL-3.0-or-later

-- NAME.lua answers requests of a protocol of its own, over UDP port 4242. A message is, in network byte order:
--
--   version (1 byte) | kind (1 byte) | number (2 bytes) | length (2 bytes) | that many bytes of text
--
-- A request has kind 1 and a name in it; the answer has kind 2, the number of the request, and a greeting.
--
--   sudo pvlua eth0 NAME.lua        runs it on an interface
--   pvlua test NAME.lua             runs NAME_test.lua, without root and without an interface
--   pvlua help pkt.payload          says what that is; pvlua help topics lists all there is
--
-- How to read it: two dashes begin a comment, and ~= means "not equal".

local pv = require "pv"

local PORT, VERSION, REQUEST, ANSWER = 4242, 1, 1, 2
local FORMAT = ">BBHs2" -- big-endian: two bytes, a number of 2 bytes, a string after its length in 2 bytes

-- Takes a message apart: its kind, number and text, or nothing if it is none.
local function parse(data)
  if #data < 6 or string.unpack(">H", data, 5) > #data - 6 then
    return -- what comes over the network may be anything
  end
  local version, kind, number, text = string.unpack(FORMAT, data)
  if version == VERSION then
    return kind, number, text
  end
end

-- pvlua calls on_packet for each packet. What it returns is the packet's fate: nothing (the kernel gets it, as if pvlua
-- were not there), pv.DROP (it is gone), pv.TX (back out of the port it came from), or a port (out of that one).
---@param pkt pvlua.packet
function on_packet(pkt)
  local eth, udp, me = pkt.eth, pkt.udp, pkt.port         -- a header is nil where the packet has none
  if not udp or udp.dport ~= PORT or eth.dst ~= me.mac then
    return                                                -- not for us
  end
  local kind, number, name = parse(pkt.payload)
  if kind ~= REQUEST then
    return pv.DROP
  end
  pkt.payload = string.pack(FORMAT, VERSION, ANSWER, number, "Hello, " .. name .. "!") -- lengths and checksums follow
  return pkt:reply()                                      -- exchanges all addresses and ports, and is pv.TX
end
