// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/pflag"

	"pvlua/xsk"
)

// doctorChecks are what doctor looks at, in the order in which it tells. Each
// judges the facts and looks at nothing else. The trial comes last: it is the
// only one that touches the interface.
var doctorChecks = []func(*doctorFacts) []finding{
	checkKernel,
	checkCapabilities,
	checkInterface,
	checkMTU,
	checkQueues,
	checkMemory,
	checkProgram,
	checkPass,
	checkOffloads,
	checkPeer,
	checkBackPressure,
	checkTransmit,
	checkPromiscuous,
	checkDefaultRoute,
	checkTrial,
}

const doctorHelp = `pvlua doctor says whether pvlua can run on an interface, and what to do if not.

  pvlua doctor [flags] INTERFACE

      --mode MODE       auto, native, zerocopy, copy or generic, as for pvlua
  -s, --chunk-size N    2048 or 4096, as for pvlua
  -c, --chunk-count N   as for pvlua
      --no-trial        do not attach anything, not even for a moment

Last of all it attaches the XDP program for a moment, to see which mode works.
No packet is taken from the kernel meanwhile; some network cards lose their
link for seconds when that happens.

Exit status: 0 pvlua can run there, 1 it cannot, 2 the command line is wrong.
`

// doctorOptions is the command line of doctor.
type doctorOptions struct {
	name   string // of the interface
	mode   xsk.Mode
	frames xsk.Config
	trial  bool
}

// doctorCommand says whether this machine can run pvlua on an interface.
func doctorCommand(args []string, stdout, stderr io.Writer) int {
	o, err := parseDoctor(args)
	if errors.Is(err, pflag.ErrHelp) {
		fmt.Fprint(stdout, doctorHelp)
		return exitOK
	}
	if err != nil {
		return usageError(stderr, "pvlua doctor", err)
	}
	return judge(gatherFacts(o), stdout)
}

func parseDoctor(args []string) (o doctorOptions, err error) {
	flags := newFlags("pvlua doctor")
	mode := flags.String("mode", "auto", "")
	noTrial := flags.Bool("no-trial", false, "")
	flags.Uint32VarP(&o.frames.ChunkSize, "chunk-size", "s", 0, "")
	flags.Uint32VarP(&o.frames.ChunkCount, "chunk-count", "c", 0, "")
	if err := parseFlags(flags, args); err != nil {
		return o, err
	}
	var errs []error
	switch o.name = flags.Arg(0); {
	case flags.NArg() == 0:
		errs = append(errs, errors.New("give one interface"))
	case flags.NArg() > 1 || o.name == "":
		errs = append(errs, fmt.Errorf("give one interface, not %s", quoted(flags.Args())))
	}
	if o.mode, err = parseMode(*mode); err != nil {
		errs = append(errs, err)
	}
	o.trial = !*noTrial
	errs = append(errs, positive(flags, "chunk-size", "chunk-count"), checkFrames(flags, o.frames))
	return o, errors.Join(errs...)
}

// judge runs the checks, prints what they find, and answers with the exit status.
func judge(f *doctorFacts, w io.Writer) int {
	failures := 0
	for _, check := range doctorChecks {
		for _, found := range check(f) {
			found.write(w)
			if found.level == levelFail {
				failures++
			}
		}
	}
	switch {
	case failures == 0 && f.trial.done:
		fmt.Fprintf(w, "\npvlua can run on %s, in mode %s.\n", f.name, f.trial.how())
	case failures == 0:
		fmt.Fprintf(w, "\npvlua can probably run on %s: nothing speaks against it, but it was not tried.\n", f.name)
	case failures == 1:
		fmt.Fprintf(w, "\npvlua cannot run on %s: cure what says FAIL, then ask again.\n", f.name)
	default:
		fmt.Fprintf(w, "\npvlua cannot run on %s: cure the %d that say FAIL, then ask again.\n", f.name, failures)
	}
	if failures > 0 {
		return exitFailed
	}
	return exitOK
}
