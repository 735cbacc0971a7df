-- SPDX-License-Identifier: GPL-3.0-or-later

-- firewall.lua lets packets through or not, by the rules below: between two interfaces, or from one to the kernel of
-- this machine. Many rules take no longer than a few: it looks them up. What is not IP, such as ARP, gets through.
-- It remembers nothing: answers are packets like others.
--
--   pvlua eth0 scripts/firewall.lua          or          pvlua veth0 veth2 scripts/firewall.lua
--
-- How to read it: pvlua calls on_packet for each packet; what it returns becomes of the packet. {...} is a table: a
-- list, or values by their names; #list is its length. Two dashes begin a comment.

local pv = require "pv"

-- No packet from or to these addresses gets through.
local addresses = {"192.0.2.66", "198.51.100.7", "2001:db8::66"}

-- The first rule that fits a packet decides. What it leaves out may be anything. A packet that none fits gets through.
local rules = {
  {"allow", proto = "tcp", src = "10.0.0.4", dst = "10.0.0.5", dport = 22},
  {"drop",  proto = "tcp", dport = 22},
  {"drop",  proto = "tcp", dport = 23},
  {"drop",  proto = "udp", src = "10.0.0.4", sport = 4000, dst = "10.0.0.5", dport = 5000},
}

local function address(text) return text:find(":") and pv.ip6(text) or pv.ip(text) end
local function protocol(name) return ({icmp = 1, tcp = 6, udp = 17, icmp6 = 58})[name] or tonumber(name) end
local function verdict(word) return word == "allow" or word == "drop" end

local fields = {"proto", "src", "dst", "sport", "dport"}
local meaning = {verdict, proto = protocol, src = address, dst = address, sport = tonumber, dport = tonumber}

-- Tables within tables lead to the number of a rule: tree[protocol][source][destination][port][port], or "any" instead.
local tree, blocked = {}, {}
for _, text in ipairs(addresses) do blocked[address(text)] = true end
for n, rule in ipairs(rules) do
  rule[1] = rule[1] or "no verdict"
  for name, value in pairs(rule) do
    local known = meaning[name] and meaning[name](value)
    if not known then error("rule " .. n .. " is wrong: " .. name .. " = " .. tostring(value), 0) end
  end
  local node = tree
  for i, field in ipairs(fields) do
    local key = rule[field] and meaning[field](rule[field]) or "any"
    node[key] = node[key] or (i < #fields and {} or n)
    node = node[key]
  end
end

-- The number of the first rule that fits a packet; one more than there are if none does.
local function first_rule(node, packet, i)
  if not node then return #rules + 1 end
  if i > #fields then return node end
  return math.min(first_rule(node[packet[i]], packet, i + 1), first_rule(node.any, packet, i + 1))
end

local packet = {}

function on_packet(pkt)
  local ip, ports, left, right = pkt.ip or pkt.ip6, pkt.tcp or pkt.udp, pv.ports[1], pv.ports[2]
  local through = right and (pkt.port == left and right or left) or pv.PASS
  if not ip then return through end
  if blocked[ip.src] or blocked[ip.dst] then return pv.DROP end
  local later_fragment = (pkt.ip and ip.frag or ip.frag_off or 0) > 0        -- the ports are in the first one
  if not (ports or later_fragment) and (ip.proto == 6 or ip.proto == 17) or not ip.proto then
    return pv.DROP                                                          -- cut short: rules can't see what it is
  end
  packet[1], packet[2], packet[3] = ip.proto, ip.src, ip.dst
  packet[4], packet[5] = ports and ports.sport or false, ports and ports.dport or false
  local rule = rules[first_rule(tree, packet, 1)]
  return rule and rule[1] == "drop" and pv.DROP or through
end
