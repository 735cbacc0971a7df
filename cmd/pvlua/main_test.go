// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pvlua/internal/labtest"
	"pvlua/internal/privileged"
)

// asCommand in the environment makes this test binary the command itself.
const asCommand = "PVLUA_TEST_AS_COMMAND=1"

func TestMain(m *testing.M) {
	if name, value, _ := strings.Cut(asCommand, "="); os.Getenv(name) == value {
		os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// pvlua is the command as a process of its own.
func pvlua(args ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", args...)
	// The race detector would make each of them wait a second before it exits.
	cmd.Env = append(os.Environ(), asCommand, "GORACE=atexit_sleep_ms=0")
	return cmd
}

// inside runs the command in a side's namespace and waits for its end.
func inside(t *testing.T, side *labtest.Side, args ...string) (status int, output string) {
	t.Helper()
	p := side.StartCmd(t, pvlua(args...))
	return ended(t, p, labtest.RunTimeout), p.Output()
}

// ended waits for the end of a process and returns its exit status.
func ended(t *testing.T, p *labtest.Process, limit time.Duration) (status int) {
	t.Helper()
	err := p.Wait(t, limit)
	var exit *exec.ExitError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &exit) && exit.Exited():
		return exit.ExitCode()
	}
	t.Fatalf("%v; it wrote:\n%s", err, p.Output())
	return -1
}

// script writes a Lua file for a test and returns its path.
func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.lua")
	if err := os.WriteFile(path, []byte("-- SPDX-License-Identifier: GPL-3.0-or-later\n"+text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// openToAll lets another user read a file in a folder of this test's.
func openToAll(t *testing.T, path string) {
	t.Helper()
	for dir := filepath.Dir(path); len(dir) > len(os.TempDir()); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// executable is the path of this test binary.
func executable(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// limited gives a command the usual limit of locked memory, 8 MiB, whatever this process has.
func limited(cmd *exec.Cmd) *exec.Cmd {
	cmd.Args = append([]string{"sh", "-c", `ulimit -l 8192 && exec "$@"`, "sh"}, cmd.Args...)
	cmd.Path = "/bin/sh"
	return cmd
}

// tool needs a program that `make deps` installs.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if privileged.InCI() {
		t.Fatalf("needs %s: make deps", name)
	}
	t.Skipf("needs %s: make deps", name)
	return ""
}

// here runs the command within this process.
func here(args ...string) (status int, stdout, stderr string) {
	var out, errs bytes.Buffer
	status = run(args, &out, &errs)
	return status, out.String(), errs.String()
}

func TestHelpFitsAScreen(t *testing.T) {
	for _, args := range [][]string{{"help"}, {"--help"}, {"-h"}, {"help", "lab"}, {"help", "frames"}, {"new", "-h"}, {"stubs", "--help"}, {"dissector", "--help"}, {"doctor", "--help"}, {"demo", "-h"}, {"lab", "--help"}, {"help", "offline"}, {"help", "capture"}, {"help", "speed"}, {"--read", "x", "--help"}, {"veth1", "x.lua", "--help"}} {
		status, stdout, stderr := here(args...)
		if status != exitOK || stderr != "" || stdout == "" {
			t.Errorf("%v: status %d, stdout %q, stderr %q", args, status, stdout, stderr)
		}
		if lines := strings.Count(stdout, "\n"); lines > 24 {
			t.Errorf("%v: %d lines, a screen has 24", args, lines)
		}
		for line := range strings.Lines(stdout) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 {
				t.Errorf("%v: %d columns, a screen has 80: %s", args, n, line)
			}
			if strings.Contains(line, "\t") || strings.HasSuffix(line, " \n") {
				t.Errorf("%v: a tab, or a space at the end: %q", args, line)
			}
		}
	}
}

func TestHelpNamesEverything(t *testing.T) {
	_, text, _ := here("help")
	_, frames, _ := here("help", "frames")
	_, speed, _ := here("help", "speed")
	text += frames + speed
	for _, name := range []string{"--mode", "--queues", "--batch", "--on-error", "--quota", "--stats", "--dump", "--verbose", "--busy-poll[=TIME]", "--threaded-napi", "--memory-limit",
		"-s, --chunk-size", "-c, --chunk-count", "-r, --rx-ring", "-t, --tx-ring", "-f, --fill-ring", "-o, --completion-ring",
		"pvlua doctor", "pvlua lab", "pvlua demo", "pvlua new", "pvlua stubs", "pvlua version"} {
		if !strings.Contains(text, name) {
			t.Errorf("pvlua help does not name %s", name)
		}
	}
}

func TestHelpOnSubCommands(t *testing.T) {
	for _, command := range []string{"lab", "doctor", "demo", "new", "stubs"} {
		_, want, _ := here(command, "--help")
		if status, got, _ := here("help", command); status != exitOK || got != want || !strings.HasPrefix(got, "pvlua "+command+" ") {
			t.Errorf("help %s: status %d,\n%s\nwant\n%s", command, status, got, want)
		}
	}
}

func TestNoArgumentsShowsTheUsage(t *testing.T) {
	if status, stdout, stderr := here(); status != exitUsage || stdout != "" || stderr != help {
		t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
	}
}

func TestVersion(t *testing.T) {
	for _, arg := range []string{"version", "--version"} {
		if status, stdout, stderr := here(arg); status != exitOK || stdout != "pvlua "+version+"\n" || stderr != "" {
			t.Errorf("%s: status %d, stdout %q, stderr %q", arg, status, stdout, stderr)
		}
	}
}
