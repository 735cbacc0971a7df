// SPDX-License-Identifier: GPL-3.0-or-later

package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pvlua/internal/labtest"
)

// reshapeScript answers UDP in four ways that change lengths. Port 1 gets its
// payload back three times over, port 2 its first byte, port 3 an answer that
// is built, port 4 one that a clone carries; port 5 asks for a packet that is
// too long.
const reshapeScript = `
local pv = require "pv"
function on_packet(pkt)
  local udp, ip, ip6, me = pkt.udp, pkt.ip, pkt.ip6, pkt.port
  if not udp or not me:owns((ip or ip6).dst) then return end
  local port = udp.dport
  if port == 1 then
    pkt.payload = pkt.payload:rep(3)
    return pkt:reply()
  elseif port == 2 then
    pkt.payload = pkt.payload:sub(1, 1)
    return pkt:reply()
  elseif port == 3 then
    local eth = pkt.eth
    local answer = {eth = {dst = eth.src, src = eth.dst}, udp = {sport = 3, dport = udp.sport}, payload = "built\n"}
    if ip then answer.ip = {src = ip.dst, dst = ip.src} else answer.ip6 = {src = ip6.dst, dst = ip6.src} end
    me:send(pv.build(answer))
    return pv.DROP
  elseif port == 4 then
    local c = pkt:clone()
    c:reply()
    c.payload = "clone of " .. pkt.payload
    me:send(c)
    return pv.DROP
  elseif port == 5 then
    pkt.payload = ("x"):rep(1500)
    return pkt:reply()
  end
end`

// Real clients accept packets whose length a script has changed or that it has
// built: their kernels check lengths and checksums.
func TestReshapedPacketsReachRealClients(t *testing.T) {
	need(t, "ping", "nc")
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			script := filepath.Join(t.TempDir(), "reshape.lua")
			if err := os.WriteFile(script, []byte(reshapeScript), 0o600); err != nil {
				t.Fatal(err)
			}
			lab := labtest.New(t, labtest.Options{})
			r := start(t, lab.B, "--mode", mode, lab.B.Link, script)
			long := strings.Repeat("0123456789", 45)
			for _, to := range []string{lab.B.IP.String(), lab.B.IP6.String()} {
				lab.A.Run(t, "ping", "-c", "1", "-W", "2", to) // the kernel answers; addresses are known
				for port, c := range map[int]struct{ ask, want string }{
					1: {long, long + long + long}, 2: {"xyz", "x"}, 3: {"?", "built\n"}, 4: {"it", "clone of it"}, 5: {"too long", ""},
				} {
					if got := netcat(t, lab.A, c.ask, "-u", "-W", "1", "-w", "1", to, fmt.Sprint(port)); got != c.want {
						t.Errorf("nc %s %d answered %q, want %q", to, port, got, c.want)
					}
				}
			}
			all := r.stop(t)
			if n := all[lab.B.Link]; n["tx"] != 8 || n["error"] != 2 || n["drop"] != 4 {
				t.Errorf("totals %v", n)
			}
			if want := "reshape.lua:3: on_packet changed the length of the packet, and its verdict is tx: a frame of 1542 bytes is too long"; !strings.Contains(r.Output(), want) {
				t.Errorf("no error that says %q:\n%s", want, r.Output())
			}
		})
	}
}
