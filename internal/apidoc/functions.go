// SPDX-License-Identifier: GPL-3.0-or-later

package apidoc

import (
	"fmt"
	"strings"

	"pvlua/luabind"
)

// titles says what an Entry.Of means to a reader, in the order of the page.
var titles = []struct{ of, title string }{
	{"", "Callbacks"},
	{"pv", "The module pv"},
	{"packet", "Packets"},
	{"port", "Ports"},
	{"timer", "Timers"},
	{"counter", "Counters"},
	{"map", "Maps"},
	{"socket", "Sockets"},
	{"bit32", "bit32"},
	{"string", "Additions to string"},
	{"test", "Tests"},
}

// Functions gives the reference of everything in luabind.API in Markdown, a
// table for each thing that has functions, methods or values.
func Functions() string {
	var s strings.Builder
	for i, t := range titles {
		if i > 0 {
			s.WriteString("\n")
		}
		fmt.Fprintf(&s, "### %s\n\n| | |\n|---|---|\n", t.title)
		for _, e := range luabind.API {
			if e.Of == t.of {
				fmt.Fprintf(&s, "| `%s` | %s |\n", cell(e.Signature), cell(e.Doc))
			}
		}
	}
	return s.String()
}
