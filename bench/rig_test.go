// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pvlua/internal/privileged"
)

// testPlaces has each side on a processor of its own, if there are two.
func testPlaces(t *testing.T) places {
	t.Helper()
	dir, err := root()
	if err != nil {
		t.Fatal(err)
	}
	var cpus []int
	for cpu := range 1024 { // as many as sched_setaffinity's set has
		if available(cpu) {
			cpus = append(cpus, cpu)
		}
	}
	return places{farCPU: cpus[0], dutCPU: cpus[len(cpus)-1], root: dir}
}

// needPrograms ends the test where the C programs can't be built or loaded.
func needPrograms(t *testing.T) {
	t.Helper()
	privileged.Require(t)
	why, err := obstacle(context.Background(), testPlaces(t))
	if err != nil {
		t.Fatal(err)
	}
	if why == "" {
		return
	}
	if privileged.InCI() {
		t.Fatalf("%s (must not be skipped under CI=true)", why)
	}
	t.Skip(why)
}

var testLoad = load{size: minFrame, flows: 16, rate: 200_000, time: 200 * time.Millisecond}

func newTestRig(t *testing.T) *rig {
	t.Helper()
	r, err := newRig(testPlaces(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.close)
	return r
}

// Every C contender does its work, also on a queue that the one before has just
// let go of.
func TestMatch(t *testing.T) {
	needPrograms(t)
	r := newTestRig(t)
	for _, s := range scenarios() {
		for _, c := range s.contenders {
			if c.name == "pvlua" {
				continue // TestMatchPvlua
			}
			m, err := r.measure(context.Background(), s, c, testLoad)
			if err != nil {
				t.Fatalf("%s, %s: %v", s.name, c.name, err)
			}
			if m.through <= 0 || m.offered <= 0 {
				t.Errorf("%s, %s: %.0f of %.0f kpps came through, want some", s.name, c.name, m.through, m.offered)
			}
		}
	}
}

// The real binary takes part in every scenario.
func TestMatchPvlua(t *testing.T) {
	needPrograms(t)
	r := newTestRig(t)
	r.at.pvlua = buildPvlua(t, r.at.root)
	for _, s := range scenarios() {
		m, err := r.measure(context.Background(), s, s.contenders[0], testLoad)
		if err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		if m.through <= 0 {
			t.Errorf("%s: nothing came through", s.name)
		}
	}
}

// buildPvlua builds the program of the source tree for one test.
func buildPvlua(t *testing.T, root string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pvlua")
	build := exec.Command("go", "build", "-o", path, "./cmd/pvlua")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build pvlua: %v\n%s", err, out)
	}
	return path
}

// What fails says so, is out for the remaining rounds and leaves the others alone.
func TestMatchGoesOnWithoutWhatFails(t *testing.T) {
	needPrograms(t)
	r := newTestRig(t)
	script := filepath.Join(t.TempDir(), "fails")
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho out of order >&2\nexit 3\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	r.at.pvlua = script
	s := scenarios()[0]
	var said []string
	results, err := r.match(context.Background(), s, testLoad, 2, func(line string) { said = append(said, line) })
	if err != nil {
		t.Fatal(err)
	}
	for _, res := range results {
		switch {
		case res.contender == "pvlua":
			if res.err == nil || !strings.Contains(res.err.Error(), "exit status 3") || !strings.Contains(res.err.Error(), "out of order") {
				t.Errorf("pvlua: %v, want how it ended and what it said", res.err)
			}
		case res.err != nil || len(res.through) != 2:
			t.Errorf("%s: %v, %v; want two values", res.contender, res.through, res.err)
		}
	}
	if len(said) != 5 {
		t.Errorf("said %d lines, want one failure and four rounds:\n%s", len(said), strings.Join(said, "\n"))
	}
}

func TestMatchEndsWithItsContext(t *testing.T) {
	needPrograms(t)
	r := newTestRig(t)
	l := testLoad
	l.time = time.Hour
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	begin := time.Now()
	_, err := r.match(ctx, scenarios()[1], l, 1, func(string) {})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want the context's", err)
	}
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("it took %v to end", took)
	}
}

// A contender that ignores SIGINT is killed and reported.
func TestStopKills(t *testing.T) {
	privileged.Require(t)
	l, err := newLab()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.close)
	c, err := startChild(l.dut, noCPU, "/bin/sh", "-c", "trap '' INT; echo ready; exec sleep 60")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.running(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(200 * time.Millisecond) // until the trap is set
	if err := c.stop(100 * time.Millisecond); err == nil || !strings.Contains(err.Error(), "did not end within") {
		t.Errorf("stop: %v, want that it did not end", err)
	}
	if err := c.running(); err == nil {
		t.Error("it still runs")
	}
}

func TestStartChildThatIsNotThere(t *testing.T) {
	privileged.Require(t)
	l, err := newLab()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.close)
	if _, err := startChild(l.dut, noCPU, "/nonexistent"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("startChild: %v, want %v", err, os.ErrNotExist)
	}
}
