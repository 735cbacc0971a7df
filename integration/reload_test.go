// SPDX-License-Identifier: GPL-3.0-or-later

package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pvlua/internal/labtest"
)

// reloadable copies a script of the project, to be changed.
func reloadable(t *testing.T, name string) (path, text string) {
	t.Helper()
	source, err := os.ReadFile("../scripts/" + name)
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), name)
	write(t, path, string(source))
	return path, string(source)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// waitCount waits until the run has written what n times.
func (r *run) waitCount(t *testing.T, what string, n int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); strings.Count(r.Output(), what) < n; time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it has written %q %d times, not %d:\n%s", what, strings.Count(r.Output(), what), n, r.Output())
		}
	}
}

var lossLine = regexp.MustCompile(`(\d+) packets transmitted, (\d+) received`)

// TestHundredReloadsUnderPing has ping go on while echo.lua is changed a hundred
// times, each followed by a SIGHUP, or noticed by --watch.
func TestHundredReloadsUnderPing(t *testing.T) {
	need(t, "ping")
	for _, how := range []string{"SIGHUP", "--watch"} {
		t.Run(how, func(t *testing.T) {
			lab := labtest.New(t, labtest.Options{NoIPv6: true, Queues: 2})
			path, text := reloadable(t, "echo.lua")
			args := []string{lab.B.Link, path}
			reloads := 100
			if how == "--watch" {
				args, reloads = append([]string{"--watch"}, args...), 10
			}
			r := start(t, lab.B, args...)
			ping := lab.A.Start(t, "ping", "-f", "-q", "-w", "60", lab.B.IP.String())
			for i := range reloads {
				write(t, path, fmt.Sprintf("%s-- version %d\n", text, i))
				if how == "SIGHUP" {
					r.Signal(unix.SIGHUP)
				}
				r.waitCount(t, "pvlua: reloaded script="+path, i+1)
			}
			ping.Signal(unix.SIGINT)
			ping.Wait(t, 10*time.Second)
			var sent, got int
			if m := lossLine.FindStringSubmatch(ping.Output()); m != nil {
				fmt.Sscan(m[1], &sent)
				fmt.Sscan(m[2], &got)
			}
			// The last one may be under way when ping is interrupted.
			if sent < reloads || got < sent-1 {
				t.Errorf("ping: %s", ping.Output())
			}
			all := r.stop(t)
			all.lossless(t)
			c := all[lab.B.Link]
			if c["rx"] != c["tx"]+c["pass"]+c["drop"] || c["tx"] < sent {
				t.Errorf("ping sent %d, got %d; totals %v", sent, got, c)
			}
		})
	}
}

// TestBrokenScriptIsMended breaks the script of a run, and one of its modules,
// under --watch, and mends them.
func TestBrokenScriptIsMended(t *testing.T) {
	need(t, "ping")
	lab := labtest.New(t, labtest.Options{})
	path, text := reloadable(t, "echo.lua")
	module := filepath.Join(filepath.Dir(path), "extra.lua")
	r := start(t, lab.B, "--watch", lab.B.Link, path)
	for i, c := range []struct{ script, module, want string }{
		{script: "\n\nfunction on_packet(", want: path + ":3: syntax error at the end of the file"},
		{script: "require 'extra'\n" + text, want: path + `:1: module "extra" not found`},
		{module: "\nnothing.at.all = 1", want: module + ":2: attempt to index a nil value"},
	} {
		if c.script != "" {
			write(t, path, c.script)
		} else {
			write(t, module, c.module)
		}
		r.waitCount(t, ": not reloaded, the script goes on as it was", i+1)
		if !strings.Contains(r.Output(), "pvlua: error: "+c.want) {
			t.Errorf("want %q:\n%s", c.want, r.Output())
		}
		eventually(t, lab, r)
	}
	write(t, module, "print 'the module is there'")
	r.WaitOutput(t, "pvlua: reloaded script="+path, 5*time.Second)
	eventually(t, lab, r)
	if !strings.Contains(r.Output(), "changed="+module) || !strings.Contains(r.Output(), "the module is there") {
		t.Errorf("the mended module:\n%s", r.Output())
	}
	r.stop(t).lossless(t)
}
