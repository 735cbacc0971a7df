// SPDX-License-Identifier: GPL-3.0-or-later

package integration

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pvlua/internal/labtest"
)

// TestOnStopSeesWhatAllWorkersHandled interrupts four workers in mid traffic;
// what the first prints of a counter that all share must be the whole.
func TestOnStopSeesWhatAllWorkersHandled(t *testing.T) {
	need(t, "ping", "ip")
	lab := labtest.New(t, labtest.Options{Queues: 4, NoIPv6: true})
	r := start(t, lab.B, lab.B.Link, script(t, `
		local pv = require "pv"
		local seen = pv.counter("seen")
		function on_packet() seen:add(1) end
		function on_stop()
			if pv.worker == 1 then print("seen " .. seen:get()) end
		end`))
	for i := range 4 {
		lab.B.Run(t, "ip", "addr", "add", fmt.Sprintf("10.0.0.%d/24", 50+i), "dev", lab.B.Link)
		lab.A.Start(t, "ping", "-f", "-q", "-w", "20", fmt.Sprintf("10.0.0.%d", 50+i))
	}
	time.Sleep(500 * time.Millisecond)
	all := r.stop(t)
	if want := fmt.Sprintf("seen %d\n", all[lab.B.Link]["rx"]); !strings.Contains(r.Output(), want) {
		t.Errorf("no %q in:\n%s", want, r.Output())
	}
}
