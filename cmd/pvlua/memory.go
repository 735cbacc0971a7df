// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// headroom is what Go's heap may have beside the live values of scripts before
// garbage is collected all the time: a quarter of them, and so many bytes.
const headroom = 64 << 20

// tuneMemory sets what the user has not set by GOGC and GOMEMLIMIT. Garbage may
// grow to nine times what is live before it is collected: scripts that make strings
// then cost a collection a second instead of ten. Where that would come near the
// limit on live values, it is collected sooner.
func tuneMemory(limit uint64) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(800)
	}
	if os.Getenv("GOMEMLIMIT") == "" && limit < math.MaxInt64/2 {
		debug.SetMemoryLimit(int64(limit + limit/4 + headroom))
	}
}

// defaultMemoryLimit is how much live values may take unless the user says: half of
// what the machine has, or the control group lets the process have.
func defaultMemoryLimit() uint64 {
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) != nil {
		return math.MaxUint64
	}
	total := uint64(info.Totalram) * uint64(info.Unit)
	if own, err := os.ReadFile("/proc/self/cgroup"); err == nil {
		total = min(total, groupMemory("/sys/fs/cgroup", string(own)))
	}
	return total / 2
}

// groupMemory is the least memory.max of a control group and those above it, up to
// the root of the hierarchy of version 2, which is mounted at root
// (Documentation/admin-guide/cgroup-v2.rst). own is /proc/self/cgroup, in which it
// is the line that begins with "0::". Without a limit it is as much as can be.
func groupMemory(root, own string) uint64 {
	limit := uint64(math.MaxUint64)
	for line := range strings.Lines(own) {
		path, unified := strings.CutPrefix(strings.TrimSpace(line), "0::")
		if !unified {
			continue
		}
		for path = filepath.Join("/", path); ; path = filepath.Dir(path) {
			if text, err := os.ReadFile(filepath.Join(root, path, "memory.max")); err == nil {
				if n, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64); err == nil { // else it is "max"
					limit = min(limit, n)
				}
			}
			if path == "/" {
				break
			}
		}
	}
	return limit
}
