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
}

func TestReportMatches(t *testing.T) {
	const text = `scenario  contender              kpps       of C AF_XDP  offered kpps
drop      pvlua       1000 (900-1200)  0.90 (0.50-1.20)          5100
drop      C AF_XDP   1000 (1000-2000)  1.00 (1.00-1.00)          5000
reflect   pvlua         900 (900-900)                 -          5000
reflect   C AF_XDP                  -                 -             -

failed: reflect, C AF_XDP: no luck
`
	const markdown = `| scenario | contender |             kpps |      of C AF_XDP | offered kpps |
| -------- | --------- | ---------------: | ---------------: | -----------: |
| drop     | pvlua     |  1000 (900-1200) | 0.90 (0.50-1.20) |         5100 |
| drop     | C AF_XDP  | 1000 (1000-2000) | 1.00 (1.00-1.00) |         5000 |
| reflect  | pvlua     |    900 (900-900) |                - |         5000 |
| reflect  | C AF_XDP  |                - |                - |            - |

failed: reflect, C AF_XDP: no luck
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
	if err := verdict(someResults[:3]); err != nil {
		t.Errorf("verdict without a failure: %v", err)
	}
	if err := verdict(someResults); err == nil || err.Error() != "1 of 4 contenders failed" {
		t.Errorf("verdict with one failure of four: %v", err)
	}
}
