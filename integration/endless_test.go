// SPDX-License-Identifier: GPL-3.0-or-later

package integration

import (
	"strings"
	"testing"
	"time"

	"pvlua/internal/labtest"
)

// TestEndlessHandlerDoesNotKeepItFromEnding has a handler that never returns
// see a whole batch, and more, when SIGINT comes. Every packet gets its
// verdict: those on which the handler was stopped, and those behind them.
func TestEndlessHandlerDoesNotKeepItFromEnding(t *testing.T) {
	need(t, "ping")
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	r := start(t, lab.B, lab.B.Link, script(t, "function on_packet(pkt)\n  if pkt.icmp then\n    while true do end\n  end\nend\n"))
	lab.A.Start(t, "ping", "-f", "-q", "-w", "10", "-l", "300", lab.B.IP.String())
	r.WaitOutput(t, "test.lua:3: handler stopped: more than 10000000 instructions", 10*time.Second)
	time.Sleep(300 * time.Millisecond)
	all := r.stop(t) // within a second
	if c := all[lab.B.Link]; c["error"] < 1 || c["error"] > c["rx"]/2 || c["pass"]+c["pass-lost"] != c["rx"] {
		t.Errorf("%v", c)
	}
	if !strings.Contains(r.Output(), "verdict=pass") {
		t.Error(r.Output())
	}
}
