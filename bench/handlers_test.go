// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"pvlua/luabind"
)

// Every path takes the verdict that its row in the table claims to measure.
func TestPaths(t *testing.T) {
	at := testPlaces(t)
	empty, costs, err := measureHandlers(context.Background(), at.script("scripts", "echo.lua"), time.Millisecond, 2, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	if len(empty) != 2 || empty[0] <= 0 {
		t.Errorf("an empty call costs %v ns, want two positive values", empty)
	}
	for _, c := range costs {
		if len(c.ns) != 2 || c.ns[0] <= 0 || len(c.calls) != 2 || c.calls[0] <= 0 {
			t.Errorf("%s costs %v ns, %v calls, want two positive values each", c.path, c.ns, c.calls)
		}
	}
}

func TestCheckPathFindsAWrongVerdict(t *testing.T) {
	state, err := luabind.Load(luabind.Config{
		Script: "drop.lua",
		Source: []byte("function on_packet(pkt) return 1 + nil end"),
		Ports:  []*luabind.Port{echoPort()},
		Host:   noHost{},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer state.Close()
	p := paths()[0]
	if err := checkPath(state, &p); err == nil || !strings.Contains(err.Error(), p.name+", packet 0: ") {
		t.Errorf("checkPath of a script that fails: %v, want the path and packet", err)
	}
}

// The mix has the shares that are claimed for it, as far as 256 packets can, and
// no two of its packets are the same.
func TestMix(t *testing.T) {
	var mix path
	for _, p := range paths() {
		if p.name == "mix" {
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
	m := measureCost(20*time.Millisecond, func() int {
		keep = make([]byte, 64)
		return 2 // half an allocation a packet
	})
	if len(keep) != 64 || m.allocs < 0.5 || m.allocs > 0.6 || m.bytes < 32 || m.bytes > 40 {
		t.Errorf("%.2f allocations and %.0f bytes, want 0.5 and 32", m.allocs, m.bytes)
	}
}
