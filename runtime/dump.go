// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"io"
	"sync"
	"time"

	"pvlua/luabind"
)

// A dumper writes one line per packet, as tcpdump would, with the verdict:
//
//	12:34:56.789012 veth1 IP 10.0.0.4.1234 > 10.0.0.5.7: UDP, length 4 -> tx
//
// The packet is shown as it was received. Each worker has its own dumper; they
// share the writer.
type dumper struct {
	out  *lockedWriter
	when time.Time
	text []byte // the batch's summaries, one after the other
	ends []int  // where each ends in text
	line []byte
}

type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

// received notes what the packets of the batch are that w has received, before
// the handler changes them.
func (d *dumper) received(w *worker) {
	d.when = time.Now()
	d.text, d.ends = d.text[:0], d.ends[:0]
	for i := range w.packets {
		p := &w.packets[i]
		d.text = w.state.AppendSummary(d.text, p.Buf[p.From:p.To])
		d.ends = append(d.ends, len(d.text))
	}
}

// decided writes the lines of the batch that w has handled.
func (d *dumper) decided(w *worker) {
	d.line = d.line[:0]
	from := 0
	for i := range w.packets {
		p := &w.packets[i]
		d.line = d.when.AppendFormat(d.line, "15:04:05.000000 ")
		d.line = append(d.line, w.ports[p.Port].facts.Name...)
		d.line = append(d.line, ' ')
		d.line = append(d.line, d.text[from:d.ends[i]]...)
		from = d.ends[i]
		d.line = append(d.line, " -> "...)
		switch {
		case p.Err != nil:
			d.line = append(d.line, "error, "...)
			d.line = append(d.line, w.onError.String()...)
		case p.Verdict == luabind.Redirect:
			d.line = append(d.line, w.ports[p.Out].facts.Name...)
		default:
			d.line = append(d.line, p.Verdict.String()...)
		}
		d.line = append(d.line, '\n')
	}
	d.out.mu.Lock()
	d.out.w.Write(d.line)
	d.out.mu.Unlock()
}
