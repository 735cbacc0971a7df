// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"

	"github.com/spf13/pflag"

	"pvlua/runtime"
)

const speedHelp = `How to be fast, and at what price; docs/performance.md has the figures.

      --tx WAY            how frames leave: auto, ring or inject (auto). Many at
                          once leave a few times as fast by the injector, where
                          frames are copied and the device takes redirected
                          ones; few leave sooner by the ring. The log says what
                          works where, the totals count tx-inject
      --busy-poll[=TIME]  look for the next packet for TIME (2ms) after the last
                          one instead of sleeping: answers leave sooner, and a
                          processor is busy while packets come, unless they come
                          further apart than TIME. A card's driver is polled too
                          (it helps to set its napi_defer_hard_irqs)
      --threaded-napi     have the kernel receive in threads of its own, not in
                          whoever sends (veth) or is interrupted (cards): up to
                          twice the packets where a processor is free for it,
                          and one more thread to wake for each answer. That is
                          restored at the end; after kill -9 it is for you to:
                          echo 0 > /sys/class/net/INTERFACE/threaded
      --memory-limit N    end the script, as a wrong one, when its variables and
                          tables hold more than N bytes, such as 200M or 2G
                          (half of what the machine or the control group has);
                          GOGC and GOMEMLIMIT are as for any Go program
`

// speedFlags adds the flags that speedHelp lists. The function that it returns
// fills in c once they are parsed.
func speedFlags(flags *pflag.FlagSet, c *runtime.Config) func() error {
	flags.DurationVar(&c.BusyPoll, "busy-poll", 0, "")
	flags.Lookup("busy-poll").NoOptDefVal = "2ms"
	flags.BoolVar(&c.ThreadedNAPI, "threaded-napi", false, "")
	memory := flags.String("memory-limit", "", "")
	return func() error {
		if !flags.Changed("memory-limit") {
			c.MemoryLimit = defaultMemoryLimit()
			return nil
		}
		n, err := parseSize(*memory)
		if err != nil {
			return fmt.Errorf("--memory-limit %s: %w", *memory, err)
		}
		c.MemoryLimit = uint64(n)
		return nil
	}
}
