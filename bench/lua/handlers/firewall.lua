-- SPDX-License-Identifier: GPL-3.0-or-later
-- Drops the packets of blocked flows, of which there are 1,000: the other end of each by the end that it comes from. An
-- end is address and port, and above them in the key 1 for TCP.

local pv = require "pv"

local blocked = pv.map{name = "blocked", max = 1000, key = "u64", value = "u64"}

local function far_end(address, port) return address * 65536 + port end

for i = 0, 999 do
  blocked:set(far_end(pv.ip"10.1.0.0" + i, 1024 + i) + i % 2 * 2 ^ 48, far_end(pv.ip"10.2.0.0" + i, 53))
end

function on_packet(pkt)
  if pkt.vlan then return end
  local ip, udp, tcp = pkt.ip, pkt.udp, pkt.tcp
  if not ip then return end
  if udp then
    if blocked:get(far_end(ip.src, udp.sport)) == far_end(ip.dst, udp.dport) then return pv.DROP end
  elseif tcp then
    if blocked:get(far_end(ip.src, tcp.sport) + 2 ^ 48) == far_end(ip.dst, tcp.dport) then return pv.DROP end
  end
end
