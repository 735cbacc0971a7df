-- SPDX-License-Identifier: GPL-3.0-or-later

-- gen.lua sends UDP packets out of an interface: so many, of such a size, at such a rate. Then it prints what it sent.
-- It asks nobody for the MAC address to send to, so it can send to hosts that do not answer.
--
--   pvlua veth1 scripts/gen.lua -- --to 10.0.0.4 --mac 02:00:00:00:00:01 --rate 100000 --count 1000000 --size 60
--
-- How to read it: pv.pace calls a function at an even rate. On an interface with several queues pvlua runs the script
-- once for each, as worker 1, 2 and so on, and they share the work. Two dashes begin a comment, ~= means "not equal".

local pv = require "pv"
local to    = pv.arg{name = "to", type = "address", required = true, help = "IPv4 or IPv6 address to send to"}
local mac   = pv.arg{name = "mac", type = "mac", required = true, help = "its MAC, or the router's: see ip neigh"}
local from  = pv.arg{name = "from", type = "address", help = "address to send from, if not the interface's own"}
local size  = pv.arg{name = "size", type = "integer", default = 60, help = "bytes of a packet, with all headers"}
local rate  = pv.arg{name = "rate", default = 1000, min = 0.1, max = 1e7, help = "packets per second"}
local count = pv.arg{name = "count", type = "integer", default = 1000, min = 0, help = "packets to send, 0 for no end"}
local dport = pv.arg{name = "dport", type = "integer", default = 9, help = "UDP port to send to; 9 throws all away"}
local sport = pv.arg{name = "sport", type = "integer", default = 40000, help = "UDP port to send from"}
local flows = pv.arg{name = "flows", type = "integer", default = 1, min = 1, help = "UDP ports to send from, in turn"}

local out, is6 = pv.ports[1], type(to) == "string"                    -- an IPv4 address is a number
local headers = is6 and 14 + 40 + 8 or 14 + 20 + 8                    -- Ethernet, IP and UDP
local source = from or is6 and out.ip6 or out.ip

local function check(ok, ...) if not ok then error(string.format(...), 0) end end
check(#pv.ports == 1, "it needs one interface, got %d", #pv.ports)
check(source, "%s has no address of its own: say --from ADDRESS", out.name)
check(type(source) == type(to), "--from and --to are addresses of two kinds")
check(size >= headers and size <= out.mtu + 14, "--size is %g; expected %d to %d", size, headers, out.mtu + 14)
check(sport + flows <= 65536, "--sport and --flows: there are no ports above 65535")

local addresses = {src = source, dst = to}
local packet = pv.build{
  eth = {src = out.mac, dst = mac}, udp = {sport = sport, dport = dport},
  ip = not is6 and addresses or nil, ip6 = is6 and addresses or nil,
  payload = ("x"):rep(size - headers),
}

local sent, no_room, idle = pv.counter("sent"), pv.counter("no room"), pv.counter("workers that are done")
local began, ended

local function done()
  idle:add()
  if idle:get() == pv.workers then pv.exit() end
end

local function send(i, mine)
  began, ended = began or pv.now(), pv.now()
  packet.udp.sport = sport + i % flows
  if out:send(packet) then sent:add() else no_room:add() end          -- false: the ring is full of packets that wait
  if i == mine then done() end
end

function on_packet() end                                              -- all that comes in is for the kernel

function on_start()
  -- Of 10 packets, 3 workers send 4, 3 and 3.
  local mine = math.floor(count / pv.workers) + (pv.worker <= count % pv.workers and 1 or 0)
  if count > 0 and mine == 0 then return done() end
  pv.pace{rate = rate / pv.workers, count = count > 0 and mine or nil, function(i) send(i, mine) end}
end

function on_stop()
  if pv.worker > 1 then return end
  local n, seconds = sent:get(), ended and ended - began or 0
  local text = "gen.lua: sent %d packets, %d bytes, in %.3f s; no room for %d"
  print(string.format(text, n, n * size, seconds, no_room:get()))
  if n > 1 and seconds > 0 then
    print(string.format("gen.lua: %.0f packets/s, %.3f Mbit/s", (n - 1) / seconds, (n - 1) * size * 8 / seconds / 1e6))
  end
end
