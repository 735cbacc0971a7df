// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"errors"
	"fmt"

	"pvlua/inject"
	"pvlua/xsk"
)

// errAsTold is why there is no injector with --tx ring.
var errAsTold = errors.New("as told")

// moveFrames has the frames of all workers where an injector can read them. They
// are about to be bound in copy mode.
func (r *Runtime) moveFrames() {
	r.noInjector = nil
	if r.cfg.Tx == TxRing {
		r.noInjector = errAsTold
		return
	}
	for _, w := range r.workers {
		if err := w.umem.MoveToMap(); err != nil {
			r.noInjector = err
			return
		}
	}
}

// moveFramesBack has the frames in ordinary memory again, if err says that the
// kernel would not have them in a map, and reports whether it did.
func (r *Runtime) moveFramesBack(err error) bool {
	if !errors.Is(err, xsk.ErrMapMemory) || r.workers[0].umem.Map() == nil {
		return false
	}
	r.noInjector = err
	for _, w := range r.workers {
		umem, err := xsk.NewUMEM(r.cfg.Frames)
		if err != nil {
			return false
		}
		w.umem.Close()
		w.umem = umem
	}
	return true
}

// chooseWays makes the injectors, says how each port is driven, and fails if it
// is not as the user will have it.
func (r *Runtime) chooseWays() error {
	if r.bind != xsk.BindCopy {
		r.noInjector = errors.New("zero-copy")
	}
	for _, w := range r.workers {
		if r.noInjector != nil {
			break
		}
		w.injector, r.noInjector = inject.NewTransmitter(w.umem.Map(), w.umem.Size())
	}
	for _, p := range r.ports {
		way := r.wayOf(p)
		for _, w := range r.workers {
			w.ports[p.facts.Index].way = way
		}
		if r.cfg.Tx == TxInject && way.broken != "" {
			return fmt.Errorf("%s: the injector does not work there: %s", p.facts.Name, way.broken)
		}
		r.announce(p)
	}
	return nil
}

// wayOf decides whether frames may leave p by the injector, and whether they are
// likely to.
func (r *Runtime) wayOf(p *port) wayOut {
	mtu := inject.MaxLive - xsk.FrameOverhead
	switch {
	case r.noInjector != nil:
		return wayOut{broken: r.noInjector.Error()}
	case p.program.Mode() == xsk.Generic:
		return wayOut{broken: "generic mode"}
	case p.facts.MTU > mtu:
		return wayOut{broken: fmt.Sprintf("frames can be longer than it takes: an MTU of up to %d would do", mtu)}
	}
	way := wayOut{
		allowed: true, ifindex: p.facts.Ifindex, always: r.cfg.Tx == TxInject, ordered: p.facts.oneQueue,
	}
	if ok, err := Redirectable(p.facts.Ifindex); err == nil && !ok {
		way.broken = errNoRedirect.Error()
	}
	return way
}

// wayText says in the log which way frames take.
func (r *Runtime) wayText(p *port) string {
	way := &r.workers[0].ports[p.facts.Index].way
	switch {
	case way.broken == "":
		return "inject"
	case r.cfg.Tx == TxRing:
		return "ring"
	case way.broken == errNoRedirect.Error():
		return "ring (the device takes no redirected frames)" // pvlua doctor says more
	}
	return "ring (" + way.broken + ")"
}

// setOrdered tells all workers whether frames stay in order by whatever way they
// leave p, if that has changed.
func (r *Runtime) setOrdered(p *port, oneQueue bool) {
	if p.facts.oneQueue == oneQueue {
		return
	}
	p.facts.oneQueue = oneQueue
	for _, w := range r.workers {
		w.mail.call(func() { w.ports[p.facts.Index].way.ordered = oneQueue })
	}
}
