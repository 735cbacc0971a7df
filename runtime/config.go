// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"pvlua/luabind"
	"pvlua/xsk"
)

// Config says what a Runtime runs on which interfaces. Fields without a
// default named here are required.
type Config struct {
	Interfaces []string
	Script     string   // path of the Lua file
	Args       []string // what the script finds in pv.args
	// Watch reloads the script whenever its file, or one of a module that it
	// has required, has another text.
	Watch bool

	// Frames sizes the frames and rings of each worker; the zero value means
	// the defaults of xsk.Config.
	Frames xsk.Config
	// Mode forces a way of receiving; zero tries the best first.
	Mode xsk.Mode
	// Engine says where the handler runs; zero: in the kernel what can.
	Engine Engine
	// Tx forces a way of sending; zero takes the faster one.
	Tx TxMode
	// Queues is how many queues of each interface are served, from queue 0 on.
	// Zero: all. What arrives on other queues goes to the kernel's stack.
	Queues int
	// Batch is how many packets are received at once. Zero: 64.
	Batch int
	// Quota is how many VM instructions one call into the script may take.
	// Zero: luabind's default.
	Quota int
	// MemoryLimit is how much may be live on Go's heap, in bytes, before the script
	// is ended with an error. Zero: no matter how much.
	MemoryLimit uint64
	// ThreadedNAPI has the interfaces receive in kernel threads of their own while
	// the Runtime is on them.
	ThreadedNAPI bool
	// BusyPoll is how long a worker looks for the next packet before it sleeps.
	// Zero: not at all.
	BusyPoll time.Duration
	// OnError is the verdict for a packet on which the handler failed. Zero:
	// luabind.Pass.
	OnError luabind.Verdict

	// Capture says what is recorded in a file; the zero value means nothing.
	Capture Capture

	// Stats is how often the counters are written to Report. Zero: never.
	Stats time.Duration
	// Report takes the periodic statistics. Nil: standard error.
	Report io.Writer
	// Dump takes one line per packet. Nil: none are written.
	Dump io.Writer
	// Stdout takes what the script prints. Nil: standard output.
	Stdout io.Writer
	// Log takes everything else. Nil: slog.Default.
	Log *slog.Logger
}

const (
	defaultBatch = 64
	maxBatch     = 1024
)

// Check returns what is wrong with c, or nil. It opens nothing, and does not look
// for what c names.
func (c Config) Check() error {
	_, err := c.normal()
	return err
}

// normal returns c with its defaults filled in, or what is wrong with it.
func (c Config) normal() (Config, error) {
	if c.Batch == 0 {
		c.Batch = defaultBatch
	}
	if c.OnError == 0 {
		c.OnError = luabind.Pass
	}
	if c.Report == nil {
		c.Report = os.Stderr
	}
	if c.Stdout == nil {
		c.Stdout = os.Stdout
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	var errs []error
	if len(c.Interfaces) == 0 {
		errs = append(errs, errors.New("no interface given"))
	}
	seen := map[string]bool{}
	for _, name := range c.Interfaces {
		if seen[name] {
			errs = append(errs, fmt.Errorf("interface %s is given twice", name))
		}
		seen[name] = true
	}
	if c.Batch < 1 || c.Batch > maxBatch {
		errs = append(errs, fmt.Errorf("batch %d: must be from 1 to %d", c.Batch, maxBatch))
	}
	if c.Queues < 0 {
		errs = append(errs, fmt.Errorf("queues %d: must be 1 or more, or 0 for all", c.Queues))
	}
	if c.BusyPoll < 0 {
		errs = append(errs, fmt.Errorf("busy-poll %v: must not be negative", c.BusyPoll))
	}
	if c.OnError != luabind.Pass && c.OnError != luabind.Drop {
		errs = append(errs, errors.New("on-error: must be pass or drop"))
	}
	errs = append(errs, c.Capture.check())
	return c, errors.Join(errs...)
}
