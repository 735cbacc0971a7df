// SPDX-License-Identifier: GPL-3.0-or-later

// Package offline runs a packet handler on capture files: without interfaces,
// without privilege, and always with the same result.
//
// Each input is a port. Their packets come in the order of their times, and
// that time is the time of the script: pv.now says it, and timers fire between
// the packets where they are due. Nothing depends on the machine, the hour or
// the speed of the run, so that the same input gives the same output, byte
// for byte.
package offline

import (
	"errors"
	"fmt"
	"io"
	"log/slog"

	"pvlua/luabind"
)

// Config says what is run on what. Script and Inputs are required.
type Config struct {
	Inputs []Input
	Script string   // path of the Lua file
	Args   []string // what the script finds in pv.args
	Quota  int      // VM instructions that one call into the script may take; 0: luabind's default
	// Lua has the handler run in Lua alone, even if it compiles.
	Lua bool
	// OnError is the verdict for a packet on which the handler failed. Zero:
	// luabind.Pass.
	OnError luabind.Verdict

	// Output takes the capture that is written. Nil: none is.
	Output io.Writer
	// Classic has Output be classic pcap instead of pcapng. It has only what
	// left by a port, since it has no place to say more.
	Classic bool
	// Dump takes one line per packet. Nil: none are written.
	Dump io.Writer
	// Stdout takes what the script prints. Nil: it is thrown away.
	Stdout io.Writer
	// Log takes everything else. Nil: it is thrown away.
	Log *slog.Logger
}

// Input is a capture that stands for a port.
type Input struct {
	Reader io.Reader
	// Source is what errors call it: the file's name.
	Source string
	// Port has what the script can know of the port. Index, Queues and Up are
	// filled in.
	Port luabind.Port
}

// normal returns c with its defaults filled in, or what is wrong with it.
func (c Config) normal() (Config, error) {
	if c.OnError == 0 {
		c.OnError = luabind.Pass
	}
	if c.OnError != luabind.Pass && c.OnError != luabind.Drop {
		return c, errors.New("on-error: must be pass or drop")
	}
	if c.Stdout == nil {
		c.Stdout = io.Discard
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if len(c.Inputs) == 0 {
		return c, errors.New("no capture to read")
	}
	inputs := make([]Input, len(c.Inputs))
	sources := map[string]string{}
	for i, in := range c.Inputs {
		in.Port.Index, in.Port.Queues, in.Port.Up = i, 1, true
		if other, ok := sources[in.Port.Name]; ok {
			return c, fmt.Errorf("%s and %s both make a port called %s: rename one", other, in.Source, in.Port.Name)
		}
		sources[in.Port.Name] = in.Source
		inputs[i] = in
	}
	c.Inputs = inputs
	return c, nil
}
