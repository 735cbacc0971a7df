// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pvlua/internal/labtest"
	"pvlua/luabind"
)

// stillHost is a luabind.Host in which nothing happens.
type stillHost struct{ luabind.Host }

func (stillHost) Now() time.Time { return time.Time{} }

// A watched is a watcher of a script that requires a module.
type watched struct {
	t *testing.T
	*watcher
	dir     string
	sources *luabind.Sources
}

func newWatched(t *testing.T, dir string) *watched {
	w := &watched{t: t, dir: dir, watcher: newWatcher(slog.New(slog.DiscardHandler))}
	t.Cleanup(w.close)
	return w
}

// load loads the script as a reload would, whether it works or not.
func (w *watched) load() {
	w.sources = luabind.NewSources()
	s, err := luabind.Load(luabind.Config{Script: w.path("main.lua"), Host: stillHost{}, Sources: w.sources})
	if err == nil {
		s.Close()
	}
	w.cover(w.sources.Paths())
}

// changed serves the watcher as a run does, until it names changed files or the
// time is over.
func (w *watched) changed(within time.Duration) string {
	late := time.After(within)
	for {
		select {
		case <-w.heard():
			w.wait()
		case <-w.missed():
			w.wait()
		case <-w.due():
			if files := w.look(w.sources); files != nil {
				return strings.ReplaceAll(strings.Join(files, " "), w.dir+"/", "")
			}
			w.cover(w.sources.Paths())
		case <-late:
			return ""
		}
	}
}

func (w *watched) path(name string) string { return filepath.Join(w.dir, name) }

// do checks the error of a system call.
func (w *watched) do(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *watched) write(name, text string) {
	w.t.Helper()
	w.do(os.WriteFile(w.path(name), []byte(text), 0o666))
}

// TestWatchKnowsHowEditorsWrite goes through the ways of changing a file. Each is
// found once, soon, and with the whole of the new text.
func TestWatchKnowsHowEditorsWrite(t *testing.T) {
	const module, handler = "require 'm' ", "function on_packet() end "
	for _, c := range []struct {
		name   string
		change func(w *watched)
		want   string // files, or none
		slow   bool   // noticed without an event only
	}{
		{name: "nothing", change: func(*watched) {}},
		{name: "truncated and written", change: func(w *watched) { w.write("main.lua", module+handler+"-- new") }, want: "main.lua"},
		{name: "written in pieces", want: "main.lua", change: func(w *watched) {
			f, err := os.Create(w.path("main.lua"))
			w.do(err)
			defer f.Close()
			for range 10 {
				_, err := f.WriteString(handler)
				w.do(err)
				time.Sleep(quietTime / 4)
			}
		}},
		{name: "another renamed over it", want: "main.lua", change: func(w *watched) {
			w.write(".main.lua.swp", module+handler+"-- new")
			w.do(os.Rename(w.path(".main.lua.swp"), w.path("main.lua")))
		}},
		{name: "moved to a backup, then written", want: "main.lua", change: func(w *watched) {
			w.do(os.Rename(w.path("main.lua"), w.path("main.lua~")))
			time.Sleep(quietTime * 2) // longer than one waits for quiet
			w.write("main.lua", handler)
		}},
		{name: "removed, then written", want: "main.lua", change: func(w *watched) {
			w.do(os.Remove(w.path("main.lua")))
			w.write("main.lua", handler)
		}},
		{name: "removed", want: "main.lua", slow: true, change: func(w *watched) { w.do(os.Remove(w.path("main.lua"))) }},
		{name: "a module", change: func(w *watched) { w.write("m.lua", "return 2") }, want: "m.lua"},
		{name: "a module in another place", change: func(w *watched) {
			w.do(os.Mkdir(w.path("m"), 0o777))
			w.write("m/init.lua", "return 2")
			w.do(os.Remove(w.path("m.lua")))
		}, want: "m.lua", slow: true},
		{name: "both", change: func(w *watched) { w.write("m.lua", "return 2"); w.write("main.lua", handler) }, want: "m.lua main.lua"},
		{name: "touched", change: func(w *watched) { w.do(os.Chtimes(w.path("main.lua"), time.Now(), time.Now())) }},
		{name: "written as it was", change: func(w *watched) { w.write("m.lua", "return 1") }},
		{name: "another file", change: func(w *watched) { w.write("other.lua", "return 1") }},
		{name: "link turned", want: "main.lua", change: func(w *watched) {
			w.do(os.Mkdir(w.path("2"), 0o777))
			w.write("2/main.lua", handler)
			w.do(os.Symlink("2", w.path("new")))
			w.do(os.Rename(w.path("new"), w.path("now")))
		}},
		{name: "written behind the link", want: "main.lua", change: func(w *watched) { w.write("1/main.lua", handler) }},
		{name: "folder replaced", want: "main.lua", slow: true, change: func(w *watched) {
			w.do(os.Rename(w.dir, w.dir+".old"))
			w.do(os.Mkdir(w.dir, 0o777))
			w.write("m.lua", "return 1")
			time.Sleep(quietTime * 2)
			w.write("main.lua", handler)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWatched(t, filepath.Join(t.TempDir(), "scripts"))
			w.do(os.Mkdir(w.dir, 0o777))
			w.write("m.lua", "return 1")
			if strings.Contains(c.name, "link") {
				w.do(os.Mkdir(w.path("1"), 0o777))
				w.write("1/main.lua", module+handler)
				w.do(os.Symlink("1", w.path("now")))
				w.do(os.Symlink("now/main.lua", w.path("main.lua")))
			} else {
				w.write("main.lua", module+handler)
			}
			w.load()
			done := make(chan struct{})
			go func() { defer close(done); c.change(w) }()
			within := 2 * maxQuiet
			if c.slow {
				within = 3 * lookInterval
			}
			got := w.changed(within)
			<-done
			if got != c.want {
				t.Fatalf("changed: %q, want %q", got, c.want)
			}
			if c.want == "" {
				return
			}
			if w.load(); w.sources.Changed() != nil {
				t.Error("it was looked at before all was written")
			}
			if again := w.changed(2 * maxQuiet); again != "" {
				t.Errorf("found again: %q", again)
			}
		})
	}
}

// TestWatchRefusesAPipe: looking whether it has changed would wait for ever.
func TestWatchRefusesAPipe(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "main.lua")
	if err := unix.Mkfifo(pipe, 0o666); err != nil {
		t.Fatal(err)
	}
	_, err := New(Config{Interfaces: []string{"veth7"}, Script: pipe, Watch: true, Log: slog.New(slog.DiscardHandler)})
	if err == nil || err.Error() != pipe+" is no regular file: it cannot be watched" {
		t.Errorf("%v", err)
	}
}

// TestWatchFindsWhatMendsAScript has files that were not there, or broken, when
// the script was loaded.
func TestWatchFindsWhatMendsAScript(t *testing.T) {
	w := newWatched(t, t.TempDir())
	w.write("main.lua", "function on_packet(")
	w.load()
	w.write("main.lua", "require 'm'")
	if got := w.changed(2 * maxQuiet); got != "main.lua" {
		t.Errorf("after the broken script: %q", got)
	}
	w.load()
	w.write("m.lua", "broken")
	if got := w.changed(2 * maxQuiet); got != "m.lua" {
		t.Errorf("after the missing module: %q", got)
	}
	w.load()
	w.write("m.lua", "return 1")
	if got := w.changed(2 * maxQuiet); got != "m.lua" {
		t.Errorf("after the broken module: %q", got)
	}
}

// TestWatchIsNotHeldUp has something else in the folder change without pause.
func TestWatchIsNotHeldUp(t *testing.T) {
	w := newWatched(t, t.TempDir())
	w.write("main.lua", "function on_packet() end")
	w.load()
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
				w.write("log", strings.Repeat("x", i%100))
			}
		}
	}()
	time.Sleep(10 * time.Millisecond)
	w.write("main.lua", "function on_packet() end -- new")
	if got := w.changed(3 * maxQuiet); got != "main.lua" {
		t.Errorf("changed: %q", got)
	}
	close(stop)
	<-done
}

// TestWatchedRun edits the script of a run under traffic: well, badly, its
// module, and well again.
func TestWatchedRun(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true, Queues: 2})
	l := goLive(t, lab.B, answering(1000), func(c *Config) { c.Watch = true })
	flows, end := startFlows(t, lab, 2)
	all := func(version int) {
		t.Helper()
		for _, f := range flows {
			f.await(t, version)
		}
	}
	all(1000)
	l.write("main.lua", answering(1001))
	all(1001)
	l.write("main.lua", "\n\n)")
	l.log.wait(t, `main.lua:3: syntax error near \")\": not reloaded`)
	l.write("main.lua", "require 'm' "+answering(1002))
	l.log.wait(t, "main.lua:1: module")
	l.write("m.lua", "-- the module\nerror 'not yet'")
	l.log.wait(t, "m.lua:2: not yet: not reloaded")
	l.write("m.lua", "return 1")
	all(1002)
	l.log.wait(t, "changed="+l.path("m.lua"))
	end()
	l.stop(0)
	if n := strings.Count(l.log.String(), "msg=reloaded"); n != 2 {
		t.Errorf("reloaded %d times:\n%s", n, l.log)
	}
}
