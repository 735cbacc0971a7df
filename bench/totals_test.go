// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseTotals(t *testing.T) {
	tests := []struct {
		name  string
		text  string
		ports []string
		want  totals
	}{{
		name:  "a line",
		text:  "veth1: rx 123 tx 4 drop 119 pass 0 error 0\n",
		ports: []string{"veth1"},
		want:  totals{"veth1": {"rx": 123, "tx": 4, "drop": 119, "pass": 0, "error": 0}},
	}, {
		name:  "amid other output",
		text:  "level=INFO msg=\"d0: native mode\"\nd0: rx 1 tx 2\nd1: rx 3 tx 4\nframes: 4096 owned, 4096 accounted for\n",
		ports: []string{"d0", "d1"},
		want:  totals{"d0": {"rx": 1, "tx": 2}, "d1": {"rx": 3, "tx": 4}},
	}, {
		name:  "a prefix, punctuation, a rest of another form, no newline",
		text:  "pvlua: d0: rx 18446744073709551615, tx 2; drops by reason: none",
		ports: []string{"d0"},
		want:  totals{"d0": {"rx": 18446744073709551615, "tx": 2}},
	}, {
		name:  "the last line counts",
		text:  "d0: rx 1\nd0: rx 2\n",
		ports: []string{"d0"},
		want:  totals{"d0": {"rx": 2}},
	}, {
		name:  "a port whose name ends another's",
		text:  "cloud0: rx 7\nd0: rx 1\ncloud0: rx 8\n",
		ports: []string{"d0"},
		want:  totals{"d0": {"rx": 1}},
	}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseTotals(tt.text, tt.ports...)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("totals (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseTotalsMissing(t *testing.T) {
	for _, text := range []string{
		"",
		"d1: rx 1\n",
		"d0: tx 1\n",
		"d0: rx many\n",
		"d0: rx -1\n",
		"d0: rx",
	} {
		if got, err := parseTotals(text, "d0"); err == nil {
			t.Errorf("parseTotals(%q) = %v, want an error", text, got)
		} else if !strings.Contains(err.Error(), "no totals for d0") {
			t.Errorf("parseTotals(%q): %v, want the port named", text, err)
		}
	}
}

func TestParseCounters(t *testing.T) {
	got, err := parseCounters([]byte(`{"mode":"forward","seconds":1.5,"ports":[{"name":"d0","rx":5,"tx":6},{"name":"d1","rx":7,"tx":8}]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := totals{"d0": {"rx": 5, "tx": 6}, "d1": {"rx": 7, "tx": 8}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("totals (-want +got):\n%s", diff)
	}
	if n := got.sum("rx"); n != 12 {
		t.Errorf("sum of rx = %d, want 12", n)
	}
	for _, text := range []string{"", "{", `{"ports":[{"rx":1}]}`} {
		if _, err := parseCounters([]byte(text)); err == nil {
			t.Errorf("parseCounters(%q) succeeded", text)
		}
	}
}

func TestCompare(t *testing.T) {
	rx := func(n uint64) totals { return totals{"d0": {"rx": n}} }
	tests := []struct {
		own       totals
		delivered uint64
		ok        bool
	}{
		{nil, 5, true},
		{rx(5), 5, true},
		{rx(5), 5 + ringSize, true}, // left on the ring
		{rx(5), 5 + ringSize + 1, false},
		{rx(6), 5, false}, // more than there was
		{totals{"d0": {"rx": 1}, "d1": {"rx": 2}}, 3 + 2*ringSize, true},
	}
	for _, tt := range tests {
		if err := compare(tt.own, tt.delivered, 1); (err == nil) != tt.ok {
			t.Errorf("compare(%v, %d) = %v", tt.own, tt.delivered, err)
		}
	}
}
