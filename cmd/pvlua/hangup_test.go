// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pvlua/internal/labtest"
	"pvlua/internal/probe"
)

func TestHangupReloads(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	path := script(t, "print 'first' function on_packet() end")
	p := startRun(t, lab.B, lab.B.Link, path)
	p.WaitOutput(t, "first", 5*time.Second)
	p.WaitOutput(t, "the handler runs", 5*time.Second)
	for _, c := range []struct{ text, want string }{
		{"print 'second' function on_packet() end", "second\npvlua: reloaded script=" + path + " loading="},
		{"\n\n)", path + `:3: syntax error near ")": not reloaded, the script goes on as it was`},
		{"print 'third' function on_packet() end", "third\npvlua: reloaded script="},
	} {
		if err := os.WriteFile(path, []byte(c.text), 0o666); err != nil {
			t.Fatal(err)
		}
		p.Signal(unix.SIGHUP)
		p.WaitOutput(t, c.want, 5*time.Second)
	}
	ask(t, lab, probe.ICMP, 3)
	p.Signal(unix.SIGTERM)
	if status := ended(t, p, 5*time.Second); status != exitOK {
		t.Errorf("status %d:\n%s", status, p.Output())
	}
}

// TestRunEndsWithItsTerminal takes the terminal away, with and without nohup.
func TestRunEndsWithItsTerminal(t *testing.T) {
	for _, c := range []struct {
		before string
		ends   bool
	}{{"", true}, {"nohup ", false}} {
		t.Run("by "+c.before+"pvlua", func(t *testing.T) {
			lab := labtest.New(t, labtest.Options{NoIPv6: true})
			dir := t.TempDir()
			out, pidFile := filepath.Join(dir, "out"), filepath.Join(dir, "pid")
			inner := fmt.Sprintf("echo $$ >%s; exec %s%s %s %s >%s 2>&1", pidFile, c.before, executable(t), lab.B.Link, script(t, "function on_packet() end"), out)
			cmd := exec.Command(tool(t, "script"), "-qfc", inner, "/dev/null")
			cmd.Env = append(os.Environ(), asCommand)
			terminal := lab.B.StartCmd(t, cmd)
			output := func() string { b, _ := os.ReadFile(out); return string(b) }
			within := func(what string) bool {
				for deadline := time.Now().Add(5 * time.Second); !strings.Contains(output(), what); time.Sleep(5 * time.Millisecond) {
					if time.Now().After(deadline) {
						return false
					}
				}
				return true
			}
			if !within("receiving port=") {
				t.Fatalf("does not run:\n%s%s", output(), terminal.Output())
			}
			text, err := os.ReadFile(pidFile)
			if err != nil {
				t.Fatal(err)
			}
			pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Kill(pid, unix.SIGKILL)
			unix.Kill(pid, unix.SIGHUP) // nobody has hung up yet
			if !within("reloaded script=") {
				t.Errorf("not reloaded:\n%s", output())
			}
			terminal.Kill() // its child is in a session of its own
			if c.ends {
				if !within("\nframes: ") {
					t.Errorf("has not ended:\n%s", output())
				}
				return
			}
			time.Sleep(terminalDelay + 200*time.Millisecond)
			unix.Kill(pid, unix.SIGTERM)
			if !within("\nframes: ") || strings.Count(output(), "reloaded") < 1 {
				t.Errorf("nohup:\n%s", output())
			}
		})
	}
}
