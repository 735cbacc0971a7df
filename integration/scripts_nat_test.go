// SPDX-License-Identifier: GPL-3.0-or-later

package integration

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pvlua/internal/labtest"
)

// The addresses of the two networks, which know nothing of each other.
var (
	natInside  = netip.MustParsePrefix("10.0.0.1/24")  // M, the gateway of A
	natOutside = netip.MustParsePrefix("192.0.2.1/24") // M, all that B sees
	natServer  = netip.MustParsePrefix("192.0.2.5/24") // B
)

// newNAT makes the networks, and starts nat.lua between them. Arguments before
// a -- are pvlua's.
func newNAT(t *testing.T, o labtest.Options, args ...string) (*labtest.Lab, *run) {
	t.Helper()
	o.NoIPv6, o.PFIFO = true, 1000
	lab := newChain(t, o)
	lab.M.Run(t, "ip", "address", "add", natInside.String(), "dev", lab.M.Link)
	lab.M.Run(t, "ip", "address", "add", natOutside.String(), "dev", lab.M.Link2)
	lab.A.Run(t, "ip", "route", "add", "default", "via", natInside.Addr().String())
	lab.B.Run(t, "ip", "address", "flush", "dev", lab.B.Link)
	lab.B.Run(t, "ip", "address", "add", natServer.String(), "dev", lab.B.Link)
	lab.B.IP = natServer.Addr()
	all := []string{"-c", "32768", "-r", "8192", "-f", "16384", lab.M.Link, lab.M.Link2, "scripts/nat.lua", "--"}
	for i, arg := range args {
		if arg == "--" {
			all, args = append(args[:i:i], all...), args[i+1:]
			break
		}
	}
	return lab, start(t, lab.M, append(all, args...)...)
}

// A udpServer answers each datagram with the address that it came from and what
// was in it.
func udpServer(t *testing.T, side *labtest.Side, at netip.AddrPort) *net.UDPConn {
	t.Helper()
	var c *net.UDPConn
	side.Do(t, func() (err error) {
		c, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
		return err
	})
	t.Cleanup(func() { c.Close() })
	go func() {
		buf := make([]byte, 2000)
		for {
			n, from, err := c.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			c.WriteToUDPAddrPort(append([]byte(from.String()+" "), buf[:n]...), from)
		}
	}()
	return c
}

// udpClient gives a socket of a side that is connected to a server.
func udpClient(t *testing.T, side *labtest.Side, from, to netip.AddrPort) *net.UDPConn {
	t.Helper()
	var c *net.UDPConn
	side.Do(t, func() (err error) {
		c, err = net.DialUDP("udp", net.UDPAddrFromAddrPort(from), net.UDPAddrFromAddrPort(to))
		return err
	})
	t.Cleanup(func() { c.Close() })
	return c
}

// seenAs asks a server as what address and port it sees the client.
func seenAs(t *testing.T, c *net.UDPConn) netip.AddrPort {
	t.Helper()
	answer := ask(c, true)
	from, text, _ := strings.Cut(answer, " ")
	as, err := netip.ParseAddrPort(from)
	if err != nil || text != "hello" {
		t.Fatalf("the answer to %v was %q", c.LocalAddr(), answer)
	}
	return as
}

// ask gives a server's answer to a client, "" if there is none.
func ask(c *net.UDPConn, should bool) string {
	fmt.Fprint(c, "hello")
	c.SetReadDeadline(time.Now().Add(patience(should)))
	buf := make([]byte, 2000)
	n, _ := c.Read(buf)
	return string(buf[:n])
}

// TestNATCarriesClients out of the network inside, and loses nothing.
func TestNATCarriesClients(t *testing.T) { bothEngines(t, testNATCarriesClients) }

func testNATCarriesClients(t *testing.T) {
	need(t, "ip", "ping", "iperf3", "nc")
	for _, c := range []struct {
		name, mode string
		queues     int
	}{
		{"native", "native", 1}, {"generic", "generic", 1}, {"two workers", "native", 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			lab, r := newNAT(t, labtest.Options{Queues: c.queues}, "--mode", c.mode, "--")
			// Not even the first one is lost, which waits for the answer to an ARP request.
			lab.A.Run(t, "ping", "-c", "5", "-i", "0.05", "-W", "2", "-w", "3", lab.B.IP.String())
			client, server := iperf(t, lab, "-n", "30M", "-w", "256K", "-P", "3")
			if sent, got := client.End.SumSent.Bytes, server.End.SumReceived.Bytes; sent < 30<<20 || got < sent*9/10 {
				t.Errorf("TCP: sent %d bytes, received %d", sent, got)
			}
			iperf(t, lab, "-n", "10M", "-w", "256K", "-R")
			transfer(t, lab.A, lab.B, 1<<20)

			// Two hosts that use the same port, to the same one.
			lab.A.Run(t, "ip", "address", "add", "10.0.0.44/24", "dev", lab.A.Link)
			at := netip.AddrPortFrom(lab.B.IP, 7)
			udpServer(t, lab.B, at)
			one := udpClient(t, lab.A, netip.MustParseAddrPort("10.0.0.4:4000"), at)
			two := udpClient(t, lab.A, netip.MustParseAddrPort("10.0.0.44:4000"), at)
			first, second := seenAs(t, one), seenAs(t, two)
			for _, as := range []netip.AddrPort{first, second} {
				if as.Addr() != natOutside.Addr() || as.Port() <= 61000 || as.Port() > 65500 {
					t.Errorf("seen as %v", as)
				}
			}
			if again := seenAs(t, one); first == second || again != first {
				t.Errorf("seen as %v and %v, and then as %v", first, second, again)
			}

			// The kernel in the middle goes on by itself.
			lab.A.Run(t, "ping", "-c", "2", "-i", "0.05", "-W", "2", natInside.Addr().String())
			lab.B.Run(t, "ping", "-c", "2", "-i", "0.05", "-W", "2", natOutside.Addr().String())
			own := udpClient(t, lab.M, netip.AddrPort{}, at)
			if as := seenAs(t, own); as != own.LocalAddr().(*net.UDPAddr).AddrPort() {
				t.Errorf("a program in the middle is seen as %v", as)
			}

			all := r.stop(t)
			all.lossless(t)
			one0, two0 := all[lab.M.Link], all[lab.M.Link2]
			// One packet waited: it was dropped and sent later. And there was one ARP request.
			if one0["drop"] != 1 || two0["drop"] != 0 || two0["tx"] != one0["rx"]-one0["pass"]+1 || one0["tx"] != two0["rx"]-two0["pass"] {
				t.Errorf("%v %v", one0, two0)
			}
		})
	}
}

// TestNATKeepsStrangersOut: only answers get in.
func TestNATKeepsStrangersOut(t *testing.T) { bothEngines(t, testNATKeepsStrangersOut) }

func testNATKeepsStrangersOut(t *testing.T) {
	need(t, "ip", "ping")
	lab, r := newNAT(t, labtest.Options{})
	lab.B.Run(t, "ip", "address", "add", "192.0.2.9/24", "dev", lab.B.Link)
	lab.B.Run(t, "ip", "route", "add", "10.0.0.0/24", "via", natOutside.Addr().String())
	server := udpServer(t, lab.B, netip.AddrPortFrom(lab.B.IP, 7))
	client := udpClient(t, lab.A, netip.MustParseAddrPort("10.0.0.4:4000"), netip.AddrPortFrom(lab.B.IP, 7))
	as := seenAs(t, client)
	// A socket of A that would hear all that gets in.
	open := udpServer(t, lab.A, netip.MustParseAddrPort("10.0.0.4:5000"))
	for _, from := range []string{"192.0.2.9:7", "192.0.2.5:8"} {
		stranger := udpClient(t, lab.B, netip.MustParseAddrPort(from), as)
		fmt.Fprint(stranger, "from a stranger")
	}
	direct := udpClient(t, lab.B, netip.MustParseAddrPort("192.0.2.9:70"), netip.MustParseAddrPort("10.0.0.4:5000"))
	if answer := ask(direct, false); answer != "" {
		t.Errorf("reached a host inside: %q", answer)
	}
	if out, err := lab.B.Try(t, "ping", "-c", "2", "-i", "0.1", "-W", "1", "10.0.0.4"); err == nil {
		t.Errorf("ping from outside: %s", out)
	}
	if reachableFrom(t, lab.B, netip.AddrPortFrom(natOutside.Addr(), as.Port())) {
		t.Error("TCP gets in by a port of UDP")
	}
	if _, err := server.WriteToUDPAddrPort([]byte("from the server"), as); err != nil {
		t.Fatal(err)
	}
	client.SetReadDeadline(time.Now().Add(3 * time.Second))
	buf := make([]byte, 100)
	if n, err := client.Read(buf); err != nil || string(buf[:n]) != "from the server" {
		t.Errorf("the client heard %q, %v", buf[:n], err)
	}
	open.Close()
	all := r.stop(t)
	all.lossless(t)
	// Into the network: two answers of the server, and no more.
	if port := all[lab.M.Link]; port["tx"] != 2 {
		t.Errorf("%v", all)
	}
}

// reachableFrom reports whether a side reaches a TCP port.
func reachableFrom(t *testing.T, side *labtest.Side, to netip.AddrPort) (ok bool) {
	t.Helper()
	side.Do(t, func() error {
		c, err := net.DialTimeout("tcp", to.String(), time.Second)
		if ok = err == nil; ok {
			c.Close()
		}
		return nil
	})
	return ok
}

// TestNATIsBounded and forgets: when there are as many flows as there may be,
// they go on and new ones get nowhere, until an old one was silent for long.
func TestNATIsBounded(t *testing.T) { bothEngines(t, testNATIsBounded) }

func testNATIsBounded(t *testing.T) {
	need(t, "ip")
	lab, r := newNAT(t, labtest.Options{}, "--flows", "3", "--timeout", "4")
	at := netip.AddrPortFrom(lab.B.IP, 7)
	udpServer(t, lab.B, at)
	client := func(port uint16) *net.UDPConn { return udpClient(t, lab.A, netip.AddrPortFrom(lab.A.IP, port), at) }
	var flows []*net.UDPConn
	for port := range uint16(3) {
		flows = append(flows, client(4000+port))
		seenAs(t, flows[port])
	}
	late := client(5000)
	if answer := ask(late, false); answer != "" {
		t.Errorf("the fourth flow is seen: %q", answer)
	}
	// The first one goes on for as long as it likes; the others are silent.
	began, before := time.Now(), seenAs(t, flows[0])
	for time.Since(began) < 4500*time.Millisecond {
		if as := seenAs(t, flows[0]); as != before {
			t.Errorf("the first flow is seen as %v and then as %v", before, as)
		}
		time.Sleep(200 * time.Millisecond)
	}
	if as := seenAs(t, late); as == before {
		t.Errorf("the fourth flow is seen as %v when two are forgotten", as)
	}
	all := r.stop(t)
	all.lossless(t)
	if out := r.Output(); !strings.Contains(out, "map hosts is full: new keys are refused") {
		t.Errorf("it wrote:\n%s", out)
	}
}

// TestNATGateway sends what is for other networks to the router outside.
func TestNATGateway(t *testing.T) { bothEngines(t, testNATGateway) }

func testNATGateway(t *testing.T) {
	need(t, "ip", "ping")
	lab, r := newNAT(t, labtest.Options{}, "--gateway", natServer.Addr().String())
	const far = "203.0.113.7"
	lab.B.Run(t, "ip", "link", "set", "lo", "up")
	lab.B.Run(t, "ip", "address", "add", far+"/32", "dev", "lo")
	lab.A.Run(t, "ping", "-c", "3", "-i", "0.05", "-W", "2", far)
	lab.A.Run(t, "ping", "-c", "3", "-i", "0.05", "-W", "2", lab.B.IP.String())
	// When the router has another MAC address, it says so.
	lab.B.Run(t, "ip", "link", "set", lab.B.Link, "down")
	lab.B.Run(t, "ip", "link", "set", lab.B.Link, "address", "02:00:00:00:00:77", "up")
	lab.B.Run(t, "ping", "-c", "1", "-W", "2", natOutside.Addr().String()) // it asks by ARP for that
	lab.A.Run(t, "ping", "-c", "3", "-i", "0.05", "-W", "2", far)
	r.stop(t)
}
