// SPDX-License-Identifier: GPL-3.0-or-later

// Package integration runs the built command on real interfaces and lets real
// clients talk to it and through it.
package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pvlua/internal/labtest"
	"pvlua/internal/privileged"
)

// binary is the command under test, built by TestMain.
var binary string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "pvlua-integration-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 2
		}
		defer os.RemoveAll(dir)
		binary = filepath.Join(dir, "pvlua")
		if out, err := exec.Command("go", "build", "-o", binary, "pvlua/cmd/pvlua").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "building the command: %v\n%s", err, out)
			return 2
		}
		return m.Run()
	}())
}

// need skips a privileged test whose client is not installed, or fails in CI.
func need(t *testing.T, commands ...string) {
	t.Helper()
	privileged.Require(t)
	for _, c := range commands {
		if _, err := exec.LookPath(c); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatalf("%s is not installed: make deps", c)
			}
			t.Skipf("%s is not installed: make deps", c)
		}
	}
}

// engine is the one that runs are started with that name none.
var engine = "auto"

// bothEngines runs a test with the handler in the kernel, as far as it compiles,
// and in Lua alone.
func bothEngines(t *testing.T, test func(*testing.T)) {
	defer func(old string) { engine = old }(engine)
	for _, engine = range []string{"auto", "lua"} {
		t.Run(engine, test)
	}
}

// newLab and newChain make a lab in which the kernel's part of a handler can send.
func newLab(t *testing.T, o labtest.Options) *labtest.Lab {
	o.GRO = o.GRO || engine == "auto"
	return labtest.New(t, o)
}

func newChain(t *testing.T, o labtest.Options) *labtest.Lab {
	o.GRO = o.GRO || engine == "auto"
	return labtest.NewChain(t, o)
}

// A run is a pvlua in a namespace.
type run struct {
	*labtest.Process
}

// start runs pvlua with the given arguments on a side of the lab and waits
// until it receives on all its interfaces.
func start(t *testing.T, side *labtest.Side, args ...string) *run {
	t.Helper()
	if !slices.Contains(args, "--engine") {
		args = append([]string{"--engine", engine}, args...)
	}
	cmd := exec.Command(binary, args...)
	cmd.Dir = ".." // scripts are named as a user names them: scripts/echo.lua
	r := &run{side.StartCmd(t, cmd)}
	for _, link := range []string{side.Link, side.Link2} {
		for _, arg := range args {
			if arg == link && link != "" {
				r.WaitOutput(t, "receiving port="+link, 10*time.Second)
				if engine == "auto" {
					r.WaitOutput(t, "the handler runs", 10*time.Second)
				}
			}
		}
	}
	return r
}

// stop ends a run by SIGINT, checks how it ended, and returns its totals.
func (r *run) stop(t *testing.T) totals {
	t.Helper()
	began := time.Now()
	if err := r.Signal(unix.SIGINT); err != nil {
		t.Fatalf("SIGINT: %v; it wrote:\n%s", err, r.Output())
	}
	if err := r.Wait(t, 10*time.Second); err != nil {
		t.Fatalf("ended with %v; it wrote:\n%s", err, r.Output())
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("took %v to end", took)
	}
	return readTotals(t, r.Output())
}

// totals are the numbers printed at the end, by port and word.
type totals map[string]map[string]int

var (
	portLine  = regexp.MustCompile(`(?m)^(\S+): (rx .*)$`)
	frameLine = regexp.MustCompile(`(?m)^frames: (\d+) owned, (\d+) accounted for(.*)$`)
)

func readTotals(t *testing.T, output string) totals {
	t.Helper()
	frames := frameLine.FindStringSubmatch(output)
	if frames == nil || frames[1] != frames[2] || frames[3] != "" {
		t.Errorf("frames are missing or misused: %q\n%s", frames, output)
	}
	all := totals{}
	for _, m := range portLine.FindAllStringSubmatch(output, -1) {
		words := strings.Fields(m[2])
		port := map[string]int{}
		for i := 0; i+1 < len(words); i += 2 {
			n, err := strconv.Atoi(words[i+1])
			if err != nil {
				break // the rates of --stats follow
			}
			port[words[i]] = n
		}
		all[m[1]] = port
	}
	if len(all) == 0 {
		t.Fatalf("no totals in:\n%s", output)
	}
	return all
}

// lossless checks that no packet was lost on any port.
func (all totals) lossless(t *testing.T) {
	t.Helper()
	for port, counts := range all {
		for word, n := range counts {
			switch word {
			case "rx", "tx", "tx-inject", "drop", "pass", "in-kernel":
			default:
				if n != 0 {
					t.Errorf("%s: %s %d", port, word, n)
				}
			}
		}
	}
}
