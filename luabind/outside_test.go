// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

// outsideHost is a Host with everything a script may ask for.
type outsideHost struct {
	*fakeHost
	exits   []int
	sockets []*fakeSocket
	fail    error // of OpenUDP
}

func (h *outsideHost) Exit(status int) { h.exits = append(h.exits, status) }

func (h *outsideHost) OpenUDP(c UDPConfig) (UDPSocket, error) {
	if h.fail != nil {
		return nil, h.fail
	}
	s := &fakeSocket{UDPConfig: c}
	h.sockets = append(h.sockets, s)
	return s, nil
}

// fakeSocket remembers what was sent, as "data to address".
type fakeSocket struct {
	UDPConfig
	sent   []string
	fail   error
	closed int
}

func (s *fakeSocket) Send(data []byte, to netip.AddrPort) error {
	if s.fail == nil {
		s.sent = append(s.sent, fmt.Sprintf("%s to %v", data, to))
	}
	return s.fail
}
func (s *fakeSocket) Address() netip.AddrPort { return netip.MustParseAddrPort("10.0.0.5:1024") }
func (s *fakeSocket) Close() error            { s.closed++; return nil }

// loadOutside loads a script with an outsideHost.
func loadOutside(t *testing.T, source string) (*fixture, *outsideHost) {
	h := &outsideHost{}
	f := load(t, source, func(c *Config) { h.fakeHost = c.Host.(*fakeHost); c.Host = h })
	return f, h
}

func TestExit(t *testing.T) {
	f, h := loadOutside(t, `
		pv.every(1, function() print "timer" end)
		pv.udp_socket{bind = "10.0.0.1:7", on_receive = function() print "datagram" end}
		function on_packet() pv.exit(4) print "goes on" return pv.DROP end
		function on_stop() print "stopped" pv.exit() end`)
	if p := f.handle(make([]byte, 60)); p.Err != nil || p.Verdict != Drop {
		t.Errorf("%v %v", p.Verdict, p.Err)
	}
	// Nothing else is begun, but for what has been received.
	if _, ok := f.NextTimer(); ok {
		t.Error("there is a timer")
	}
	f.RunTimers(f.host.now.Add(1e12))
	if err := h.sockets[0].Receive([]byte("x"), netip.MustParseAddrPort("10.0.0.1:7")); err != nil {
		t.Error(err)
	}
	f.handle(make([]byte, 60))
	if err := f.Stop(); err != nil {
		t.Error(err)
	}
	if got := f.stdout.String(); got != "goes on\ngoes on\nstopped\n" || fmt.Sprint(h.exits) != "[4 4 0]" {
		t.Errorf("%s %v", got, h.exits)
	}
}

func TestExitMistakes(t *testing.T) {
	for body, want := range map[string]string{
		`pv.exit(256)`:  `test.lua:1: pv.exit: the exit status is 256; expected a whole number from 0 to 255`,
		`pv.exit(-1)`:   `pv.exit: the exit status is -1; expected`,
		`pv.exit "bye"`: `pv.exit: the exit status is "bye"; expected`,
	} {
		_, err := tryLoad(t, body+" function on_packet() end")
		wantError(t, err, want)
	}
	_, err := run(t, `pv.exit()`)
	wantError(t, err, "test.lua:2: pv.exit: this run can't be ended by its script")
}

// TestExitAtLoad ends the script there and then, whatever it does about it.
func TestExitAtLoad(t *testing.T) {
	for _, source := range []string{
		`print "a" pv.exit(9) print "b" function on_packet() end`,
		`print "a" pcall(pv.exit, 9) function on_packet() end`,
		`print "a" pcall(pv.exit, 9) pcall(pv.exit, 8) error "c"`,
	} {
		f, err := tryLoad(t, source)
		var early *EarlyExit
		if !errors.As(err, &early) || early.Status != 9 || early.Output != "" || f.stdout.String() != "a\n" {
			t.Errorf("%v %s", err, f.stdout)
		}
	}
}

func TestWorkerNumbers(t *testing.T) {
	f := load(t, `print(pv.worker, pv.workers) function on_packet() end`, func(c *Config) { c.Worker, c.Workers = 1, 4 })
	g := load(t, `print(pv.worker, pv.workers) function on_packet() end`)
	if got := f.stdout.String() + g.stdout.String(); got != "2\t4\n1\t1\n" {
		t.Errorf("%s", got)
	}
}

func TestSocket(t *testing.T) {
	f, h := loadOutside(t, `
		local s, c
		s = pv.udp_socket{bind = "10.0.0.5:7", on_receive = function(data, address, port)
			print(#data, type(address), port, s:send(data, address, port))
		end}
		c = pv.udp_socket{connect = "[2001:db8::2]:9"}
		local a, p = c:address()
		print(tostring(s), tostring(c), pv.ip_str(a), p, c:send "out")
		function on_stop()
			c:close() c:close()
			print(tostring(c))
			c:send "late"
		end
		function on_packet() end`)
	s, c := h.sockets[0], h.sockets[1]
	for _, from := range []string{"10.0.0.4:5000", "[::ffff:10.0.0.4]:5002"} {
		if err := s.Receive([]byte("in"), netip.MustParseAddrPort(from)); err != nil {
			t.Error(err)
		}
	}
	s.fail = errors.New("no room")
	s.Receive([]byte("full"), netip.MustParseAddrPort("10.0.0.4:5000"))
	if c.Receive != nil {
		t.Error("a socket without on_receive receives")
	}
	wantError(t, f.Stop(), "test.lua:12: send: the socket is closed")
	want := `socket at 10.0.0.5:1024	socket to [2001:db8::2]:9	10.0.0.5	1024	true
2	number	5000	true
2	number	5002	true
4	number	5000	false	no room
socket (closed)
`
	if got := f.stdout.String(); got != want {
		t.Errorf("%s", got)
	}
	if got := strings.Join(append(s.sent, c.sent...), ", "); got != "in to 10.0.0.4:5000, in to 10.0.0.4:5002, out to invalid AddrPort" {
		t.Errorf("sent %s", got)
	}
	f.Close()
	if s.closed != 1 || c.closed != 1 {
		t.Errorf("closed %d and %d times", s.closed, c.closed)
	}
	if err := s.Receive([]byte("late"), netip.MustParseAddrPort("10.0.0.4:5000")); err != nil {
		t.Error(err)
	}
}

func TestSocketAllAddresses(t *testing.T) {
	f, h := loadOutside(t, `
		local s
		s = pv.udp_socket{bind = ":7", on_receive = function(data, address, port) s:send(data, address, port) end}
		function on_packet() end`)
	for _, from := range []string{"10.0.0.4:5000", "[2001:db8::1]:5001"} {
		if err := h.sockets[0].Receive([]byte("in"), netip.MustParseAddrPort(from)); err != nil {
			t.Error(err)
		}
	}
	if got := fmt.Sprint(h.sockets[0].Bind, h.sockets[0].sent); got != "[::]:7 [in to 10.0.0.4:5000 in to [2001:db8::1]:5001]" {
		t.Errorf("%s", got)
	}
	f.Close()
}

// A packet is sent as the bytes that it has then.
func TestSocketSendsPackets(t *testing.T) {
	f, h := loadOutside(t, `
		local s = pv.udp_socket{connect = "10.0.0.4:7"}
		function on_packet(pkt)
			local copy = pkt:clone()
			copy:set_bytes(0, "copy")
			pkt:set_bytes(0, "here")
			s:send(pkt) s:send(copy)
			return pv.DROP
		end`)
	p := f.handle(make([]byte, 6))
	if got := fmt.Sprintf("%q", h.sockets[0].sent); p.Err != nil || got != `["here\x00\x00 to invalid AddrPort" "copy\x00\x00 to invalid AddrPort"]` {
		t.Errorf("%v, sent %s", p.Err, got)
	}
}

func TestSocketErrors(t *testing.T) {
	const bound = `local s = pv.udp_socket{bind = "10.0.0.1:7"} `
	for body, want := range map[string]string{
		`pv.udp_socket{bind = "10.0.0.1"}`:                                  `test.lua:1: pv.udp_socket: bind is "10.0.0.1"; expected an address with a port, such as "10.0.0.1:5000" or "[2001:db8::1]:5000"`,
		`pv.udp_socket{bind = 7}`:                                           `pv.udp_socket: bind is 7; expected an address with a port`,
		`pv.udp_socket{bind = ""}`:                                          `pv.udp_socket: bind is ""; expected an address with a port`,
		`pv.udp_socket{connect = ":7"}`:                                     `pv.udp_socket: connect is ":7"; expected an address with a port`,
		`pv.udp_socket{connect = "10.0.0.1:0"}`:                             `pv.udp_socket: connect is "10.0.0.1:0"; expected an address with a port`,
		`pv.udp_socket{bind = "host:7"}`:                                    `pv.udp_socket: bind is "host:7"; expected an address with a port`,
		`pv.udp_socket{bind = "10.0.0.1:7", connect = "[::1]:7"}`:           `pv.udp_socket: bind is 10.0.0.1:7 and connect is [::1]:7; both must be IPv4 or both IPv6`,
		`pv.udp_socket{on_recieve = print}`:                                 `pv.udp_socket: it has no argument "on_recieve"; did you mean 'on_receive'?`,
		`pv.udp_socket{on_receive = 5}`:                                     `pv.udp_socket: on_receive is 5; expected a function`,
		bound + bound:                                                       `pv.udp_socket: this script has a socket at 10.0.0.5:1024 open already`,
		bound + `s:send()`:                                                  `test.lua:1: send: got nil; expected a string or a packet, which is sent as it is, headers and all`,
		bound + `s:send(pv.build{}.eth, 1, 1)`:                              `send: got a eth header; expected a string or a packet`,
		bound + `s:send("x")`:                                               `send: the socket is not connected, so it needs an address and a port: socket:send(data, address, port)`,
		bound + `s:send("x", "10.0.0.1", 7)`:                                `send: the address is "10.0.0.1"; expected a number (IPv4: pv.ip"10.0.0.1") or a string of 16 bytes (IPv6: pv.ip6"2001:db8::1")`,
		bound + `s:send("x", 2^32, 7)`:                                      `send: the address is 4294967296; expected a number`,
		bound + `s:send("x", 1, 0)`:                                         `send: the port is 0; expected 1 to 65535`,
		bound + `s:send("x", 1)`:                                            `send: the port is nil; expected 1 to 65535`,
		bound + `s:send("x", pv.ip6 "::1", 1)`:                              `send: the socket is bound to 10.0.0.1:7 and can't send to ::1`,
		bound + `local send = s.send send("x")`:                             `a socket is missing: got "x"; methods are called with a colon, as in socket:send()`,
		`local s = pv.udp_socket{connect = "10.0.0.1:7"} s:send("x", 1, 1)`: `send: the socket is connected to 10.0.0.1:7 and sends nowhere else`,
		`local s = pv.udp_socket{} s:close() s:address()`:                   `address: the socket is closed`,
		`for i = 1, 257 do pv.udp_socket{} end`:                             `pv.udp_socket: 256 sockets are open already; close some`,
	} {
		_, err := tryLoad(t, body+" function on_packet() end", func(c *Config) { c.Host = &outsideHost{fakeHost: c.Host.(*fakeHost)} })
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\n%v; want\n%s", body, err, want)
		}
	}
	_, err := tryLoad(t, bound+"function on_packet() end")
	wantError(t, err, "test.lua:1: pv.udp_socket: there are no sockets here: they need live interfaces, not capture files")
	_, err = tryLoad(t, bound+"function on_packet() end", func(c *Config) {
		c.Host = &outsideHost{fakeHost: c.Host.(*fakeHost), fail: errors.New("bind 10.0.0.1:7: address already in use")}
	})
	wantError(t, err, "test.lua:1: pv.udp_socket: bind 10.0.0.1:7: address already in use")
}

// TestReceiverErrors are those of the script, with its line.
func TestReceiverErrors(t *testing.T) {
	_, h := loadOutside(t, `
		pv.udp_socket{bind = "10.0.0.1:7", on_receive = function(data)
			error("no " .. data)
		end}
		function on_packet() end`)
	err := h.sockets[0].Receive([]byte("thanks"), netip.MustParseAddrPort("10.0.0.4:5000"))
	var script *ScriptError
	if !errors.As(err, &script) || err.Error() != "test.lua:3: no thanks" {
		t.Errorf("%v", err)
	}
}

// A script that fails to load leaves nothing open.
func TestFailedLoadClosesSockets(t *testing.T) {
	h := &outsideHost{}
	_, err := tryLoad(t, `pv.udp_socket{} error "x"`, func(c *Config) { h.fakeHost = c.Host.(*fakeHost); c.Host = h })
	if err == nil || h.sockets[0].closed != 1 {
		t.Errorf("%v, closed %d times", err, h.sockets[0].closed)
	}
}
