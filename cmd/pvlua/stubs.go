// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"pvlua/internal/apidoc"
)

const stubsHelp = `pvlua stubs tells the Lua language server (https://luals.github.io) the API, so
that an editor completes pkt.udp.dport, shows what it is and marks wrong names.

  pvlua stubs [DIR]

It writes DIR/pvlua.lua, and DIR/.luarc.json unless there is one; DIR is the
folder of your scripts (the one you are in). Run it again after an update of
pvlua. Above your handler write

  ---@param pkt pvlua.packet

Exit status: 0 they are written, 1 they could not be, 2 the command line is
wrong.
`

// stubsMark is how the file begins that may be overwritten.
const stubsMark = "---@meta"

// stubsCommand writes the definitions of the API for editors.
func stubsCommand(args []string, stdout, stderr io.Writer) int {
	flags := newFlags("pvlua stubs")
	err := parseFlags(flags, args)
	if errors.Is(err, pflag.ErrHelp) {
		fmt.Fprint(stdout, stubsHelp)
		return exitOK
	}
	if err == nil && flags.NArg() > 1 {
		err = fmt.Errorf("one folder at most, but %s are given", quoted(flags.Args()))
	}
	if err != nil {
		return usageError(stderr, "pvlua stubs", err)
	}
	dir := "."
	if flags.NArg() == 1 {
		dir = flags.Arg(0)
	}
	if err := writeStubs(dir, stdout); err != nil {
		fmt.Fprintln(stderr, "pvlua stubs:", err)
		return exitFailed
	}
	return exitOK
}

// writeStubs writes both files into a folder, and tells what it wrote.
func writeStubs(dir string, stdout io.Writer) error {
	stubs := filepath.Join(dir, "pvlua.lua")
	old, err := os.ReadFile(stubs)
	switch {
	case err == nil && !bytes.HasPrefix(old, []byte(stubsMark)):
		return fmt.Errorf("%s is there and does not begin with %s: it is not from pvlua stubs; move it away or name another folder", stubs, stubsMark)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := os.WriteFile(stubs, []byte(apidoc.Stubs()), 0o644); err != nil {
		return err
	}
	fmt.Fprintln(stdout, "wrote", stubs)
	settings := filepath.Join(dir, ".luarc.json")
	switch err := writeNew(settings, apidoc.LuaRC()); {
	case errors.Is(err, fs.ErrExist):
		fmt.Fprintln(stdout, "left", settings, "as it is")
	case err != nil:
		return err
	default:
		fmt.Fprintln(stdout, "wrote", settings)
	}
	return nil
}

// writeNew writes a file that must not be there yet; if it is, the error is
// fs.ErrExist and the file is left alone. A file that could not be written
// whole is removed.
func writeNew(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Close()); err != nil {
		os.Remove(path)
	}
	return err
}
