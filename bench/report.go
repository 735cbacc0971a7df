// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// reportMatches writes the table of results and, below it, what failed and why.
func reportMatches(w io.Writer, results []result, markdown bool) error {
	t := table{texts: 2, head: []string{"scenario", "contender", "kpps", "of " + reference, "offered kpps"}}
	notes := ""
	for _, r := range results {
		t.add(r.scenario, r.contender,
			summarize(r.through).text("%.0f"),
			summarize(ratios(r.through, referenceOf(results, r.scenario))).text("%.2f"),
			number("%.0f", summarize(r.offered).median))
		if r.err != nil {
			notes += "failed: " + r.err.Error() + "\n"
		}
	}
	if err := t.write(w, markdown); err != nil {
		return err
	}
	if notes == "" {
		return nil
	}
	_, err := io.WriteString(w, "\n"+notes)
	return err
}

// referenceOf is the values that the scenario's others are compared with; none
// if the reference did not run.
func referenceOf(results []result, scenario string) []float64 {
	for _, r := range results {
		if r.scenario == scenario && r.contender == reference {
			return r.through
		}
	}
	return nil
}

// text is "median (min-max)", each in the given format; "-" without values.
func (s summary) text(format string) string {
	if math.IsNaN(s.median) {
		return "-"
	}
	return fmt.Sprintf(format+" ("+format+"-"+format+")", s.median, s.min, s.max)
}

func number(format string, v float64) string {
	if math.IsNaN(v) {
		return "-"
	}
	return fmt.Sprintf(format, v)
}

func rounds(n int) string {
	if n == 1 {
		return "1 round"
	}
	return fmt.Sprint(n, " rounds")
}

// machine is one line about where this runs, and how busy it is already.
func machine() string {
	release := "unknown"
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		release = unix.ByteSliceToString(name.Release[:])
	}
	load, _, _ := strings.Cut(readText("/proc/loadavg"), " ")
	return fmt.Sprintf("Linux %s, %d processors (%s), load average %s before the run, %s",
		release, runtime.NumCPU(), processor(), load, runtime.Version())
}

// processor is the model of the first processor, as far as the kernel tells.
func processor() string {
	for line := range strings.Lines(readText("/proc/cpuinfo")) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

// readText is the content of a file of the kernel's, empty if it has none.
func readText(path string) string {
	b, _ := os.ReadFile(path)
	return string(b)
}
