// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"errors"
	"fmt"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// scriptHelp is what a script's own --help prints: what it does, by the comment
// that it begins with, and its arguments.
func (s *State) scriptHelp(source []byte) string {
	var b strings.Builder
	fmt.Fprintf(&b, "pvlua [flags] INTERFACE... %s [-- ARGUMENTS]\n", s.cfg.Script)
	if text := description(string(source)); text != "" {
		fmt.Fprintf(&b, "\n%s", text)
	}
	declared := s.out.args.declared
	if len(declared) == 0 {
		b.WriteString("\nThe script declares no arguments.\n")
		return b.String()
	}
	width := 0
	for _, a := range declared {
		width = max(width, len(a.form()))
	}
	b.WriteString("\n")
	for _, a := range declared {
		fmt.Fprintf(&b, "  %-*s  %s\n", width, a.form(), a.explain())
	}
	return b.String()
}

// form is how an argument is written.
func (a *argument) form() string {
	if a.sort == "boolean" {
		if a.fallback == lua.LTrue {
			return "--no-" + a.name
		}
		return "--" + a.name
	}
	return "--" + a.name + " " + a.placeholder()
}

// placeholder stands for the value of an argument.
func (a *argument) placeholder() string {
	if sort, ok := addressSorts[a.sort]; ok {
		return sort.placeholder
	}
	if a.isNumber() {
		return "NUMBER"
	}
	return "TEXT"
}

// explain is what the help says of an argument.
func (a *argument) explain() string {
	text := a.help
	if a.sort == "boolean" && a.fallback == lua.LTrue {
		text = strings.TrimSpace("not: " + text)
	}
	add := func(more string) { text = strings.TrimSpace(text + " " + more) }
	if len(a.choices) > 0 && a.sort != "boolean" {
		add("[" + listChoices(a.choices) + "]")
	}
	if interval := a.interval(); interval != "" {
		add("[" + interval + "]")
	}
	switch {
	case a.required:
		add("(required)")
	case a.fallback != lua.LNil && a.sort != "boolean" && a.shown != "":
		add("(" + a.shown + ")")
	}
	return text
}

// listChoices writes values as a person would type them.
func listChoices(choices []lua.LValue) string {
	var texts []string
	for _, c := range choices {
		texts = append(texts, c.String())
	}
	last := len(texts) - 1
	if last == 0 {
		return texts[0]
	}
	return strings.Join(texts[:last], ", ") + " or " + texts[last]
}

// description gives the first paragraph of the comment that a script begins
// with, but for its licence and what makes it executable.
func description(source string) string {
	var b strings.Builder
	for line := range strings.Lines(source) {
		text, isComment := strings.CutPrefix(strings.TrimSpace(line), "--")
		text = strings.TrimSpace(text)
		switch {
		case strings.HasPrefix(line, "#!"), strings.HasPrefix(text, "SPDX-"):
		case text == "":
			if b.Len() > 0 {
				return b.String()
			}
		case !isComment, strings.HasPrefix(text, "[["):
			return b.String()
		default:
			b.WriteString(text + "\n")
		}
	}
	return b.String()
}

// AsksHelp reports whether a script's arguments ask for its help.
func AsksHelp(args []string) bool { return newArguments(args).help }

// Help gives the help of a script whose Args ask for it. It needs neither Host
// nor interfaces, and opens nothing but the script and its modules; Ports need
// no more than names.
func Help(c Config) (string, error) {
	c.Host = nobody{}
	c.Args = []string{"--help"}
	s, err := Load(c)
	var early *EarlyExit
	if errors.As(err, &early) {
		return early.Output, nil
	}
	if err == nil {
		s.Close()
		err = errors.New("luabind: the script loads in spite of --help")
	}
	return "", err
}

// nobody is a Host of which nothing is expected.
type nobody struct{}

func (nobody) Send(int, []byte) bool { return false }
func (nobody) Now() time.Time        { return time.Now() }
