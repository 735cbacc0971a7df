// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"pvlua/capture"
	"pvlua/luabind"
	"pvlua/pcap"
	"pvlua/xsk"
)

// Capture says what is recorded of a run.
type Capture struct {
	// File is the path of the pcapng file, which is made anew. Empty: nothing
	// is recorded.
	File string
	// Filter is the name of a global function of the script that is asked
	// about each packet received, before on_packet: what it answers true for is
	// recorded, with all that is transmitted because of it. Empty: everything.
	// What timers send is always recorded.
	Filter string
	// Size is the most that the file may hold, in bytes. Zero: no limit.
	Size int64
}

// check returns what is wrong with c.
func (c Capture) check() error {
	switch {
	case c.Size < 0:
		return fmt.Errorf("capture size %d: must be positive", c.Size)
	case c.File == "" && (c.Filter != "" || c.Size != 0):
		return errors.New("capture filter and size need a capture file")
	}
	return nil
}

// startCapture makes the file and gives every worker a tap. The workers must
// not run yet.
func (r *Runtime) startCapture() error {
	if r.cfg.Capture.File == "" {
		return nil
	}
	file, err := os.Create(r.cfg.Capture.File)
	if err != nil {
		return fmt.Errorf("capture: %w", err)
	}
	names := make([]string, len(r.ports))
	for i, p := range r.ports {
		names[i] = p.facts.Name
	}
	r.capture, err = capture.NewRecorder(file, r.cfg.Capture.File, names, r.cfg.Capture.Size, r.log)
	if err != nil {
		return err
	}
	for _, w := range r.workers {
		w.tap = newTap(r.capture, names, len(w.descs), w.umem)
	}
	return nil
}

// endCapture writes what waits. No worker may run any more.
func (r *Runtime) endCapture() error {
	if r.capture == nil {
		return nil
	}
	for _, w := range r.workers {
		if w.tap != nil {
			w.tap.flush(w)
		}
	}
	return r.capture.Close()
}

// captureFilter finds the filter in a script that was loaded; nil if there is
// none to be found.
func (r *Runtime) captureFilter(s *luabind.State) (*luabind.Filter, error) {
	if r.cfg.Capture.Filter == "" {
		return nil, nil
	}
	return s.NewFilter(r.cfg.Capture.Filter)
}

// A tap makes the records of one worker. What the worker does with a batch is
// noted while it does it, and recorded at the end: behind each packet received
// stands what was transmitted because of it.
type tap struct {
	recorder *capture.Recorder
	names    []string // of the ports

	// The batch in hand: packets as they were received, one after the other in
	// bytes, and which of them are recorded.
	when  time.Time
	bytes []byte
	ends  []int
	keep  []bool

	left  []departure
	owner []int32 // by chunk: the packet of the batch that is in it, or that it was sent for; -1: none
	chunk uint64  // size of a chunk

	comment []byte
}

// A departure is a packet that left, by a port or to the stack.
type departure struct {
	owner    int32 // the packet received that is the reason; -1: none
	port     int
	passed   bool // to the stack of the port
	when     time.Time
	from, to int // in tap.bytes
}

func newTap(r *capture.Recorder, names []string, batch int, umem *xsk.UMEM) *tap {
	c := umem.Config()
	t := &tap{recorder: r, names: names, keep: make([]bool, 0, batch),
		owner: make([]int32, c.ChunkCount), chunk: uint64(c.ChunkSize)}
	for i := range t.owner {
		t.owner[i] = -1
	}
	return t
}

// received notes the batch that w has received, before the handler sees it.
func (t *tap) received(w *worker) {
	t.flush(w) // what timers have sent
	if t.recorder.Stopped() {
		return
	}
	t.when = time.Now()
	for i := range w.packets {
		p := &w.packets[i]
		t.bytes = append(t.bytes, p.Buf[p.From:p.To]...)
		t.ends = append(t.ends, len(t.bytes))
		t.owner[w.descs[i].Addr/t.chunk] = int32(i)
		t.keep = append(t.keep, true)
	}
	if w.filter != nil {
		if err := w.filter.Choose(w.packets, t.keep); err != nil {
			w.report(err, "capture", "the packet is recorded")
		}
	}
}

// inHand is the packet of the batch that the handler is at; -1: none.
func (w *worker) inHand() int32 {
	if w.settled < len(w.packets) {
		return int32(w.settled)
	}
	return -1
}

// sending notes for which packet the handler sends the frame at addr.
func (t *tap) sending(w *worker, addr uint64) { t.owner[addr/t.chunk] = w.inHand() }

// passing notes the packet that w is about to pass, if it was changed.
func (t *tap) passing(w *worker, p *luabind.Packet) {
	i := w.settled
	if now := p.Buf[p.From:p.To]; i < len(t.keep) && t.keep[i] && !bytes.Equal(now, t.packet(i)) {
		t.depart(departure{owner: int32(i), port: p.Port, passed: true, when: time.Now()}, now)
	}
}

// transmitted notes the frames that were put on a transmit ring of p. Their
// bytes are still there: only w reuses frames.
func (t *tap) transmitted(w *worker, p *workerPort, sent []xsk.Desc) {
	if t.recorder.Stopped() {
		return
	}
	now := time.Now()
	for _, d := range sent {
		owner := t.owner[d.Addr/t.chunk]
		if int(owner) >= len(t.keep) {
			owner = -1 // recording stopped before the batch came, or it was given up
		}
		if owner < 0 || t.keep[owner] {
			t.depart(departure{owner: owner, port: p.facts.Index, when: now}, w.umem.Packet(d))
		}
	}
}

func (t *tap) depart(d departure, data []byte) {
	d.from = len(t.bytes)
	t.bytes = append(t.bytes, data...)
	d.to = len(t.bytes)
	t.left = append(t.left, d)
}

// packet is packet i of the batch as it was received.
func (t *tap) packet(i int) []byte {
	from := 0
	if i > 0 {
		from = t.ends[i-1]
	}
	return t.bytes[from:t.ends[i]]
}

// flush records what was noted since the last time: a batch, all decided, and
// what has left. It never waits; what finds no room is counted.
func (t *tap) flush(w *worker) {
	records := len(t.left)
	for _, keep := range t.keep {
		if keep {
			records++
		}
	}
	if records > 0 && !t.recorder.Stopped() {
		if b := t.recorder.Take(); b != nil {
			t.record(w, b)
			t.recorder.Submit(b)
		} else {
			t.recorder.Lose(records)
		}
	}
	t.bytes, t.ends, t.keep, t.left = t.bytes[:0], t.ends[:0], t.keep[:0], t.left[:0]
}

// record puts all that was noted into b, in order.
func (t *tap) record(w *worker, b *capture.Batch) {
	slices.SortStableFunc(t.left, func(a, b departure) int { return int(a.owner - b.owner) })
	left := t.departures(b, t.left, -1)
	for i, keep := range t.keep {
		if keep {
			p := &w.room[i]
			verdict := p.Verdict
			if p.Err != nil {
				verdict = w.onError
			}
			t.comment = capture.AppendReceived(t.comment[:0], t.names[p.Port], verdict, t.names[p.Out], p.Err)
			b.Add(&pcap.Record{Interface: p.Port, Time: t.when, Data: t.packet(i), Direction: pcap.Inbound, Comment: t.comment})
		}
		left = t.departures(b, left, int32(i))
	}
}

// departures records those at the beginning of left that have this owner, and
// returns the others.
func (t *tap) departures(b *capture.Batch, left []departure, owner int32) []departure {
	for len(left) > 0 && left[0].owner == owner {
		d := &left[0]
		r := pcap.Record{Interface: d.port, Time: d.when, Data: t.bytes[d.from:d.to], Direction: pcap.Outbound}
		if d.passed {
			r.Direction = pcap.Inbound
			t.comment = capture.AppendPassed(t.comment[:0], t.names[d.port])
		} else {
			t.comment = capture.AppendTransmitted(t.comment[:0], t.names[d.port])
		}
		r.Comment = t.comment
		b.Add(&r)
		left = left[1:]
	}
	return left
}
