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
