// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"errors"
	"fmt"
	"io"
	"regexp"

	"github.com/spf13/pflag"

	"pvlua/scripttest"
)

const testHelp = `pvlua test runs the tests of scripts, without root and without interfaces.

  pvlua test SCRIPT... [flags]

The tests of echo.lua are the functions named test_* in echo_test.lua. Each has
a Lua state of its own, with the script loaded and on_start called.

      --run PATTERN    only tests whose names match, a regular expression
      --update         write the captures that test.golden compares with
      --quota N        Lua instructions a call may take (10000000)
      --verbose        show what passing tests print and log, too

  local verdict, pkt = test.handle(pv.build{udp = {dport = 7}, payload = "hi"})
  test.equal(verdict, pv.TX, "the verdict")

pvlua help test.handle says more of that, docs/testing.md everything.

Exit status: 0 all passed, 1 some failed, 2 the command line is wrong or a
script has no tests.
`

// testCommand runs the tests of scripts.
func testCommand(args []string, stdout, stderr io.Writer) int {
	c, err := parseTest(args)
	if errors.Is(err, pflag.ErrHelp) {
		fmt.Fprint(stdout, testHelp)
		return exitOK
	}
	if err != nil {
		return usageError(stderr, "pvlua test", err)
	}
	c.Out = stdout
	result := scripttest.Run(c)
	for _, err := range result.Untested {
		fmt.Fprintln(stderr, "pvlua test:", err)
	}
	switch {
	case result.Failed > 0:
		return exitFailed
	case len(result.Untested) > 0:
		return exitUsage
	case result.Passed == 0:
		fmt.Fprintf(stderr, "pvlua test: no test has a name that matches --run %s\n", c.Run)
		return exitUsage
	}
	return exitOK
}

// parseTest reads the command line.
func parseTest(args []string) (c scripttest.Config, err error) {
	flags := newFlags("pvlua test")
	pattern := flags.String("run", "", "")
	flags.BoolVar(&c.Update, "update", false, "")
	flags.IntVar(&c.Quota, "quota", 0, "")
	flags.BoolVar(&c.Verbose, "verbose", false, "")
	if err := parseFlags(flags, args); err != nil {
		return c, err
	}
	errs := []error{positive(flags, "quota")}
	if flags.NArg() == 0 {
		errs = append(errs, errors.New("give a script, such as: pvlua test scripts/echo.lua"))
	}
	if *pattern != "" {
		if c.Run, err = regexp.Compile(*pattern); err != nil {
			errs = append(errs, fmt.Errorf("--run %s: %w", *pattern, err))
		}
	}
	c.Scripts = scripttest.Scripts(flags.Args())
	return c, errors.Join(errs...)
}
