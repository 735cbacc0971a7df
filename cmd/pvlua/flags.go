// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"pvlua/luabind"
	"pvlua/xsk"
)

// newFlags makes an empty set of flags that leaves all printing to its caller.
func newFlags(command string) *pflag.FlagSet {
	flags := pflag.NewFlagSet(command, pflag.ContinueOnError)
	flags.Usage = func() {}
	flags.SetOutput(io.Discard)
	return flags
}

// usageError says what is wrong with a command line, a line for each mistake.
func usageError(stderr io.Writer, command string, err error) int {
	for line := range strings.SplitSeq(err.Error(), "\n") {
		fmt.Fprintf(stderr, "%s: %s\n", command, line)
	}
	fmt.Fprintf(stderr, "(%s --help shows the usage)\n", command)
	return exitUsage
}

// parseFlags parses args. For a value that a flag cannot take, the error says
// what it could take.
func parseFlags(flags *pflag.FlagSet, args []string) error {
	err := flags.Parse(args)
	var invalid *pflag.InvalidValueError
	if !errors.As(err, &invalid) {
		return err
	}
	f, value := invalid.GetFlag(), invalid.GetValue()
	want := "a number"
	// The flag's own error does not tell a number out of range from none.
	_, number := strconv.ParseUint(value, 0, 64)
	switch {
	case f.Value.Type() == "duration":
		want = "a time such as 1s or 200ms"
	case f.Value.Type() == "bool":
		want = "true or false"
	case number == nil || errors.Is(number, strconv.ErrRange):
		want = "a smaller number"
	case strings.HasPrefix(value, "-"):
		want = "more than zero"
	}
	return fmt.Errorf("--%s %s: must be %s", f.Name, value, want)
}

// positive refuses flags that were given as zero or less: zero means "the
// default" to the packages, but not to somebody who types it.
func positive(flags *pflag.FlagSet, names ...string) error {
	var errs []error
	for _, name := range names {
		f := flags.Lookup(name)
		if v := f.Value.String(); f.Changed && (v == "0" || v == "0s" || v[0] == '-') {
			errs = append(errs, fmt.Errorf("--%s %s: must be more than zero", name, v))
		}
	}
	return errors.Join(errs...)
}

// parseMode reads the value of --mode.
func parseMode(value string) (xsk.Mode, error) {
	mode, err := xsk.ParseMode(value)
	if err != nil {
		return mode, fmt.Errorf("--mode %s: must be auto, native, zerocopy, copy or generic", value)
	}
	return mode, nil
}

// parseOnError reads the value of --on-error.
func parseOnError(value string) (luabind.Verdict, error) {
	switch value {
	case "pass":
		return luabind.Pass, nil
	case "drop":
		return luabind.Drop, nil
	}
	return 0, fmt.Errorf("--on-error %s: must be pass or drop", value)
}

// checkFrames is c.Check without an MTU, by the names of the flags.
func checkFrames(flags *pflag.FlagSet, c xsk.Config) error {
	err := c.Check(0)
	list, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return err
	}
	var errs []error
	for _, err := range list.Unwrap() {
		var misfit *xsk.Misfit
		if errors.As(err, &misfit) {
			if name := strings.ReplaceAll(misfit.Field, " ", "-"); flags.Lookup(name) != nil {
				err = fmt.Errorf("--%s %d: must be %s", name, misfit.Value, misfit.Want)
			}
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// quoted lists arguments as a person would type them.
func quoted(args []string) string {
	quotes := make([]string, len(args))
	for i, a := range args {
		quotes[i] = strconv.Quote(a)
	}
	return strings.Join(quotes, " ")
}
