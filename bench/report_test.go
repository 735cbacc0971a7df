// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var someRows = []row{
	{name: "drop", what: "pvlua", figures: []float64{900, 1000, 1200}, format: "%.0f", unit: "kpps",
		ratios: []float64{0.9, 0.5, 1.2}, of: cAFXDP, goal: goal{atLeast, 0.8}},
	{name: "drop", what: cAFXDP, figures: []float64{1000, 2000, 1000}, format: "%.0f", unit: "kpps"},
	{name: "handlers", what: "mix", figures: []float64{300}, format: "%.0f", unit: "ns",
		ratios: []float64{6.04}, of: emptyCalls, goal: goal{atMost, 5.4}},
	{name: "idle", what: "pvlua", figures: []float64{0.05}, format: "%.3f", unit: "%", goal: goal{below, 0.1}},
	{name: "idle", what: "pvlua --busy-poll", format: "%.3f", unit: "%", goal: goal{below, 0.1}, skip: "this pvlua has no --busy-poll"},
	{name: "scale", what: "all", of: "one worker", goal: goal{atLeast, 1.2}, err: errors.New("no luck")},
}

func TestReport(t *testing.T) {
	const text = `benchmark  case                   measured             ratio           of   target  met
drop       pvlua      1000 (900-1200) kpps  0.90 (0.50-1.20)     C AF_XDP    ≥ 0.8  yes
drop       C AF_XDP  1000 (1000-2000) kpps
handlers   mix            300 (300-300) ns     6.0 (6.0-6.0)  empty calls    ≤ 5.4   no
idle       pvlua     0.050 (0.050-0.050) %                                 < 0.1 %  yes
`
	var b strings.Builder
	if err := report(&b, someRows[:4], false); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(text, b.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestReportInMarkdown(t *testing.T) {
	var b strings.Builder
	if err := report(&b, someRows[3:], true); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		"| idle      | pvlua             | 0.050 (0.050-0.050) % ",
		"| idle      | pvlua --busy-poll |          not measured ",
		"| scale     | all               |          not measured ",
		"\nNot measured:\n\n- idle, pvlua --busy-poll: this pvlua has no --busy-poll\n- scale, all: failed: no luck\n",
	} {
		if !strings.Contains(b.String(), part) {
			t.Errorf("the report lacks %q:\n%s", part, b.String())
		}
	}
}

func TestFailures(t *testing.T) {
	if err := failures(someRows[:5]); err != nil {
		t.Errorf("failures of rows of which one was skipped: %v", err)
	}
	if err := failures(someRows); err == nil || err.Error() != "1 row of the table failed" {
		t.Errorf("failures of rows of which one failed: %v", err)
	}
}

// A median on the bound meets all goals but that to be below it.
func TestGoals(t *testing.T) {
	for _, tt := range []struct {
		goal
		ratio float64
		want  string
	}{
		{goal{atLeast, 3}, 3, "yes"}, {goal{atLeast, 3}, 2.99, "no"},
		{goal{atMost, 3}, 3, "yes"}, {goal{atMost, 3}, 3.01, "no"},
		{goal{below, 3}, 2.99, "yes"}, {goal{below, 3}, 3, "no"},
		{goal{}, 3, ""},
	} {
		r := row{figures: []float64{100}, ratios: []float64{tt.ratio}, goal: tt.goal}
		if got := r.verdict(); got != tt.want {
			t.Errorf("%v with a median of %v: %q, want %q", tt.goal, tt.ratio, got, tt.want)
		}
	}
	if got := (&row{goal: goal{atLeast, 3}}).verdict(); got != "-" {
		t.Errorf("a goal without figures: %q, want -", got)
	}
}
