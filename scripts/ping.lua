-- SPDX-License-Identifier: GPL-3.0-or-later

-- ping.lua pings (ICMP echo) from an interface by itself, without the kernel, and prints how long each answer took and
-- a summary. It asks for the MAC address by ARP. It ends with status 0 if there was an answer, 1 if there was none.
--
--   pvlua veth1 scripts/ping.lua -- --to 10.0.0.4
--   pvlua veth1 scripts/ping.lua -- --to 192.0.2.9 --via 10.0.0.1 --count 100 --interval 0.01
--
-- How to read it: pv.pace calls send once per interval, and pvlua calls on_packet for each packet that comes in.
-- Workers, one for each queue, share counters and maps. Two dashes begin a comment, and ~= means "not equal".

local pv = require "pv"
local to       = pv.arg{name = "to", type = "ip", required = true, help = "address to ping"}
local via      = pv.arg{name = "via", type = "ip", help = "router on the way there, if it is not a neighbour"}
local count    = pv.arg{name = "count", type = "integer", default = 4, min = 1, max = 65535, help = "pings to send"}
local interval = pv.arg{name = "interval", default = 1, min = 1e-4, max = 1000, help = "seconds from one to the next"}
local size     = pv.arg{name = "size", type = "integer", default = 56, min = 0, help = "bytes of data in each"}
local timeout  = pv.arg{name = "timeout", default = 1, min = 0, help = "seconds to wait for the last answer"}

local me, hop = pv.ports[1], via or to
if #pv.ports > 1 or not me.ip then error("needs one interface with an IPv4 address: ip addr add, --port-address", 0) end
if size > me.mtu - 28 then error("--size is " .. size .. "; " .. me.name .. " takes " .. me.mtu - 28 .. " bytes", 0) end
local OURS = 0x7076                                                -- the id that the pings of the kernel do not have
local sent, took = pv.map{name = "sent"}, pv.map{name = "took"}    -- by the number of a ping: when, and how many ms
local asked, mac = pv.counter("asked"), pv.counter("mac")          -- of the next hop; the MAC is 0 until it is known
local question = pv.build{eth = {src = me.mac}, arp = {sha = me.mac, spa = me.ip, tpa = hop}}

local function ping(seq)
  sent:set(seq, pv.now())
  me:send(pv.build{eth = {src = me.mac, dst = mac:get()}, ip = {src = me.ip, dst = to},
    icmp = {type = 8, id = OURS, seq = seq}, payload = ("x"):rep(size)})
end

local function finish() pv.exit(took:len() > 0 and 0 or 1) end

local function send(seq)
  asked:set(seq)
  if mac:get() == 0 then me:send(question) else ping(seq) end        -- the ping goes out when ARP is answered
  if seq == count then pv.after(timeout, finish) end
end

if pv.worker == 1 then
  print(string.format("PING %s from %s %s: %d bytes of data", pv.ip_str(to), pv.ip_str(me.ip), me.name, size))
  pv.pace{rate = 1 / interval, count = count, send}
end

function on_packet(pkt)
  local arp, ip, icmp = pkt.arp, pkt.ip, pkt.icmp
  if arp and arp.op == 2 and arp.spa == hop and arp.tpa == me.ip and mac:get() == 0 then
    mac:set(arp.sha)
    ping(asked:get())
  elseif icmp and icmp.type == 0 and icmp.id == OURS and ip.src == to and me:owns(ip.dst) then
    local now, seq, bytes, when = pv.now(), icmp.seq, #pkt.payload + 8, sent:get(icmp.seq)
    if not when or not sent:delete(seq) then return pv.DROP end        -- a second answer, or one that nobody asked for
    local ms = (now - when) * 1000
    took:set(seq, ms)
    print(string.format("%d bytes from %s: seq=%d ttl=%d time=%.3f ms", bytes, pv.ip_str(to), seq, ip.ttl, ms))
    if took:len() == count then finish() end
    return pv.DROP
  end
end

function on_stop()
  if pv.worker > 1 then return end
  local n, least, most, sum, all = 0, math.huge, 0, 0, asked:get()
  for _, ms in took:each() do
    n, least, most, sum = n + 1, math.min(least, ms), math.max(most, ms), sum + ms
  end
  print(string.format("--- %s: %d sent, %d answered, %d lost", pv.ip_str(to), all, n, all - n))
  if n > 0 then print(string.format("round trip min/avg/max = %.3f/%.3f/%.3f ms", least, sum / n, most)) end
  finish()
end
