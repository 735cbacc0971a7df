// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var someResults = []result{
	{scenario: "drop", contender: "pvlua", through: []float64{900, 1000, 1200}, offered: []float64{5000, 5100, 5200}},
	{scenario: "drop", contender: reference, through: []float64{1000, 2000, 1000}, offered: []float64{5000, 5000, 5000}},
	{scenario: "reflect", contender: "pvlua", through: []float64{900}, offered: []float64{5000}},
	{scenario: "reflect", contender: reference, err: errors.New("reflect, C AF_XDP: no luck")},
	{scenario: "forward", contender: "pvlua", skipped: "needs a machine"},
}

func TestReportMatches(t *testing.T) {
	const text = `scenario  contender              kpps       of C AF_XDP  offered kpps
drop      pvlua       1000 (900-1200)  0.90 (0.50-1.20)          5100
drop      C AF_XDP   1000 (1000-2000)  1.00 (1.00-1.00)          5000
reflect   pvlua         900 (900-900)                 -          5000
reflect   C AF_XDP                  -                 -             -
forward   pvlua                     -                 -             -

failed: reflect, C AF_XDP: no luck
skipped: forward, pvlua: needs a machine
`
	const markdown = `| scenario | contender |             kpps |      of C AF_XDP | offered kpps |
| -------- | --------- | ---------------: | ---------------: | -----------: |
| drop     | pvlua     |  1000 (900-1200) | 0.90 (0.50-1.20) |         5100 |
| drop     | C AF_XDP  | 1000 (1000-2000) | 1.00 (1.00-1.00) |         5000 |
| reflect  | pvlua     |    900 (900-900) |                - |         5000 |
| reflect  | C AF_XDP  |                - |                - |            - |
| forward  | pvlua     |                - |                - |            - |

failed: reflect, C AF_XDP: no luck
skipped: forward, pvlua: needs a machine
`
	for _, tt := range []struct {
		markdown bool
		want     string
	}{{false, text}, {true, markdown}} {
		var b strings.Builder
		if err := reportMatches(&b, someResults, tt.markdown); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, b.String()); diff != "" {
			t.Errorf("markdown %v (-want +got):\n%s", tt.markdown, diff)
		}
	}
}

func TestVerdict(t *testing.T) {
	good, skipped, failed := someResults[0], someResults[4], someResults[3]
	tests := []struct {
		results []result
		ci      string
		want    string // part of the error; none if empty
	}{
		{[]result{good}, "true", ""},
		{[]result{good, skipped}, "", ""},
		{[]result{good, skipped}, "true", "1 of 2 contenders were skipped"},
		{[]result{good, failed, skipped}, "", "1 of 3 contenders failed"},
	}
	for _, tt := range tests {
		t.Setenv("CI", tt.ci)
		err := verdict(tt.results)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("verdict(%d results), CI=%q: %v, want %q", len(tt.results), tt.ci, err, tt.want)
		}
	}
}
