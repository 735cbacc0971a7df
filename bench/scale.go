// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"fmt"
)

// scaleRate is how many packets a second both workers together can't handle of
// bench/lua/work.lua, and the generator on both processors easily sends.
const scaleRate = 300_000

// scale is the section of one worker against two.
func scale(f features) section {
	title := fmt.Sprintf("one queue and worker against two, at %d packets a second from both processors, with a handler that works for some microseconds", scaleRate)
	return section{name: "scale", title: title, needs: cPrograms, run: func(b *bench) ([]row, error) {
		at, l := b.at, b.load
		at.dutCPU = noCPU
		l.rate, l.cpus = scaleRate, []int{at.farCPU, b.at.dutCPU}
		s := scenario{name: "scale", ports: 1, sources: 1, through: (*rig).received}
		c := pvlua("pvlua", f.inUserSpace("auto"), []string{"bench", "lua", "work.lua"}, dutName(0))
		var entries []entry
		for queues := 1; queues <= 2; queues++ {
			r, err := newRig(at, queues)
			if err != nil {
				return nil, err
			}
			defer r.close()
			entries = append(entries, entry{what: fmt.Sprintf("pvlua, queues and workers: %d", queues), run: func(ctx context.Context) ([]float64, error) {
				m, err := r.measure(ctx, s, c, l)
				return []float64{m.through}, err
			}})
		}
		outcomes, err := takeTurns(b.ctx, "scale", b.rounds, entries, b.say)
		if err != nil {
			return nil, err
		}
		one, two := outcomes[0], outcomes[1]
		return []row{
			{name: "scale", what: entries[0].what, figures: one.of(0), format: "%.0f", unit: "kpps", err: one.err},
			{name: "scale", what: entries[1].what, figures: two.of(0), format: "%.0f", unit: "kpps", err: two.err,
				ratios: ratios(two.of(0), one.of(0)), of: "one worker", goal: goal{atLeast, 1.2}},
		}, nil
	}}
}
