-- SPDX-License-Identifier: GPL-3.0-or-later

-- dns.lua is a name server for the IPv4 (A) and IPv6 (AAAA) addresses of the names in the list below and in its
-- arguments. Other names do not exist (NXDOMAIN), or, with --others pass, are for another name server on this machine.
--
--   pvlua veth1 scripts/dns.lua -- printer.test=10.0.0.9 printer.test=2001:db8::9
--   and then, from the other end:   dig @10.0.0.5 printer.test    or    nslookup printer.test 10.0.0.5
--
-- How to read it: pvlua calls on_packet for each packet. In string.pack and string.unpack > is network byte order,
-- H a number of 2 bytes, I4 of 4, s2 a string behind its length. Two dashes begin a comment, ~= means "not equal".

local pv = require "pv"

local names = {"pvlua.test=192.0.2.1", "pvlua.test=2001:db8::1"}
local others = pv.arg{name = "others", default = "nxdomain", choices = {"nxdomain", "pass"}, help = "fate of others"}
local ttl = pv.arg{name = "ttl", type = "integer", default = 60, min = 0, max = 604800, help = "seconds it is good for"}
local A, AAAA, IN, MOST = 1, 28, 1, 8      -- RFC 1035 and RFC 3596; so many addresses fit an answer of 512 bytes
local hosts = {}                           -- by names as in questions, each part behind its length: addresses by kind

-- Adds the name and the address in a text to the table of hosts.
local function add(text)
  local name, address = text:match("^([%w_.-]+)=([%x.:]+)$")
  if not name then error(text .. " is no name and address, such as printer.test=10.0.0.9", 0) end
  local function part(label) return string.pack("s1", label) end
  local wire = name:lower():gsub("%.?$", ".", 1):gsub("([^.]*)%.", part) .. "\0"
  local kind = address:find(":", 1, true) and AAAA or A
  hosts[wire] = hosts[wire] or {[A] = {}, [AAAA] = {}}
  table.insert(hosts[wire][kind], kind == A and string.pack(">I4", pv.ip(address)) or kind == AAAA and pv.ip6(address))
  if #hosts[wire][kind] > MOST then error(name .. " has more than " .. MOST .. " addresses of a kind", 0) end
end

for _, text in ipairs(names) do add(text) end
for _, text in ipairs(pv.args) do add(text) end

-- Where a name ends that begins at a byte of a message; nothing if it is cut short.
local function name_end(message, at)
  repeat
    local length = message:byte(at)
    if not length or length > 63 then return end
    at = at + 1 + length
  until length == 0
  return at
end

-- The answer to a query; nothing if it is not for us, or if it is none.
local function answer(query)
  if #query < 12 then return end
  local id, flags, questions = string.unpack(">HHH", query)
  local behind = name_end(query, 13)
  if flags >= 0x0800 or questions ~= 1 or not behind or behind > 268 or #query < behind + 3 then return end
  local kind, class = string.unpack(">HH", query, behind)
  local host = hosts[query:sub(13, behind - 1):lower()]
  if not host and others == "pass" then return end
  local found = host and class == IN and host[kind] or {}
  local status = 0x8400 + bit32.band(flags, 0x0100) + (host and 0 or 3)           -- an answer, by one who must know
  local text = string.pack(">HHHHHH", id, status, 1, #found, 0, 0) .. query:sub(13, behind + 3)
  for _, address in ipairs(found) do                                              -- 0xc00c: the name is in the question
    text = text .. string.pack(">HHHI4s2", 0xc00c, kind, IN, ttl, address)
  end
  return text
end

function on_packet(pkt)
  local eth, ip, ip6, udp, me = pkt.eth, pkt.ip, pkt.ip6, pkt.udp, pkt.port
  if not udp or udp.dport ~= 53 or pkt.vlan or eth.dst ~= me.mac then return end
  if not me:owns((ip or ip6).dst) or ip and ip.mf or ip6 and ip6.frag_id then return end   -- fragments are the kernel's
  local text = answer(pkt.payload)
  if not text then return end
  pkt.payload = text
  if ip then ip.ttl = 64 else ip6.hlim = 64 end
  return pkt:reply()
end
