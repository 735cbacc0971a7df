// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"pvlua/dissector"
	"pvlua/luabind"
)

const dissectorHelp = `pvlua dissector makes Wireshark show the protocols that a script declares.

  pvlua dissector SCRIPT [-o FILE] [-- SCRIPT ARGUMENTS]

It writes a dissector in Lua to FILE, or to standard output, for

  wireshark -X lua_script:FILE
  tshark -X lua_script:FILE -r out.pcapng -Y 'myproto.type == 1'

pvlua help pv.proto says how protocols are declared. The script is loaded, with
two ports that are not there; nothing else of it runs.

Exit status: 0 it is written, 1 it could not be, 2 the command line is wrong,
3 the script is wrong or declares no protocol.
`

// dissectorCommand writes a dissector of what a script declares.
func dissectorCommand(args []string, stdout, stderr io.Writer) int {
	flags := newFlags("pvlua dissector")
	output := flags.StringP("output", "o", "-", "")
	err := parseFlags(flags, args)
	if errors.Is(err, pflag.ErrHelp) {
		fmt.Fprint(stdout, dissectorHelp)
		return exitOK
	}
	names, scriptArgs := flags.Args(), []string(nil)
	if n := flags.ArgsLenAtDash(); n >= 0 {
		names, scriptArgs = names[:n], names[n:]
	}
	if err == nil && len(names) != 1 {
		err = errors.New("give one script, such as: pvlua dissector myproto.lua -o myproto_dissector.lua")
	}
	if err != nil {
		return usageError(stderr, "pvlua dissector", err)
	}
	return writeDissector(names[0], *output, scriptArgs, stdout, stderr)
}

// writeDissector writes the dissector of a script to a file, "-" for stdout.
func writeDissector(script, output string, args []string, stdout, stderr io.Writer) int {
	protocols, err := luabind.Declarations(luabind.Config{
		Script: script, Args: args, Host: stillHost{}, Ports: standIns(2),
		Log: slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if early := (*luabind.EarlyExit)(nil); errors.As(err, &early) {
		fmt.Fprint(stdout, early.Output)
		return early.Status
	}
	if err != nil {
		fmt.Fprintln(stderr, "pvlua dissector:", err)
		return exitScript
	}
	if len(protocols) == 0 {
		fmt.Fprintf(stderr, "pvlua dissector: %s declares no protocol; pv.proto{...} does that, see pvlua help pv.proto\n", script)
		return exitScript
	}
	var text bytes.Buffer
	err = dissector.Write(&text, filepath.Base(script), protocols)
	if err == nil && output == "-" {
		_, err = stdout.Write(text.Bytes())
	} else if err == nil {
		err = os.WriteFile(output, text.Bytes(), 0o644)
	}
	if err != nil {
		fmt.Fprintln(stderr, "pvlua dissector:", err)
		return exitFailed
	}
	return exitOK
}
