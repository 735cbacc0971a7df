// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"github.com/vishvananda/netns"

	"pvlua/internal/pkttest"
	"pvlua/luabind"
)

const (
	garbageTime = time.Second

	// pvluaGOGC is what the command sets (tuneGC in cmd/pvlua).
	pvluaGOGC = 800
)

// garbage is the section of what handlers that make garbage cost a batch.
func garbage() section {
	title := fmt.Sprintf("the 99.9th percentile of what a batch of %d takes, one after the other without a pause, with a handler that makes garbage; GOGC=%d",
		handlerBatch, pvluaGOGC)
	return section{name: "garbage", title: title, run: func(b *bench) ([]row, error) {
		span, cpu := garbageTime, b.at.dutCPU
		if b.short {
			span /= 5
		}
		if !available(cpu) {
			cpu = noCPU
		}
		defer debug.SetGCPercent(debug.SetGCPercent(pvluaGOGC))
		cases := []struct{ what, script string }{
			{"nothing made", "drop.lua"}, {"a string a packet", "strings.lua"}, {"a table a packet", "tables.lua"},
		}
		var rows []row
		err := onThread(netns.None(), cpu, func() error {
			var entries []entry
			for _, c := range cases {
				packet := pathPacket{frame: pkttest.UDP(pkttest.Options{}), verdict: luabind.Drop}
				s := subject{what: c.what, script: []string{"bench", "lua", c.script}, ports: []*luabind.Port{echoPort()},
					packets: slices.Repeat([]pathPacket{packet}, handlerBatch)}
				handle, end, err := s.load(b.at)
				if err != nil {
					return err
				}
				defer end()
				entries = append(entries, entry{what: c.what, run: func(context.Context) ([]float64, error) {
					return timeBatches(span, handle), nil
				}})
			}
			outcomes, err := takeTurns(b.ctx, "garbage", b.rounds, entries, b.say)
			if err != nil {
				return err
			}
			for i, o := range outcomes {
				rows = append(rows, row{name: "garbage", what: entries[i].what, figures: o.of(0), format: "%.3f", unit: "ms", goal: goal{below, 1}})
				if n := summarize(o.of(1)).median; n > 0 {
					rows[i].what += fmt.Sprintf(" (%.1f collections a second)", n)
				}
			}
			return nil
		})
		return rows, err
	}}
}

// timeBatches repeats f, which handles one batch, for span: the 99.9th percentile
// of its durations in milliseconds, and garbage collections a second.
func timeBatches(span time.Duration, f func() int) []float64 {
	f() // warm up
	runtime.GC()
	durations := make([]float64, 0, 1<<20)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begin := time.Now()
	for last := begin; last.Sub(begin) < span && len(durations) < cap(durations); {
		f()
		now := time.Now()
		durations = append(durations, float64(now.Sub(last).Nanoseconds())/1e6)
		last = now
	}
	took := time.Since(begin).Seconds()
	runtime.ReadMemStats(&after)
	slices.Sort(durations)
	return []float64{percentile(durations, 99.9), float64(after.NumGC-before.NumGC) / took}
}

// percentile is the value below which so many percent of the sorted values lie.
func percentile(sorted []float64, percent float64) float64 {
	return sorted[min(int(float64(len(sorted))*percent/100), len(sorted)-1)]
}
