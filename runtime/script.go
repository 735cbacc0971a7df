// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"pvlua/luabind"
)

// A script is a Lua state and what it sees of the worker that it belongs to.
type script struct {
	state  *luabind.State
	host   *host
	filter *luabind.Filter // for captures; nil: none
}

// load loads the script for worker w, off the data path: what it sends waits
// until it is put in place.
func (r *Runtime) load(w *worker, facts []*luabind.Port, sources *luabind.Sources) (script, error) {
	h := &host{worker: w, waiting: true, refused: make([]uint64, len(w.ports))}
	state, err := luabind.Load(luabind.Config{
		Script: r.cfg.Script, Sources: sources, Args: r.cfg.Args, Ports: facts, Host: h,
		Worker: w.index, Workers: r.workerCount, Store: r.store,
		Log: r.log, Stdout: r.cfg.Stdout, Quota: r.cfg.Quota,
	})
	if err != nil {
		return script{}, err
	}
	filter, err := r.captureFilter(state)
	if err != nil {
		state.Close()
		return script{}, err
	}
	return script{state, h, filter}, nil
}

// place gives w a script in place of the one it has, which is returned: from
// now on its packets, timers and sockets are the new one's. It must run on the
// worker's thread between two batches or in the interlude of one, or before
// there is one.
func (w *worker) place(fresh script) (old script) {
	old = script{w.state, w.host, w.filter}
	if old.host != nil {
		old.host.waiting = true
	}
	w.state, w.host, w.filter = fresh.state, fresh.host, fresh.filter
	for _, p := range w.ports {
		w.state.SetPort(p.facts) // they may have changed since it was loaded
	}
	w.watch()
	w.host.waiting = false
	w.host.release()
	return old
}
