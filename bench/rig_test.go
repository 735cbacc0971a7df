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
	why, err := obstacles(context.Background(), testPlaces(t))(cPrograms)
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
	r, err := newRig(testPlaces(t), 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.close)
	return r
}

// Every contender does its work, the real binary too, also on a queue that the
// one before has just let go of, and whatever takes the packets.
func TestMeasure(t *testing.T) {
	needPrograms(t)
	r := newTestRig(t)
	r.at.pvlua = buildPvlua(t, r.at.root)
	for _, s := range scenarios(testFeatures(t, r.at.pvlua)) {
		if err := r.arrange(s.far); err != nil {
			t.Fatal(err)
		}
		for _, c := range s.contenders {
			if c.skip != "" {
				continue
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

func testFeatures(t *testing.T, pvlua string) features {
	t.Helper()
	f, err := findFeatures(context.Background(), pvlua)
	if err != nil {
		t.Fatal(err)
	}
	return f
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

// A contender that fails says how it ended and what it said.
func TestMeasureTellsOfFailures(t *testing.T) {
	needPrograms(t)
	r := newTestRig(t)
	script := filepath.Join(t.TempDir(), "fails")
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho out of order >&2\nexit 3\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	r.at.pvlua = script
	s := scenarios(nil)[0]
	_, err := r.measure(context.Background(), s, s.contenders[0], testLoad)
	if err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "out of order") {
		t.Errorf("%v, want how it ended and what it said", err)
	}
}

func TestMeasureEndsWithItsContext(t *testing.T) {
	needPrograms(t)
	r := newTestRig(t)
	l := testLoad
	l.time = time.Hour
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	begin := time.Now()
	s := scenarios(nil)[1]
	_, err := r.measure(ctx, s, s.contenders[2], l)
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
	l, err := newLab(1)
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
	l, err := newLab(1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.close)
	if _, err := startChild(l.dut, noCPU, "/nonexistent"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("startChild: %v, want %v", err, os.ErrNotExist)
	}
}
