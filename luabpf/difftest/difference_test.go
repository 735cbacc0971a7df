// SPDX-License-Identifier: GPL-3.0-or-later

package difftest

import (
	"errors"
	"flag"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pvlua/internal/privileged"
)

var (
	programs = flag.Int("programs", 0, "how many scripts TestDifferences and TestDifferencesInKernel make up; 0 is as many as -for has time for")
	duration = flag.Duration("for", 5*time.Second, "how long each of them goes on, if -programs is 0")
	packets  = flag.Int("packets", 40, "how many packets each of them gets")
	seed     = flag.Uint64("seed", 0, "the seed of the scripts; 0 is a fixed one for half of them, and the time for the others")
)

// Whatever script it is, on whatever packets: what an engine handles it handles
// as Lua does.
func TestDifferences(t *testing.T) { findDifferences(t, Engines(nil)) }

// The kernel does too.
func TestDifferencesInKernel(t *testing.T) {
	privileged.Require(t)
	findDifferences(t, []Engine{Kernel(nil)})
}

// findDifferences makes up scripts and packets, and runs them in all engines.
// What differs it brings down first.
func findDifferences(t *testing.T, engines []Engine) {
	enough := *duration
	if testing.Short() {
		enough /= 10
	}
	began := time.Now()
	fixed, changing := uint64(1), uint64(time.Now().UnixNano())
	if *seed != 0 {
		fixed, changing = *seed, *seed
	}
	t.Logf("to run these again: -seed=%d", changing)
	total, left, compiled, refused := 0, 0, 0, make(map[string]int)
	count, faults := 0, 0
	for i := uint64(0); *programs == 0 && time.Since(began) < enough || i < uint64(*programs); i++ {
		count++
		from := fixed
		if i%2 == 1 {
			from = changing
		}
		rng := rand.New(rand.NewPCG(from, i))
		root := script(rng)
		list := Packets(rng, *packets)
		source := root.String()
		lua, err := new(Engine).Run(source, list)
		if err != nil {
			t.Fatalf("%v\n%s", err, source)
		}
		for _, e := range engines {
			o, err := e.Run(source, list)
			switch {
			case errors.Is(err, ErrNotCompiled) && !mistaken(err):
				refused[reason(err)]++
				continue
			case err != nil:
				small, _ := shrink(root, list, func(n *node, p []Packet) bool {
					_, err2 := e.Run(n.String(), p)
					return err2 != nil && reason(err2) == reason(err)
				})
				_, err = e.Run(small.String(), list)
				t.Errorf("-seed=%d, script %d, %s: %v\n%s", from, i, e.Name, err, small)
				faults++
				continue
			}
			compiled++
			for _, l := range o.Left {
				if total++; l {
					left++
				}
			}
			if Difference(lua, o) != "" {
				report(t, from, i, e, root, list)
				faults++
				break
			}
		}
		if faults >= 3 {
			return
		}
	}
	t.Logf("%d scripts in %d engines; %d %% of %d packets left for Lua; not compiled: %v", compiled/len(engines), len(engines), left*100/max(total, 1), total, refused)
	const many = 30 // fewer scripts say little
	if count < many {
		return
	}
	if compiled < count*len(engines)*3/4 || left > total*4/5 {
		t.Errorf("too little was compared")
	}
}

// mistaken reports whether a handler was not compiled by a mistake of the
// compiler.
func mistaken(err error) bool {
	return strings.Contains(err.Error(), "runtime error") || strings.Contains(err.Error(), "ir: block")
}

// reason gives what an error is about, without what differs from script to
// script.
func reason(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r >= '0' && r <= '9' }), "#")
}

// report brings down what differs.
func report(t *testing.T, from, i uint64, e Engine, root *node, list []Packet) {
	t.Helper()
	difference := func(n *node, p []Packet) string {
		lua, err := new(Engine).Run(n.String(), p)
		if err != nil {
			return ""
		}
		o, err := e.Run(n.String(), p)
		if err != nil {
			return ""
		}
		return Difference(lua, o)
	}
	small, few := shrink(root, list, func(n *node, p []Packet) bool { return difference(n, p) != "" })
	t.Errorf("-seed=%d, script %d, %s: %s\n%s", from, i, e.Name, difference(small, few), small)
	for _, p := range few {
		t.Logf("port %d, %x", p.Port, p.Frame)
	}
}
