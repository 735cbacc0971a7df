-- SPDX-License-Identifier: GPL-3.0-or-later

-- NAME.lua answers requests of a protocol of its own, over UDP port 4242. A request has a name in it;
-- the answer has the number of the request, and a greeting.
--
--   sudo pvlua eth0 NAME.lua        runs it on an interface
--   pvlua test NAME.lua             runs NAME_test.lua, without root and without an interface
--   pvlua dissector NAME.lua        makes Wireshark show the protocol
--   pvlua help pv.proto             says what that is; pvlua help topics lists all there is
--
-- How to read it: two dashes begin a comment, and ~= means "not equal".

local pv = require "pv"

local PORT = 4242

-- What a message is, in network byte order: a number has a width in bits, and the text as many bytes as length says.
-- Packets then have it as pkt.greeting, if it is all there: what comes over the network may be anything.
local greeting = pv.proto{
  name = "greeting",
  fields = {
    {"version", 8, default = 1},
    {"kind", 8, enum = {REQUEST = 1, ANSWER = 2}, default = "REQUEST"},
    {"number", 16},
    {"length", 16},
    {"text", bytes = "length", type = "text"},
  },
  udp = PORT,
}
local REQUEST, ANSWER = greeting.kind.REQUEST, greeting.kind.ANSWER

-- For the editor, which does not read declarations.
---@class pvlua.packet
---@field greeting? { version: number, kind: number, number: number, length: number, text: string }

-- pvlua calls on_packet for each packet. What it returns is the packet's fate: nothing (the kernel gets it, as if pvlua
-- were not there), pv.DROP (it is gone), pv.TX (back out of the port it came from), or a port (out of that one).
---@param pkt pvlua.packet
function on_packet(pkt)
  local eth, udp, msg, me = pkt.eth, pkt.udp, pkt.greeting, pkt.port -- a header is nil where the packet has none
  if not udp or udp.dport ~= PORT or eth.dst ~= me.mac then
    return                                                           -- not for us
  end
  if not msg or msg.version ~= 1 or msg.kind ~= REQUEST then
    return pv.DROP
  end
  msg.kind = ANSWER
  msg.text = "Hello, " .. msg.text .. "!"                            -- all lengths and checksums follow
  return pkt:reply()                                                 -- exchanges addresses and ports, and is pv.TX
end
