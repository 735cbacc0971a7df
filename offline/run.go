// SPDX-License-Identifier: GPL-3.0-or-later

package offline

import (
	"bytes"
	"context"
	"errors"
	"io"
	"time"

	"pvlua/luabind"
	"pvlua/pcap"
	"pvlua/state"
)

// A run is a script on its captures. It is the luabind.Host of the script, and
// an ExitHost: pv.exit ends it before the next packet.
type run struct {
	cfg    Config
	in     *merger
	out    *output
	state  *luabind.State
	store  *state.Store
	totals Totals

	now    time.Time // virtual; never goes back
	turned time.Time // when timers ran last since the last packet; zero if they did not
	frame  []byte    // room around the packet in hand
	before []byte    // the packet in hand as it was received
	batch  [1]luabind.Packet
	errors int // of the script so far
	dump   []byte
	exited bool // pv.exit was called
}

// Run runs the script on the captures to their end, until ctx is done, or until
// the script calls pv.exit, whose status the totals have. When it fails, what it
// did before has been written and is in the totals, which have no ports if the
// script could not be loaded. An error about a capture names it and is a
// *pcap.Error; one of the script, at load or in on_start or on_stop, is a
// *luabind.ScriptError. A script that does not want to run at all gives a
// *luabind.EarlyExit.
func Run(ctx context.Context, c Config) (Totals, error) {
	c, err := c.normal()
	if err != nil {
		return Totals{}, err
	}
	r := &run{cfg: c, out: newOutput(c)}
	var inputs []Input
	for _, in := range c.Inputs {
		r.totals.Ports = append(r.totals.Ports, PortTotals{Name: in.Port.Name})
		in.Reader = flushingReader{in.Reader, r.out}
		inputs = append(inputs, in)
	}
	r.in = newMerger(inputs)
	err = r.all(ctx)
	return r.totals, errors.Join(err, r.out.flush())
}

// all loads the script and hands it everything. Its main chunk and on_start
// run at the time of the first packet.
func (r *run) all(ctx context.Context) error {
	port, p, inErr := r.in.next()
	r.now = time.Unix(0, 0).UTC()
	if inErr == nil {
		r.now = p.Time
	}
	if err := r.load(); err != nil {
		r.totals.Ports = nil
		return err
	}
	defer r.state.Close()
	if err := r.state.Start(); err != nil {
		return err
	}
	if !r.cfg.Lua {
		r.compile()
	}
	for inErr == nil {
		if r.runTimers(ctx, p.Time); r.over(ctx) {
			break
		}
		if r.handle(port, p); r.over(ctx) {
			break // and not wait for another packet
		}
		port, p, inErr = r.in.next()
	}
	r.runTimers(ctx, r.now)
	err := r.state.Stop()
	if n := r.errors - loggedErrors; n > 0 {
		r.cfg.Log.Error("more script errors were not logged", "suppressed", n)
	}
	if errors.Is(inErr, io.EOF) {
		inErr = nil
	}
	return errors.Join(inErr, err)
}

func (r *run) load() (err error) {
	var ports []*luabind.Port
	for i := range r.cfg.Inputs {
		ports = append(ports, &r.cfg.Inputs[i].Port)
	}
	r.store = state.New()
	r.state, err = luabind.Load(luabind.Config{
		Script: r.cfg.Script, Args: r.cfg.Args, Ports: ports, Host: r, Store: r.store,
		Log: r.cfg.Log, Stdout: r.cfg.Stdout, Quota: r.cfg.Quota,
	})
	return err
}

// headroom is the room before a packet, as a driver leaves it
// (XDP_PACKET_HEADROOM of linux/bpf.h).
const headroom = 256

// handle runs the handler on one packet and does what its verdict says.
func (r *run) handle(port int, in pcap.Packet) {
	r.turned = time.Time{}
	if in.Time.After(r.now) {
		r.now = in.Time
	}
	p := r.place(port, in.Data)
	count := &r.totals.Ports[port]
	count.Rx++
	r.before = append(r.before[:0], in.Data...)
	r.out.hold()
	r.state.Handle(r.batch[:])

	data, verdict, at := p.Buf[p.From:p.To], p.Verdict, r.now
	if p.Err != nil {
		count.Error++
		verdict = r.cfg.OnError
		r.log(p.Err, "port", count.Name, "packet", string(r.state.AppendSummary(nil, r.before)), "verdict", verdict)
	}
	r.out.received(port, in.Time, r.before, verdict, p.Out, p.Err)
	switch verdict {
	case luabind.Drop:
		count.Drop++
	case luabind.Pass:
		count.Pass++
		if !bytes.Equal(data, r.before) {
			r.out.passed(port, at, data)
		}
	case luabind.TX:
		r.transmit(port, data)
	case luabind.Redirect:
		r.transmit(p.Out, data)
	}
	if r.cfg.Dump != nil {
		r.writeDump(p, verdict)
	}
}

// place puts a packet into a frame like those of a live run: 2048 or 4096
// bytes, or as many as a longer packet takes.
func (r *run) place(port int, data []byte) *luabind.Packet {
	size := 2048
	for size < headroom+len(data) {
		size *= 2
	}
	if cap(r.frame) < size {
		r.frame = make([]byte, size)
	}
	r.frame = r.frame[:size]
	clear(r.frame) // what was before must not show when a packet grows
	copy(r.frame[headroom:], data)
	r.batch[0] = luabind.Packet{Buf: r.frame, From: headroom, To: headroom + len(data), Port: port}
	return &r.batch[0]
}

func (r *run) transmit(port int, data []byte) {
	r.totals.Ports[port].Tx++
	r.out.transmitted(port, r.now, data)
}

// over reports whether nothing more is to be done but to end.
func (r *run) over(ctx context.Context) bool {
	return r.exited || ctx.Err() != nil || r.out.err != nil
}

// Exit ends the run, for luabind.ExitHost.
func (r *run) Exit(status int) {
	if !r.exited {
		r.exited, r.totals.Status = true, status
	}
}

// Now is the virtual time, for luabind.Host.
func (r *run) Now() time.Time { return r.now }

// maxHeld bounds what the handling of one packet may send, in bytes.
const maxHeld = 64 << 20

// Send transmits a packet, for luabind.Host.
func (r *run) Send(port int, frame []byte) bool {
	if len(r.out.held)+len(frame) > maxHeld {
		r.totals.Ports[port].TxFull++
		return false
	}
	r.transmit(port, frame)
	return true
}

// turn is how long a turn of the loop takes when the only thing to do is
// timers: one that sets itself again without delay fires a million times per
// second, not for ever.
const turn = time.Microsecond

// runTimers runs the timers that are due up to a time, each at its own.
func (r *run) runTimers(ctx context.Context, until time.Time) {
	for !r.over(ctx) {
		at, ok := r.state.NextTimer()
		if !ok {
			return
		}
		if at.Before(r.now) {
			at = r.now
		}
		if !at.After(r.turned) {
			at = r.turned.Add(turn)
		}
		if at.After(until) {
			return
		}
		r.now, r.turned = at, at
		for _, err := range r.state.RunTimers(at) {
			r.totals.TimerErrors++
			r.log(err)
		}
	}
}

// loggedErrors is how many script errors are logged; the output has all.
const loggedErrors = 10

func (r *run) log(err error, args ...any) {
	if r.errors++; r.errors <= loggedErrors {
		r.cfg.Log.Error(err.Error(), args...)
	}
}

// writeDump writes the line of the packet that was handled, as it was received.
func (r *run) writeDump(p *luabind.Packet, verdict luabind.Verdict) {
	d := r.now.UTC().AppendFormat(r.dump[:0], "15:04:05.000000 ")
	d = append(append(d, r.totals.Ports[p.Port].Name...), ' ')
	d = r.state.AppendSummary(d, r.before)
	d = append(d, " -> "...)
	if p.Err != nil {
		d = append(d, "error, "...)
	}
	if verdict == luabind.Redirect {
		d = append(d, r.totals.Ports[p.Out].Name...)
	} else {
		d = append(d, verdict.String()...)
	}
	r.dump = append(d, '\n')
	r.cfg.Dump.Write(r.dump)
}
