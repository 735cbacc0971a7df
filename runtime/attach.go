// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"errors"
	"fmt"

	"pvlua/inject"
	"pvlua/xsk"
)

// A port is one interface as the supervisor sees it.
type port struct {
	facts   linkFacts
	atFirst int          // how many queues were to be served when the workers were made
	queues  int          // how many are
	program *xsk.Program // nil while the interface is gone
	failure string       // why it could not be attached to again, so that it is said once
	// threaded is what detach restores; nil: nothing.
	threaded *threadedNAPI
}

// attachAll opens every port. All sockets of a worker share its UMEM and thus
// the way it is bound (P29), so the ladder is taken for all ports together.
func (r *Runtime) attachAll() error {
	var binds []xsk.BindMode
	for i, p := range r.ports {
		program, err := r.attach(p)
		if err != nil {
			return err
		}
		p.program = program
		if ladder := r.cfg.Mode.BindLadder(program.Mode()); i == 0 || len(ladder) < len(binds) {
			binds = ladder
		}
	}
	var err error
	for i, bind := range binds {
		r.bind = bind
		if bind == xsk.BindCopy {
			r.moveFrames()
		}
		if err = r.openAll(bind); err != nil && r.moveFramesBack(err) {
			err = r.openAll(bind)
		}
		if err == nil {
			return r.chooseWays()
		}
		if !errors.Is(err, xsk.ErrNoZeroCopy) || i == len(binds)-1 {
			break
		}
		r.log.Info("no zero-copy, copying instead", "reason", bare(err), "port", where(err))
	}
	return err
}

// bare is the cause alone of an error of package xsk that was to be expected.
func bare(err error) error {
	var x *xsk.Error
	if errors.As(err, &x) && x.Err != nil {
		return x.Err
	}
	return err
}

// where is the interface that an error of package xsk is about.
func where(err error) string {
	var x *xsk.Error
	errors.As(err, &x)
	if x == nil {
		return ""
	}
	return x.Interface
}

// openAll opens the sockets of all workers on all ports, or none.
func (r *Runtime) openAll(bind xsk.BindMode) error {
	for _, p := range r.ports {
		for i, w := range r.workers {
			if err := w.open(r.plan(p, i, bind)); err != nil {
				for _, w := range r.workers {
					for _, p := range w.ports {
						w.shut(p)
					}
				}
				return err
			}
		}
	}
	return nil
}

// attach puts the redirect program onto the interface of p.
func (r *Runtime) attach(p *port) (*xsk.Program, error) {
	program, err := xsk.Attach(xsk.ProgramConfig{
		Ifindex:    p.facts.Ifindex,
		Name:       p.facts.Name,
		Queues:     p.facts.Queues,
		Mode:       r.cfg.Mode,
		Reinjected: r.mark,
		Log:        r.log,
	})
	if err == nil && r.cfg.ThreadedNAPI { // a veth has NAPI only now
		if p.threaded, err = setThreaded(p.facts.Name); err != nil {
			err = errors.Join(err, program.Close())
			program = nil
		}
	}
	return program, err
}

// endThreaded has the interface of p receive as it did before attach.
func (p *port) endThreaded() error {
	err := p.threaded.restore()
	p.threaded = nil
	return err
}

// A plan says what one worker opens on one port.
type plan struct {
	port    int
	name    string
	ifindex int
	queues  []int
	bind    xsk.BindMode
	program *xsk.Program
	mark    *inject.Mark // stands before frames for the stack; generic mode only
	partial bool         // packets may come with unfinished checksums
	way     wayOut
}

// plan is what worker i does on p.
func (r *Runtime) plan(p *port, i int, bind xsk.BindMode) plan {
	pl := plan{port: p.facts.Index, name: p.facts.Name, ifindex: p.facts.Ifindex, bind: bind, program: p.program}
	pl.queues = queuesOf(i, len(r.workers), p.queues)
	generic := p.program.Mode() == xsk.Generic
	if generic {
		pl.mark = &r.mark
	}
	pl.partial = r.unfinished(p)
	pl.way = r.wayOf(p)
	return pl
}

// unfinished reports whether packets may come in on p with unfinished checksums.
// Only packets made on this machine have them: those of a veth's peer, and those
// of any software device, all of which have generic XDP.
func (r *Runtime) unfinished(p *port) bool {
	return p.program.Mode() == xsk.Generic || p.facts.driver == "veth"
}

// open carries out a plan. On an error nothing of it stays open.
func (w *worker) open(pl plan) error {
	p := w.ports[pl.port]
	for _, queue := range pl.queues {
		s, err := w.umem.Open(xsk.SocketConfig{
			Ifindex: pl.ifindex, Name: pl.name, Queue: queue, Bind: pl.bind, BusyPoll: w.rest.spin,
		})
		if err != nil {
			w.shut(p)
			return err
		}
		p.lanes = append(p.lanes, &lane{
			port:   p,
			socket: s,
			slot:   len(p.lanes),
			out:    make([]xsk.Desc, 0, laneRoom),
		})
		s.Refill() // before the first packet is redirected to it
		if err := pl.program.Register(queue, s); err != nil {
			w.shut(p)
			return err
		}
	}
	// Without a way to the stack everything but PASS works; announce says so.
	if p.stack, p.stackErr = inject.New(pl.ifindex, pl.mark); p.stackErr != nil {
		p.stack = nil
	}
	p.down, p.partial, p.way = false, pl.partial, pl.way
	return nil
}

// shut closes what w has open on p. The frames go back to the UMEM.
func (w *worker) shut(p *workerPort) error {
	var errs []error
	if p.stack != nil {
		w.flushStack(p)
		errs = append(errs, p.stack.Close())
		p.stack = nil
	}
	for _, l := range p.lanes {
		p.count.TxDown += uint64(len(l.out))
		for _, d := range l.out {
			w.umem.Free(d.Addr)
		}
		l.out = nil
		errs = append(errs, l.socket.Close())
		if s, err := l.socket.Stats(); err == nil {
			addStats(&p.past, s)
		}
	}
	p.lanes = nil
	p.down = true
	return errors.Join(errs...)
}

// detachAll takes the programs off the interfaces: from then on the kernel's
// stack has them to itself again.
func (r *Runtime) detachAll() error {
	var errs []error
	for _, p := range r.ports {
		errs = append(errs, r.detach(p))
	}
	return errors.Join(errs...)
}

func (r *Runtime) detach(p *port) error {
	if p.program == nil {
		return nil
	}
	err := errors.Join(p.endThreaded(), p.program.Close())
	r.engines.side.lost(p.facts.Index)
	p.program = nil
	return err
}

// announce says how a port is driven. It runs where no worker does.
func (r *Runtime) announce(p *port) {
	mine := r.workers[0].ports[p.facts.Index]
	how := p.program.Mode().String() + " copy"
	if mine.lanes[0].socket.ZeroCopy() {
		how = p.program.Mode().String() + " zero-copy"
	}
	r.log.Info("receiving", "port", p.facts.Name, "mode", how,
		"queues", fmt.Sprintf("%d of %d", p.queues, p.facts.Queues), "driver", p.facts.driver, "tx", r.wayText(p))
	if p.queuesAreShifted() {
		r.log.Warn("in generic mode a veth gives queue 0 the packets of two queues, and the last queue none", "port", p.facts.Name)
	}
	if mine.stackErr != nil {
		r.log.Warn("PASS does not work: passed packets are lost and counted", "port", p.facts.Name, "reason", mine.stackErr)
	}
}
