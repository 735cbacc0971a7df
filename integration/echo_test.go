// SPDX-License-Identifier: GPL-3.0-or-later

package integration

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"pvlua/internal/labtest"
)

// modes are the ways of receiving that a veth has.
var modes = []string{"native", "generic"}

// TestEchoAnswersRealClients has echo.lua answer for B, where the kernel is
// kept from answering: it does not hear what the script answers.
func TestEchoAnswersRealClients(t *testing.T) { bothEngines(t, testEchoAnswersRealClients) }

func testEchoAnswersRealClients(t *testing.T) {
	need(t, "arping", "ping", "nc")
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			lab := newLab(t, labtest.Options{})
			r := start(t, lab.B, "--mode", mode, lab.B.Link, "scripts/echo.lua")
			ip, ip6 := lab.B.IP.String(), lab.B.IP6.String()

			out := lab.A.Run(t, "arping", "-c", "3", "-I", lab.A.Link, ip)
			if !strings.Contains(out, "Received 3 response") || !strings.Contains(strings.ToLower(out), lab.B.MAC.String()) {
				t.Errorf("arping:\n%s", out)
			}
			lab.A.Run(t, "ping", "-c", "5", "-i", "0.02", "-W", "2", ip)
			lab.A.Run(t, "ping", "-c", "5", "-i", "0.02", "-W", "2", "-s", "1400", ip)
			lab.A.Run(t, "ping", "-c", "3", "-i", "0.02", "-W", "2", "-R", ip) // IP options: record route
			lab.A.Run(t, "ping", "-6", "-c", "5", "-i", "0.02", "-W", "2", ip6)
			for _, to := range []string{ip, ip6} {
				out := netcat(t, lab.A, "marco\n", "-u", "-W", "1", "-w", "3", to, "7")
				if out != "marco\n" {
					t.Errorf("nc %s 7 answered %q", to, out)
				}
			}
			all := r.stop(t)
			all.lossless(t)
			if n := all[lab.B.Link]["tx"]; n < 3+5+5+3+5+2 {
				t.Errorf("pvlua sent %d packets: somebody else answered", n)
			}
		})
	}
}

// netcat runs nc with input and returns what it wrote to standard output.
func netcat(t *testing.T, side *labtest.Side, input string, args ...string) string {
	t.Helper()
	cmd := exec.Command("nc", args...)
	cmd.Stdin = strings.NewReader(input)
	var out strings.Builder
	cmd.Stdout = &out
	p := side.StartCmd(t, cmd)
	if err := p.Wait(t, 20*time.Second); err != nil {
		t.Errorf("nc %v: %v %s", args, err, p.Output())
	}
	return out.String()
}
