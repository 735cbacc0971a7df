-- SPDX-License-Identifier: GPL-3.0-or-later

-- dhcp.lua gives hosts IPv4 addresses, as a DHCP server does (RFC 2131): to each the one that it had, or asks for, or a
-- free one. It must be the only server on its network: what it does not know it refuses.
--
--   pvlua veth1 scripts/dhcp.lua -- --first 10.0.0.100 --last 10.0.0.199   and, from the other end:   udhcpc -i veth0
--
-- How to read it: pvlua calls on_packet for each packet. A map is a table that all workers share. In string.pack and
-- string.unpack > is network byte order, B a byte, I4 a number of 4. Two dashes begin a comment, ~= means "not equal".

local pv = require "pv"
local first  = pv.arg{name = "first", type = "ip", required = true, help = "the first address to give away"}
local last   = pv.arg{name = "last", type = "ip", required = true, help = "the last one"}
local mask   = pv.arg{name = "mask", type = "ip", default = "255.255.255.0", help = "the mask of the network"}
local router = pv.arg{name = "router", type = "ip", help = "the router of the network, if there is one"}
local dns    = pv.arg{name = "dns", type = "ip", help = "the name server, if there is one"}
local time   = pv.arg{name = "time", type = "integer", default = 3600, min = 1, max = 2^31, help = "seconds of a lease"}

local me, size, all = pv.ports[1], last - first + 1, pv.ip"255.255.255.255"
if #pv.ports > 1 or not me.ip then error("needs one interface with an IPv4 address: ip addr add, --port-address", 0) end
if size < 1 or size > 1024 then error("from --first to --last are " .. size .. " addresses; expected 1 to 1024", 0) end
local DISCOVER, OFFER, REQUEST, ACK, NAK, RELEASE = 1, 2, 3, 5, 6, 7                        -- kinds of messages
local MASK, ROUTER, DNS, WANTED, TIME, KIND, SERVER, CLIENT = 1, 3, 6, 50, 51, 53, 54, 61   -- options (RFC 2132)
local owners, ends = pv.map{name = "owners", max = size}, pv.map{name = "ends", max = size}   -- of each address

-- Lends an address to a client and returns it; nil if it is no address to lend, or somebody else's until later.
local function lend(address, client, seconds)
  local over, now = ends:get(address) or 0, pv.now()
  if address < first or address > last or me:owns(address) then return end
  if owners:get(address) ~= client and over >= now then return end
  owners:set(address, client)
  ends:set(address, math.max(over, now + seconds))
  return address
end

-- The bytes of an option, looked for from a byte on: each is its number, its length and its bytes. Zeros are no option.
local function read(m, number, at)
  local this, length = m:byte(at, at + 1)
  if not length or this == 255 then return end                        -- the last one
  if this == number then return m:sub(at + 2, at + 1 + length) end
  return read(m, number, at + (this == 0 and 1 or 2 + length))
end
local function address_in(text) return text and #text == 4 and string.unpack(">I4", text) or nil end
local function write(number, n) return n and string.pack(">BBI4", number, 4, n) or "" end

function on_packet(pkt)
  local eth, ip, udp, m = pkt.eth, pkt.ip, pkt.udp, pkt.payload       -- m is the message that RFC 2131 has a picture of
  if not udp or udp.dport ~= 67 or not ip or ip.dst ~= all and not me:owns(ip.dst) or ip.mf or pkt.vlan then return end
  if m:sub(1, 3) ~= "\1\1\6" or m:sub(25, 28) ~= "\0\0\0\0" or m:sub(237, 240) ~= "\99\130\83\99" then return end
  local kind, client = (read(m, KIND, 241) or ""):byte(), read(m, CLIENT, 241) or m:sub(29, 34)
  local wanted, answer, address = address_in(read(m, WANTED, 241) or m:sub(13, 16)) or 0
  if kind == DISCOVER then
    for a = first, last do wanted = owners:get(a) == client and a or wanted end    -- rather what it had
    address, answer = lend(wanted, client, 60), OFFER                 -- an offer stands for a minute
    for a = first, last do address = address or lend(a, client, 60) end            -- or any that is free
  elseif kind == REQUEST and (address_in(read(m, SERVER, 241)) or me.ip) == me.ip then
    address = lend(wanted, client, time)
    answer = address and ACK or NAK
  elseif kind == RELEASE and owners:get(wanted) == client then
    ends:set(wanted, 0)
  end
  if not address and answer ~= NAK then return pv.DROP end
  local more = string.pack("BBB", KIND, 1, answer) .. write(SERVER, me.ip)
  if address then more = more .. write(TIME, time) .. write(MASK, mask) .. write(ROUTER, router) .. write(DNS, dns) end
  local had = answer == ACK and m:sub(13, 16) or "\0\0\0\0"
  pkt.payload = "\2" .. m:sub(2, 12) .. had .. string.pack(">I4I4", address or 0, 0) .. m:sub(25, 44)
    .. ("\0"):rep(192) .. m:sub(237, 240) .. more .. "\255" .. ("\0"):rep(59 - #more)
  if answer == ACK then print(pv.ip_str(address) .. " is lent to " .. pv.mac_str(eth.src)) end
  eth.dst, eth.src, ip.dst, ip.src, ip.ttl = pv.mac"ff:ff:ff:ff:ff:ff", me.mac, all, me.ip, 64
  udp.dport, udp.sport = 68, 67
  return pv.TX
end
