// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"pvlua/luabind"
)

const newHelp = `pvlua new writes a commented script to start from, and its test.

  pvlua new NAME [--template TEMPLATE]

It makes NAME.lua and NAME_test.lua, and never overwrites a file. The templates:

      echo        answers datagrams, leaves the rest to the kernel (the default)
      filter      joins two interfaces, drops what rules say
      protocol    speaks a protocol of its own

Exit status: 0 they are written, 1 they could not be, 2 the command line is
wrong.
`

// templates has for each template a script and its test, in which NAME stands
// for the script's name.
//
//go:embed templates/*.lua
var templates embed.FS

// templateNames are the templates, the default first.
var templateNames = []string{"echo", "filter", "protocol"}

// newCommand writes a script to start from.
func newCommand(args []string, stdout, stderr io.Writer) int {
	path, template, err := parseNew(args)
	if errors.Is(err, pflag.ErrHelp) {
		fmt.Fprint(stdout, newHelp)
		return exitOK
	}
	if err != nil {
		return usageError(stderr, "pvlua new", err)
	}
	if err := writeTemplate(path, template); err != nil {
		fmt.Fprintln(stderr, "pvlua new:", err)
		return exitFailed
	}
	fmt.Fprintf(stdout, "wrote %s.lua and %[1]s_test.lua; try: pvlua test %[1]s.lua\n", path)
	return exitOK
}

// parseNew reads the command line. The path has no extension.
func parseNew(args []string) (path, template string, err error) {
	flags := newFlags("pvlua new")
	flags.StringVar(&template, "template", templateNames[0], "")
	if err := parseFlags(flags, args); err != nil {
		return "", "", err
	}
	if flags.NArg() != 1 {
		return "", "", errors.New("give one name, such as: pvlua new myproto")
	}
	path = strings.TrimSuffix(flags.Arg(0), ".lua")
	name := filepath.Base(path)
	if name == "" || name == "." || strings.HasSuffix(path, "/") || strings.ContainsFunc(name, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", r)
	}) {
		return "", "", fmt.Errorf("%s can't be the name of a script: letters, digits, _ and -", quoted(flags.Args()))
	}
	if strings.HasSuffix(name, "_test") {
		return "", "", fmt.Errorf("%s is the name of a test; give that of the script", quoted(flags.Args()))
	}
	for _, t := range templateNames {
		if t == template {
			return path, template, nil
		}
	}
	msg := fmt.Sprintf("--template %s: must be %s", template, strings.Join(templateNames, ", "))
	if near := luabind.Nearest(template, templateNames); near != "" {
		msg += "; did you mean " + near + "?"
	}
	return "", "", errors.New(msg)
}

// writeTemplate writes the script and its test, or neither.
func writeTemplate(path, template string) error {
	script, test := path+".lua", path+"_test.lua"
	for _, file := range []string{script, test} {
		if _, err := os.Lstat(file); err == nil {
			return fmt.Errorf("%s is there already; choose another name, or remove it first", file)
		}
	}
	if err := writeNew(script, fromTemplate(template+".lua", filepath.Base(path))); err != nil {
		return explainNew(script, err)
	}
	if err := writeNew(test, fromTemplate(template+"_test.lua", filepath.Base(path))); err != nil {
		os.Remove(script)
		return explainNew(test, err)
	}
	return nil
}

// explainNew says what was wrong with a file that could not be made.
func explainNew(file string, err error) error {
	switch {
	case errors.Is(err, fs.ErrExist): // since writeTemplate looked
		return fmt.Errorf("%s is there already; choose another name, or remove it first", file)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: make the folder first (mkdir -p %s)", err, filepath.Dir(file))
	}
	return err
}

// fromTemplate gives the text of a template for a script's name. The licence of
// what somebody makes of it is theirs to choose.
func fromTemplate(file, name string) string {
	text, err := templates.ReadFile("templates/" + file)
	if err != nil {
		panic(err) // it is in this program
	}
	_, body, _ := strings.Cut(string(text), "\n\n") // after the line of the licence
	return strings.ReplaceAll(body, "NAME", name)
}
