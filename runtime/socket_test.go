// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pvlua/luabind"
)

// newServer makes workers that have nothing but sockets, one script each.
func newServer(t *testing.T, n int) (workers []*worker, log *bytes.Buffer) {
	t.Helper()
	log = new(bytes.Buffer)
	table := newSocketTable()
	for i := range n {
		w := &worker{index: i, sockets: table, errors: newErrorLog(slog.New(slog.NewTextHandler(log, nil)), time.Now)}
		var err error
		if w.mail, err = newMailbox(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(w.mail.close)
		w.host = &host{worker: w}
		workers = append(workers, w)
	}
	t.Cleanup(func() {
		for _, w := range workers {
			for _, u := range w.host.uses {
				if err := u.Close(); err != nil {
					t.Error(err)
				}
			}
		}
		if len(table.shared) != 0 {
			t.Errorf("sockets are left: %v", table.shared)
		}
	})
	return workers, log
}

// open opens a socket.
func open(t *testing.T, w *worker, c luabind.UDPConfig) *socketUse {
	t.Helper()
	s, err := w.host.OpenUDP(c)
	if err != nil {
		t.Fatal(err)
	}
	return s.(*socketUse)
}

// serveUntil turns the loop's part for sockets until done.
func serveUntil(t *testing.T, w *worker, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !done(); {
		if time.Now().After(deadline) {
			t.Fatal("nothing comes any more")
		}
		w.serveSockets()
		w.poll.wait(10 * time.Millisecond)
	}
}

// dial makes a client of a socket.
func dial(t *testing.T, to netip.AddrPort) *net.UDPConn {
	t.Helper()
	if to.Addr().IsUnspecified() {
		to = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), to.Port())
	}
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// hear gives the next datagram that a client gets.
func hear(t *testing.T, c *net.UDPConn) string {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(5 * time.Second))
	buf := make([]byte, 1<<16)
	n, err := c.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	return string(buf[:n])
}

func TestSocketsAnswer(t *testing.T) {
	for _, c := range []struct{ bind, from string }{
		{"127.0.0.1:0", "127.0.0.1"},
		{"0.0.0.0:0", "127.0.0.1"},
		{"[::1]:0", "::1"},
		{"[::]:0", "127.0.0.1"},
		{"[::]:0", "::1"},
		{"", "127.0.0.1"},
		{"", "::1"},
	} {
		t.Run(c.bind+" "+c.from, func(t *testing.T) {
			workers, _ := newServer(t, 1)
			w := workers[0]
			var u *socketUse
			var got []string
			config := luabind.UDPConfig{Receive: func(data []byte, from netip.AddrPort) error {
				got = append(got, fmt.Sprintf("%s from %s", data, from.Addr()))
				return u.Send(append([]byte("re: "), data...), from)
			}}
			if c.bind != "" {
				config.Bind = netip.MustParseAddrPort(c.bind)
			}
			u = open(t, w, config)
			client := dial(t, netip.AddrPortFrom(netip.MustParseAddr(c.from), u.Address().Port()))
			long := strings.Repeat("x", 9000)
			for _, text := range []string{"a", "", long} {
				client.Write([]byte(text))
				before := len(got)
				serveUntil(t, w, func() bool { return len(got) > before })
				if answer := hear(t, client); answer != "re: "+text || got[before] != text+" from "+c.from {
					t.Errorf("%q answered %q", got[before], answer)
				}
			}
		})
	}
}

func TestConnectedSocket(t *testing.T) {
	server, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	workers, _ := newServer(t, 1)
	var got []string
	u := open(t, workers[0], luabind.UDPConfig{
		Connect: server.LocalAddr().(*net.UDPAddr).AddrPort(),
		Receive: func(data []byte, from netip.AddrPort) error {
			got = append(got, fmt.Sprintf("%s from %s", data, from))
			return nil
		},
	})
	stranger := dial(t, u.Address())
	stranger.Write([]byte("let me in"))
	for _, text := range []string{"a", ""} {
		if err := u.Send([]byte(text), netip.AddrPort{}); err != nil {
			t.Error(err)
		}
		buf := make([]byte, 100)
		n, from, err := server.ReadFromUDPAddrPort(buf)
		if err != nil || string(buf[:n]) != text || from != u.Address() {
			t.Errorf("%q from %v, %v", buf[:n], from, err)
		}
		server.WriteToUDPAddrPort(buf[:n], from)
		before := len(got)
		serveUntil(t, workers[0], func() bool { return len(got) > before })
		if want := text + " from " + server.LocalAddr().String(); got[before] != want {
			t.Errorf("%s, want %s", got[before], want)
		}
	}
}

// TestWorkersShareABoundSocket: one address to the outside, one worker that
// receives.
func TestWorkersShareABoundSocket(t *testing.T) {
	workers, _ := newServer(t, 3)
	bind := freePort(t)
	received := make([]int, 3)
	var uses []*socketUse
	for i, w := range workers {
		uses = append(uses, open(t, w, luabind.UDPConfig{Bind: bind, Receive: func([]byte, netip.AddrPort) error {
			received[i]++
			return nil
		}}))
	}
	client := dial(t, bind)
	for i, u := range uses {
		if err := u.Send(fmt.Append(nil, i), client.LocalAddr().(*net.UDPAddr).AddrPort()); err != nil {
			t.Error(err)
		}
		// The client hears only what comes from the address that it has dialled.
		if text := hear(t, client); text != fmt.Sprint(i) {
			t.Errorf("%q", text)
		}
		client.Write([]byte("x"))
	}
	serveUntil(t, workers[0], func() bool { return received[0] == 3 })
	for _, w := range workers[1:] {
		w.serveSockets()
		if n := len(w.host.receiving); n != 0 {
			t.Errorf("worker %d waits for %d sockets", w.index, n)
		}
	}
	// One worker that closes it leaves it to the others.
	uses[1].Close()
	client.Write([]byte("x"))
	serveUntil(t, workers[0], func() bool { return received[0] == 4 })
	uses[0].Close()
	uses[2].Close()
	if err := uses[2].Close(); err != nil {
		t.Errorf("closed twice: %v", err)
	}
	l, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(bind))
	if err != nil {
		t.Fatalf("the port is not free again: %v", err)
	}
	l.Close()
	if fmt.Sprint(received) != "[4 0 0]" {
		t.Errorf("received %v", received)
	}
}

// freePort gives an address that can be bound.
func freePort(t *testing.T) netip.AddrPort {
	t.Helper()
	l, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.LocalAddr().(*net.UDPAddr).AddrPort()
}

// TestOwnPortsAreNotShared: each worker hears the answers to what it asked.
func TestOwnPortsAreNotShared(t *testing.T) {
	workers, _ := newServer(t, 2)
	var heard [2]string
	var uses []*socketUse
	for i, w := range workers {
		uses = append(uses, open(t, w, luabind.UDPConfig{Bind: netip.MustParseAddrPort("127.0.0.1:0"), Receive: func(data []byte, _ netip.AddrPort) error {
			heard[i] += string(data)
			return nil
		}}))
	}
	for i, u := range uses {
		dial(t, u.Address()).Write(fmt.Append(nil, i))
	}
	for i, w := range workers {
		serveUntil(t, w, func() bool { return heard[i] != "" })
	}
	if heard != [2]string{"0", "1"} || uses[0].Address() == uses[1].Address() {
		t.Errorf("heard %q, at %v and %v", heard, uses[0].Address(), uses[1].Address())
	}
}

// TestReloadHandsOverWhatWaits: the script that replaces another one finds the
// datagrams that the other has not taken.
func TestReloadHandsOverWhatWaits(t *testing.T) {
	workers, _ := newServer(t, 1)
	w := workers[0]
	bind := freePort(t)
	var got []string
	script := func(name string) *host {
		h := &host{worker: w}
		if _, err := h.OpenUDP(luabind.UDPConfig{Bind: bind, Receive: func(data []byte, _ netip.AddrPort) error {
			got = append(got, name+string(data))
			return nil
		}}); err != nil {
			t.Fatal(err)
		}
		return h
	}
	client := dial(t, bind)
	say := func(text string) {
		if _, err := client.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	old := script("old")
	w.host = old
	w.watch()
	say("1")
	serveUntil(t, w, func() bool { return len(got) == 1 })
	fresh := script("new") // loads beside the old one,
	say("2")               // which still has the socket
	serveUntil(t, w, func() bool { return len(got) == 2 })
	say("3")
	w.host = fresh // and then takes its place
	w.watch()
	old.uses[0].Close()
	say("4")
	serveUntil(t, w, func() bool { return len(got) == 4 })
	if fmt.Sprint(got) != "[old1 old2 new3 new4]" {
		t.Errorf("%v", got)
	}
}

// TestTurnsAreBounded: a flood of datagrams does not keep packets waiting.
func TestTurnsAreBounded(t *testing.T) {
	workers, _ := newServer(t, 1)
	w := workers[0]
	n := 0
	u := open(t, w, luabind.UDPConfig{Bind: netip.MustParseAddrPort("127.0.0.1:0"), Receive: func([]byte, netip.AddrPort) error {
		n++
		return nil
	}})
	client := dial(t, u.Address())
	for range 150 {
		client.Write([]byte("x"))
	}
	for _, want := range []int{64, 128, 150, 150} {
		w.serveSockets()
		if n != want {
			t.Errorf("%d datagrams after a turn, want %d", n, want)
		}
	}
	// What is left must wake the worker.
	for range 65 {
		client.Write([]byte("x"))
	}
	w.serveSockets()
	began := time.Now()
	w.poll.wait(5 * time.Second)
	if took := time.Since(began); took > time.Second {
		t.Errorf("slept %v over a datagram", took)
	}
}

// TestSocketsChangeInCallbacks opens and closes sockets while they are served.
func TestSocketsChangeInCallbacks(t *testing.T) {
	workers, _ := newServer(t, 1)
	w := workers[0]
	var first, second *socketUse
	var got []string
	first = open(t, w, luabind.UDPConfig{Bind: netip.MustParseAddrPort("127.0.0.1:0"), Receive: func(data []byte, _ netip.AddrPort) error {
		got = append(got, "first "+string(data))
		first.Close()
		second = open(t, w, luabind.UDPConfig{Bind: netip.MustParseAddrPort("127.0.0.1:0"), Receive: func(data []byte, _ netip.AddrPort) error {
			got = append(got, "second "+string(data))
			return nil
		}})
		dial(t, second.Address()).Write([]byte("c"))
		return nil
	}})
	client := dial(t, first.Address())
	client.Write([]byte("a"))
	client.Write([]byte("b"))
	w.serveSockets()
	if fmt.Sprint(got) != "[first a]" {
		t.Fatalf("%v: a socket that is closed goes on", got)
	}
	began := time.Now()
	w.poll.wait(5 * time.Second)
	if took := time.Since(began); took > time.Second {
		t.Errorf("slept %v over a datagram for a new socket", took)
	}
	w.serveSockets()
	if fmt.Sprint(got) != "[first a second c]" {
		t.Errorf("%v", got)
	}
}

// TestNobodyListens: what the network says of one datagram is no trouble for
// the next.
func TestNobodyListens(t *testing.T) {
	workers, _ := newServer(t, 1)
	w := workers[0]
	to := freePort(t)
	got := 0
	u := open(t, w, luabind.UDPConfig{Connect: to, Receive: func([]byte, netip.AddrPort) error { got++; return nil }})
	for range 5 {
		if err := u.Send([]byte("x"), netip.AddrPort{}); err != nil {
			t.Errorf("sending to nobody: %v", err)
		}
		time.Sleep(time.Millisecond)
		w.serveSockets()
	}
	server, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(to))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	server.WriteToUDPAddrPort([]byte("here I am"), u.Address())
	serveUntil(t, w, func() bool { return got == 1 })
}

// TestReceiverErrors are counted and logged, and the socket goes on.
func TestReceiverErrors(t *testing.T) {
	workers, log := newServer(t, 1)
	w := workers[0]
	n := 0
	u := open(t, w, luabind.UDPConfig{Bind: netip.MustParseAddrPort("127.0.0.1:0"), Receive: func([]byte, netip.AddrPort) error {
		n++
		return &luabind.ScriptError{Script: "test.lua", Line: 3, Msg: "no thanks"}
	}})
	client := dial(t, u.Address())
	client.Write([]byte("a"))
	client.Write([]byte("b"))
	serveUntil(t, w, func() bool { return n == 2 })
	if w.socketErrors != 2 || strings.Count(log.String(), "test.lua:3: no thanks") != 2 {
		t.Errorf("counted %d:\n%s", w.socketErrors, log)
	}
}

func TestSocketFailures(t *testing.T) {
	workers, _ := newServer(t, 2)
	taken, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	before := openFiles(t)
	for bind, want := range map[string]string{
		taken.LocalAddr().String():  "bind " + taken.LocalAddr().String() + ": address already in use",
		"192.0.2.1:5000":            "bind 192.0.2.1:5000: cannot assign requested address",
		"[fe80::1%nosuchlink]:5000": "bind [fe80::1%nosuchlink]:5000: route ip+net: no such network interface",
	} {
		if _, err := workers[0].host.OpenUDP(luabind.UDPConfig{Bind: netip.MustParseAddrPort(bind)}); err == nil || err.Error() != want {
			t.Errorf("%s: %v", bind, err)
		}
	}
	if after := openFiles(t); after != before {
		t.Errorf("%d files are open, %d before", after, before)
	}
	// A socket for IPv4 can't send to IPv6, and datagrams have a limit.
	u := open(t, workers[0], luabind.UDPConfig{Bind: netip.MustParseAddrPort("127.0.0.1:0")})
	if err := u.Send([]byte("x"), netip.MustParseAddrPort("[::1]:5000")); !errors.Is(err, unix.EAFNOSUPPORT) {
		t.Errorf("to IPv6: %v", err)
	}
	if err := u.Send(make([]byte, 65508), netip.MustParseAddrPort("127.0.0.1:5000")); !errors.Is(err, unix.EMSGSIZE) {
		t.Errorf("too long: %v", err)
	}
	if err := u.Send(make([]byte, 65507), netip.MustParseAddrPort("127.0.0.1:5000")); err != nil {
		t.Errorf("as long as can be: %v", err)
	}
	u.Close()
	if err := u.Send([]byte("x"), netip.MustParseAddrPort("127.0.0.1:5000")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	// Those that the supervisor opens to look at an interface are soon closed.
	least := 0
	for i := range 10 {
		files, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 || len(files) < least {
			least = len(files)
		}
		time.Sleep(2 * time.Millisecond)
	}
	return least
}

// TestSendingDoesNotAllocate is the promise for scripts that send a datagram for
// each packet.
func TestSendingDoesNotAllocate(t *testing.T) {
	workers, _ := newServer(t, 1)
	to := freePort(t)
	data := make([]byte, 1400)
	for name, c := range map[string]luabind.UDPConfig{
		"connected":  {Connect: to},
		"IPv4":       {Bind: netip.MustParseAddrPort("127.0.0.1:0")},
		"all of IP6": {},
	} {
		u := open(t, workers[0], c)
		dst := to
		if c.Connect.IsValid() {
			dst = netip.AddrPort{}
		}
		n := 1.0
		for try := 0; try < 5 && n != 0; try++ { // goroutines of tests before may still be ending
			n = testing.AllocsPerRun(100, func() { u.Send(data, dst) })
		}
		if n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
