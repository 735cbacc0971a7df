// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"context"
	"errors"
	"fmt"
	goruntime "runtime"
	"strings"
	"time"

	"pvlua/luabind"
)

// Reload loads the script again, runs its on_start, and puts it in place of the
// one that runs, each worker between two batches. Packets are handled all the
// while: by the old script as long as the new one loads and starts, whatever
// time that takes. On an error, which names script and line, the old one goes
// on everywhere. Once all workers have the new script the on_stop of the old
// one is called. What happens is logged.
//
// It may be called by any goroutine. Before Run it waits for Run; after the end
// of Run, or Close, it is an error.
func (r *Runtime) Reload() error {
	answer := make(chan error, 1)
	select {
	case r.reloads <- answer:
		return <-answer
	case <-r.reloadsEnd:
		return errNotRunning
	}
}

var errNotRunning = errors.New("reload: no script is running any more")

// serveReloads reloads when asked to, and with Config.Watch when files have
// changed, until ctx is done. It runs on a thread of its own, in the Runtime's
// namespace, because the on_stop of a script that was replaced may open sockets.
func (r *Runtime) serveReloads(ctx context.Context) {
	defer close(r.reloadsEnd)
	goruntime.LockOSThread() // never unlocked: the thread ends here
	if err := r.ns.enter(); err != nil {
		r.log.Error(fmt.Sprintf("%v: the script cannot be reloaded", err))
		return
	}
	var w *watcher
	if r.cfg.Watch {
		w = newWatcher(r.log)
		defer w.close()
		w.cover(r.sources.Paths())
	}
	for {
		select {
		case <-ctx.Done():
			return
		case answer := <-r.reloads:
			answer <- r.reload(ctx, nil)
		case <-w.heard():
			w.wait()
			continue
		case <-w.missed():
			w.wait()
			continue
		case <-w.due():
			if changed := w.look(r.sources); changed != nil {
				r.reload(ctx, changed)
			}
		}
		w.cover(r.sources.Paths())
	}
}

// reload does what Reload says and logs it. changed are the files that are the
// reason, if any.
func (r *Runtime) reload(ctx context.Context, changed []string) error {
	began := time.Now()
	fresh, err := r.loadAside(ctx)
	if err != nil {
		if ctx.Err() == nil {
			r.log.Error(oneLine(err) + ": not reloaded, the script goes on as it was")
		}
		return err
	}
	loaded := time.Since(began)
	r.errors.flush() // what the old one did must not keep the new one's errors from being told
	old := make([]script, len(fresh))
	for i, w := range r.workers {
		if !w.mail.call(func() { old[i] = w.place(fresh[i]) }) {
			old[i] = fresh[i] // the worker has ended, and needs none any more
		}
	}
	r.recompile(ctx)
	attrs := []any{"script", r.cfg.Script, "loading", loaded.Round(time.Microsecond)}
	if changed != nil {
		attrs = append(attrs, "changed", strings.Join(changed, ", "))
	}
	r.log.Info("reloaded", attrs...)
	for i, s := range old {
		if s.state != fresh[i].state {
			r.retire(s)
		}
		s.state.Close()
	}
	return nil
}

// recompile has the supervisor compile the script that is in place now.
func (r *Runtime) recompile(ctx context.Context) {
	done := make(chan struct{})
	select {
	case r.placed <- done:
		<-done
	case <-ctx.Done():
	}
}

// retire calls the on_stop of a script that is no longer in place, beside the
// workers, and has its worker send what that sends.
func (r *Runtime) retire(s script) {
	if err := s.state.Stop(); err != nil {
		r.log.Error(fmt.Sprintf("%v: on_stop of the script before", err))
	}
	s.host.worker.mail.call(s.host.release)
}

// loadAside makes and starts a new script for each worker, or for none, beside
// workers and supervisor: on a thread of its own in the Runtime's network
// namespace. When ctx is done it does not wait for a script that still loads.
func (r *Runtime) loadAside(ctx context.Context) ([]script, error) {
	var facts []*luabind.Port
	ask := func() {
		for _, p := range r.workers[0].ports {
			f := p.facts
			facts = append(facts, &f)
		}
	}
	if !r.workers[0].mail.call(ask) {
		return nil, errNotRunning
	}
	sources := luabind.NewSources()
	r.sources = sources
	var scripts []script
	entered, result := make(chan error), make(chan error, 1)
	go func() {
		goruntime.LockOSThread() // never unlocked: the thread ends here
		err := r.ns.enter()
		if entered <- err; err != nil {
			return
		}
		scripts, err = r.loadAll(ctx, facts, sources)
		result <- err
	}()
	if err := <-entered; err != nil {
		return nil, err
	}
	select {
	case err := <-result:
		return scripts, err
	case <-ctx.Done():
		go func() {
			<-result
			closeAll(scripts)
		}()
		return nil, errNotRunning
	}
}

// loadAll makes and starts a new script for each worker, or for none. Between
// two steps, each of which the quota bounds, it looks whether ctx is done.
func (r *Runtime) loadAll(ctx context.Context, facts []*luabind.Port, sources *luabind.Sources) (scripts []script, err error) {
	defer func() {
		if err != nil {
			closeAll(scripts)
			scripts = nil
		}
	}()
	for _, w := range r.workers {
		if ctx.Err() != nil {
			return scripts, errNotRunning
		}
		s, err := r.load(w, facts, sources)
		if err != nil {
			return scripts, err
		}
		scripts = append(scripts, s)
	}
	for _, s := range scripts {
		if ctx.Err() != nil {
			return scripts, errNotRunning
		}
		if err := s.state.Start(); err != nil {
			return scripts, err
		}
	}
	return scripts, r.checkWholly(scripts[0].state)
}

func closeAll(scripts []script) {
	for _, s := range scripts {
		s.state.Close()
	}
}

// oneLine is the text of an error, with its lists on the line of what they
// belong to, as the log wants it.
func oneLine(err error) string {
	return strings.NewReplacer(":\n", ": ", "\n", "; ").Replace(err.Error())
}
