// SPDX-License-Identifier: GPL-3.0-or-later

package integration

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pvlua/internal/labtest"
)

// answer serves one side's TCP port: each connection gets the answer to the
// first that it says, and then what it says back; told to tell, it says a
// secret. How the connections ended comes by the channel.
func answer(t *testing.T, side *labtest.Side, at netip.AddrPort, answer string) <-chan ended {
	t.Helper()
	var l net.Listener
	side.Do(t, func() (err error) {
		l, err = net.Listen("tcp", at.String())
		return err
	})
	t.Cleanup(func() { l.Close() })
	ends := make(chan ended, 10)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				got, buf := "", make([]byte, 4096)
				for {
					n, err := c.Read(buf)
					if err != nil {
						if errors.Is(err, io.EOF) {
							err = nil
						}
						ends <- ended{got, err}
						return
					}
					got += string(buf[:n])
					switch said := string(buf[:n]); {
					case said == got:
						io.WriteString(c, answer)
					case said == "tell me":
						io.WriteString(c, "the secret")
					default:
						io.WriteString(c, said)
					}
				}
			}()
		}
	}()
	return ends
}

// An ended is what a server knows of a connection that has ended.
type ended struct {
	got string // all that the client said
	err error  // nil if the client closed it
}

// wantEnd checks how a server saw a connection end, soon.
func wantEnd(t *testing.T, what string, ends <-chan ended, got string, err error) {
	t.Helper()
	select {
	case e := <-ends:
		if !strings.HasPrefix(e.got, got) || got == "" && e.got != "" || !errors.Is(e.err, err) {
			t.Errorf("%s: the server read %q and then %v; want %q and %v", what, e.got, e.err, got, err)
		}
	case <-time.After(5 * time.Second):
		t.Errorf("%s: the server's connection has not ended", what)
	}
}

const httpOK = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\n"

// TestFilterResetsBothEnds of connections that say the word, and of no others.
func TestFilterResetsBothEnds(t *testing.T) { bothEngines(t, testFilterResetsBothEnds) }

func testFilterResetsBothEnds(t *testing.T) {
	need(t, "curl")
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			lab := newChain(t, labtest.Options{PFIFO: 1000})
			r := start(t, lab.M, "--mode", mode, lab.M.Link, lab.M.Link2, "scripts/filter.lua", "--", "--word", "secret", "--port=8080")
			blocked := 0
			for _, server := range []netip.Addr{lab.B.IP, lab.B.IP6} {
				web := netip.AddrPortFrom(server, 8080)
				fine := answer(t, lab.B, web, httpOK+"yes")
				if out := lab.A.Run(t, "curl", "-sS", "-m", "5", "http://"+web.String()+"/fine"); out != "yes" {
					t.Errorf("curl: %q", out)
				}
				wantEnd(t, "fine", fine, "GET /fine", nil)

				// The word in the request.
				began := time.Now()
				out, err := lab.A.Try(t, "curl", "-sS", "-m", "20", "http://"+web.String()+"/secret")
				if err == nil || !strings.Contains(out, "reset by peer") || time.Since(began) > 2*time.Second {
					t.Errorf("curl: %v %q after %v", err, out, time.Since(began))
				}
				wantEnd(t, "request", fine, "", unix.ECONNRESET)
				blocked++

				// Another port.
				other := netip.AddrPortFrom(server, 8081)
				open := answer(t, lab.B, other, httpOK+"yes")
				if out := lab.A.Run(t, "curl", "-sS", "-m", "5", "http://"+other.String()+"/secret"); out != "yes" {
					t.Errorf("curl: %q", out)
				}
				wantEnd(t, "other port", open, "GET /secret", nil)
			}
			r.filterTotals(t, lab, blocked)
		})
	}
}

// TestFilterResetsInTheMiddle of a connection, where the sequence numbers are
// neither the first ones nor the same both ways.
func TestFilterResetsInTheMiddle(t *testing.T) { bothEngines(t, testFilterResetsInTheMiddle) }

func testFilterResetsInTheMiddle(t *testing.T) {
	need(t)
	for _, c := range []struct {
		name           string
		client, server uint16 // ports; 80 is watched
		says           string // what the client says last
	}{
		{"the client says it", 0, 80, "it is secret"},
		{"the server says it", 0, 80, "tell me"},
		{"from port 80", 80, 79, "it is secret"},
	} {
		t.Run(c.name, func(t *testing.T) {
			lab := newChain(t, labtest.Options{NoIPv6: true})
			r := start(t, lab.M, lab.M.Link, lab.M.Link2, "scripts/filter.lua", "--", "--word", "secret", "--port", "80")
			at := netip.AddrPortFrom(lab.B.IP, c.server)
			ends := answer(t, lab.B, at, "welcome")
			var conn net.Conn
			lab.A.Do(t, func() (err error) {
				from := &net.TCPAddr{IP: lab.A.IP.AsSlice(), Port: int(c.client)}
				conn, err = (&net.Dialer{LocalAddr: from, Timeout: 5 * time.Second}).Dial("tcp", at.String())
				return err
			})
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(5 * time.Second))
			said := ""
			exchange := func(line, want string) (string, error) {
				fmt.Fprint(conn, line)
				said += line
				buf := make([]byte, len(want))
				n, err := io.ReadFull(conn, buf)
				return string(buf[:n]), err
			}
			for _, line := range []string{"hello", "sec", "ret", "SECRET", strings.Repeat("long", 300)} {
				want := line
				if said == "" {
					want = "welcome"
				}
				if got, err := exchange(line, want); err != nil || got != want {
					t.Fatalf("%.30q, %v; want %.30q", got, err, want)
				}
			}
			heard := said
			if got, err := exchange(c.says, "never"); got != "" || !errors.Is(err, unix.ECONNRESET) {
				t.Errorf("the client read %q and then %v", got, err)
			}
			if c.says == "tell me" {
				heard = said
			}
			wantEnd(t, c.name, ends, heard, unix.ECONNRESET)
			r.filterTotals(t, lab, 1)
		})
	}
}

// filterTotals ends filter.lua, which must have blocked so many segments, each
// of which became two, and lost nothing.
func (r *run) filterTotals(t *testing.T, lab *labtest.Lab, blocked int) {
	t.Helper()
	all := r.stop(t)
	all.lossless(t)
	one, two := all[lab.M.Link], all[lab.M.Link2]
	if one["drop"]+two["drop"]+one["pass"]+two["pass"] != 0 || one["tx"]+two["tx"] != one["rx"]+two["rx"]+blocked {
		t.Errorf("%d segments were blocked, and %v %v", blocked, one, two)
	}
	if want := fmt.Sprintf("filter.lua: %d segments blocked\n", blocked); !strings.Contains(r.Output(), want) {
		t.Errorf("no %q in:\n%s", want, r.Output())
	}
}
