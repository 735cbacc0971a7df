// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"fmt"
)

// A result is how one contender did in one scenario.
type result struct {
	scenario, contender string
	through, offered    []float64 // thousands of packets a second, by round
	err                 error     // why it failed; there are no values then
}

// match lets all contenders of a scenario run in each round, another one first
// each time, and tells say what it does. A contender that fails is out for the
// rounds that remain. The error is ctx's, if that ended.
func (r *rig) match(ctx context.Context, s scenario, l load, rounds int, say func(string)) ([]result, error) {
	results := make([]result, len(s.contenders))
	order := make([]int, len(s.contenders))
	for i, c := range s.contenders {
		results[i] = result{scenario: s.name, contender: c.name}
		order[i] = i
	}
	for round := range rounds {
		for _, i := range rotate(order, round) {
			res := &results[i]
			if res.err != nil {
				continue
			}
			m, err := r.measure(ctx, s, s.contenders[i], l)
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if err != nil {
				res.err = fmt.Errorf("%s, %s: %w", s.name, res.contender, err)
				res.through, res.offered = nil, nil
				say(res.err.Error())
				continue
			}
			say(fmt.Sprintf("round %d of %d, %s, %s: %.0f kpps", round+1, rounds, s.name, res.contender, m.through))
			res.through = append(res.through, m.through)
			res.offered = append(res.offered, m.offered)
		}
	}
	return results, nil
}
