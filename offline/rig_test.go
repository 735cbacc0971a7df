// SPDX-License-Identifier: GPL-3.0-or-later

package offline

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pvlua/internal/capturetest"
	"pvlua/luabind"
	"pvlua/pcap"
)

// epoch is the time of the first packet in most tests.
var epoch = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// A packet of an input, so many seconds after epoch.
type at struct {
	seconds float64
	data    []byte
}

// file makes a capture.
func file(packets ...at) []byte {
	e, b := pcap.NewClassicEncoder()
	for _, p := range packets {
		r := pcap.Record{Time: epoch.Add(time.Duration(p.seconds * 1e9)), Data: p.data}
		b = e.Append(b, &r)
	}
	return b
}

// port is an input called name.
func port(name string, file []byte) Input {
	return Input{Reader: bytes.NewReader(file), Source: name + ".pcap", Port: luabind.Port{Name: name, MAC: 2<<40 | 1, MTU: 1500}}
}

// A result is what a run gave.
type result struct {
	file   []byte
	stdout string
	log    string
	totals Totals
	err    error
}

func (r result) entries(t *testing.T) []capturetest.Entry {
	t.Helper()
	return capturetest.Read(t, r.file)
}

// play runs a script, given as text, on inputs.
func play(t *testing.T, source string, edit func(*Config), inputs ...Input) result {
	t.Helper()
	return playFile(t, scriptFile(t, source), edit, inputs...)
}

// scriptFile writes a script, whose lines are those of source.
func scriptFile(t *testing.T, source string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.lua")
	if err := os.WriteFile(path, []byte("local pv = require 'pv' "+source), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// playFile runs a script on inputs.
func playFile(t *testing.T, path string, edit func(*Config), inputs ...Input) result {
	t.Helper()
	var out, stdout, log bytes.Buffer
	c := Config{Script: path, Inputs: inputs, Output: &out, Stdout: &stdout,
		Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}}))}
	if edit != nil {
		edit(&c)
	}
	totals, err := Run(context.Background(), c)
	return result{out.Bytes(), stdout.String(), log.String(), totals, err}
}

// ok fails the test if the run failed.
func (r result) ok(t *testing.T) result {
	t.Helper()
	if r.err != nil {
		t.Fatalf("%v\nstdout:\n%s\nlog:\n%s", r.err, r.stdout, r.log)
	}
	return r
}

// lines puts what a capture has into text: seconds after epoch, interface,
// comment.
func lines(all []capturetest.Entry) string {
	s := ""
	for _, e := range all {
		s += fmt.Sprintf("%.6f %s %s\n", e.Time.Sub(epoch).Seconds(), e.Interface, e.Comment)
	}
	return s
}
