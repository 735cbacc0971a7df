// SPDX-License-Identifier: GPL-3.0-or-later

package main

import "context"

// matches are the sections of the scenarios.
func matches(f features) (list []section) {
	for _, s := range scenarios(f) {
		list = append(list, section{name: s.name, title: s.title, needs: cPrograms, run: func(b *bench) ([]row, error) {
			r, err := b.rig()
			if err != nil {
				return nil, err
			}
			return r.match(b, s)
		}})
	}
	return list
}

// match lets all contenders of a scenario run in each round.
func (r *rig) match(b *bench, s scenario) ([]row, error) {
	if err := r.arrange(s.far); err != nil {
		return nil, err
	}
	var entries []entry
	for _, c := range s.contenders {
		entries = append(entries, entry{what: c.name, skip: c.skip, run: func(ctx context.Context) ([]float64, error) {
			m, err := r.measure(ctx, s, c, b.load)
			if s.inline {
				m.through, m.offered = m.inline, 0
			}
			return []float64{m.through, m.offered}, err
		}})
	}
	outcomes, err := takeTurns(b.ctx, s.name, b.rounds, entries, b.say)
	if err != nil {
		return nil, err
	}
	var reference []float64
	for i, c := range s.contenders {
		if c.name == s.reference {
			reference = outcomes[i].of(0)
		}
	}
	rows := make([]row, len(entries))
	for i, o := range outcomes {
		rows[i] = row{name: s.name, what: entries[i].what, figures: o.of(0), format: "%.0f", unit: "kpps",
			skip: entries[i].skip, err: o.err}
		if entries[i].what != s.reference {
			rows[i].ratios, rows[i].of = ratios(o.of(0), reference), s.reference
		}
		if offered := summarize(o.of(1)).median; offered > 0 && summarize(o.of(0)).median > 0.97*offered {
			rows[i].what += ", all that was offered"
		}
	}
	rows[0].goal = s.goal
	return rows, nil
}
