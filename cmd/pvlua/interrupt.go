// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"os/signal"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long a run that was asked to end may take before it can be
// asked more firmly: as long as ending may take at most.
const patience = time.Second

// untilInterrupted returns a context that ends with the first SIGINT or SIGTERM.
// One that comes later than patience after it ends the process at once. One that
// comes sooner is the same wish: timeout(1) signals the command and then its
// process group, and a terminal signals both sides of a pipe. stop ends the wait
// for signals.
func untilInterrupted() (ctx context.Context, stop context.CancelFunc) {
	ctx, stop = signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGTERM)
	context.AfterFunc(ctx, func() { time.AfterFunc(patience, stop) })
	return ctx, stop
}
