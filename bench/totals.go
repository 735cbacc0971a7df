// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// totals are a contender's own counters at its end: by port and then by name,
// such as "rx".
type totals map[string]map[string]uint64

// sum adds up one counter over all ports; a port without it counts 0.
func (t totals) sum(name string) (n uint64) {
	for _, port := range t {
		n += port[name]
	}
	return n
}

// parseTotals reads what pvlua prints at its end, lines such as
//
//	veth1: rx 123 tx 0 drop 123 pass 0 error 0
//
// and skips everything else it may say. Of several lines for one port the last
// counts. Without an "rx" for each of the ports it fails.
func parseTotals(text string, ports ...string) (totals, error) {
	t := totals{}
	for line := range strings.Lines(text) {
		for _, port := range ports {
			// A prefix may stand before it, as loggers have it.
			if _, rest, ok := strings.Cut(" "+line, " "+port+": "); ok {
				if counters := parsePairs(rest); counters != nil {
					t[port] = counters
				}
			}
		}
	}
	for _, port := range ports {
		if _, ok := t[port]["rx"]; !ok {
			return nil, fmt.Errorf("no totals for %s in the output:\n%s", port, strings.TrimSpace(text))
		}
	}
	return t, nil
}

// parsePairs reads "word number word number ..." up to where that form ends; nil
// if it doesn't begin so. Punctuation after a number is let go.
func parsePairs(s string) map[string]uint64 {
	var pairs map[string]uint64
	words := strings.Fields(s)
	for i := 0; i+1 < len(words); i += 2 {
		n, err := strconv.ParseUint(strings.TrimRight(words[i+1], ",;."), 10, 64)
		if err != nil {
			break
		}
		if pairs == nil {
			pairs = map[string]uint64{}
		}
		pairs[words[i]] = n
	}
	return pairs
}

// parseCounters reads the JSON object that xsk_bench prints.
func parseCounters(text []byte) (totals, error) {
	var report struct {
		Ports []map[string]any
	}
	if err := json.Unmarshal(text, &report); err != nil {
		return nil, fmt.Errorf("read the counters of xsk_bench: %w", err)
	}
	t := totals{}
	for _, port := range report.Ports {
		name, ok := port["name"].(string)
		if !ok {
			return nil, fmt.Errorf("read the counters of xsk_bench: a port without a name in %s", text)
		}
		t[name] = map[string]uint64{}
		for key, v := range port {
			if n, ok := v.(float64); ok {
				t[name][key] = uint64(n)
			}
		}
	}
	return t, nil
}
