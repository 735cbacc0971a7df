// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"
)

// A logHandler writes log records for a person at a terminal, one line each:
//
//	pvlua: receiving port=veth1 mode="native copy"
//	pvlua: warning: interface is gone, waiting for it to come back port=veth1
type logHandler struct {
	out   *lockedWriter
	level slog.Level
	attrs []slog.Attr
	group string
}

type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func newLogHandler(w io.Writer, level slog.Level) *logHandler {
	return &logHandler{out: &lockedWriter{w: w}, level: level}
}

func (h *logHandler) Enabled(_ context.Context, level slog.Level) bool { return level >= h.level }

func (h *logHandler) Handle(_ context.Context, r slog.Record) error {
	var line bytes.Buffer
	line.WriteString("pvlua: ")
	switch {
	case r.Level >= slog.LevelError:
		line.WriteString("error: ")
	case r.Level >= slog.LevelWarn:
		line.WriteString("warning: ")
	case r.Level < slog.LevelInfo:
		line.WriteString("debug: ")
	}
	line.WriteString(r.Message)
	for _, a := range h.attrs {
		writeAttr(&line, "", a)
	}
	r.Attrs(func(a slog.Attr) bool {
		writeAttr(&line, h.group, a)
		return true
	})
	line.WriteByte('\n')
	h.out.mu.Lock()
	defer h.out.mu.Unlock()
	_, err := h.out.w.Write(line.Bytes())
	return err
}

func writeAttr(line *bytes.Buffer, group string, a slog.Attr) {
	text := a.Value.Resolve().String()
	if text == "" || strings.ContainsAny(text, " \t\n\"=") {
		text = strconv.Quote(text)
	}
	fmt.Fprintf(line, " %s%s=%s", group, a.Key, text)
}

func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *h
	with.attrs = append([]slog.Attr{}, h.attrs...)
	for _, a := range attrs {
		a.Key = h.group + a.Key
		with.attrs = append(with.attrs, a)
	}
	return &with
}

func (h *logHandler) WithGroup(name string) slog.Handler {
	with := *h
	with.group += name + "."
	return &with
}
