-- SPDX-License-Identifier: GPL-3.0-or-later

-- arp_watch.lua watches who has which address on a network, by what hosts say in ARP (IPv4) and neighbour discovery
-- (IPv6). It prints a line for each new station, for each address that moves to another MAC, as when somebody takes over
-- the address of another, and for each ARP packet that names another sender than the frame that it is in.
-- Every packet goes on to the kernel.
--
--   pvlua veth1 scripts/arp_watch.lua          and then, from the other end:   arping -U -I veth0 10.0.0.4
--
-- How to read it: pvlua calls on_packet for each packet. pkt.arp and so on are its headers, nil where it has none. A map
-- is a table that is bounded and forgets. Two dashes begin a comment, and ~= means "not equal".

local pv = require "pv"

local max    = pv.arg{name = "stations", type = "integer", default = 10000, min = 1, help = "addresses to remember per port"}
local forget = pv.arg{name = "forget", default = 86400, min = 1, help = "seconds of silence after which a station is forgotten"}

local stations = {}                                                   -- an interface: the MAC of each address there
for _, port in ipairs(pv.ports) do
  stations[port.name] = pv.map{name = "stations " .. port.name, max = max, ttl = forget}
end

-- Whoever can send packets could fill the screen: so many lines per second have to do.
local lines, left_out = 20, 0
pv.every(1, function()
  if left_out > 0 then print("and " .. left_out .. " more") end
  lines, left_out = 20, 0
end)

local function report(port, ...)
  if lines == 0 then
    left_out = left_out + 1
  else
    lines = lines - 1
    print(port.name .. ": " .. string.format(...))
  end
end

local function text(address)
  return type(address) == "number" and pv.ip_str(address) or pv.ip6_str(address)
end

local function learn(port, address, mac)
  local known = stations[port.name]
  local old = known:get(address)
  if old == mac or not known:set(address, mac) then return end        -- as before, or one too many
  if old then
    report(port, "%s moved from %s to %s", text(address), pv.mac_str(old), pv.mac_str(mac))
  else
    report(port, "new station %s at %s", text(address), pv.mac_str(mac))
  end
end

local unknown, unspecified = pv.ip"0.0.0.0", pv.ip6"::"               -- the sender has no address yet

function on_packet(pkt)
  local eth, arp, ip6, icmp6, port = pkt.eth, pkt.arp, pkt.ip6, pkt.icmp6, pkt.port
  if pkt.vlan then return end                                         -- that is another network
  if arp and arp.spa ~= unknown then
    if arp.sha ~= eth.src then
      report(port, "%s says that %s is at %s", pv.mac_str(eth.src), pv.ip_str(arp.spa), pv.mac_str(arp.sha))
    end
    learn(port, arp.spa, arp.sha)
  elseif icmp6 and ip6.hlim == 255 then                               -- no router let it through: it is from here
    if icmp6.type == 136 and icmp6.tlla then                          -- neighbour advertisement
      learn(port, icmp6.target, icmp6.tlla)
    elseif icmp6.type >= 133 and icmp6.type <= 135 and icmp6.slla and ip6.src ~= unspecified then
      learn(port, ip6.src, icmp6.slla)                                -- neighbour and router solicitation, router advertisement
    end
  end
end
