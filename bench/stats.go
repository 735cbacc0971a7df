// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"
	"math"
	"slices"
)

// A summary is what the table says of the rounds' values.
type summary struct {
	median, min, max float64
}

// summarize leaves values as they are. The summary of none is all NaN.
func summarize(values []float64) summary {
	if len(values) == 0 {
		return summary{math.NaN(), math.NaN(), math.NaN()}
	}
	s := slices.Sorted(slices.Values(values))
	n := len(s)
	return summary{median: (s[(n-1)/2] + s[n/2]) / 2, min: s[0], max: s[n-1]}
}

// text is "median (min-max)", each in the given format; "-" without values.
func (s summary) text(format string) string {
	if math.IsNaN(s.median) {
		return "-"
	}
	return fmt.Sprintf(format+" ("+format+"-"+format+")", s.median, s.min, s.max)
}

// ratios divides each round's value by the same round's reference, so that a
// drift of the machine's speed between rounds falls out.
func ratios(values, reference []float64) []float64 {
	r := make([]float64, min(len(values), len(reference)))
	for i := range r {
		r[i] = values[i] / reference[i]
	}
	return r
}
