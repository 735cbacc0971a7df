-- SPDX-License-Identifier: GPL-3.0-or-later

-- echo.lua answers what is sent to the addresses of the interface it runs on: the question "who has this address?" (ARP,
-- and neighbour solicitation for IPv6), pings, and everything for UDP port 7, the echo service of RFC 862.
-- What it does not answer goes to the kernel, as if pvlua were not there.
--
--   pvlua veth1 scripts/echo.lua        and then, from the other end:   ping 10.0.0.5    or    nc -u 10.0.0.5 7
--
-- How to read it: pvlua calls on_packet for each packet. pkt.udp and so on are its headers, nil where it has none. Assigning
-- a field changes the packet, and its checksums with it. Two dashes begin a comment, and ~= means "not equal".

local pv = require "pv"

local first_host, first_group = pv.ip"1.0.0.0", pv.ip"224.0.0.0"
local unspecified = pv.ip6"::"

-- Sends a packet back to where it came from.
local function turn_round(eth, ip, me)
  eth.dst, eth.src = eth.src, me.mac
  ip.dst, ip.src = ip.src, ip.dst
  return pv.TX
end

-- An answer from port 7 to port 7 would be answered in turn, for ever.
local function is_echo(udp) return udp.dport == 7 and udp.sport ~= 7 end

local function ipv4(pkt, eth, ip, me)
  if ip.src < first_host or ip.src >= first_group then return end     -- not from one host
  if ip.mf or ip.frag > 0 then return end                             -- fragments are for the kernel to put together
  local icmp, udp = pkt.icmp, pkt.udp
  if icmp and icmp.type == 8 then                                     -- echo request
    icmp.type, ip.ttl = 0, 64                                         -- echo reply
    return turn_round(eth, ip, me)
  elseif udp and is_echo(udp) then
    udp.dport, udp.sport, ip.ttl = udp.sport, udp.dport, 64
    return turn_round(eth, ip, me)
  end
end

local function ipv6(pkt, eth, ip6, me)
  if ip6.src == unspecified or ip6.src:byte(1) == 0xff or ip6.frag_id then return end
  local icmp6, udp = pkt.icmp6, pkt.udp
  if icmp6 and icmp6.type == 135 and ip6.hlim == 255 and icmp6.slla and me:owns(icmp6.target) then -- neighbour solicitation
    icmp6.type = 136                                                                               -- neighbour advertisement
    icmp6.solicited, icmp6.override, icmp6.tlla, ip6.dst = true, true, me.mac, icmp6.target
    return turn_round(eth, ip6, me)
  elseif eth.dst ~= me.mac or not me:owns(ip6.dst) then
    return
  elseif icmp6 and icmp6.type == 128 then                             -- echo request
    icmp6.type, ip6.hlim = 129, 64                                    -- echo reply
    return turn_round(eth, ip6, me)
  elseif udp and is_echo(udp) then
    udp.dport, udp.sport, ip6.hlim = udp.sport, udp.dport, 64
    return turn_round(eth, ip6, me)
  end
end

function on_packet(pkt)
  local eth, arp, ip, ip6, me = pkt.eth, pkt.arp, pkt.ip, pkt.ip6, pkt.port
  if not eth or pkt.vlan or pkt:u8(6) % 2 == 1 then return end        -- too short, of another network, or from a group
  if arp and arp.op == 1 and me:owns(arp.tpa) then                    -- request
    arp.op, arp.tha, arp.spa, arp.tpa, arp.sha = 2, arp.sha, arp.tpa, arp.spa, me.mac
    eth.dst, eth.src = eth.src, me.mac
    return pv.TX
  elseif ip and eth.dst == me.mac and me:owns(ip.dst) then
    return ipv4(pkt, eth, ip, me)
  elseif ip6 then
    return ipv6(pkt, eth, ip6, me)
  end
end
