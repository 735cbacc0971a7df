// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"bytes"
	"slices"
	"sync"
)

// Sources remembers the text of every file that the states which share it have
// asked for, and that a file was not there. So all states run the same text,
// even if the files change while they are loaded one after the other; and one
// can tell later whether the files have changed. All methods may be called by
// several goroutines at once.
type Sources struct {
	mu    sync.Mutex
	files map[string]sourceFile
	// warned are the warnings that one of the states has logged.
	warned map[Warning]bool
}

// sourceFile is what a file was when it was first asked for.
type sourceFile struct {
	text []byte
	err  error
	read func() ([]byte, error) // reads it anew
}

// NewSources returns a Sources that knows no file yet.
func NewSources() *Sources { return &Sources{files: make(map[string]sourceFile)} }

// get returns the text of the file path, which read reads. The text must not
// be changed. A nil Sources remembers nothing.
func (s *Sources) get(path string, read func() ([]byte, error)) ([]byte, error) {
	if s == nil {
		return read()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.files[path]
	if !ok {
		f.text, f.err = read()
		f.read = read
		s.files[path] = f
	}
	return f.text, f.err
}

// first reports whether it is called with this warning for the first time. A nil
// Sources remembers nothing.
func (s *Sources) first(w Warning) bool {
	if s == nil {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.warned[w] {
		return false
	}
	if s.warned == nil {
		s.warned = make(map[Warning]bool)
	}
	s.warned[w] = true
	return true
}

// Paths lists the files asked for, those that were not there too, in order.
func (s *Sources) Paths() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	paths := make([]string, 0, len(s.files))
	for path := range s.files {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	return paths
}

// Changed reads all files again, whose text it does not replace, and lists those
// that are not what they were: other bytes, gone, or there now. The order is
// that of their names.
func (s *Sources) Changed() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var changed []string
	for path, f := range s.files {
		text, err := f.read()
		if (err == nil) != (f.err == nil) || !bytes.Equal(text, f.text) {
			changed = append(changed, path)
		}
	}
	slices.Sort(changed)
	return changed
}
