// SPDX-License-Identifier: GPL-3.0-or-later

package offline

import (
	"bytes"
	"testing"

	"pvlua/internal/pkttest"
	"pvlua/packet"
)

// TestCompiledIsTheSame: a script whose handler compiles, with a counter and a map
// that ages by the capture's clock, gives byte for byte what Lua alone gives.
func TestCompiledIsTheSame(t *testing.T) {
	ip, _ := packet.ParseIP4("10.0.0.5")
	for name, source := range map[string]string{
		"echo": "", // scripts/echo.lua
		"state": `
			local n, seen = pv.counter "n", pv.map{name = "seen", max = 2, ttl = 2, key = "u16", value = "u32"}
			function on_packet(pkt)
			  local udp = pkt.udp
			  if not udp then return pv.DROP end
			  n:add(2)
			  local sum = seen:add(udp.sport, 3)
			  if not sum then return pv.DROP end
			  pkt.ip.ttl, udp.dport = sum, sum + 1
			  return pv.TX
			end
			function on_stop() print(n:get(), seen:refused()) end`,
	} {
		path := "../scripts/echo.lua"
		if source != "" {
			path = scriptFile(t, source)
		}
		var first result
		for _, lua := range []bool{true, false} {
			var packets []at
			for i := range 40 {
				for _, n := range pkttest.All() {
					packets = append(packets, at{float64(i), n.Frame})
				}
				packets = append(packets, at{float64(i), pkttest.UDP(pkttest.Options{SrcPort: uint16(i % 5)})})
			}
			in := port("in", file(packets...))
			in.Port.MAC, in.Port.IP = 2<<40|2, []uint32{ip}
			r := playFile(t, path, func(c *Config) { c.Lua = lua }, in).ok(t)
			if lua {
				first = r
			} else if !bytes.Equal(first.file, r.file) || first.stdout != r.stdout || first.totals.Ports[0] != r.totals.Ports[0] {
				t.Errorf("%s: %v and %q in Lua, %v and %q compiled; equal captures: %v",
					name, first.totals, first.stdout, r.totals, r.stdout, bytes.Equal(first.file, r.file))
			}
		}
		if p := first.totals.Ports[0]; p.Tx == 0 || p.Rx == p.Tx {
			t.Errorf("%s decides nothing: %+v", name, p)
		}
	}
}
