// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"pvlua/runtime"
)

const captureHelp = `pvlua records what it does with packets in a pcapng file.

  pvlua --capture FILE [flags] INTERFACE... SCRIPT [-- SCRIPT ARGUMENTS]

      --capture FILE             made anew
      --capture-filter FUNCTION  of the script, global, called with each packet
                                 received before on_packet is: true records it,
                                 and what is transmitted because of it (all)
      --capture-size BYTES       stop recording before the file is larger, such
                                 as 500000, 100k, 20M or 1G (no limit)

Each packet has a comment: "received on veth1 -> tx", "transmitted by veth1";
of script errors it says script, line and message. The packets never wait for
the file: what it does not take in time is lost to it, and counted at the end.

Try: pvlua --capture out.pcapng veth1 scripts/echo.lua; tcpdump -nr out.pcapng
`

// captureFlags adds the flags of a capture. The function that it returns fills
// in c once they are parsed.
func captureFlags(flags *pflag.FlagSet, c *runtime.Capture) func() error {
	flags.StringVar(&c.File, "capture", "", "")
	flags.StringVar(&c.Filter, "capture-filter", "", "")
	size := flags.String("capture-size", "", "")
	return func() error {
		var errs []error
		for _, name := range []string{"capture", "capture-filter", "capture-size"} {
			f := flags.Lookup(name)
			switch {
			case f.Changed && f.Value.String() == "":
				errs = append(errs, fmt.Errorf("--%s needs a value", name))
			case f.Changed && c.File == "" && !flags.Changed("capture"):
				errs = append(errs, fmt.Errorf("--%s needs --capture FILE", name))
			}
		}
		if c.File == "-" {
			errs = append(errs, errors.New("--capture -: must be a file, or a pipe made by mkfifo"))
		}
		if *size != "" {
			var err error
			if c.Size, err = parseSize(*size); err != nil {
				errs = append(errs, fmt.Errorf("--capture-size %s: %w", *size, err))
			}
		}
		return errors.Join(errs...)
	}
}

// parseSize reads a number of bytes: 4096, 100k, 20M, 1G, in powers of 1024.
func parseSize(text string) (int64, error) {
	number, shift := text, 0
	for i, unit := range []string{"k", "M", "G"} {
		if rest, ok := strings.CutSuffix(text, unit); ok {
			number, shift = rest, 10*(i+1)
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n <= 0 || n > math.MaxInt64>>shift {
		return 0, errors.New("must be a number of bytes such as 500000, 100k, 20M or 1G")
	}
	return n << shift, nil
}
