// SPDX-License-Identifier: GPL-3.0-or-later

package offline

import (
	"fmt"
	"io"
)

// PortTotals count what happened on one port. Each packet received is in Drop,
// in Pass, or in Tx of some port; what a script sends beyond its verdicts is
// in Tx too, or in TxFull.
type PortTotals struct {
	Name   string
	Rx     uint64 // received: shown to the handler
	Tx     uint64 // transmitted
	Drop   uint64 // dropped, as the verdict was
	Pass   uint64 // passed to the stack that there would be
	Error  uint64 // received ones on which the handler failed: they got the --on-error verdict
	TxFull uint64 // refused: one call of the script sent more than could be kept
}

// Totals are what a run did.
type Totals struct {
	Ports       []PortTotals
	TimerErrors uint64
	Status      int // that the script gave to pv.exit
}

// String is the line of a port, of the same form as in a live run.
func (t PortTotals) String() string {
	s := fmt.Sprintf("%s: rx %d tx %d drop %d pass %d error %d", t.Name, t.Rx, t.Tx, t.Drop, t.Pass, t.Error)
	if t.TxFull > 0 {
		s += fmt.Sprintf(" tx-ring-full %d", t.TxFull)
	}
	return s
}

// Write prints the totals, a line a port.
func (t Totals) Write(w io.Writer) {
	for _, p := range t.Ports {
		fmt.Fprintln(w, p)
	}
	if t.TimerErrors > 0 {
		fmt.Fprintf(w, "timers: error %d\n", t.TimerErrors)
	}
}
