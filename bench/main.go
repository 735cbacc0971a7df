// SPDX-License-Identifier: GPL-3.0-or-later

// Command bench measures pvlua against what it is to be compared with, and prints
// one table of ratios with their targets: packets a second on veth pairs in
// network namespaces that are made for it, against a program in C on the rings
// of libxdp and against XDP programs that never leave the kernel; what handlers
// cost without input and output; round trips against the kernel's own ping
// reply; what it takes when nothing happens; and handlers compiled to eBPF
// against the same in C. What is compared is measured in turn, round after
// round, and a ratio is of figures of the same round.
//
//	bench/deps.sh && go run ./bench
//
// It needs bin/pvlua (make build) and, for everything but the handlers, to be
// root and the packages that deps.sh installs.
//
// Exit code 0: all was measured, or skipped with a reason. 1: something failed,
// or was skipped for want of privilege or tools although CI=true. 2: the command
// line was wrong. Targets that were not met are in the table and no failure.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, unix.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// options are what the command line says.
type options struct {
	rounds   int
	load     load
	only     string
	short    bool
	markdown bool
	into     string // a page that takes the output
	at       places
}

func parseFlags(args []string, stderr io.Writer) (o options, err error) {
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.IntVar(&o.rounds, "rounds", 5, "let every contender run this many times")
	f.DurationVar(&o.load.time, "time", 700*time.Millisecond, "measure each run on interfaces for this long")
	f.DurationVar(&o.load.warmUp, "warm-up", 150*time.Millisecond, "let each run go on for this long before")
	f.IntVar(&o.load.size, "size", minFrame, "send frames of this many bytes")
	f.IntVar(&o.load.flows, "flows", 16, "send this many UDP flows, a power of two")
	f.IntVar(&o.load.rate, "rate", 0, "send this many packets a second; 0 for as many as possible")
	f.StringVar(&o.only, "only", "", "run only these, comma-separated: "+strings.Join(names(), ", "))
	f.BoolVar(&o.short, "short", false, "run everything once, for 0.3 s each, to see that it works")
	f.BoolVar(&o.markdown, "markdown", false, "print a page of markdown")
	f.StringVar(&o.into, "into", "", "put the output, in markdown, into this page, between the lines "+pageBegin+" and "+pageEnd)
	f.IntVar(&o.at.farCPU, "generator-cpu", 0, "bind the generator to this processor")
	f.IntVar(&o.at.dutCPU, "cpu", 1, "bind the contenders to this processor")
	f.StringVar(&o.at.pvlua, "pvlua", "bin/pvlua", "path of the pvlua to measure, from the root of the source tree")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	o.markdown = o.markdown || o.into != ""
	if o.short {
		o.rounds, o.load.time, o.load.warmUp = 1, 300*time.Millisecond, 50*time.Millisecond
	}
	switch {
	case f.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", f.Arg(0))
	case o.rounds < 1:
		err = fmt.Errorf("-rounds %d: must be at least 1", o.rounds)
	case o.load.time <= 0 || o.load.warmUp < 0:
		err = errors.New("-time must be above 0, -warm-up not below")
	case o.load.rate < 0:
		err = fmt.Errorf("-rate %d: must not be negative", o.load.rate)
	}
	for _, name := range o.selected() {
		if !slices.Contains(names(), name) {
			err = fmt.Errorf("-only %s: there is %s", name, strings.Join(names(), ", "))
		}
	}
	if err == nil {
		err = checkFrames(o.load.size, o.load.flows)
	}
	if err != nil {
		fmt.Fprintf(stderr, "bench: %v\n", err)
	}
	return o, err
}

// names is what -only can name.
func names() (n []string) {
	for _, s := range sections(nil) {
		n = append(n, s.name)
	}
	return n
}

// selected is the names that are to run.
func (o options) selected() []string {
	if o.only == "" {
		return names()
	}
	return strings.Split(o.only, ",")
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parseFlags(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	if o.at.root, err = root(); err == nil {
		if !filepath.IsAbs(o.at.pvlua) {
			o.at.pvlua = filepath.Join(o.at.root, o.at.pvlua)
		}
		err = o.output(stdout, func(w io.Writer) error { return benchmark(ctx, o, w, stderr) })
	}
	if ctx.Err() != nil {
		err = errors.New("interrupted")
	}
	if err != nil {
		fmt.Fprintf(stderr, "bench: %v\n", err)
		return 1
	}
	return 0
}

// root is the folder of go.mod at or above the current one.
func root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
			return at, nil
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("no go.mod at or above %s: run it in the source tree", dir)
		}
	}
}
