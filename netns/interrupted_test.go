// SPDX-License-Identifier: GPL-3.0-or-later

package netns_test

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pvlua/internal/labtest"
	"pvlua/netns"
)

// steps counts the steps of raising a lab from nothing.
func steps(t *testing.T, host *netns.NS) []string {
	t.Helper()
	l := &netns.Lab{Prefix: labtest.Prefix(t), PFIFO: 100, MTU: 1400}
	var all []string
	netns.BeforeStep(l, func(step string) error { all = append(all, strings.ReplaceAll(step, l.Prefix, "")); return nil })
	raise(t, host, l)
	if err := host.Do(l.Down); err != nil {
		t.Fatal(err)
	}
	if len(all) < 25 {
		t.Fatalf("only %d steps: %q", len(all), all)
	}
	return all
}

// TestFailedUpLeavesNothing has each step fail in turn.
func TestFailedUpLeavesNothing(t *testing.T) {
	host := labtest.Host(t)
	failure := errors.New("made to fail")
	for n, step := range steps(t, host) {
		l := &netns.Lab{Prefix: labtest.Prefix(t), PFIFO: 100, MTU: 1400}
		count := 0
		netns.BeforeStep(l, func(string) error {
			if count++; count == n+1 {
				return failure
			}
			return nil
		})
		err := host.Do(l.Up)
		if !errors.Is(err, failure) || !strings.Contains(strings.ReplaceAll(err.Error(), l.Prefix, ""), step) {
			t.Errorf("step %q failing: %v", step, err)
		}
		if count != n+1 {
			t.Errorf("after step %q failed, up went on", step)
		}
		gone(t, host, l)
	}
}

// TestFailedRepairKeepsWhatWasThere fails each step of an Up over a standing lab.
func TestFailedRepairKeepsWhatWasThere(t *testing.T) {
	host := labtest.Host(t)
	l := &netns.Lab{Prefix: labtest.Prefix(t)}
	raise(t, host, l)
	before := snapshot(t, host, l)
	failure := errors.New("made to fail")
	for n := 1; ; n++ {
		count := 0
		netns.BeforeStep(l, func(string) error {
			if count++; count == n {
				return failure
			}
			return nil
		})
		err := host.Do(l.Up)
		if d := cmp.Diff(before, snapshot(t, host, l)); d != "" {
			t.Errorf("after step %d failed:\n%s", n, d)
		}
		if count < n {
			if err != nil || n < 10 {
				t.Errorf("after %d steps: %v", count, err)
			}
			return
		}
		if !errors.Is(err, failure) {
			t.Errorf("step %d failing: %v", n, err)
		}
	}
}

// killedUp raises a lab in a process of its own and kills that at a step.
func killedUp(t *testing.T) {
	host, err := netns.Open(os.Getenv("HOST"))
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(os.Getenv("STEP"))
	if err != nil {
		t.Fatal(err)
	}
	l := &netns.Lab{Prefix: os.Getenv("PREFIX"), PFIFO: 100, MTU: 1400}
	netns.BeforeStep(l, func(string) error {
		if n--; n < 0 {
			return syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
		return nil
	})
	t.Fatal(host.Do(l.Up), fmt.Sprintf("was not killed, %d steps short", n))
}

// TestKilledUpIsRepairedAndRemoved kills an Up at each step. From what it leaves, Up makes a
// whole lab, and Down makes nothing.
func TestKilledUpIsRepairedAndRemoved(t *testing.T) {
	host := labtest.Host(t)
	all := steps(t, host)
	for n, step := range all {
		if testing.Short() && n%5 != 0 {
			continue
		}
		for _, next := range []string{"up", "down"} {
			l := &netns.Lab{Prefix: labtest.Prefix(t), PFIFO: 100, MTU: 1400}
			cmd, out := subject("killed up", "HOST="+host.Name(), "PREFIX="+l.Prefix, "STEP="+strconv.Itoa(n))
			if err := cmd.Run(); err == nil || err.Error() != "signal: killed" {
				t.Fatalf("the up to be killed at %q: %v\n%s", step, err, out)
			}
			if next == "up" {
				if err := host.Do(l.Up); err != nil {
					t.Errorf("up after one that was killed at %q: %v", step, err)
				} else if err := status(t, host, l).Err(); err != nil {
					t.Errorf("up after one that was killed at %q: %v", step, err)
				}
			}
			if err := host.Do(l.Down); err != nil {
				t.Errorf("down after an up that was killed at %q: %v", step, err)
			}
			gone(t, host, l)
		}
	}
}
