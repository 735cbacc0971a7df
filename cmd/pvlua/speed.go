// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"github.com/spf13/pflag"

	"pvlua/runtime"
)

const speedHelp = `What pvlua may spend on being fast. docs/performance.md has the figures.

      --busy-poll[=TIME]  look for the next packet for TIME (2ms) after the last
                          one, instead of sleeping at once: answers leave sooner
                          and a processor is busy as long as packets come. Where
                          they come further apart than TIME it sleeps, as ever.

Of a card with drivers that can do it, busy polling runs the driver, too. There
it helps to defer interrupts meanwhile (see the kernel's napi documentation):

  echo 2 > /sys/class/net/eth0/napi_defer_hard_irqs
  echo 200000 > /sys/class/net/eth0/gro_flush_timeout
`

// speedFlags adds the flags that speedHelp lists.
func speedFlags(flags *pflag.FlagSet, c *runtime.Config) {
	flags.DurationVar(&c.BusyPoll, "busy-poll", 0, "")
	flags.Lookup("busy-poll").NoOptDefVal = "2ms"
}
