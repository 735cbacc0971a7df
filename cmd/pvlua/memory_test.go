// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"errors"
	"math"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"pvlua/internal/labtest"
	"pvlua/internal/probe"
)

// TestGroupMemory: the tightest limit on the way to the root counts.
func TestGroupMemory(t *testing.T) {
	root := t.TempDir()
	for path, text := range map[string]string{
		"a/memory.max": "1000000\n", "a/b/memory.max": "max\n", "a/b/c/memory.max": "5000000\n", "d/memory.max": "max\n", "e/memory.max": "?\n",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, path)), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, path), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for own, want := range map[string]uint64{
		"0::/\n": math.MaxUint64, "0::/a/b/c\n": 1000000, "0::/a\n": 1000000, "0::/d\n": math.MaxUint64, "0::/e\n": math.MaxUint64,
		"0::/nowhere\n": math.MaxUint64, "1:memory:/a\n0::/d\n": math.MaxUint64, "": math.MaxUint64, "0::/../../a/b\n": 1000000,
	} {
		if got := groupMemory(root, own); got != want {
			t.Errorf("%q: %d, want %d", own, got, want)
		}
	}
	if n := defaultMemoryLimit(); n < 1<<20 {
		t.Errorf("the limit is %d bytes here", n)
	}
}

// TestUserSetsMemory: what is in the environment is left alone.
func TestUserSetsMemory(t *testing.T) {
	percent, limit := debug.SetGCPercent(123), debug.SetMemoryLimit(-1)
	defer debug.SetGCPercent(percent)
	defer debug.SetMemoryLimit(limit)
	t.Setenv("GOGC", "123")
	t.Setenv("GOMEMLIMIT", "1TiB")
	tuneMemory(1 << 30)
	if got := debug.SetGCPercent(123); got != 123 {
		t.Errorf("GOGC is %d", got)
	}
	if got := debug.SetMemoryLimit(-1); got != limit {
		t.Errorf("GOMEMLIMIT is %d", got)
	}
	os.Unsetenv("GOGC")
	os.Unsetenv("GOMEMLIMIT")
	tuneMemory(1 << 30)
	if got := debug.SetGCPercent(123); got != 800 {
		t.Errorf("GOGC is %d", got)
	}
	if got := debug.SetMemoryLimit(-1); got != 1<<30+1<<28+headroom {
		t.Errorf("GOMEMLIMIT is %d", got)
	}
}

// TestMemoryLimit ends a script that fills memory, with the status of a wrong
// script; the machine stays as it is.
func TestMemoryLimit(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	path := script(t, `
		local kept
		function on_packet() for i = 1, 20000 do kept = {kept, i} end end`)
	p := startRun(t, lab.B, "--memory-limit", "32M", lab.B.Link, path)
	lab.A.Do(t, func() error {
		conn, err := net.Dial("udp", net.JoinHostPort(lab.B.IP.String(), "9"))
		if err != nil {
			return err
		}
		defer conn.Close()
		for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
			select {
			case <-p.Done():
				return nil
			default:
				conn.Write([]byte("x")) // refused at times
			}
		}
		return errors.New("it goes on")
	})
	if status := ended(t, p, 5*time.Second); status != exitScript || !strings.Contains(p.Output(), "is 32 MB") {
		t.Errorf("status %d; it wrote:\n%s", status, p.Output())
	}
	if _, found := program(t, lab.B); found {
		t.Error("the program is still attached")
	}
	ask(t, lab, probe.ICMP, 3) // the kernel answers
}
