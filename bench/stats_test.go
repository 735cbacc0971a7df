// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"math"
	"slices"
	"testing"
)

func TestSummarize(t *testing.T) {
	tests := []struct {
		values []float64
		want   summary
	}{
		{[]float64{3}, summary{3, 3, 3}},
		{[]float64{5, 1}, summary{3, 1, 5}},
		{[]float64{9, 1, 2}, summary{2, 1, 9}},
		{[]float64{4, 1, 3, 100}, summary{3.5, 1, 100}},
	}
	for _, tt := range tests {
		before := slices.Clone(tt.values)
		if got := summarize(tt.values); got != tt.want {
			t.Errorf("summarize(%v) = %v, want %v", tt.values, got, tt.want)
		}
		if !slices.Equal(tt.values, before) {
			t.Errorf("summarize changed %v to %v", before, tt.values)
		}
	}
	if got := summarize(nil); !math.IsNaN(got.median) || !math.IsNaN(got.min) || !math.IsNaN(got.max) {
		t.Errorf("summarize(nil) = %v, want NaN", got)
	}
}

// The machine slows down by half in the second round; the ratios don't notice.
func TestRatiosAreOfTheSameRound(t *testing.T) {
	got := summarize(ratios([]float64{300, 150, 330}, []float64{100, 50, 110}))
	if want := (summary{3, 3, 3}); got != want {
		t.Errorf("ratios: %v, want %v", got, want)
	}
	if got := ratios([]float64{1, 2}, nil); len(got) != 0 {
		t.Errorf("ratios without a reference: %v, want none", got)
	}
}

func TestRotate(t *testing.T) {
	s := []int{0, 1, 2}
	for n, want := range [][]int{{0, 1, 2}, {1, 2, 0}, {2, 0, 1}, {0, 1, 2}} {
		if got := rotate(s, n); !slices.Equal(got, want) {
			t.Errorf("rotate(%v, %d) = %v, want %v", s, n, got, want)
		}
	}
}
