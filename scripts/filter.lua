-- SPDX-License-Identifier: GPL-3.0-or-later

-- filter.lua joins two interfaces like a cable, but a TCP segment to or from one port that holds a given word does not
-- get through. Both ends are told that the connection is no more (RST), so that they give up at once.
-- It looks at each segment by itself: a word that is divided between two of them is not found.
--
--   pvlua veth0 veth2 scripts/filter.lua -- --word secret --port 80
--   and then from a host behind veth0:   curl http://10.0.0.5/secret    says "Connection reset by peer"
--
-- How to read it: pvlua calls on_packet for each packet. pkt.tcp is its TCP header, nil if it has none. Assigning a field
-- changes the packet, and its checksums with it. Two dashes begin a comment, and ~= means "not equal".

local pv = require "pv"

local word = pv.arg{name = "word", default = "forbidden", help = "what does not get through"}
local port = pv.arg{name = "port", type = "integer", default = 80, min = 1, max = 65535, help = "the TCP port to watch"}

if #pv.ports ~= 2 then
  error("filter.lua needs two interfaces, got " .. #pv.ports .. ": pvlua veth0 veth2 scripts/filter.lua", 0)
elseif word == "" then
  error("--word is empty", 0)
end

local left, right = pv.ports[1], pv.ports[2]
local blocked = pv.counter("blocked segments")
local RST_ACK = 0x14                                                  -- of the flags of TCP: rst is 4, ack is 16

-- Makes the segment one that resets the connection. Only the numbers that the receiver expects make it do so (RFC 5961).
local function make_reset(pkt, seq, ack)
  local tcp = pkt.tcp
  tcp.flags, tcp.seq, tcp.ack, tcp.window, tcp.urgent = RST_ACK, seq, ack, 0, 0
  tcp.doff = 5                                                        -- the options become payload,
  pkt.payload = ""                                                    -- and all of that goes
end

function on_packet(pkt)
  local out = pkt.port == left and right or left                      -- right if it came in on the left, left otherwise
  local tcp, ip, ip6 = pkt.tcp, pkt.ip, pkt.ip6
  if not tcp or tcp.sport ~= port and tcp.dport ~= port then
    return out
  end
  local text = pkt.payload
  if not text:find(word, 1, true) then
    return out
  end
  blocked:add()
  if ip and ip.mf or ip6 and ip6.frag_mf then                         -- the first fragment: how long all is nobody knows
    return pv.DROP
  end
  local seq, ack = tcp.seq, tcp.ack
  local after = seq + #text + (tcp.syn and 1 or 0) + (tcp.fin and 1 or 0)
  local answer = pkt:clone()
  answer:reply()                                                      -- from the receiver, as it seems, to the sender
  make_reset(answer, ack, after % 2^32)
  pkt.port:send(answer)
  make_reset(pkt, seq, ack)                                           -- from the sender to the receiver
  return out
end

function on_stop()
  if pv.worker == 1 then print("filter.lua: " .. blocked:get() .. " segments blocked") end
end
