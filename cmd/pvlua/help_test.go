// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"strings"
	"testing"
)

func TestHelpOnNames(t *testing.T) {
	for name, want := range map[string]string{
		"pkt.udp.dport": "pkt.udp.dport: number, 16 bits, read and assigned\n",
		"pkt.udp":       "pkt.udp: a header of the packet",
		"pv.every":      "pv.every(seconds, f) -> timer\n",
		"verdicts":      "pv.DROP",
		"port":          "port:send(packet or string) -> boolean\n",
		"topics":        "\n  commands    " + strings.Join(commandNames(), " ") + "\n",
		"frames":        "--completion-ring",
	} {
		status, out, errs := here("help", name)
		if status != exitOK || errs != "" || !strings.Contains(out, want) {
			t.Errorf("help %s: status %d, %s%s\nwant %q", name, status, out, errs, want)
		}
	}
}

func TestHelpOnUnknownNames(t *testing.T) {
	const all = "\n(pvlua help topics lists all that there is)\n"
	for name, want := range map[string]string{
		"pkt.udp.dprot": `pvlua help: there is nothing about "pkt.udp.dprot"; did you mean pkt.udp.dport?` + all,
		"pv.evry":       `pvlua help: there is nothing about "pv.evry"; did you mean pv.every?` + all,
		"vredicts":      `pvlua help: there is nothing about "vredicts"; did you mean verdicts?` + all,
		"doctr":         `pvlua help: there is nothing about "doctr"; did you mean doctor?` + all,
		"xyzzy":         `pvlua help: there is nothing about "xyzzy"` + all,
	} {
		if status, out, errs := here("help", name); status != exitUsage || out != "" || errs != want {
			t.Errorf("help %s: status %d, %q, %q\nwant %q", name, status, out, errs, want)
		}
	}
	if status, out, errs := here("help", "pv", "every"); status != exitUsage || out != "" || !strings.Contains(errs, `one name at a time, but "pv" "every" are given`) {
		t.Errorf("two names: status %d, %q, %q", status, out, errs)
	}
}
