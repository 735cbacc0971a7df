// SPDX-License-Identifier: GPL-3.0-or-later

package probe

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// WriteTable writes one row per result and a last line that says whether all is well:
//
//	probe            sent  answered     median        p99
//	ARP               100       100    21.3 µs    48.0 µs
//	ICMP echo         100        97    25.0 µs   1250.4 µs  3 unanswered
//
//	3 of 200 probes unanswered
func WriteTable(w io.Writer, results []Result) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%-16s %5s %9s %12s %12s\n", "probe", "sent", "answered", "median", "p99")
	var sent, lost, wrong int
	for i := range results {
		r := &results[i]
		fmt.Fprintf(&b, "%-16s %5d %9d %12s %12s%s\n", r.name(), r.Sent, r.Answered, r.show(r.Median()), r.show(r.P99()), r.remark())
		sent += r.Sent
		lost += r.Sent - r.Answered
		wrong += r.Wrong
	}
	b.WriteByte('\n')
	switch {
	case sent == 0:
		b.WriteString("no probe was sent\n")
	case lost == 0 && wrong == 0:
		fmt.Fprintf(&b, "all %d probes answered\n", sent)
	default:
		if lost > 0 {
			fmt.Fprintf(&b, "%d of %d probes unanswered\n", lost, sent)
		}
		if wrong > 0 {
			fmt.Fprintf(&b, "%d wrong answers\n", wrong)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Result) name() string {
	if r.Name != "" {
		return r.Name
	}
	return r.Kind.String()
}

// show writes all times in one unit, so that a column can be compared at a glance.
func (r *Result) show(d time.Duration) string {
	if r.Answered == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f µs", float64(d)/float64(time.Microsecond))
}

// remark says what is wrong with a row, if anything.
func (r *Result) remark() string {
	if r.OK() {
		return ""
	}
	if r.Sent == 0 {
		return "  none sent"
	}
	var parts []string
	if lost := r.Sent - r.Answered; lost > 0 {
		parts = append(parts, fmt.Sprintf("%d unanswered", lost))
	}
	if r.Wrong > 0 {
		parts = append(parts, fmt.Sprintf("%d wrong", r.Wrong))
	}
	s := "  " + strings.Join(parts, ", ")
	if r.Fault != "" {
		s += " (" + r.Fault + ")"
	}
	return s
}
