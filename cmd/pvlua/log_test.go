// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestLogLines(t *testing.T) {
	for _, c := range []struct {
		log  func(*slog.Logger)
		want string
	}{
		{func(l *slog.Logger) { l.Info("receiving", "port", "veth1", "mode", "native copy") }, `pvlua: receiving port=veth1 mode="native copy"`},
		{func(l *slog.Logger) { l.Warn("interface is gone", "port", "veth1") }, `pvlua: warning: interface is gone port=veth1`},
		{func(l *slog.Logger) { l.Error("x.lua:7: no", "suppressed", 12, "for", 1500*time.Millisecond) }, `pvlua: error: x.lua:7: no suppressed=12 for=1.5s`},
		{func(l *slog.Logger) { l.Debug("attached") }, `pvlua: debug: attached`},
		{func(l *slog.Logger) { l.Info("failed", "reason", errors.New("a=b")) }, `pvlua: failed reason="a=b"`},
		{func(l *slog.Logger) { l.Info("odd", "empty", "", "quote", `say "so"`, "ümlaut", "grün") }, `pvlua: odd empty="" quote="say \"so\"" ümlaut=grün`},
		{func(l *slog.Logger) { l.With("a", 1).WithGroup("g").With("b", 2).Info("grouped", "c", 3) }, `pvlua: grouped a=1 g.b=2 g.c=3`},
		{func(l *slog.Logger) { l.Info("none", slog.Attr{}) }, `pvlua: none`},
		// What a packet may bring.
		{func(l *slog.Logger) { l.Info("two\nlines\tand \x1b[2Jmore\x00\xff\u202e") }, `pvlua: two\nlines\tand \x1b[2Jmore\x00\xff\u202e`},
		{func(l *slog.Logger) { l.Info("value", "v", "\x1b[2J") }, `pvlua: value v="\x1b[2J"`},
		{func(l *slog.Logger) { l.Info("value", "v", "\xff") }, `pvlua: value v="\xff"`},
		{func(l *slog.Logger) { l.Info("replaced \ufffd") }, "pvlua: replaced \ufffd"},
	} {
		var out bytes.Buffer
		c.log(newLog(&out, true))
		if out.String() != c.want+"\n" {
			t.Errorf("got  %s\nwant %s", out.String(), c.want)
		}
	}
}

func TestLogLevels(t *testing.T) {
	var out bytes.Buffer
	newLog(&out, false).Debug("attached")
	if out.Len() > 0 {
		t.Errorf("a debug message without --verbose: %s", out.String())
	}
}

// TestLogLinesStayWhole has workers log at the same time.
func TestLogLinesStayWhole(t *testing.T) {
	var out bytes.Buffer
	log := newLog(&out, false)
	var all sync.WaitGroup
	for i := range 8 {
		mine := log.With("worker", i)
		all.Go(func() {
			for range 200 {
				mine.Info("handled", "packet", "ARP, Request")
			}
		})
	}
	all.Wait()
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) != 8*200 {
		t.Errorf("%d lines", len(lines))
	}
	for _, line := range lines {
		if !strings.HasPrefix(line, "pvlua: handled worker=") || !strings.HasSuffix(line, ` packet="ARP, Request"`) {
			t.Fatalf("a broken line: %s", line)
		}
	}
}
