// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"fmt"
	"io"
	"time"
)

// A meter writes the counters periodically, each port with its rates since
// the last time.
type meter struct {
	out  io.Writer
	when time.Time
	last Totals
}

func newMeter(out io.Writer) *meter { return &meter{out: out, when: time.Now()} }

func (m *meter) write(now time.Time, t Totals) {
	seconds := now.Sub(m.when).Seconds()
	if seconds <= 0 {
		return
	}
	for i, p := range t.Ports {
		var before Counters
		if i < len(m.last.Ports) {
			before = m.last.Ports[i].Counters
		}
		fmt.Fprintf(m.out, "%s  [%s pps %sbit/s in, %s pps %sbit/s out]\n", p,
			si(float64(p.Rx-before.Rx)/seconds), si(8*float64(p.RxBytes-before.RxBytes)/seconds),
			si(float64(p.Tx-before.Tx)/seconds), si(8*float64(p.TxBytes-before.TxBytes)/seconds))
	}
	m.when, m.last = now, t
}

// si writes a rate with three figures and a decimal prefix: 1.23k, 45.6M.
func si(v float64) string {
	for _, prefix := range []string{"", "k", "M", "G"} {
		if v < 1000 || prefix == "G" {
			switch {
			case v < 10 && prefix != "":
				return fmt.Sprintf("%.2f%s", v, prefix)
			case v < 100 && prefix != "":
				return fmt.Sprintf("%.1f%s", v, prefix)
			}
			return fmt.Sprintf("%.0f%s", v, prefix)
		}
		v /= 1000
	}
	panic("unreachable")
}
