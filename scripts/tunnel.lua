-- SPDX-License-Identifier: GPL-3.0-or-later

-- tunnel.lua joins the networks of two hosts: each frame that comes in on the interface travels to the other host in a
-- UDP datagram, and leaves there by its interface as if there were a cable between the two. It is neither secret nor safe
-- from forgery: put it inside of a VPN, or between hosts that you trust.
-- A frame and what is put around it do not fit one packet of the network between them, so the kernels divide it in two,
-- which is slow. TCP is spared that: the size of segments that its ends agree on (MSS) is made smaller.
--
--   on 192.0.2.1:   pvlua veth1 scripts/tunnel.lua -- --bind 192.0.2.1:5000 --peer 192.0.2.2:5000
--   on 192.0.2.2:   pvlua veth1 scripts/tunnel.lua -- --bind 192.0.2.2:5000 --peer 192.0.2.1:5000
--
-- How to read it: pvlua calls on_packet for each packet of the interface, and on_receive for each datagram of the socket.
-- Two dashes begin a comment, and ~= means "not equal".

local pv = require "pv"

local bind = pv.arg{name = "bind", required = true, help = "address and port of this host, such as 192.0.2.1:5000"}
local peer = pv.arg{name = "peer", required = true, help = "address and port of the other host"}
local mtu  = pv.arg{name = "mtu", type = "integer", default = 1500, min = 662, help = "MTU of the network between the hosts"}

-- What is left of the MTU for the text of a TCP segment when all that may be around it is: the headers of IPv6 and UDP
-- between the hosts, and of Ethernet with a tag, IPv6 and TCP within.
local max_mss = mtu - (40 + 8) - (18 + 40 + 20)

if #pv.ports ~= 1 then
  error("tunnel.lua needs one interface, got " .. #pv.ports .. ": pvlua veth1 scripts/tunnel.lua -- --bind ... --peer ...", 0)
end

local port = pv.ports[1]
local sent, received, lost = pv.counter("sent"), pv.counter("received"), pv.counter("lost")

-- The ends say in their first segments, those with SYN, how much they can take in one.
local function clamp(pkt)
  local tcp = pkt.tcp
  if tcp and tcp.syn and tcp.mss and tcp.mss > max_mss then
    tcp.mss = max_mss
  end
end

local function count(ok, counter)
  if ok then counter:add() else lost:add() end
end

local socket = pv.udp_socket{bind = bind, connect = peer, on_receive = function(data)
  local frame = pv.packet(data)
  clamp(frame)
  count(port:send(frame), received)
end}

function on_packet(pkt)
  clamp(pkt)
  count(socket:send(pkt), sent)
  return pv.DROP                                                      -- it goes on as a datagram
end

function on_stop()
  if pv.worker > 1 then return end
  print("tunnel.lua: sent " .. sent:get() .. " received " .. received:get() .. " lost " .. lost:get())
end
