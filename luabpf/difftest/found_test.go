// SPDX-License-Identifier: GPL-3.0-or-later

package difftest

import (
	"math/rand/v2"
	"testing"

	"pvlua/internal/pkttest"
)

// found are handlers that an engine once ran otherwise than Lua, as they were
// when brought down.
var found = []string{
	`
function on_packet(pkt)
  local eth, vlan2, ip6, icmp6, tcp = pkt.eth, pkt.vlan2, pkt.ip6, pkt.icmp6, pkt.tcp
  if tcp then
    pkt:fix_checksums()
    if ip6 then end
  elseif true then
  end
end`, `
function on_packet(pkt)
  local eth, vlan2, ip6, icmp6, tcp = pkt.eth, pkt.vlan2, pkt.ip6, pkt.icmp6, pkt.tcp
  pkt:fix_checksums()
  if ip6 then end
end`, `
function on_packet(pkt)
  local eth, ip6, tcp = pkt.eth, pkt.ip6, pkt.tcp
  if tcp then return pkt:reply() end
end`, `
local m4 = pv.map{name = "m4", max = 8, key = "u64", value = "u64"}
local k1, k2, a1 = 65535, 119816, pv.ip6"2001:db8::2"
local function f5(pkt, n6, n7)
  local eth, vlan, vlan2, ip, ip6, udp = pkt.eth, pkt.vlan, pkt.vlan2, pkt.ip, pkt.ip6, pkt.udp
  return 0, 0
end
function on_packet(pkt)
  local eth, vlan2, arp, ip, ip6, icmp, tcp = pkt.eth, pkt.vlan2, pkt.arp, pkt.ip, pkt.ip6, pkt.icmp, pkt.tcp
  local n20 = bit32.arshift((m4:get(0) or k2), f5(pkt, 0, pkt.ip.src))
  ip.dst, ip.src = ip.src, ip.dst
  if icmp and ip and not vlan2 then
    ip.checksum, pkt.ip.ttl = 0, 0
  elseif true then
  end
end`, `
function on_packet(pkt)
  local eth, vlan, ip, ip6, udp = pkt.eth, pkt.vlan, pkt.ip, pkt.ip6, pkt.udp
  eth.src = 0
  pkt:resize(60)
end`,
}

func TestFound(t *testing.T) {
	list := Packets(rand.New(rand.NewPCG(9, 9)), 200)
	for _, n := range pkttest.All() {
		list = append(list, Packet{Frame: n.Frame})
	}
	for _, source := range found {
		lua, err := new(Engine).Run(source, list)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range Engines(nil) {
			o, err := e.Run(source, list)
			if err != nil {
				t.Errorf("%s: %v%s", e.Name, err, source)
			} else if d := Difference(lua, o); d != "" {
				t.Errorf("%s: %s%s", e.Name, d, source)
			}
		}
	}
}
