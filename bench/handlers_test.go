// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pvlua/luabind"
)

// testBench is a bench without a lab, of short runs.
func testBench(t *testing.T) *bench {
	return &bench{options: options{rounds: 2, short: true, at: testPlaces(t)}, ctx: context.Background(), say: func(string) {}}
}

// Every subject takes the verdicts that its row in the table claims to measure.
func TestSubjects(t *testing.T) {
	b := testBench(t)
	for _, s := range []section{handlers(), growth()} {
		rows, err := s.run(b)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			if len(r.figures) != 2 || r.figures[0] < 0 || r.err != nil {
				t.Errorf("%s, %s: %v, error %v; want two values", r.name, r.what, r.figures, r.err)
			}
		}
	}
}

// Half of the firewall's packets are blocked, by any number of rules.
func TestFirewallSubject(t *testing.T) {
	for _, n := range []int{1, 1000} {
		dropped := 0
		s := firewallSubject("firewall", n, goal{})
		for _, p := range s.packets {
			if p.verdict == luabind.Drop {
				dropped++
			}
		}
		if dropped*2 != len(s.packets) {
			t.Errorf("%d rules: %d of %d packets are blocked, want half", n, dropped, len(s.packets))
		}
	}
}

func TestLoadFindsAWrongVerdict(t *testing.T) {
	at := testPlaces(t)
	at.root = t.TempDir()
	if err := os.WriteFile(filepath.Join(at.root, "fails.lua"), []byte("function on_packet(pkt) return 1 + nil end"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := paths()[0]
	s := subject{what: p.name, script: []string{"fails.lua"}, ports: []*luabind.Port{echoPort()}, packets: p.packets[:]}
	if _, _, err := s.load(at); err == nil || !strings.Contains(err.Error(), "UDP echo: packet 0: verdict none") {
		t.Errorf("load of a script that fails: %v, want what and which packet", err)
	}
}

// The mix has the shares that are claimed for it, as far as 256 packets can, and
// no two of its packets are the same.
func TestMix(t *testing.T) {
	var mix path
	for _, p := range paths() {
		if p.name == mixName {
			mix = p
		}
	}
	share, seen := map[string]int{}, map[string]bool{}
	for _, p := range mix.packets {
		kind := "arp"
		if binary.BigEndian.Uint16(p.frame[12:]) == 0x0800 {
			switch p.frame[23] { // protocol
			case 1:
				kind = "icmp"
			case 6:
				kind = "tcp"
			case 17:
				kind = "udp"
				if binary.BigEndian.Uint16(p.frame[36:]) == 7 {
					kind = "udp7"
				}
			}
		}
		share[kind]++
		seen[string(p.frame)] = true
	}
	for kind, percent := range map[string]int{"udp7": 40, "tcp": 25, "udp": 20, "icmp": 10, "arp": 5} {
		if got := share[kind] * 100 / pathPackets; got < percent-6 || got > percent+6 {
			t.Errorf("%d %% of the mix is %s, want about %d %%", got, kind, percent)
		}
	}
	if len(seen) != pathPackets {
		t.Errorf("%d different packets, want %d", len(seen), pathPackets)
	}
}

func TestMeasureCostCountsAllocations(t *testing.T) {
	var keep []byte
	m, err := measureCost(20*time.Millisecond, func() int {
		keep = make([]byte, 64)
		return 2 // half an allocation a packet
	})
	if err != nil || len(keep) != 64 || m[1] < 0.5 || m[1] > 0.6 {
		t.Errorf("%v, error %v, want 0.5 allocations", m, err)
	}
}
