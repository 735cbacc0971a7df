// SPDX-License-Identifier: GPL-3.0-or-later

package scripttest

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"pvlua/luabind"
	"pvlua/packet"
)

// start is the time at which every test begins. It is like that of a live run,
// for a script may take the time 0 for "never".
var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// A host is what stands around the script in one test: a clock, an ear for what
// it sends, and one for what it says. It is the luabind.TestHost.
type host struct {
	golden *golden
	now    time.Time
	sent   []luabind.SentFrame
	bytes  int      // in sent and datagrams
	lines  []string // said and not asked for yet
	said   []string // all
	status int      // of pv.exit
	exited bool

	sockets   []*socket // open ones, in the order of opening
	opened    uint16    // how many were ever opened
	datagrams []luabind.Datagram
}

func newHost(g *golden) *host { return &host{golden: g, now: start} }

// Now is the virtual time.
func (h *host) Now() time.Time { return h.now }

// SetTime moves it on.
func (h *host) SetTime(t time.Time) { h.now = t }

// maxSent bounds what is kept of what a script sends, in bytes.
const maxSent = 64 << 20

// Send keeps a frame until the test asks for it.
func (h *host) Send(port int, frame []byte) bool {
	if h.bytes+len(frame) > maxSent {
		return false
	}
	h.bytes += len(frame)
	h.sent = append(h.sent, luabind.SentFrame{Port: port, Data: append([]byte(nil), frame...)})
	return true
}

// Sent gives the frames sent by a port, or by all, and forgets them.
func (h *host) Sent(port int) []luabind.SentFrame {
	var given, left []luabind.SentFrame
	for _, f := range h.sent {
		if port < 0 || f.Port == port {
			given = append(given, f)
			h.bytes -= len(f.Data)
		} else {
			left = append(left, f)
		}
	}
	h.sent = left
	return given
}

// Lines gives what was said since it was last called.
func (h *host) Lines() []string {
	lines := h.lines
	h.lines = nil
	return lines
}

// maxLines bounds what is kept of what a script says.
const maxLines = 100_000

func (h *host) say(line string) {
	if len(h.said) < maxLines {
		h.lines, h.said = append(h.lines, line), append(h.said, line)
	}
}

// Write takes what the script prints, a line at a time.
func (h *host) Write(b []byte) (int, error) {
	h.say(strings.TrimSuffix(string(b), "\n"))
	return len(b), nil
}

// Golden compares packets with a file beside the tests.
func (h *host) Golden(file string, packets [][]byte, protocols *packet.Protocols) error {
	return h.golden.check(file, packets, protocols)
}

// Exit notes that the script called pv.exit, for luabind.ExitHost.
func (h *host) Exit(status int) {
	if !h.exited {
		h.status, h.exited = status, true
	}
}

// ExitStatus gives what it called it with.
func (h *host) ExitStatus() (int, bool) { return h.status, h.exited }

// A logHandler takes what the script logs by pv.log. Only that has the place
// where it was called; warnings about a script are reported by their own way.
type logHandler struct{ h *host }

func (l logHandler) Enabled(context.Context, slog.Level) bool { return true }

func (l logHandler) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "at" {
			l.h.say(r.Message)
			return false
		}
		return true
	})
	return nil
}

func (l logHandler) WithAttrs([]slog.Attr) slog.Handler { return l }
func (l logHandler) WithGroup(string) slog.Handler      { return l }
