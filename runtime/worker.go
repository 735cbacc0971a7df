// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"time"

	"golang.org/x/sys/cpu"

	"pvlua/inject"
	"pvlua/luabind"
	"pvlua/packet"
	"pvlua/xsk"
)

// A worker serves one queue of every port (several, where ports differ in
// their queues) on its own thread, with its own UMEM and its own Lua state.
// Nothing it touches on the data path is shared with another worker.
type worker struct {
	index int // among the workers
	umem  *xsk.UMEM
	ports []*workerPort // by port index
	// injector sends frames of umem; nil: none does. It is made and used where
	// the worker is.
	injector *inject.Transmitter
	state    *luabind.State
	host     *host // of state
	mail     *mailbox
	poll     poller
	rest     rest

	onError luabind.Verdict
	errors  *errorLog       // shared, but locked only when a script fails
	dump    *dumper         // nil: no --dump
	tap     *tap            // nil: no --capture
	filter  *luabind.Filter // of state, for tap; nil: none

	// One batch: descs and packets stand side by side. Packets before settled
	// have gone where their verdict sends them.
	descs   []xsk.Desc
	room    []luabind.Packet // as long as descs
	packets []luabind.Packet // those of room that hold the batch; empty between batches
	settled int
	waiting []*lane // that may have frames put aside
	from    *lane   // where the batch came in; nil outside of one, if frames are sent there

	sockets  *socketTable // of all workers
	exit     *exitRequest // of all workers
	datagram []byte       // what is received from a socket; nil until there is one

	timerErrors  uint64
	socketErrors uint64
	stopping     bool
	drained      place // among all workers, before on_stop

	_ cpu.CacheLinePad // between this and what another worker writes
}

// loop is the data path, from the first packet to the request to stop.
//
// Each turn: reclaim completed frames, refill the fill rings, receive a batch
// from each lane, run the handler on it, put each frame on the ring that its
// verdict names, kick, hand the stack its frames; then due timers, and the
// script's sockets. When nothing came in it waits, which rest.go tells how.
func (w *worker) loop() {
	for !w.stopping {
		busy, pending := w.turn()
		w.runTimers()
		w.mail.deliver()
		w.serveSockets()
		switch {
		case busy:
			w.rest.packets()
		case !w.stopping:
			w.wait(pending)
		}
	}
}

// turn moves the packets of every lane. busy says that packets came in, pending
// that frames are still on their way out.
func (w *worker) turn() (busy, pending bool) {
	for _, p := range w.ports {
		for _, l := range p.lanes {
			busy = w.serve(l) || busy
		}
	}
	for _, p := range w.ports {
		for _, l := range p.lanes {
			w.transmit(l) // what was sent outside of batches
			w.kick(l)
			// Frames that are sent are wanted back when there are no others.
			starved := l.socket.InFlight() > 0 && w.umem.Available() <= int(w.umem.Config().Reserve)
			pending = pending || starved || l.socket.Pending() > 0 && !p.down
		}
		w.flushStack(p)
	}
	if w.tap != nil {
		w.tap.flush(w)
	}
	return busy, pending
}

// serveTime is how long the packets of one lane are handled before those that
// were are sent, where there are more and more.
const serveTime = 250 * time.Microsecond

// serve handles what came in on l, batch by batch, as long as it comes in full
// batches, and until there is as much as is worth to be sent at once or the time
// is over; then it sends. It reports whether anything came in.
func (w *worker) serve(l *lane) (busy bool) {
	var start time.Time
	for handled := 0; handled < laneRoom; {
		l.socket.Complete()
		l.socket.Refill()
		n := l.socket.Receive(w.descs)
		if n > 0 {
			busy = true
			w.handle(l, n)
		}
		if n < len(w.descs) || w.stopping {
			break
		}
		if handled == 0 {
			start = time.Now()
		} else if time.Since(start) > serveTime {
			break
		}
		handled += n
	}
	if busy {
		w.transmitAll()
	}
	return busy
}

// handle runs the handler on the n packets that descs describes, received on
// l, and puts each aside where its verdict says.
func (w *worker) handle(l *lane, n int) {
	count := &l.port.count
	w.packets, w.from, w.settled = w.room[:n], l, 0
	for i, d := range w.descs[:n] {
		buf := w.umem.Chunk(d.Addr)
		from := int(d.Addr) & (len(buf) - 1)
		w.packets[i] = luabind.Packet{Buf: buf, From: from, To: from + int(d.Len), Port: l.port.facts.Index}
		count.RxBytes += uint64(d.Len)
	}
	count.Rx += uint64(n)
	if l.port.partial {
		finishChecksums(w.packets)
	}
	if w.dump != nil {
		w.dump.received(w)
	}
	if w.tap != nil {
		w.tap.received(w)
	}
	for done := 0; done < n; {
		done += w.state.Handle(w.packets[done:])
		w.settle()
		if done < n && w.interlude(done) {
			break
		}
	}
	if w.dump != nil {
		w.dump.decided(w)
	}
	w.packets = w.packets[:0]
	if w.tap != nil {
		w.transmitAll() // for the record is of one batch
		w.tap.flush(w)
	}
}

// interlude comes within a batch when the handler has run for as long as it may
// on one packet. Letters must not wait until it has done so on all of them. When
// the end has come, the packets from next on go to the stack, and interlude
// returns true.
func (w *worker) interlude(next int) bool {
	w.mail.deliver()
	if !w.stopping {
		return false
	}
	for i := next; i < len(w.packets); i++ {
		w.packets[i].Verdict = luabind.Pass
	}
	w.settle()
	return true
}

// finishChecksums does what the sender left to hardware that is not there
// (P17): a packet made on this machine may carry a TCP or UDP checksum of the
// pseudo-header alone, which neither a reply nor the stack could live with.
func finishChecksums(packets []luabind.Packet) {
	var layout packet.Layout
	for i := range packets {
		p := &packets[i]
		b := p.Buf[p.From:p.To]
		layout.Walk(b)
		packet.CompletePartial(b, &layout)
	}
}

// settle sends the packets that have a verdict by now where it says. It runs
// when the handler has seen the whole batch, and before each extra send, so
// that frames leave a port in the order in which they were decided.
func (w *worker) settle() {
	for ; w.settled < len(w.packets); w.settled++ {
		p := &w.packets[w.settled]
		in, d, verdict := w.from.port, w.descs[w.settled], p.Verdict
		if p.Err != nil {
			in.count.Error++
			w.reportPacket(p)
			verdict = w.onError
		}
		switch verdict {
		case 0:
			return // not handled yet
		case luabind.Drop:
			in.count.Drop++
			w.umem.Free(d.Addr)
		case luabind.Pass:
			if w.tap != nil {
				w.tap.passing(w, p)
			}
			w.pass(in, p.Buf[p.From:p.To])
			w.umem.Free(d.Addr)
		case luabind.TX:
			w.queue(in, w.laneTo(in), frameOf(d, p)) // from may have been closed
		case luabind.Redirect:
			out := w.ports[p.Out]
			w.queue(out, w.laneTo(out), frameOf(d, p))
		}
	}
}

// frameOf describes the packet p, wherever the handler moved its start and
// end within the chunk that d was received in.
func frameOf(d xsk.Desc, p *luabind.Packet) xsk.Desc {
	chunk := d.Addr &^ uint64(len(p.Buf)-1)
	return xsk.Desc{Addr: chunk + uint64(p.From), Len: uint32(p.To - p.From)}
}

// runTimers runs the timers that are due, and transmits what they sent.
func (w *worker) runTimers() {
	at, ok := w.state.NextTimer()
	if !ok || time.Now().Before(at) {
		return
	}
	w.from = nil
	for _, err := range w.state.RunTimers(time.Now()) {
		w.timerErrors++
		w.report(err)
	}
	w.flush()
}

// flush transmits what was sent outside of a batch.
func (w *worker) flush() {
	for _, p := range w.ports {
		for _, l := range p.lanes {
			w.transmit(l)
			w.kick(l)
		}
	}
}
