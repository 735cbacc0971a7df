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
	"unicode"
	"unicode/utf8"
)

// A logHandler writes log records for a person at a terminal, one line each:
//
//	pvlua: receiving port=veth1 mode="native copy"
//	pvlua: warning: interface is gone, waiting for it to come back port=veth1
//
// What came over the network may be in it, so control characters are escaped.
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
	writeText(&line, r.Message)
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
	if a.Equal(slog.Attr{}) {
		return
	}
	text := a.Value.Resolve().String()
	if text == "" || strings.ContainsFunc(text, func(r rune) bool { return r == ' ' || r == '"' || r == '=' || !printable(r) }) {
		text = strconv.Quote(text)
	}
	fmt.Fprintf(line, " %s%s=%s", group, a.Key, text)
}

// writeText writes text with what a terminal would act on escaped as in Go.
func writeText(line *bytes.Buffer, text string) {
	for i, r := range text {
		switch {
		case printable(r):
			line.WriteRune(r)
		case r == utf8.RuneError && text[i] != '\xef':
			fmt.Fprintf(line, `\x%02x`, text[i]) // no UTF-8
		default:
			quoted := strconv.QuoteRune(r)
			line.WriteString(quoted[1 : len(quoted)-1])
		}
	}
}

func printable(r rune) bool { return r != utf8.RuneError && unicode.IsPrint(r) }

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
