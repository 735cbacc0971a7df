// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"io"
	"strings"
	"unicode/utf8"
)

// A table has as many cells in each row as in its head. The first columns, texts
// in number, hold text; the others hold figures and are aligned to the right.
type table struct {
	texts int
	head  []string
	rows  [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// write writes it as aligned plain text, or as a markdown table that is aligned
// as well.
func (t *table) write(w io.Writer, markdown bool) error {
	width := make([]int, len(t.head))
	for _, row := range append([][]string{t.head}, t.rows...) {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	left, between, right := "", "  ", ""
	if markdown {
		left, between, right = "| ", " | ", " |"
	}
	var b strings.Builder
	line := func(row []string) {
		cells := make([]string, len(row))
		for i, cell := range row {
			space := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			if i < t.texts {
				cells[i] = cell + space
			} else {
				cells[i] = space + cell
			}
		}
		b.WriteString(strings.TrimRight(left+strings.Join(cells, between)+right, " ") + "\n")
	}
	line(t.head)
	if markdown {
		rule := make([]string, len(width))
		for i := range rule {
			rule[i] = strings.Repeat("-", width[i])
			if i >= t.texts {
				rule[i] = rule[i][1:] + ":" // aligned to the right
			}
		}
		line(rule)
	}
	for _, row := range t.rows {
		line(row)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
