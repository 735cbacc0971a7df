// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"context"
	"errors"
	"fmt"
	"time"

	"pvlua/xsk"
)

const (
	// retryInterval is how often the supervisor looks at ports that are gone, or
	// could not be attached to again, when no event says that it should.
	retryInterval = time.Second
	// Where all is well it looks for changes that raise no event, such as of the
	// number of queues. These come in company: the longer nothing happened, the
	// longer it waits. Looking costs up to a millisecond in all threads.
	firstLook, lastLook = 4 * time.Second, 16 * time.Second
)

// supervise follows what happens to the interfaces until ctx is done. AF_XDP
// itself says nothing: poll sleeps on over a link that went down or was
// deleted (P35). It runs on a thread of its own, in the Runtime's namespace.
func (r *Runtime) supervise(ctx context.Context) error {
	events, err := follow()
	if err != nil {
		return err
	}
	defer func() { events.close() }()
	interval := firstLook
	look := time.NewTimer(interval)
	defer look.Stop()
	var stats <-chan time.Time
	if r.cfg.Stats > 0 {
		t := time.NewTicker(r.cfg.Stats)
		defer t.Stop()
		stats = t.C
	}
	meter := newMeter(r.cfg.Report)

	// What changed between New and the subscriptions would go unseen.
	r.refreshAll()
	if err := r.engage(); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case done := <-r.placed:
			err := r.engage()
			close(done)
			if err != nil {
				return err
			}
		case <-events.changed:
			interval = firstLook
			r.refreshAll()
			if err := r.reengage(); err != nil {
				return err
			}
			look.Reset(r.lookAfter(interval))
		case <-look.C:
			events = events.renew()
			interval = min(2*interval, lastLook)
			r.refreshAll()
			if err := r.reengage(); err != nil {
				return err
			}
			look.Reset(r.lookAfter(interval))
		case <-r.engines.due():
			r.engines.side.registry.Sweep()
		case now := <-stats:
			meter.write(now, r.Totals())
		}
	}
}

// lookAfter is when to look at the ports again: soon if one of them is gone,
// otherwise as is given.
func (r *Runtime) lookAfter(interval time.Duration) time.Duration {
	for _, p := range r.ports {
		if p.program == nil {
			return retryInterval
		}
	}
	return interval
}

// refreshAll brings every port in line with what the kernel says now.
func (r *Runtime) refreshAll() {
	for _, p := range r.ports {
		r.refresh(p)
	}
}

// refresh compares one port with its interface: gone, replaced, back, down,
// up, or with other facts.
func (r *Runtime) refresh(p *port) {
	facts, err := readFacts(p.facts.Index, p.facts.Name)
	if err != nil && !errors.Is(err, errNoInterface) {
		return // it was deleted or renamed while being read: another event follows
	}
	if p.program != nil && (err != nil || facts.Ifindex != p.facts.Ifindex || r.unbound(p)) {
		r.letGo(p)
	}
	if err != nil {
		return
	}
	if p.program == nil {
		r.pickUp(p, facts)
		return
	}
	r.setOrdered(p, facts.oneQueue)
	if samePort(facts.Port, p.facts.Port) {
		r.setDown(p)
		return
	}
	if facts.Up != p.facts.Up {
		r.log.Info("link "+map[bool]string{true: "up", false: "down"}[facts.Up], "port", p.facts.Name)
	}
	if facts.Queues > p.facts.Queues && r.cfg.Queues == 0 {
		r.log.Warn("there are more queues now, whose packets go to the kernel's stack: start pvlua again to handle them",
			"port", p.facts.Name, "queues", fmt.Sprintf("%d of %d", p.queues, facts.Queues))
	}
	if facts.MTU != p.facts.MTU {
		if err := r.cfg.Frames.Check(facts.MTU); err != nil {
			r.log.Warn("longer packets than the frames hold are lost from now on", "port", p.facts.Name, "reason", err)
		}
	}
	r.setFacts(p, facts)
}

// unbound reports whether the kernel took the sockets of p off its interface
// though that is there: it was away in another network namespace, and keeps its
// name and its index.
func (r *Runtime) unbound(p *port) (gone bool) {
	for _, w := range r.workers {
		w.mail.call(func() {
			for _, l := range w.ports[p.facts.Index].lanes {
				gone = gone || errors.Is(l.socket.Check(), xsk.ErrGone)
			}
		})
	}
	return gone
}

// setDown tells all workers whether p can transmit. A worker that was refused a
// transmission takes the port for down until it is told otherwise, also where
// the link is up again before anybody saw that it was down.
func (r *Runtime) setDown(p *port) {
	for _, w := range r.workers {
		w.mail.call(func() {
			mine := w.ports[p.facts.Index]
			mine.down = !p.facts.Up || len(mine.lanes) == 0
		})
	}
}

// setFacts tells all workers what is known of a port now.
//
// What was compiled for user space has the old facts in it: until reengage has
// compiled the handler anew, it runs in Lua.
func (r *Runtime) setFacts(p *port, facts linkFacts) {
	p.facts = facts
	r.engines.facts = nil
	for _, w := range r.workers {
		w.mail.call(func() {
			mine := w.ports[facts.Index]
			mine.facts = facts.Port
			mine.down = !facts.Up || len(mine.lanes) == 0
			w.state.SetPort(facts.Port)
			for i := range w.ports {
				w.state.SetRunner(i, nil)
			}
		})
	}
}

// letGo gives up a port whose interface was deleted. Nothing of it survives in
// the kernel; the frames go back to the workers.
func (r *Runtime) letGo(p *port) {
	r.log.Warn("interface is gone, waiting for it to come back", "port", p.facts.Name)
	for _, w := range r.workers {
		w.mail.call(func() {
			w.shut(w.ports[p.facts.Index])
			w.watch()
		})
	}
	r.detach(p)
	facts := p.facts
	facts.Up = false
	r.setFacts(p, facts)
}

// pickUp attaches to an interface that has come back under the name of a port.
func (r *Runtime) pickUp(p *port, facts linkFacts) {
	if !facts.Up {
		return // nothing comes in before it is up, and that is an event
	}
	err := r.cfg.Frames.Check(facts.MTU)
	if err == nil {
		p.facts = facts
		p.queues = min(p.atFirst, facts.Queues) // the frames are shared out for no more
		if p.queues < len(r.workers) {
			err = fmt.Errorf("it has %d queues now, %d workers need one each", facts.Queues, len(r.workers))
		} else {
			p.program, err = r.attach(p)
		}
	}
	for i := 0; i < len(r.workers) && err == nil; i++ {
		w, pl := r.workers[i], r.plan(p, i, r.bind)
		w.mail.call(func() {
			err = w.open(pl)
			w.watch()
		})
	}
	if err != nil {
		for _, w := range r.workers {
			w.mail.call(func() {
				w.shut(w.ports[p.facts.Index])
				w.watch()
			})
		}
		r.detach(p)
		if err.Error() != p.failure {
			p.failure = err.Error()
			r.log.Error("interface is back but cannot be used yet", "port", p.facts.Name, "reason", err)
		}
		return
	}
	p.failure = ""
	r.setFacts(p, facts)
	r.log.Info("interface is back", "port", p.facts.Name)
	r.workers[0].mail.call(func() { r.announce(p) })
}
