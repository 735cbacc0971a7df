// SPDX-License-Identifier: GPL-3.0-or-later

package scripttest

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"pvlua/luabind"
)

// header names the script, if there are several.
func (s *suite) header() {
	if len(s.cfg.Scripts) > 1 {
		fmt.Fprintln(s.cfg.Out, s.script)
	}
}

// warn tells what is probably not meant in the script or its tests.
func (s *suite) warn(warnings []luabind.Warning) {
	for _, w := range warnings {
		fmt.Fprintln(s.cfg.Out, "warning:", w)
	}
}

// report writes the line of a test, and why it failed.
func (s *suite) report(t luabind.Test, err error, said []string, took time.Duration) {
	verdict := "ok   "
	if err == nil {
		s.result.Passed++
	} else {
		s.result.Failed++
		verdict = "FAIL "
	}
	fmt.Fprintf(s.cfg.Out, "%s %-*s %9.1f ms\n", verdict, s.width, t.Name, float64(took.Microseconds())/1000)
	if err != nil {
		s.explain(err)
	}
	if len(said) > 0 && (err != nil || s.cfg.Verbose) {
		fmt.Fprintln(s.cfg.Out, "      it said:")
		for _, line := range said {
			fmt.Fprintln(s.cfg.Out, "       ", strings.ReplaceAll(line, "\n", "\n        "))
		}
	}
}

// failedFile reports on tests that could not even be loaded.
func (s *suite) failedFile(err error) {
	s.result.Failed++
	fmt.Fprintf(s.cfg.Out, "FAIL  %s can't be run\n", s.file)
	s.explain(err)
}

// position is where a line of a traceback says that a function is.
var position = regexp.MustCompile(`^[^\[].*?:\d+`)

// explain writes an error, and the calls that led to it.
func (s *suite) explain(err error) {
	fmt.Fprintln(s.cfg.Out, "     ", strings.ReplaceAll(err.Error(), "\n", "\n      "))
	var script *luabind.ScriptError
	if !errors.As(err, &script) {
		return
	}
	shown, how := fmt.Sprintf("%s:%d", script.Script, script.Line), "called from"
	if script.Line == 0 {
		how = "raised at" // the message does not say
	}
	for line := range strings.SplitSeq(script.Traceback, "\n") {
		if at := position.FindString(line); at != "" && at != shown {
			fmt.Fprintln(s.cfg.Out, "       ", how, at)
			shown, how = at, "called from"
		}
	}
}

// wrote tells which captures were written.
func (s *suite) wrote() {
	for _, path := range s.golden.written {
		fmt.Fprintln(s.cfg.Out, "wrote", path)
	}
}

// summary writes the last line.
func (r *run) summary() {
	if r.result.Passed+r.result.Failed > 0 || len(r.result.Untested) == 0 {
		fmt.Fprintf(r.cfg.Out, "%d passed, %d failed\n", r.result.Passed, r.result.Failed)
	}
}
