// SPDX-License-Identifier: GPL-3.0-or-later

// Apidoc writes the reference of packet headers, fields and functions in Markdown,
// and the same for editors.
//
//	apidoc               writes it to standard output
//	apidoc -w FILE       puts it between the markers in FILE
//	apidoc -check FILE   exits with 1 if FILE is out of date
//
// A FILE that ends in .lua is as a whole what "pvlua stubs" writes.
//
// It exits with 2 when it could not do what it was asked for.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"pvlua/internal/apidoc"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("apidoc", flag.ContinueOnError)
	flags.SetOutput(stderr)
	write := flags.String("w", "", "put the tables between the markers in `FILE`")
	check := flags.String("check", "", "exit with 1 if the tables in `FILE` are out of date")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case flags.NArg() > 0 || *write != "" && *check != "":
		fmt.Fprintln(stderr, "apidoc: takes -w FILE or -check FILE and nothing else")
		return 2
	}
	file := *write + *check
	if file == "" {
		for _, section := range apidoc.Sections {
			fmt.Fprintln(stdout, section.Text())
		}
		return 0
	}
	old, now, err := update(file)
	switch {
	case err != nil:
		fmt.Fprintf(stderr, "apidoc: %s: %v\n", file, err)
		return 2
	case old == now:
		return 0
	case *check != "":
		fmt.Fprintf(stderr, "apidoc: %s is out of date; run go run ./internal/apidoc/cmd/apidoc -w %s\n", file, file)
		return 1
	}
	if err := os.WriteFile(file, []byte(now), 0o644); err != nil {
		fmt.Fprintf(stderr, "apidoc: %v\n", err)
		return 2
	}
	return 0
}

// update gives the contents of a file as they are and as they should be.
func update(file string) (old, now string, err error) {
	b, err := os.ReadFile(file)
	if filepath.Ext(file) == ".lua" && (err == nil || errors.Is(err, os.ErrNotExist)) {
		return string(b), apidoc.Stubs(), nil
	}
	if err != nil {
		var pe *os.PathError
		if errors.As(err, &pe) {
			err = pe.Err // the caller names the file
		}
		return "", "", err
	}
	now, err = apidoc.Update(string(b))
	return string(b), now, err
}
