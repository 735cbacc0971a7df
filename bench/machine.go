// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

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

// available says whether this process may run on a processor.
func available(cpu int) bool {
	var set unix.CPUSet
	return unix.SchedGetaffinity(0, &set) == nil && cpu >= 0 && set.IsSet(cpu)
}
