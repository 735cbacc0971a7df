// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
)

// A row is one line of the table: what was measured, round by round, what it is
// compared with, and what it should reach.
type row struct {
	name string // of the benchmark, for -only
	what string // the case, and who dealt with it

	figures []float64 // by round
	format  string    // of a figure, such as "%.0f"
	unit    string    // of a figure, such as "kpps"
	ratios  []float64 // of figures to what they are compared with in the same round
	of      string    // what that is
	goal    goal

	skip string // why there are no figures although nothing failed
	err  error  // why there are none
}

// A goal is a bound for the median of a row's ratios or, if it has none, of its
// figures. The zero goal is none.
type goal struct {
	kind  goalKind
	bound float64
}

type goalKind int

const (
	noGoal goalKind = iota
	atLeast
	atMost
	below
)

func (g goal) text(unit string) string {
	bound := strings.TrimSpace(fmt.Sprint(g.bound, " ", unit))
	switch g.kind {
	case atLeast:
		return "≥ " + bound
	case atMost:
		return "≤ " + bound
	case below:
		return "< " + bound
	}
	return ""
}

// met says whether a value reaches the goal. NaN reaches none.
func (g goal) met(v float64) bool {
	switch g.kind {
	case atLeast:
		return v >= g.bound
	case atMost:
		return v <= g.bound
	case below:
		return v < g.bound
	}
	return true
}

// judged are the values that the goal is about.
func (r *row) judged() summary {
	if len(r.ratios) > 0 {
		return summarize(r.ratios)
	}
	return summarize(r.figures)
}

// verdict is whether the goal was met: "yes", "no", "-" if nothing was measured,
// and "" without a goal.
func (r *row) verdict() string {
	switch v := r.judged(); {
	case r.goal.kind == noGoal:
		return ""
	case math.IsNaN(v.median):
		return "-"
	case r.goal.met(v.median):
		return "yes"
	}
	return "no"
}

// emptyCalls is what handlers are compared with. Ratios to it have one digit
// behind the point, others two.
const emptyCalls = "empty calls"

// cells are the row as the table has it.
func (r *row) cells() []string {
	format, unit := "%.2f", ""
	switch r.of {
	case emptyCalls:
		format = "%.1f"
	case "":
		unit = r.unit
	}
	measured := "not measured"
	if len(r.figures) > 0 {
		measured = summarize(r.figures).text(r.format) + " " + r.unit
	}
	ratio, of := "", ""
	if len(r.ratios) > 0 {
		ratio, of = summarize(r.ratios).text(format), r.of
	}
	return []string{r.name, r.what, measured, ratio, of, r.goal.text(unit), r.verdict()}
}

// report writes the table of rows and, below it, why some have no figures.
func report(w io.Writer, rows []row, markdown bool) error {
	t := table{texts: 2, head: []string{"benchmark", "case", "measured", "ratio", "of", "target", "met"}}
	notes := ""
	for _, r := range rows {
		t.add(r.cells()...)
		switch at := "- " + r.name + ", " + r.what + ": "; {
		case r.err != nil:
			notes += at + "failed: " + r.err.Error() + "\n"
		case r.skip != "":
			notes += at + r.skip + "\n"
		}
	}
	if notes != "" {
		notes = "\nNot measured:\n\n" + notes
	}
	if err := t.write(w, markdown); err != nil {
		return err
	}
	_, err := io.WriteString(w, notes)
	return err
}

// failures is an error that says how many rows failed, nil if none did. The
// table says why.
func failures(rows []row) error {
	failed := 0
	for _, r := range rows {
		if r.err != nil {
			failed++
		}
	}
	switch failed {
	case 0:
		return nil
	case 1:
		return errors.New("1 row of the table failed")
	}
	return fmt.Errorf("%d rows of the table failed", failed)
}
