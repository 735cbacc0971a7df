// SPDX-License-Identifier: GPL-3.0-or-later

package scripttest

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"regexp"
	"time"

	"pvlua/luabind"
	"pvlua/state"
)

// Config says what is run. Scripts is required.
type Config struct {
	Scripts []string       // paths
	Run     *regexp.Regexp // only tests whose names match; nil: all
	Update  bool           // write what test.golden would compare with
	Verbose bool           // show what passing tests print and log as well
	Quota   int            // VM instructions that a callback may take; 0: luabind's default
	Out     io.Writer      // takes the report; nil: it is thrown away
	// Attach, if not nil, gets each state before a test runs in it, with the
	// store and ports that it has, to let another engine handle its packets.
	// detach is called after the test.
	Attach func(s *luabind.State, store *state.Store, ports []*luabind.Port) (detach func(), err error)
}

// Result says how the tests went.
type Result struct {
	Passed, Failed int
	// Untested has what is wrong with scripts that have no tests, or could not
	// be read.
	Untested []error
}

// Run runs the tests of all scripts and reports on them as they end.
func Run(c Config) Result {
	if c.Out == nil {
		c.Out = io.Discard
	}
	r := &run{cfg: c, width: 24}
	for _, script := range c.Scripts {
		r.script(script)
	}
	r.summary()
	return r.result
}

// A run is one call of Run.
type run struct {
	cfg    Config
	result Result
	width  int // of the column of names
}

// A suite is a script with its tests.
type suite struct {
	*run
	script, file string
	source       []byte // of file
	sources      *luabind.Sources
	golden       *golden
}

// script runs the tests of one script.
func (r *run) script(path string) {
	file, source, err := readTests(path)
	if err != nil {
		r.result.Untested = append(r.result.Untested, err)
		return
	}
	s := &suite{
		run: r, script: path, file: file, source: source, sources: luabind.NewSources(),
		golden: &golden{folder: filepath.Dir(file), update: r.cfg.Update},
	}
	loaded, _, err := s.load()
	if err != nil {
		s.header()
		s.failedFile(err)
		return
	}
	tests, warnings := loaded.Tests(), loaded.Warnings()
	loaded.Close()
	if len(tests) == 0 {
		r.result.Untested = append(r.result.Untested, fmt.Errorf("%s has no tests: no global function there is named test_*", file))
		return
	}
	s.header()
	s.warn(warnings)
	for _, t := range tests {
		r.width = max(r.width, len(t.Name))
	}
	for _, t := range tests {
		if r.cfg.Run == nil || r.cfg.Run.MatchString(t.Name) {
			s.test(t)
		}
	}
	s.wrote()
}

// load makes a state as the main chunk of the tests asks for it.
func (s *suite) load() (loaded *luabind.State, setups []luabind.Setup, err error) {
	for {
		loaded, _, err = s.newState(newHost(s.golden), setups)
		var renew *luabind.Renew
		if !errors.As(err, &renew) {
			return loaded, setups, err
		}
		setups = append(setups, renew.Setup)
	}
}

// newState makes a state that has what setups ask for, the later ones instead of
// the earlier ones, and gives with what.
func (s *suite) newState(h *host, setups []luabind.Setup) (*luabind.State, luabind.Config, error) {
	ports, args := []luabind.Port{luabind.TestPort(0)}, []string(nil)
	for _, setup := range setups {
		if setup.Ports != nil {
			ports = setup.Ports
		}
		if setup.HasArgs {
			args = setup.Args
		}
	}
	c := luabind.Config{
		Script: s.script, Sources: s.sources, Args: args, Host: h, Quota: s.cfg.Quota,
		Log: slog.New(logHandler{h}), Stdout: h, Store: state.New(),
	}
	for i := range ports {
		c.Ports = append(c.Ports, &ports[i])
	}
	made, err := luabind.LoadTest(c, s.file, s.source, setups)
	return made, c, err
}

// test runs one test, again for each setup that it asks for, and reports on it.
func (s *suite) test(t luabind.Test) {
	began := time.Now()
	var setups []luabind.Setup
	for {
		h := newHost(s.golden)
		err := s.attempt(h, t, setups)
		var renew *luabind.Renew
		if errors.As(err, &renew) {
			setups = append(setups, renew.Setup)
			continue
		}
		s.report(t, err, h.said, time.Since(began))
		return
	}
}

// attempt runs one test in a new state.
func (s *suite) attempt(h *host, t luabind.Test, setups []luabind.Setup) error {
	made, c, err := s.newState(h, setups)
	if err != nil {
		return err
	}
	defer made.Close()
	if s.cfg.Attach != nil {
		detach, err := s.cfg.Attach(made, c.Store, c.Ports)
		if err != nil {
			return err
		}
		defer detach()
	}
	return made.RunTest(t.Name)
}
