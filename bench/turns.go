// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"fmt"
)

// An entry is one of the things that are measured in turn.
type entry struct {
	what string
	skip string // why it can't be measured; "" if it can
	// run measures it once and gives a value for each kind of figure.
	run func(context.Context) ([]float64, error)
}

// An outcome is how one entry did.
type outcome struct {
	values [][]float64 // by kind of figure and round
	err    error       // why it failed; there are no values then
}

// of gives the values of one kind of figure by round, nil if there are none.
func (o outcome) of(kind int) []float64 {
	if kind >= len(o.values) {
		return nil
	}
	return o.values[kind]
}

// takeTurns measures all entries in each round, another one first each time, so
// that what changes on the machine meanwhile meets them alike. It tells say what
// it does. An entry that fails is out for the rounds that remain. The error is
// ctx's, if that ended.
func takeTurns(ctx context.Context, name string, rounds int, entries []entry, say func(string)) ([]outcome, error) {
	outcomes := make([]outcome, len(entries))
	var order []int
	for i, e := range entries {
		if e.skip == "" {
			order = append(order, i)
		}
	}
	for round := range rounds {
		if len(order) == 0 {
			break
		}
		for _, i := range rotate(order, round) {
			o := &outcomes[i]
			if o.err != nil {
				continue
			}
			values, err := entries[i].run(ctx)
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			at := fmt.Sprintf("round %d of %d, %s, %s: ", round+1, rounds, name, entries[i].what)
			if err != nil {
				*o = outcome{err: err}
				say(at + err.Error())
				continue
			}
			say(at + fmt.Sprintf("%.4g", values))
			for kind, v := range values {
				if kind == len(o.values) {
					o.values = append(o.values, nil)
				}
				o.values[kind] = append(o.values[kind], v)
			}
		}
	}
	return outcomes, nil
}

// rotate puts element n first, the ones before it last.
func rotate[T any](s []T, n int) []T {
	n %= len(s)
	return append(append(make([]T, 0, len(s)), s[n:]...), s[:n]...)
}
