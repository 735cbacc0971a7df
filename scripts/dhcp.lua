-- SPDX-License-Identifier: GPL-3.0-or-later

-- dhcp.lua gives hosts their IPv4 addresses, as a DHCP server does (RFC 2131), on the network of the interface it runs on,
-- which must have an address itself. A client gets the address that it had before, or the one that it asks for, or a free
-- one. An address is the client's until the lease time is over, an offered one for a minute. No other DHCP server may be
-- on the network, for what this one does not know it refuses.
--
--   pvlua veth1 scripts/dhcp.lua -- --first 10.0.0.100 --last 10.0.0.199 --router 10.0.0.5 --dns 10.0.0.5
--   and then, at the other end:   udhcpc -i veth0    or    dhclient veth0
--
-- How to read it: pvlua calls on_packet for each packet. A map is a table that all workers share. string.pack and
-- string.unpack write and read numbers, as a format says: > is network byte order, B a number of 1 byte, H one of 2, I4
-- one of 4, s1 a string behind its length. Two dashes begin a comment, and ~= means "not equal".

local pv = require "pv"

local first  = pv.arg{name = "first", type = "ip", required = true, help = "the first address to give away"}
local last   = pv.arg{name = "last", type = "ip", required = true, help = "the last one"}
local mask   = pv.arg{name = "mask", type = "ip", default = "255.255.255.0", help = "the mask of the network"}
local router = pv.arg{name = "router", type = "ip", help = "the router of the network, if there is one"}
local dns    = pv.arg{name = "dns", type = "ip", help = "the name server, if there is one"}
local time   = pv.arg{name = "time", type = "integer", default = 3600, min = 1, max = 2^31, help = "seconds that a lease lasts"}

local me, size = pv.ports[1], last - first + 1
if #pv.ports ~= 1 then error("it needs one interface, got " .. #pv.ports, 0) end
if not me.ip then error(me.name .. " needs an IPv4 address: ip address add 10.0.0.5/24 dev " .. me.name, 0) end
if size < 1 or size > 1024 then error("from --first to --last are " .. size .. " addresses; expected 1 to 1024", 0) end

local DISCOVER, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE = 1, 2, 3, 4, 5, 6, 7            -- kinds of messages
local MASK, ROUTER, DNS, WANTED, TIME, KIND, SERVER, CLIENT = 1, 3, 6, 50, 51, 53, 54, 61   -- options (RFC 2132)

local owners = pv.map{name = "owners", max = size}     -- an address: the client that has it or had it last
local ends   = pv.map{name = "ends", max = size}       -- an address: when that is over

local function is_free(address, client)
  local mine = owners:get(address) == client
  return address >= first and address <= last and not me:owns(address) and (mine or (ends:get(address) or 0) < pv.now())
end

local function lend(address, client, seconds)
  local before = owners:get(address) == client and ends:get(address) or 0
  owners:set(address, client)
  ends:set(address, math.max(before, pv.now() + seconds))
end

-- The address for a client, nil if all are taken.
local function find(client, wanted)
  local free = is_free(wanted, client) and wanted or nil
  for address = first, last do
    if owners:get(address) == client and is_free(address, client) then return address end
    if not free and is_free(address, client) then free = address end
  end
  return free
end

-- What to do about a message: the kind of answer and the address in it, or nothing.
local function decide(kind, client, wanted, server)
  if kind == DISCOVER then
    local address = find(client, wanted)
    if not address then return end
    lend(address, client, 60)
    return OFFER, address
  elseif kind == REQUEST and (server or me.ip) == me.ip then
    if not is_free(wanted, client) then return NAK, 0 end
    lend(wanted, client, time)
    return ACK, wanted
  elseif kind == DECLINE and owners:get(wanted) == client then
    lend(wanted, "somebody who has it without asking", time)
  elseif kind == RELEASE and owners:get(wanted) == client then
    ends:set(wanted, 0)
  end
end

-- The options of a message, by their numbers. They begin at byte 241, each with its number and its length.
local function read_options(message)
  local found, at = {}, 241
  while at < #message and message:byte(at) ~= 255 do
    local number, length = message:byte(at, at + 1)
    if number ~= 0 then found[number] = message:sub(at + 2, at + 1 + length) end
    at = at + (number == 0 and 1 or 2 + length)
  end
  return found
end

local function address_in(option) return option and #option == 4 and string.unpack(">I4", option) or nil end
local function option(number, address) return string.pack(">BBI4", number, 4, address) end

function on_packet(pkt)
  local eth, ip, udp = pkt.eth, pkt.ip, pkt.udp
  if not udp or not ip or udp.dport ~= 67 or ip.mf or pkt.vlan or not me.ip then return end
  local message, to_all = pkt.payload, pv.ip"255.255.255.255"
  if ip.dst ~= to_all and not me:owns(ip.dst) or #message < 241 then return end
  local request, xid, flags, had, relay, mac = string.unpack(">I3xc4xxHI4xxxxxxxxI4I6", message)
  if request ~= 0x010106 or relay ~= 0 or message:sub(237, 240) ~= "\99\130\83\99" then return end

  local options = read_options(message)
  local client, wanted = options[CLIENT] or message:sub(29, 34), address_in(options[WANTED]) or had
  local kind, address = decide((options[KIND] or ""):byte(), client, wanted, address_in(options[SERVER]))
  if not kind then return pv.DROP end

  local answer = string.pack(">BBBBc4HHI4I4I4I4", 2, 1, 6, 0, xid, 0, flags, kind == ACK and had or 0, address, 0, 0)
    .. message:sub(29, 44) .. ("\0"):rep(192) .. message:sub(237, 240)                     -- server and file names: none
    .. string.pack("BBB", KIND, 1, kind) .. option(SERVER, me.ip)
  if kind ~= NAK then
    answer = answer .. option(TIME, time) .. option(MASK, mask) .. (router and option(ROUTER, router) or "")
      .. (dns and option(DNS, dns) or "")
  end
  pkt.payload = answer .. "\255" .. ("\0"):rep(math.max(0, 299 - #answer))                -- 300 bytes at least (RFC 1542)
  local group = kind == NAK or flags >= 0x8000 and had == 0                                -- the client can't be addressed yet
  eth.dst, eth.src = group and pv.mac"ff:ff:ff:ff:ff:ff" or mac, me.mac
  ip.dst, ip.src, ip.ttl = group and to_all or had ~= 0 and had or address, me.ip, 64
  udp.dport, udp.sport = 68, 67
  if kind == ACK then print(pv.ip_str(address) .. " is lent to " .. pv.mac_str(mac)) end
  return pv.TX
end
