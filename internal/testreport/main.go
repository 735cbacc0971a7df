// SPDX-License-Identifier: GPL-3.0-or-later

// Command testreport runs `go test` with its arguments and prints one line per
// package, the whole output of what failed, and what was skipped and why. With
// CI=true in the environment a skipped test is a failure.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// event is one line of `go test -json` (see `go doc test2json`).
type event struct {
	Action     string
	Package    string
	ImportPath string
	Test       string
	Elapsed    float64
	Output     string
}

// A report collects the events of one run.
type report struct {
	out                     io.Writer
	output                  map[string][]string // by package and test
	failed                  []string            // the same keys
	skipped                 []string
	passes, failures, skips int
}

func run(args []string, stdout, stderr io.Writer) int {
	cmd := exec.Command("go", append([]string{"test", "-json", "-count=1"}, args...)...)
	cmd.Stderr = stderr
	pipe, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		fmt.Fprintln(stderr, "testreport:", err)
		return 2
	}
	r := report{out: stdout, output: map[string][]string{}}
	r.read(pipe)
	err = cmd.Wait()
	r.print()
	if r.skips > 0 && os.Getenv("CI") == "true" {
		fmt.Fprintln(stderr, "testreport: CI=true: no test may be skipped")
		return 1
	}
	if err != nil {
		fmt.Fprintln(stderr, "testreport: go test:", err)
		return 1
	}
	return 0
}

func (r *report) read(events io.Reader) {
	lines := bufio.NewScanner(events)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			fmt.Fprintln(r.out, lines.Text()) // not an event: whatever it is, somebody should see it
			continue
		}
		r.add(e)
	}
}

func (r *report) add(e event) {
	key := strings.TrimSpace(e.Package + e.ImportPath + " " + e.Test)
	switch e.Action {
	case "output", "build-output":
		r.output[key] = append(r.output[key], e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			r.packageDone(e)
			return
		}
		switch e.Action {
		case "pass":
			r.passes++
			delete(r.output, key)
		case "fail":
			r.failures++
			r.failed = append(r.failed, key)
		case "skip":
			r.skips++
			r.skipped = append(r.skipped, key)
		}
	case "build-fail":
		r.failures++
		r.failed = append(r.failed, key)
	}
}

func (r *report) packageDone(e event) {
	word := map[string]string{"pass": "ok  ", "fail": "FAIL", "skip": "-   "}[e.Action]
	fmt.Fprintf(r.out, "%s %-28s %6.1fs\n", word, e.Package, e.Elapsed)
	if e.Action == "fail" {
		r.failed = append(r.failed, e.Package)
	}
}

var reason = regexp.MustCompile(`(?m)^\s+\S+\.go:\d+: (.*)$`)

func (r *report) print() {
	for _, key := range r.failed {
		fmt.Fprintf(r.out, "\n--- %s\n%s", key, strings.Join(r.output[key], ""))
	}
	if len(r.skipped) > 0 {
		fmt.Fprintln(r.out, "\nskipped:")
	}
	for _, key := range r.skipped {
		why := "no reason given"
		if m := reason.FindStringSubmatch(strings.Join(r.output[key], "")); m != nil {
			why = m[1]
		}
		fmt.Fprintf(r.out, "  %s: %s\n", key, why)
	}
	fmt.Fprintf(r.out, "\n%d passed, %d failed, %d skipped\n", r.passes, r.failures, r.skips)
}
