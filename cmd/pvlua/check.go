// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"pvlua/luabind"
	"pvlua/luabpf"
	"pvlua/luabpf/bpf"
	"pvlua/luabpf/ir"
	"pvlua/luabpf/lower"
	"pvlua/runtime"
)

const checkHelp = `pvlua check says which lines of a handler run in the kernel, and why others don't.

  pvlua check [--ports N] SCRIPT [-- SCRIPT ARGUMENTS]

The script is loaded, with N ports (2) that are not there, and its on_packet is
compiled for the kernel; nothing runs, and no privilege is needed. Each line of
the handler is shown with what becomes of it:

  kernel   it runs in the kernel
  rare     it does, but some packets, or numbers, leave the kernel there: the
           whole handler has them, untouched, in user space
  exit     every packet that gets here leaves the kernel for the whole handler

Exit status: 0 all of it runs in the kernel, 1 some or all does not, 2 the
command line is wrong, 3 the script is wrong.
`

// checkCommand explains what the kernel engine makes of a script.
func checkCommand(args []string, stdout, stderr io.Writer) int {
	flags := newFlags("pvlua check")
	ports := flags.Int("ports", 2, "")
	err := parseFlags(flags, args)
	if errors.Is(err, pflag.ErrHelp) {
		fmt.Fprint(stdout, checkHelp)
		return exitOK
	}
	names, scriptArgs := flags.Args(), []string(nil)
	if n := flags.ArgsLenAtDash(); n >= 0 {
		names, scriptArgs = names[:n], names[n:]
	}
	switch {
	case err != nil:
	case len(names) != 1:
		err = errors.New("give one script, such as: pvlua check scripts/echo.lua")
	case *ports < 1 || *ports > 64:
		err = fmt.Errorf("--ports %d: give 1 to 64", *ports)
	}
	if err != nil {
		return usageError(stderr, "pvlua check", err)
	}
	return check(names[0], scriptArgs, standIns(*ports), stdout, stderr)
}

// check writes the report on a script that has these ports.
func check(script string, args []string, ports []*luabind.Port, stdout, stderr io.Writer) int {
	source, err := os.ReadFile(script)
	if err != nil {
		return reportFailure(stderr, runtime.Config{Script: script}, err)
	}
	state, err := luabind.Load(luabind.Config{
		Script: script, Source: source, Args: args, Host: stillHost{}, Ports: ports,
		Log: slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if early := (*luabind.EarlyExit)(nil); errors.As(err, &early) {
		fmt.Fprint(stdout, early.Output)
		return early.Status
	}
	if err != nil {
		return reportFailure(stderr, runtime.Config{Script: script}, err)
	}
	defer state.Close()
	report, err := compileHandler(state, ports)
	if err != nil {
		fmt.Fprintf(stdout, "%s: the whole handler runs in Lua: %v\n", script, err)
		return exitFailed
	}
	return report.write(stdout, script, source)
}

// A handlerReport is what becomes of a handler.
type handlerReport struct {
	lines   map[int][]ir.Site // each line's exits; none: it runs in the kernel
	size    int               // eBPF instructions, of the largest program
	decides bool              // the kernel decides on some packets at least
}

// compileHandler compiles the handler for packets of each port.
func compileHandler(state *luabind.State, ports []*luabind.Port) (*handlerReport, error) {
	var facts []luabind.Port
	var canSend []bool
	for _, p := range ports {
		facts, canSend = append(facts, *p), append(canSend, true)
	}
	program, err := state.Program()
	if err != nil {
		return nil, err
	}
	r := &handlerReport{lines: make(map[int][]ir.Site)}
	for in := range facts {
		res, err := luabpf.Compile(program, lower.Options{In: in, Ports: facts, CanSend: canSend})
		if err != nil {
			return nil, err
		}
		spec, err := bpf.Assemble(res.Func, bpf.Options{})
		if err != nil {
			return nil, err
		}
		r.size = max(r.size, len(spec.Instructions))
		r.decides = r.decides || luabpf.Decides(res.Func)
		for _, l := range res.Lines {
			sites := r.lines[l.Line]
			for _, s := range l.Sites {
				if !slices.Contains(sites, s) {
					sites = append(sites, s)
				}
			}
			r.lines[l.Line] = sites
		}
	}
	return r, nil
}

// write prints the report, with the lines as they are in the script.
func (r *handlerReport) write(w io.Writer, script string, source []byte) int {
	text := bytes.Split(source, []byte("\n"))
	var lines []int
	exits, rares := 0, 0
	for line := range r.lines {
		lines = append(lines, line)
		switch r.fate(line) {
		case "exit":
			exits++
		case "rare":
			rares++
		}
	}
	slices.Sort(lines)
	for _, line := range lines {
		code := ""
		if line >= 1 && line <= len(text) {
			code = strings.TrimRight(string(text[line-1]), " \t\r")
		}
		fmt.Fprintf(w, "%-6s %4d  %s\n", r.fate(line), line, code)
		for _, s := range r.lines[line] {
			fmt.Fprintf(w, "%13s^ %s\n", "", s.Reason)
		}
	}
	status := exitFailed
	switch {
	case !r.decides:
		fmt.Fprintf(w, "%s: user space runs the handler: every packet would leave the kernel before anything is decided\n", script)
	case exits > 0:
		fmt.Fprintf(w, "%s: the kernel runs the handler, but for %s; %d eBPF instructions\n", script, count(exits, "line"), r.size)
	case rares > 0:
		fmt.Fprintf(w, "%s: the kernel runs the handler, but for rare packets at %s; %d eBPF instructions\n", script, count(rares, "line"), r.size)
	default:
		fmt.Fprintf(w, "%s: the kernel runs all of the handler; %d eBPF instructions\n", script, r.size)
		status = exitOK
	}
	return status
}

// fate says in a word what becomes of a line.
func (r *handlerReport) fate(line int) string {
	fate := "kernel"
	for _, s := range r.lines[line] {
		if !s.OnlyRare() {
			return "exit"
		}
		fate = "rare"
	}
	return fate
}

// count writes "1 line" or "3 lines".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
