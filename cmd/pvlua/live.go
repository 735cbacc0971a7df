// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"pvlua/luabind"
	"pvlua/runtime"
)

// liveCommand runs a script on interfaces until it is interrupted.
func liveCommand(args []string, stdout, stderr io.Writer) int {
	config, verbose, err := parseLive(args)
	if errors.Is(err, pflag.ErrHelp) {
		fmt.Fprint(stdout, help)
		return exitOK
	}
	if err != nil {
		return usageError(stderr, "pvlua", err)
	}
	config.Log = newLog(stderr, verbose)
	config.Report, config.Stdout = stderr, stdout
	if config.Dump != nil {
		config.Dump = stdout
	}
	if status, asked := scriptHelp(config.Script, config.Args, config.Interfaces, stdout, stderr); asked {
		return status
	}
	tuneMemory(config.MemoryLimit)

	ctx, stop := untilInterrupted()
	defer stop()

	var r *runtime.Runtime
	ready := make(chan struct{})
	defer onHangup(func() {
		<-ready
		r.Reload() // which logs how it went
	}, stop)()

	r, err = runtime.New(config)
	if err == nil {
		close(ready)
		err = r.Run(ctx)
		totals := r.Totals()
		totals.Write(stderr)
		if err == nil && !totals.FramesOK() {
			err = errors.New("frames are missing: please report this")
		}
	}
	if status, early := endedEarly(err, stdout); early {
		return status
	}
	if err != nil {
		return reportFailure(stderr, config, err)
	}
	return r.ExitStatus()
}

// parseLive reads the command line of a live run. Nothing is opened yet.
func parseLive(args []string) (config runtime.Config, verbose bool, err error) {
	var (
		flags   = newFlags("pvlua")
		mode    = flags.String("mode", "auto", "")
		onError = flags.String("on-error", "pass", "")
		engine  = flags.String("engine", "auto", "")
		tx      = flags.String("tx", "auto", "")
		dump    = flags.Bool("dump", false, "")
		capture = captureFlags(flags, &config.Capture)
	)
	flags.IntVar(&config.Queues, "queues", 0, "")
	flags.IntVar(&config.Batch, "batch", 0, "")
	flags.IntVar(&config.Quota, "quota", 0, "")
	speed := speedFlags(flags, &config)
	flags.DurationVar(&config.Stats, "stats", 0, "")
	flags.Lookup("stats").NoOptDefVal = "1s"
	flags.BoolVar(&config.Watch, "watch", false, "")
	flags.BoolVar(&verbose, "verbose", false, "")
	f := &config.Frames
	flags.Uint32VarP(&f.ChunkSize, "chunk-size", "s", 0, "")
	flags.Uint32VarP(&f.ChunkCount, "chunk-count", "c", 0, "")
	flags.Uint32VarP(&f.RXRing, "rx-ring", "r", 0, "")
	flags.Uint32VarP(&f.TXRing, "tx-ring", "t", 0, "")
	flags.Uint32VarP(&f.FillRing, "fill-ring", "f", 0, "")
	flags.Uint32VarP(&f.CompletionRing, "completion-ring", "o", 0, "")
	if err := parseFlags(flags, args); err != nil {
		return config, false, err
	}

	errs := []error{nameArguments(&config, flags.Args(), flags.ArgsLenAtDash())}
	if config.Mode, err = parseMode(*mode); err != nil {
		errs = append(errs, err)
	}
	if config.OnError, err = parseOnError(*onError); err != nil {
		errs = append(errs, err)
	}
	if config.Tx, err = runtime.ParseTxMode(*tx); err != nil {
		errs = append(errs, fmt.Errorf("--tx %s: must be auto, ring or inject", *tx))
	}
	if config.Engine, err = runtime.ParseEngine(*engine); err != nil {
		errs = append(errs, fmt.Errorf("--engine: %w", err))
	}
	errs = append(errs, positive(flags, "queues", "batch", "quota", "busy-poll", "stats", "chunk-size", "chunk-count",
		"rx-ring", "tx-ring", "fill-ring", "completion-ring"))
	if config.Stats > 0 && config.Stats < 10*time.Millisecond {
		errs = append(errs, fmt.Errorf("--stats %v: must be 10ms or more", config.Stats))
	}
	errs = append(errs, checkFrames(flags, config.Frames), capture(), speed())
	if *dump {
		config.Dump = io.Discard // replaced by the caller
	}
	if err := errors.Join(errs...); err != nil {
		return config, verbose, err
	}
	return config, verbose, config.Check()
}

// nameArguments takes interfaces, script and the script's arguments, which begin
// after a -- at index dash; dash is negative if there is none.
func nameArguments(config *runtime.Config, args []string, dash int) error {
	named, before := args, ""
	if dash >= 0 {
		named, config.Args = args[:dash], args[dash:]
		before = "before -- "
	}
	for _, name := range named {
		// Values of these flags are optional, so they have to be joined to them.
		if _, err := time.ParseDuration(name); err == nil {
			return fmt.Errorf("%q is no interface: write --stats=%s or --busy-poll=%[2]s", name, name)
		}
	}
	switch {
	case len(named) == 0:
		return errors.New("give at least one interface and a script: " + before + "there is nothing")
	case len(named) == 1:
		if command := luabind.Nearest(named[0], commands); command != "" {
			return fmt.Errorf("there is no command %q; did you mean pvlua %s?", named[0], command)
		}
		return fmt.Errorf("give at least one interface and a script: %sthere is only %s", before, quoted(named))
	}
	for _, name := range named[:len(named)-1] {
		if strings.HasSuffix(name, ".lua") {
			return fmt.Errorf("%q is no interface: the script comes last, after all interfaces", name)
		}
	}
	config.Interfaces, config.Script = named[:len(named)-1], named[len(named)-1]
	return nil
}

// newLog logs to w, from debug messages on if verbose.
func newLog(w io.Writer, verbose bool) *slog.Logger {
	level := slog.LevelInfo
	if verbose {
		level = slog.LevelDebug
	}
	return slog.New(newLogHandler(w, level))
}
