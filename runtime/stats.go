// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"fmt"
	"io"
	"strings"

	"pvlua/capture"
	"pvlua/xsk"
)

// Counters count the packets of one port from the start on. Each packet
// received is in Drop, in Pass, in Tx of some port, or lost. What a script
// sends beyond its verdicts is in Tx, TxFull or TxDown of the port too.
type Counters struct {
	Rx, RxBytes uint64 // received: shown to the handler
	Tx, TxBytes uint64 // sent out of this port: put on a transmit ring, or given to the injector
	Injected    uint64 // of these: by the injector
	Drop        uint64 // dropped, as the verdict was
	Pass        uint64 // taken by the kernel's own stack
	Error       uint64 // received ones on which the handler failed: they got the --on-error verdict
	TxFull      uint64 // lost: this port's transmit ring was full
	TxDown      uint64 // lost: this port was down or gone
	PassLost    uint64 // lost: the stack did not take it

	// InjectDropped are packets in Tx that the injector gave to the device, which
	// had no room for them.
	InjectDropped uint64
}

// PortTotals are the sums over all workers of what one port did.
type PortTotals struct {
	Name string
	Counters
	Kernel xsk.Stats // what the rings and the kernel counted
	// InKernel are the packets that met the handler in the kernel; those that it
	// was done with are in Counters as well, without their bytes.
	InKernel KernelCounts
}

// Totals are what a Runtime did so far.
type Totals struct {
	Script       string
	Ports        []PortTotals
	TimerErrors  uint64
	SocketErrors uint64          // of functions that take datagrams
	Capture      *capture.Counts // nil: nothing was to be recorded
	Frames       []xsk.Ledger    // a worker each
}

// Totals returns the counters as they are now. Each worker answers between two
// batches, so the numbers of one worker belong together.
func (r *Runtime) Totals() Totals {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.final != nil {
		return *r.final
	}
	if !r.ran { // nor can it be before this returns
		return r.collect(func(_ *worker, fn func()) { fn() })
	}
	return r.collect(func(w *worker, fn func()) { w.mail.call(fn) })
}

// collect sums up what the workers counted; on runs a function where it may
// read that worker's state.
func (r *Runtime) collect(on func(*worker, func())) Totals {
	t := Totals{Ports: make([]PortTotals, len(r.ports))}
	for i := range r.ports {
		t.Ports[i].Name = r.cfg.Interfaces[i] // facts are the supervisor's
	}
	if r.capture != nil {
		counts := r.capture.Counts()
		t.Capture = &counts
	}
	for _, w := range r.workers {
		on(w, func() {
			t.TimerErrors += w.timerErrors
			t.SocketErrors += w.socketErrors
			for i, p := range w.ports {
				t.Ports[i].add(p)
			}
			if w.umem != nil {
				t.Frames = append(t.Frames, w.umem.Ledger())
			}
		})
	}
	for i := range t.Ports {
		t.addInKernel(i, r.engines.side.counts(i))
	}
	t.Script = r.cfg.Script
	return t
}

// addInKernel adds what the kernel did with the packets of port i.
func (t *Totals) addInKernel(i int, k KernelCounts) {
	p := &t.Ports[i]
	p.InKernel = k
	p.Rx += k.handled()
	p.Drop += k.Drop
	p.Pass += k.Pass
	p.Tx += k.Tx
	for out, n := range k.Redirect {
		t.Ports[out].Tx += n
	}
}

func (t *PortTotals) add(p *workerPort) {
	t.Rx += p.count.Rx
	t.RxBytes += p.count.RxBytes
	t.Tx += p.count.Tx
	t.TxBytes += p.count.TxBytes
	t.Injected += p.count.Injected
	t.InjectDropped += p.count.InjectDropped
	t.Drop += p.count.Drop
	t.Pass += p.count.Pass
	t.Error += p.count.Error
	t.TxFull += p.count.TxFull
	t.TxDown += p.count.TxDown
	t.PassLost += p.count.PassLost
	addStats(&t.Kernel, p.past)
	for _, l := range p.lanes {
		if s, err := l.socket.Stats(); err == nil {
			addStats(&t.Kernel, s)
		}
	}
}

// addStats adds those counters of a socket that are of interest in a sum.
func addStats(to *xsk.Stats, s xsk.Stats) {
	to.RxDropped += s.RxDropped
	to.RxInvalidDescs += s.RxInvalidDescs
	to.TxInvalidDescs += s.TxInvalidDescs
	to.RxRingFull += s.RxRingFull
	to.RxFillRingEmpty += s.RxFillRingEmpty
	to.Received += s.Received
	to.Transmitted += s.Transmitted
	to.Completed += s.Completed
	to.TxDropped += s.TxDropped
	to.TxRefused += s.TxRefused
	to.Kicks += s.Kicks
}

// String is the line that stands for a port in all output: its name, then
// words with a number each. Losses are there only when there are some, so that
// they catch the eye.
func (t PortTotals) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: rx %d tx %d drop %d pass %d error %d", t.Name, t.Rx, t.Tx, t.Drop, t.Pass, t.Error)
	if n := t.InKernel.handled(); n > 0 {
		fmt.Fprintf(&b, " in-kernel %d", n)
	}
	for _, lost := range []struct {
		word string
		n    uint64
	}{
		{"tx-inject", t.Injected}, // no loss, but how many of tx took that way
		{"tx-ring-full", t.TxFull},
		{"tx-link-down", t.TxDown},
		{"tx-device-drop", t.Kernel.TxDropped + t.InjectDropped}, // EBUSY: the device took and dropped it (P3)
		{"tx-invalid", t.Kernel.TxRefused + t.Kernel.TxInvalidDescs},
		{"pass-lost", t.PassLost},
		{"rx-ring-full", t.Kernel.RxRingFull},
		{"rx-no-frame", t.Kernel.RxFillRingEmpty},
		// Frames without room are counted in RxDropped too; the rest was too long.
		{"rx-too-long", t.Kernel.RxDropped - min(t.Kernel.RxDropped, t.Kernel.RxFillRingEmpty)},
		{"rx-invalid", t.Kernel.RxInvalidDescs},
	} {
		if lost.n > 0 {
			fmt.Fprintf(&b, " %s %d", lost.word, lost.n)
		}
	}
	return b.String()
}

// FramesOK reports whether every frame is accounted for.
func (t Totals) FramesOK() bool {
	for _, l := range t.Frames {
		if l.Err() != nil {
			return false
		}
	}
	return true
}

// Write prints the totals: a line a port, and what became of the frames.
func (t Totals) Write(w io.Writer) {
	for _, p := range t.Ports {
		fmt.Fprintln(w, p)
	}
	for _, p := range t.Ports {
		for _, e := range p.InKernel.Exits {
			at := t.Script
			if e.Line > 0 {
				at += fmt.Sprintf(":%d", e.Line)
			}
			packets := "packets"
			if e.Count == 1 {
				packets = "packet"
			}
			fmt.Fprintf(w, "%s: %d %s left the kernel at %s: %s\n", p.Name, e.Count, packets, at, e.Reason)
		}
	}
	if t.TimerErrors > 0 {
		fmt.Fprintf(w, "timers: error %d\n", t.TimerErrors)
	}
	if t.SocketErrors > 0 {
		fmt.Fprintf(w, "sockets: error %d\n", t.SocketErrors)
	}
	if t.Capture != nil {
		fmt.Fprintln(w, t.Capture)
	}
	sum := xsk.Ledger{}
	for _, l := range t.Frames {
		sum.Total += l.Total
		sum.Lost += l.Lost
		sum.Problems = append(sum.Problems, l.Problems...)
	}
	fmt.Fprintln(w, sum)
}
