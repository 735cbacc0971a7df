// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	idleTime = 10 * time.Second // of all rounds together
	settling = 500 * time.Millisecond
)

// idle is the section of what pvlua takes while nothing happens.
func idle(f features) section {
	title := fmt.Sprintf("processor time of pvlua with scripts/echo.lua while no packet comes, over %v in all", idleTime)
	return section{name: "idle", title: title, needs: privilege, run: func(b *bench) ([]row, error) {
		span := idleTime / time.Duration(b.rounds)
		if b.short {
			span = time.Second
		}
		l, err := newLab(1)
		if err != nil {
			return nil, err
		}
		defer l.close()
		r := &rig{lab: l, at: b.at}
		cases := echoContenders(f)
		var entries []entry
		for _, c := range cases {
			entries = append(entries, entry{what: c.name, skip: c.skip, run: func(ctx context.Context) ([]float64, error) {
				share, err := r.idleShare(ctx, c, span)
				return []float64{share * 100}, err
			}})
		}
		outcomes, err := takeTurns(b.ctx, "idle", b.rounds, entries, b.say)
		if err != nil {
			return nil, err
		}
		var rows []row
		for i, o := range outcomes {
			rows = append(rows, row{name: "idle", what: entries[i].what, figures: o.of(0), format: "%.3f", unit: "%",
				goal: goal{below, 0.1}, skip: entries[i].skip, err: o.err})
		}
		return rows, nil
	}}
}

// echoContenders are pvlua with scripts/echo.lua, asleep while it waits and
// polling.
func echoContenders(f features) []contender {
	script := []string{"scripts", "echo.lua"}
	flags := f.inUserSpace("auto")
	sleeping := pvlua("pvlua", flags, script, dutName(0))
	polling := pvlua("pvlua --busy-poll", append(flags[:len(flags):len(flags)], "--busy-poll"), script, dutName(0))
	polling.skip = f.lack("busy-poll")
	return []contender{sleeping, polling}
}

// idleShare is the share of a processor that a contender uses over span.
func (r *rig) idleShare(ctx context.Context, c contender, span time.Duration) (share float64, err error) {
	dev, err := c.start(r.lab, r.at)
	if err != nil {
		return 0, err
	}
	defer func() {
		_, stopErr := dev.stop()
		err = withWords(errors.Join(err, stopErr), dev)
	}()
	err = r.await(ctx, dev, "attach itself", func() (bool, error) { return r.attached(0) })
	if err == nil {
		err = sleep(ctx, settling)
	}
	if err != nil {
		return 0, err
	}
	pid := dev.(process).cmd.Process.Pid
	begin := time.Now()
	before, err := processorTime(pid, wholeProcess)
	if err != nil {
		return 0, err
	}
	if err := sleep(ctx, span); err != nil {
		return 0, err
	}
	after, err := processorTime(pid, wholeProcess)
	return float64(after-before) / float64(time.Since(begin)), err
}
