// SPDX-License-Identifier: GPL-3.0-or-later

// Package runtime runs a packet handler on live interfaces: it receives
// batches of packets through AF_XDP, has the Lua handler decide on each, sends
// every frame where its verdict says, and takes it back for the next packet.
//
// A [Runtime] has one [worker] per queue. Workers share nothing on the data
// path; what happens beside it (links that come and go, statistics, the end)
// is done by the supervisor, which reaches a worker through its mailbox.
package runtime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	goruntime "runtime"
	"sync"
	"time"

	"pvlua/capture"
	"pvlua/inject"
	"pvlua/luabind"
	"pvlua/state"
	"pvlua/xsk"
)

// A Runtime is a script on its interfaces.
type Runtime struct {
	cfg        Config
	log        *slog.Logger
	ns         *namespace
	mark       inject.Mark
	ports      []*port
	bind       xsk.BindMode // how all sockets are bound
	noInjector error        // why no worker has one; nil: all have
	store      *state.Store // counters and maps of all workers, whatever script they run
	sockets    *socketTable
	exit       *exitRequest
	workers    []*worker
	// workerCount is how many there are, known before all are made.
	workerCount int
	errors      *errorLog
	capture     *capture.Recorder // nil: no --capture
	sources     *luabind.Sources  // of the script as it was last loaded, or could not be

	engines engaged
	placed  chan chan struct{} // a new script is in place: to be compiled; answered when it is

	reloads    chan chan error // Reload asks, and gets its answer
	reloadsEnd chan struct{}   // closed when it gets none any more

	mu     sync.Mutex
	ran    bool
	closed bool
	final  *Totals // once the workers have ended
}

// New loads the script, attaches to the interfaces and opens all sockets.
// Packets arrive from then on and wait for Run. The interfaces are those of
// the calling thread's network namespace, and the Runtime stays with them
// whatever thread runs it. Close releases everything.
func New(c Config) (*Runtime, error) {
	c, err := c.normal()
	if err != nil {
		return nil, err
	}
	r := &Runtime{
		cfg: c, log: c.Log, errors: newErrorLog(c.Log, time.Now), mark: inject.NewMark(),
		store: state.New(), sockets: newSocketTable(), exit: newExitRequest(),
		placed:  make(chan chan struct{}),
		sources: luabind.NewSources(), reloads: make(chan chan error), reloadsEnd: make(chan struct{}),
	}
	r.engines = engaged{side: newKernelSide(r.store, len(c.Interfaces)), said: make([]string, len(c.Interfaces))}
	if r.ns, err = currentNamespace(); err != nil {
		return nil, err
	}
	if err := r.setUp(); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// setUp takes the steps of New, cheapest and most often wrong first.
func (r *Runtime) setUp() error {
	if r.cfg.Watch {
		if err := checkWatchable(r.cfg.Script); err != nil {
			return err
		}
	}
	for i, name := range r.cfg.Interfaces {
		facts, err := readFacts(i, name)
		if err != nil {
			return err
		}
		if err := r.cfg.Frames.Check(facts.MTU); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if !facts.Up {
			return fmt.Errorf("interface %s is down: ip link set dev %s up", name, name)
		}
		r.ports = append(r.ports, &port{facts: facts})
	}
	if err := r.addWorkers(); err != nil {
		return err
	}
	if err := r.checkWholly(r.workers[0].state); err != nil {
		return err
	}
	if err := r.startCapture(); err != nil {
		return err
	}
	return r.attachAll()
}

// addWorkers makes the workers and shares the queues out among them.
func (r *Runtime) addWorkers() error {
	mtu := 0
	var queues []int
	for _, p := range r.ports {
		p.queues = p.facts.Queues
		if r.cfg.Queues > p.queues {
			return fmt.Errorf("queues %d: %s has only %d (ethtool -l %[2]s)", r.cfg.Queues, p.facts.Name, p.queues)
		}
		if r.cfg.Queues > 0 {
			p.queues = r.cfg.Queues
		}
		p.atFirst = p.queues
		queues = append(queues, p.queues)
		mtu = max(mtu, p.facts.MTU)
	}
	n := workersFor(queues)
	r.cfg.Frames.Sockets = uint32(mostSockets(n, queues))
	r.cfg.Frames = r.cfg.Frames.Defaults(mtu)
	var out *lockedWriter
	if r.cfg.Dump != nil {
		out = &lockedWriter{w: r.cfg.Dump}
	}
	r.workerCount = n
	for i := range n {
		w := &worker{
			index:   i,
			sockets: r.sockets,
			exit:    r.exit,
			onError: r.cfg.OnError,
			errors:  r.errors,
			descs:   make([]xsk.Desc, r.cfg.Batch),
			room:    make([]luabind.Packet, r.cfg.Batch),
			rest:    rest{spin: r.cfg.BusyPoll},
		}
		r.workers = append(r.workers, w)
		if out != nil {
			w.dump = &dumper{out: out}
		}
		var facts []*luabind.Port
		for _, p := range r.ports {
			w.ports = append(w.ports, &workerPort{facts: p.facts.Port})
			facts = append(facts, &p.facts.Port)
		}
		first, err := r.load(w, facts, r.sources)
		if err != nil {
			return err
		}
		w.state = first.state // so that it is closed whatever fails
		if w.mail, err = newMailbox(); err != nil {
			return err
		}
		w.place(first)
		if w.umem, err = xsk.NewUMEM(r.cfg.Frames); err != nil {
			return err
		}
	}
	return nil
}

// Run runs the handler until ctx is done or the script ends it, then empties
// the rings, takes the Runtime off the interfaces and returns nil. It returns
// an error if on_start or on_stop fails, naming script and line. It can be
// called once.
func (r *Runtime) Run(ctx context.Context) error {
	r.mu.Lock()
	if r.ran || r.closed {
		r.mu.Unlock()
		return errors.New("runtime: Run after Run or Close")
	}
	r.ran = true
	r.mu.Unlock()

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	full := make(chan error, 1)
	memory := guardMemory(r.cfg.MemoryLimit)
	defer memory.end()
	go func() {
		select {
		case <-r.exit.asked:
			cancel()
		case live := <-memory.over:
			full <- memoryError(r.cfg.Script, live, r.cfg.MemoryLimit)
			cancel()
		case <-ctx.Done():
		}
	}()
	addProcessors(len(r.workers))
	defer addProcessors(-len(r.workers))
	errs := make(chan error, len(r.workers))
	drained := newBarrier(len(r.workers))
	var workers sync.WaitGroup
	for _, w := range r.workers {
		w.drained = drained.place()
		workers.Go(func() {
			// The thread is never unlocked: it may be in a namespace where
			// no other goroutine belongs, and ends with this one.
			goruntime.LockOSThread()
			defer w.mail.close()
			defer w.drained.arrive()
			err := r.ns.enter()
			if err == nil {
				err = w.run()
			}
			if err != nil {
				errs <- err
				cancel()
			}
		})
	}
	supervised := make(chan error, 1)
	go func() {
		goruntime.LockOSThread()
		err := r.ns.enter()
		if err == nil {
			err = r.supervise(ctx)
		}
		supervised <- err
	}()
	go r.serveReloads(ctx)
	err := <-supervised
	cancel()
	<-r.reloadsEnd // no script is put in place any more
	r.detachAll()
	for _, w := range r.workers {
		w.mail.post(func() { w.stopping = true })
	}
	workers.Wait()
	r.errors.flush()
	close(errs)
	said := map[string]bool{} // a script fails in the same way on each worker
	for e := range errs {
		if said[e.Error()] {
			continue
		}
		said[e.Error()] = true
		err = errors.Join(err, e)
	}
	select {
	case e := <-full:
		err = errors.Join(e, err)
	default:
	}
	return errors.Join(err, r.Close())
}

// Close takes the Runtime off the interfaces and releases what it holds. It
// must not be called while Run runs; end that by its context. A second Close
// does nothing.
func (r *Runtime) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil
	}
	r.closed = true
	if !r.ran {
		close(r.reloadsEnd)
	}
	errs := []error{r.detachAll(), r.endCapture()}
	totals := r.collect(func(_ *worker, fn func()) { fn() })
	r.final = &totals
	errs = append(errs, r.engines.side.close())
	for _, w := range r.workers {
		errs = append(errs, w.close())
	}
	return errors.Join(append(errs, r.ns.close())...)
}

// run is the life of a worker on its thread.
func (w *worker) run() error {
	if err := w.state.Start(); err != nil {
		return err
	}
	w.watch()
	w.loop()
	return w.drain()
}

// drainTime bounds how long frames may take to leave at the end.
const drainTime = 300 * time.Millisecond

// drain handles what was received before the interfaces were let go, runs
// on_stop when all workers have come so far, and waits for the frames still in
// transmission.
func (w *worker) drain() error {
	deadline := time.Now().Add(drainTime)
	for busy := true; busy && time.Now().Before(deadline); {
		busy, _ = w.turn()
	}
	w.from = nil
	w.drained.arrive()
	w.drained.wait(time.Until(deadline))
	err := w.state.Stop()
	for pending := true; pending && time.Now().Before(deadline); {
		_, pending = w.turn()
		pending = pending || w.umem.Ledger().TX > 0
		if pending {
			time.Sleep(pendingSleep)
		}
	}
	return err
}

// close releases what a worker holds; it may be half made.
func (w *worker) close() error {
	var errs []error
	for _, p := range w.ports {
		errs = append(errs, w.shut(p))
	}
	if w.injector != nil {
		errs = append(errs, w.injector.Close())
	}
	if w.umem != nil {
		errs = append(errs, w.umem.Close())
	}
	if w.mail != nil {
		w.mail.close()
	}
	if w.state != nil {
		w.state.Close()
	}
	return errors.Join(errs...)
}

// watch puts the sockets that are open now into the poller, those of the script
// that receive among them.
func (w *worker) watch() {
	var lanes, sockets []int
	for _, p := range w.ports {
		for _, l := range p.lanes {
			lanes = append(lanes, l.socket.FD())
		}
	}
	h := w.host
	h.receiving, h.usesChanged = nil, false
	for _, u := range h.uses {
		if u.receives() {
			h.receiving = append(h.receiving, u)
			sockets = append(sockets, u.fd)
		}
	}
	w.poll.set(w.mail.fd, lanes, sockets)
}
