// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"pvlua/internal/probe"
)

const demoHelp = `pvlua demo shows pvlua at work: it raises a lab of its own, runs echo.lua in it,
probes that from outside, prints a table, and removes everything again.

  pvlua demo [flags]

      --count N    probes of each kind (100)
      --keep       leave it running until Ctrl-C, to try things on it

Exit status: 0 every probe was answered, 1 not, 2 the command line is wrong.
`

// demoOptions is the command line of demo.
type demoOptions struct {
	count int
	keep  bool
}

// demoCommand runs the demonstration.
func demoCommand(args []string, stdout, stderr io.Writer) int {
	o, err := parseDemo(args)
	if errors.Is(err, pflag.ErrHelp) {
		fmt.Fprint(stdout, demoHelp)
		return exitOK
	}
	if err != nil {
		return usageError(stderr, "pvlua demo", err)
	}
	// The signals stay caught while everything is removed.
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGTERM, unix.SIGHUP)
	defer stop()
	d := &demo{demoOptions: o, out: stdout}
	if err := errors.Join(d.play(ctx), d.remove()); err != nil {
		complain(stderr, err)
		return exitFailed
	}
	return exitOK
}

func parseDemo(args []string) (o demoOptions, err error) {
	flags := newFlags("pvlua demo")
	flags.IntVar(&o.count, "count", 100, "")
	flags.BoolVar(&o.keep, "keep", false, "")
	if err := parseFlags(flags, args); err != nil {
		return o, err
	}
	var errs []error
	if flags.NArg() > 0 {
		errs = append(errs, fmt.Errorf("no arguments are taken, but %s is given", quoted(flags.Args())))
	}
	if err := positive(flags, "count"); err != nil {
		errs = append(errs, err)
	} else if o.count > maxProbes {
		errs = append(errs, fmt.Errorf("--count %d: must be at most %d", o.count, maxProbes))
	}
	return o, errors.Join(errs...)
}

const maxProbes = 10000

// demo is one demonstration.
type demo struct {
	demoOptions
	out   io.Writer
	stage *stage    // what remove has to remove
	run   *childRun // pvlua itself
}

var (
	errInterrupted = errors.New("interrupted")
	errUnanswered  = errors.New("not every probe was answered")
)

// play is the whole demonstration up to the removal, or up to what fails in it.
func (d *demo) play(ctx context.Context) (err error) {
	began := time.Now()
	if d.stage, err = raiseStage(); err != nil {
		return err
	}
	s := d.stage
	fmt.Fprintf(d.out, "Lab:     %s here (%v, %v)\n", s.near.Link, s.near.Addrs[0].Addr(), s.near.Addrs[1].Addr())
	fmt.Fprintf(d.out, "         %s in namespace %s (%v, %v)\n", s.far.Link, s.far.Namespace, s.ip(), s.ip6())
	fmt.Fprintf(d.out, "Running: pvlua %s echo.lua, in that namespace\n", s.far.Link)
	if d.run, err = s.start(ctx, indented(d.out)); err != nil {
		return interrupted(ctx, err)
	}
	fmt.Fprintf(d.out, "Probing: %d times each, from here\n\n", d.count)
	results, err := d.probe(ctx)
	if err != nil {
		return interrupted(ctx, err)
	}
	if err := probe.WriteTable(d.out, results); err != nil {
		return err
	}
	if d.keep {
		fmt.Fprintf(d.out, "\nIt goes on running. Try, in another terminal:\n\n  ping %v\n  ping %v\n  echo hello | nc -u -w 1 %v 7\n\nCtrl-C ends it.\n",
			s.ip(), s.ip6(), s.ip())
		<-ctx.Done()
	}
	fmt.Fprintf(d.out, "\nStopping pvlua by SIGINT; what it says itself:\n\n")
	totals, err := d.run.stop()
	if err != nil {
		return err
	}
	echoes, err := s.kernelEchoes()
	if err != nil {
		return err
	}
	if err := prove(d.out, results, totals, echoes); err != nil {
		return err
	}
	if err := d.remove(); err != nil {
		return err
	}
	fmt.Fprintf(d.out, "Removed: all of it, after %.1f s\n", time.Since(began).Seconds())
	return nil
}

// prove says how one can tell that the answers came from the script, and fails if
// one cannot. echoes are the echo requests that the kernel got itself.
func prove(w io.Writer, results []probe.Result, totals childTotals, echoes uint64) error {
	byScript, byKernel, all := 0, 0, true
	for i := range results {
		r := &results[i]
		all = all && r.OK()
		if r.Name == passName {
			byKernel += r.Answered
		} else {
			byScript += r.Answered
		}
	}
	fmt.Fprintf(w, "\nProof:   echo.lua answered %d probes; pvlua sent %d packets (tx).\n", byScript, totals.tx)
	fmt.Fprintf(w, "         The kernel behind it answered none: it counts %d echo requests.\n", echoes)
	fmt.Fprintf(w, "         What echo.lua leaves alone got there: %d connections, %d packets (pass).\n", byKernel, totals.pass)
	switch {
	case !all:
		return errUnanswered
	case totals.tx < uint64(byScript):
		return fmt.Errorf("%d probes were answered, but pvlua sent %d packets only", byScript, totals.tx)
	case echoes > 0:
		return fmt.Errorf("the kernel itself got %d echo requests, which pvlua was to answer", echoes)
	case totals.pass < uint64(byKernel):
		return fmt.Errorf("%d connections were made, but pvlua passed %d packets only", byKernel, totals.pass)
	}
	return nil
}

// remove ends and removes whatever there is. A second call does nothing.
func (d *demo) remove() error {
	if d.run != nil {
		d.run.kill()
	}
	if d.stage == nil {
		return nil
	}
	err := d.stage.strike()
	d.stage = nil
	return err
}

// interrupted says why ctx ended what failed with err, if it did.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errInterrupted
	}
	return err
}
