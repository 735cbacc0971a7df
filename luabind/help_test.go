// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"bytes"
	"flag"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"
)

// fakeHost is a Host that remembers what was sent.
type fakeHost struct {
	now  time.Time
	sent []sentFrame
	full bool
}

type sentFrame struct {
	port  int
	frame []byte
}

func (h *fakeHost) Now() time.Time { return h.now }
func (h *fakeHost) Send(port int, frame []byte) bool {
	if h.full {
		return false
	}
	h.sent = append(h.sent, sentFrame{port, slices.Clone(frame)})
	return true
}

// fixture is a loaded script with its surroundings.
type fixture struct {
	*State
	host   *fakeHost
	stdout *bytes.Buffer
	log    *bytes.Buffer
}

// testPorts are two ports, veth1 and veth2.
func testPorts() []*Port {
	return []*Port{
		{Index: 0, Name: "veth1", MAC: 0x02_00_00_00_00_02, IP: []uint32{0x0a000005}, MTU: 1500, Queues: 1, Ifindex: 7, Up: true,
			IP6: [][16]byte{{0: 0xfe, 1: 0x80, 15: 5}, {0: 0x20, 1: 0x01, 2: 0x0d, 3: 0xb8, 15: 2}}},
		{Index: 1, Name: "veth2", MAC: 0x02_00_00_00_00_03, MTU: 9000, Queues: 4, Ifindex: 9},
	}
}

// plainly has the tests run handlers without a front.
var plainly = flag.Bool("plain", false, "run all of every handler by gopher-lua")

// tryLoad loads a script from its text.
func tryLoad(tb testing.TB, source string, change ...func(*Config)) (*fixture, error) {
	tb.Helper()
	f := &fixture{host: &fakeHost{now: time.Unix(1_000_000, 0)}, stdout: new(bytes.Buffer), log: new(bytes.Buffer)}
	c := Config{
		Script: "test.lua", Source: []byte(source), Ports: testPorts(), Host: f.host, Stdout: f.stdout, Plain: *plainly,
		Log: slog.New(slog.NewTextHandler(f.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, ch := range change {
		ch(&c)
	}
	s, err := Load(c)
	if err != nil {
		return f, err
	}
	f.State = s
	tb.Cleanup(s.Close)
	return f, nil
}

// load is tryLoad for a script that must load.
func load(tb testing.TB, source string, change ...func(*Config)) *fixture {
	tb.Helper()
	f, err := tryLoad(tb, source, change...)
	if err != nil {
		tb.Fatalf("%v\n%s", err, source)
	}
	return f
}

// run loads statements as the body of on_start, where they run like in any
// callback, and gives what they print.
func run(tb testing.TB, body string) (string, error) {
	tb.Helper()
	f := load(tb, "function on_packet() end function on_start()\n"+body+"\nend")
	err := f.Start()
	return strings.TrimSpace(f.stdout.String()), err
}

// handle hands one packet to the handler.
func (f *fixture) handle(frame []byte) Packet {
	p := []Packet{{Buf: frame, To: len(frame)}}
	f.Handle(p)
	return p[0]
}

// handleAll hands over packets until none is left: Handle returns when those that
// it had have used up a quota.
func (f *fixture) handleAll(pkts []Packet) {
	for len(pkts) > 0 {
		pkts = pkts[f.Handle(pkts):]
	}
}

// wantError fails the test unless err says text.
func wantError(tb testing.TB, err error, text string) {
	tb.Helper()
	if err == nil {
		tb.Errorf("no error; want one that says %q", text)
	} else if !strings.Contains(err.Error(), text) {
		tb.Errorf("error:\n%s\nwant one that says:\n%s", err, text)
	}
}
