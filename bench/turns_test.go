// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Another entry begins each round; one that fails is out and leaves the others
// alone; one that is skipped is never run.
func TestTakeTurns(t *testing.T) {
	var order, said []string
	broken := errors.New("out of order")
	entries := []entry{
		{what: "a", run: func(context.Context) ([]float64, error) { order = append(order, "a"); return []float64{1, 10}, nil }},
		{what: "b", run: func(context.Context) ([]float64, error) {
			if order = append(order, "b"); len(order) > 3 {
				return nil, broken
			}
			return []float64{2}, nil
		}},
		{what: "c", skip: "no reason", run: func(context.Context) ([]float64, error) { panic("it was skipped") }},
	}
	got, err := takeTurns(context.Background(), "test", 3, entries, func(s string) { said = append(said, s) })
	if err != nil {
		t.Fatal(err)
	}
	if order := strings.Join(order, ""); order != "abbaab" {
		t.Errorf("order %s, want abbaab", order)
	}
	if want := [][]float64{{1, 1, 1}, {10, 10, 10}}; !cmp.Equal(got[0].values, want) {
		t.Errorf("values of a: %v, want %v", got[0].values, want)
	}
	if got[1].err != broken || got[1].of(0) != nil || got[2].of(0) != nil || got[2].err != nil {
		t.Errorf("b %v, c %v; want an error and nothing", got[1], got[2])
	}
	if len(said) != 6 || !strings.HasSuffix(said[5], "round 3 of 3, test, b: out of order") {
		t.Errorf("said %q, want a line for each", said)
	}
}

func TestTakeTurnsEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	runs := 0
	entries := []entry{{what: "a", run: func(context.Context) ([]float64, error) { runs++; cancel(); return nil, nil }}}
	if _, err := takeTurns(ctx, "test", 3, entries, func(string) {}); !errors.Is(err, context.Canceled) || runs != 1 {
		t.Errorf("error %v after %d runs, want the context's after one", err, runs)
	}
}
