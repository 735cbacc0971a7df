// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"log/slog"
	"sync"
	"time"
)

// errorLog logs script errors at a bounded rate: a broken handler fails on
// every packet, and a log that keeps pace with a network helps nobody.
type errorLog struct {
	log *slog.Logger
	now func() time.Time

	mu         sync.Mutex
	tokens     int
	refilled   time.Time
	suppressed uint64
}

const (
	errorBurst    = 10          // errors logged at once
	errorInterval = time.Second // and one more for each interval after
)

func newErrorLog(log *slog.Logger, now func() time.Time) *errorLog {
	return &errorLog{log: log, now: now, tokens: errorBurst, refilled: now()}
}

// report logs what went wrong, or counts it as suppressed. attrs is asked for
// the details only if they are logged.
func (e *errorLog) report(err error, attrs func() []any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if n := e.now().Sub(e.refilled) / errorInterval; n > 0 {
		e.tokens = min(e.tokens+int(n), errorBurst)
		e.refilled = e.refilled.Add(n * errorInterval)
	}
	if e.tokens == 0 {
		e.suppressed++
		return
	}
	e.tokens--
	args := attrs()
	if e.suppressed > 0 {
		args = append(args, "suppressed", e.suppressed)
		e.suppressed = 0
	}
	e.log.Error(err.Error(), args...)
}

// flush says how many errors the log still owes, and begins anew.
func (e *errorLog) flush() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.suppressed > 0 {
		e.log.Error("more script errors were not logged", "suppressed", e.suppressed)
		e.suppressed = 0
	}
	e.tokens = errorBurst
}
