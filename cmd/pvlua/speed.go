// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"

	"github.com/spf13/pflag"

	"pvlua/runtime"
)

const speedHelp = `What pvlua may spend on being fast. docs/performance.md has the figures.

      --batch N           packets received at once (64)
      --busy-poll[=TIME]  look for the next packet for TIME (2ms) after the last
                          one, instead of sleeping at once: answers leave sooner
                          and a processor is busy as long as packets come. Where
                          they come further apart than TIME it sleeps, as ever.
      --threaded-napi     have the kernel receive in threads of its own, instead of
                          in whoever sends (veth) or is interrupted (cards): up to
                          twice the packets where a processor is free for it, but
                          one more thread to wake for each answer. Restored at the
                          end; after kill -9 it is for you to do:
                          echo 0 > /sys/class/net/INTERFACE/threaded
      --tx WAY            how frames leave: auto, ring or inject (auto). Many at
                          once leave a few times as fast by the injector, where
                          frames are copied and the device takes redirected ones;
                          few leave sooner by the ring. The log says what works
                          where, the totals count tx-inject
      --memory-limit N    end the script, as a wrong one, when its variables and
                          tables hold more than N bytes, such as 200M or 2G (half
                          of the memory of the machine, or of the control group)

GOGC and GOMEMLIMIT do what they do for any Go program.

Of a card with drivers that can do it, busy polling runs the driver, too. There
it helps to defer interrupts meanwhile (see the kernel's napi documentation):

  echo 2 > /sys/class/net/eth0/napi_defer_hard_irqs
  echo 200000 > /sys/class/net/eth0/gro_flush_timeout
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
