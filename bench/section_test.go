// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The sections that have a lab of their own measure something on each row.
func TestSections(t *testing.T) {
	needPrograms(t)
	b := testBench(t)
	b.rounds, b.load = 1, testLoad
	b.at.pvlua = buildPvlua(t, b.at.root)
	f := testFeatures(t, b.at.pvlua)
	for _, s := range []section{latency(f), idle(f), scale(f), garbage(), compiled()} {
		rows, err := b.run(s)
		if err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		for _, r := range rows {
			// Net of an empty program, little may be below nothing.
			if r.err != nil || (len(r.figures) != 1 || r.figures[0] < -10) && r.skip == "" {
				t.Errorf("%s, %s: %v, error %v; want a value", r.name, r.what, r.figures, r.err)
			}
		}
	}
}

// Names select sections, so each has its own.
func TestSectionsHaveNames(t *testing.T) {
	seen := map[string]bool{}
	for _, name := range names() {
		if name == "" || seen[name] || strings.ContainsAny(name, ", ") {
			t.Errorf("a section is called %q", name)
		}
		seen[name] = true
	}
}

// A process that runs all the time uses all of a processor, or what others leave.
func TestProcessorTime(t *testing.T) {
	self := unix.Getpid()
	before, err := processorTime(self, wholeProcess)
	if err != nil {
		t.Fatal(err)
	}
	for begin := time.Now(); time.Since(begin) < 50*time.Millisecond; {
	}
	after, err := processorTime(self, wholeProcess)
	if used := after - before; err != nil || used < time.Millisecond || used > time.Second {
		t.Errorf("%v used in 50 ms of work, error %v", used, err)
	}
	if _, err := processorTime(1<<22+1, wholeProcess); err == nil { // more than PID_MAX_LIMIT
		t.Error("there is a time of a process that is not there")
	}
}

func TestPercentile(t *testing.T) {
	sorted := make([]float64, 1000)
	for i := range sorted {
		sorted[i] = float64(i)
	}
	for percent, want := range map[float64]float64{0: 0, 50: 500, 99.9: 999, 100: 999} {
		if got := percentile(sorted, percent); got != want {
			t.Errorf("percentile %v is %v, want %v", percent, got, want)
		}
	}
}

// Only the answer to the last probe is one.
func TestProbeKnowsItsAnswer(t *testing.T) {
	for _, kind := range []probeKind{ping, echo} {
		p := &probe{kind: kind, seq: 7}
		answer := p.request()
		if kind == ping {
			if p.answered(append(make([]byte, ipHeader), answer...)) {
				t.Error("a ping takes its own request for the answer")
			}
			answer[0] = 0 // echo reply
			answer = append(make([]byte, ipHeader), answer...)
		}
		if !p.answered(answer) || p.answered(answer[1:]) || p.answered(nil) {
			t.Errorf("probe of kind %d: its answer is none, or another is", kind)
		}
		if p.seq++; p.answered(answer) {
			t.Errorf("probe of kind %d takes a late answer", kind)
		}
	}
}

// The kernel of the namespace itself answers pings, and nobody UDP echoes.
func TestProbe(t *testing.T) {
	needPrograms(t)
	l, err := newLab(1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.close)
	if err := address(l.farLinks, farName(0), farAddress); err != nil {
		t.Fatal(err)
	}
	if err := address(l.links, dutName(0), dutAddress); err != nil {
		t.Fatal(err)
	}
	r := &rig{lab: l, at: testPlaces(t)}
	values, err := r.roundTrips(context.Background(), ping, true, 50*time.Millisecond)
	if err != nil || values[0] <= 0 || values[1] < values[0] {
		t.Errorf("median and p99 of pings %v, error %v", values, err)
	}
	err = onThread(l.far, noCPU, func() error {
		p, err := newProbe(echo, false, dutAddress)
		if err != nil {
			return err
		}
		defer p.close()
		if took, err := p.trip(); err == nil {
			t.Errorf("a UDP echo after %v that nobody sent", took)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
