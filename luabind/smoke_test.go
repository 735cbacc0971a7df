// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import "testing"

func TestSmoke(t *testing.T) {
	f := load(t, `
local pv = require "pv"
function on_packet(pkt)
  local eth, ip, udp = pkt.eth, pkt.ip, pkt.udp
  if udp and udp.dport == 7 then
    eth.dst, eth.src = eth.src, eth.dst
    ip.dst, ip.src = ip.src, ip.dst
    udp.dport, udp.sport = udp.sport, udp.dport
    return pv.TX
  end
  return eth.nothing
end`)
	p := f.handle(make([]byte, 60))
	t.Log(p.Verdict, p.Err)
	out, err := run(t, `
local a, b = 1, 2
a, b = b, a
print(a, b, #"abc", "x" .. a .. 1.5, string.format("%5.2f|%g|%x|%q|%-4d|", 1.5, 0.1+0.2, 255, "a\nb", 3))
print(("hello world"):gsub("o", "0"))
print(pcall(error, "x"), pcall(function() local x = nil; return x.foo end))
local t = {} for i = 1, 10000 do t[#t+1] = i end print(#t)
print(pv.ports.veth1.name, #pv.ports, pv.ip_str(pv.ports[1].ip), pv.ip6_str(pv.ports[1].ip6))
`)
	t.Log(out, err)
}
