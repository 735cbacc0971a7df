// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"

	"pvlua/luabind"
)

// A watcher says when to look whether files have changed. It watches the
// folders of the files and takes any event there for a hint only, because the
// ways of writing a file are many: editors rename a new file over the old one,
// or move the old one away first, or truncate and write; a symbolic link on the
// way may be turned. What counts is whether the text is another one, once
// there was quiet for a moment.
//
// What inotify does not see (network file systems, a folder that was replaced)
// is found by looking now and then all the same.
//
// Its methods are called by one goroutine. A nil watcher never has anything to
// say.
type watcher struct {
	notify  *fsnotify.Watcher // nil: there is none
	timer   *time.Timer       // runs until it is time to look
	first   time.Time         // when the first event came that nobody looked at; zero: there was none
	missing bool              // at the last look a file was not there
}

const (
	lookInterval = 2 * time.Second        // without any event
	quietTime    = 80 * time.Millisecond  // after the last event
	maxQuiet     = 600 * time.Millisecond // after the first one, if they do not end
)

// checkWatchable refuses a script that can be read only once, such as a pipe.
func checkWatchable(script string) error {
	info, err := os.Stat(script)
	if err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no regular file: it cannot be watched", script)
	}
	return nil // loading it says what else is wrong
}

func newWatcher(log *slog.Logger) *watcher {
	w := &watcher{timer: time.NewTimer(lookInterval)}
	var err error
	if w.notify, err = fsnotify.NewWatcher(); err != nil {
		w.notify = nil
		log.Warn("changes of the script will be noticed late", "within", lookInterval, "reason", err)
	}
	return w
}

func (w *watcher) close() {
	w.timer.Stop()
	if w.notify != nil {
		w.notify.Close()
	}
}

// cover watches the folders of the files, and those that they are in when
// symbolic links are followed. Doing so again repairs what was lost.
func (w *watcher) cover(files []string) {
	if w == nil || w.notify == nil {
		return
	}
	for _, file := range files {
		w.notify.Add(filepath.Dir(file)) // one that is not there is for look to notice
		if real, err := filepath.EvalSymlinks(file); err == nil {
			w.notify.Add(filepath.Dir(real))
		}
	}
}

// heard is readable when something happened in a folder. The next call is wait
// then.
func (w *watcher) heard() <-chan fsnotify.Event {
	if w == nil || w.notify == nil {
		return nil
	}
	return w.notify.Events
}

// missed is readable when events were lost. The next call is wait then.
func (w *watcher) missed() <-chan error {
	if w == nil || w.notify == nil {
		return nil
	}
	return w.notify.Errors
}

// wait puts looking off until there is quiet.
func (w *watcher) wait() {
	now := time.Now()
	if w.first.IsZero() {
		w.first = now
	}
	w.timer.Reset(max(0, min(quietTime, w.first.Add(maxQuiet).Sub(now))))
}

// due is readable when it is time to look.
func (w *watcher) due() <-chan time.Time {
	if w == nil {
		return nil
	}
	return w.timer.C
}

// look lists the files that are not as sources knows them. A file that is not
// there any more is given time until the next look, because somebody may be
// about to put another one in its place.
func (w *watcher) look(sources *luabind.Sources) []string {
	w.first = time.Time{}
	w.timer.Reset(lookInterval)
	changed := sources.Changed()
	missing := slices.ContainsFunc(changed, func(file string) bool {
		_, err := os.Stat(file)
		return errors.Is(err, fs.ErrNotExist)
	})
	again := w.missing
	w.missing = missing
	if missing && !again {
		return nil
	}
	return changed
}
