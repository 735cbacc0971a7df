// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"strings"
	"testing"
	"time"
)

func TestWrongCommandLines(t *testing.T) {
	tests := []struct {
		args string
		want string // part of what is said
	}{
		{"-rounds 0", "-rounds 0: must be at least 1"},
		{"-time 0s", "-time must be above 0"},
		{"-warm-up -1s", "-warm-up not below"},
		{"-rate -1", "-rate -1: must not be negative"},
		{"-size 63", "frame size 63: must be 64 to 1514 bytes"},
		{"-size 1515", "frame size 1515: must be 64 to 1514 bytes"},
		{"-flows 3", "3 flows: must be a power of two"},
		{"-flows 0", "0 flows: must be a power of two"},
		{"-only drop,tea", "-only tea: there is drop, reflect, reflect-gro"},
		{"now", `unexpected argument "now"`},
		{"-tea", "flag provided but not defined: -tea"},
	}
	for _, tt := range tests {
		var stdout, stderr strings.Builder
		if code := run(context.Background(), strings.Fields(tt.args), &stdout, &stderr); code != 2 {
			t.Errorf("bench %s: exit code %d, want 2", tt.args, code)
		}
		if !strings.Contains(stderr.String(), tt.want) || stdout.Len() > 0 {
			t.Errorf("bench %s says %q and prints %q, want %q and nothing", tt.args, stderr.String(), stdout.String(), tt.want)
		}
	}
}

func TestShort(t *testing.T) {
	o, err := parseFlags([]string{"-short", "-only", "drop"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if o.rounds != 1 || o.load.time != 300*time.Millisecond {
		t.Errorf("-short is %d rounds of %v, want one of 300ms", o.rounds, o.load.time)
	}
	if got := strings.Join(o.selected(), " "); got != "drop" {
		t.Errorf("-only drop selects %s", got)
	}
}

func TestHelp(t *testing.T) {
	var stdout, stderr strings.Builder
	if code := run(context.Background(), []string{"-help"}, &stdout, &stderr); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	if !strings.Contains(stderr.String(), "-rounds") {
		t.Errorf("help is %q, want the flags", stderr.String())
	}
}

// What can't be run says why; that is a failure in CI only. There is no such
// processor, and without privilege or tools it is skipped all the more.
func TestSkip(t *testing.T) {
	pvlua := buildPvlua(t, testPlaces(t).root)
	for ci, want := range map[string]int{"": 0, "true": 1} {
		t.Setenv("CI", ci)
		var stdout, stderr strings.Builder
		code := run(context.Background(), []string{"-only", "drop", "-cpu", "100000", "-pvlua", pvlua}, &stdout, &stderr)
		if code != want {
			t.Errorf("CI=%q: exit code %d, want %d\n%s", ci, code, want, stderr.String())
		}
		if !strings.Contains(stdout.String(), "\nNot measured:\n\n- drop, all: ") {
			t.Errorf("CI=%q: prints %q, want why it was skipped", ci, stdout.String())
		}
	}
}
