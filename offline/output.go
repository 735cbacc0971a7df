// SPDX-License-Identifier: GPL-3.0-or-later

package offline

import (
	"fmt"
	"io"
	"time"

	"pvlua/capture"
	"pvlua/luabind"
	"pvlua/pcap"
)

// bufferSize is how much output is collected before it is written, in bytes.
const bufferSize = 1 << 16

// An output encodes the capture that a run writes. What a handler sends while
// it has a packet in hand is kept until its verdict is known: the packet that
// came in stands before those that left because of it.
type output struct {
	w       io.Writer // nil: nothing is written
	encoder *pcap.Encoder
	classic bool
	names   []string // of the ports
	buf     []byte   // encoded and not written yet
	held    []byte   // encoded, and goes behind the packet in hand
	holding bool
	comment []byte
	err     error // of w; the run ends with it
}

func newOutput(c Config) *output {
	o := &output{w: c.Output, classic: c.Classic}
	for _, in := range c.Inputs {
		o.names = append(o.names, in.Port.Name)
	}
	if o.classic {
		o.encoder, o.buf = pcap.NewClassicEncoder()
	} else {
		o.encoder, o.buf = pcap.NewEncoder("pvlua", o.names...)
	}
	return o
}

// hold begins the handling of a packet; received ends it.
func (o *output) hold() { o.holding = true }

// received records a packet as it came in, with what became of it, and after
// it what was transmitted meanwhile.
func (o *output) received(port int, at time.Time, data []byte, verdict luabind.Verdict, out int, err error) {
	if o.w != nil && !o.classic {
		o.comment = capture.AppendReceived(o.comment[:0], o.names[port], verdict, o.names[out], err)
		r := pcap.Record{Interface: port, Time: at, Data: data, Direction: pcap.Inbound, Comment: o.comment}
		o.buf = o.encoder.Append(o.buf, &r)
	}
	o.buf = append(o.buf, o.held...)
	o.held, o.holding = o.held[:0], false
	o.drain()
}

// transmitted records a packet as it left by a port.
func (o *output) transmitted(port int, at time.Time, data []byte) {
	if o.w == nil {
		return
	}
	o.comment = capture.AppendTransmitted(o.comment[:0], o.names[port])
	r := pcap.Record{Interface: port, Time: at, Data: data, Direction: pcap.Outbound, Comment: o.comment}
	to := &o.buf
	if o.holding {
		to = &o.held
	}
	*to = o.encoder.Append(*to, &r)
	o.drain()
}

// passed records a packet that the handler changed, as the stack would get it.
func (o *output) passed(port int, at time.Time, data []byte) {
	if o.w == nil || o.classic {
		return
	}
	o.comment = capture.AppendPassed(o.comment[:0], o.names[port])
	r := pcap.Record{Interface: port, Time: at, Data: data, Direction: pcap.Inbound, Comment: o.comment}
	o.buf = o.encoder.Append(o.buf, &r)
	o.drain()
}

// drain writes what has been collected when it is much.
func (o *output) drain() {
	if len(o.buf) >= bufferSize {
		o.flush()
	}
}

// flush writes all that is encoded, and reports whether writing works.
func (o *output) flush() error {
	if o.w != nil && o.err == nil && len(o.buf) > 0 {
		if _, err := o.w.Write(o.buf); err != nil {
			o.err = fmt.Errorf("writing the output: %w", err)
		}
	}
	o.buf = o.buf[:0]
	return o.err
}

// A flushingReader has the output written before it waits for more input: who
// reads the other end of a pipe sees every packet as soon as it was handled.
type flushingReader struct {
	r io.Reader
	o *output
}

func (f flushingReader) Read(b []byte) (int, error) {
	f.o.flush()
	return f.r.Read(b)
}
