// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"
	"io"
	"strings"
)

// A finding is one line of doctor's report, and what to do about it.
type finding struct {
	level level
	topic string
	text  string
	// cures are commands, or sentences where no command does it. Any one of
	// them is enough.
	cures []string
}

type level uint8

const (
	levelOK   level = iota
	levelNote       // good to know
	levelWarn       // pvlua runs, but something is worse than it could be
	levelFail       // pvlua does not run
)

var levelWords = [...]string{"ok", "note", "warn", "FAIL"}

func ok(topic, format string, args ...any) finding {
	return finding{levelOK, topic, fmt.Sprintf(format, args...), nil}
}

func note(topic, format string, args ...any) finding {
	return finding{levelNote, topic, fmt.Sprintf(format, args...), nil}
}

func warn(topic, format string, args ...any) finding {
	return finding{levelWarn, topic, fmt.Sprintf(format, args...), nil}
}

func fail(topic, format string, args ...any) finding {
	return finding{levelFail, topic, fmt.Sprintf(format, args...), nil}
}

// cure returns f with one more thing to do about it.
func (f finding) cure(format string, args ...any) finding {
	f.cures = append(f.cures[:len(f.cures):len(f.cures)], fmt.Sprintf(format, args...))
	return f
}

// write prints f: level, topic and text in columns, each cure on a line of its
// own below the text.
func (f finding) write(w io.Writer) {
	const indent = "                  "
	fmt.Fprintf(w, "%-6s%-12s%s\n", levelWords[f.level], f.topic, strings.ReplaceAll(f.text, "\n", "\n"+indent))
	for _, c := range f.cures {
		fmt.Fprintf(w, "%s%s\n", indent, c)
	}
}
