// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import "sync"

// An exitRequest is what a script has said about the end of the run.
type exitRequest struct {
	once   sync.Once
	asked  chan struct{} // closed when it wants the run to end
	status int           // valid then
}

func newExitRequest() *exitRequest { return &exitRequest{asked: make(chan struct{})} }

// Exit has the run end. It implements luabind.ExitHost.
func (h *host) Exit(status int) {
	e := h.worker.exit
	e.once.Do(func() {
		e.status = status
		close(e.asked)
	})
}

// ExitStatus returns the exit status that the script has asked for by pv.exit,
// 0 if it has not.
func (r *Runtime) ExitStatus() int {
	select {
	case <-r.exit.asked:
		return r.exit.status
	default:
		return 0
	}
}
