// SPDX-License-Identifier: GPL-3.0-or-later

package integration

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pvlua/internal/labtest"
)

// udpPair gives sockets of A and of B that are connected to each other.
func udpPair(t *testing.T, lab *labtest.Lab, a, b netip.Addr) (atA, atB *net.UDPConn) {
	t.Helper()
	const aPort, bPort = 4000, 5000
	dial := func(side *labtest.Side, own, peer netip.AddrPort) (c *net.UDPConn) {
		side.Do(t, func() (err error) {
			c, err = net.DialUDP("udp", net.UDPAddrFromAddrPort(own), net.UDPAddrFromAddrPort(peer))
			return err
		})
		t.Cleanup(func() { c.Close() })
		return c
	}
	atA = dial(lab.A, netip.AddrPortFrom(a, aPort), netip.AddrPortFrom(b, bPort))
	atB = dial(lab.B, netip.AddrPortFrom(b, bPort), netip.AddrPortFrom(a, aPort))
	return atA, atB
}

// withoutChecksum makes a socket send IPv4 datagrams without a checksum.
func withoutChecksum(t *testing.T, c *net.UDPConn) {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if control := raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_NO_CHECK, 1) }); control != nil || err != nil {
		t.Fatal(control, err)
	}
}

// carried sends a datagram from one socket to the other and gives what came out.
func carried(t *testing.T, from, to *net.UDPConn, text string) string {
	t.Helper()
	if _, err := from.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	to.SetReadDeadline(time.Now().Add(3 * time.Second))
	buf := make([]byte, 1<<16)
	n, err := to.Read(buf)
	if err != nil {
		t.Fatalf("%.40q did not come out: %v", text, err)
	}
	return string(buf[:n])
}

// TestChangeWord both ways, over IPv4 and IPv6. That a datagram comes out proves
// its lengths and checksums, for the kernel checks them.
func TestChangeWord(t *testing.T) { bothEngines(t, testChangeWord) }

func testChangeWord(t *testing.T) {
	need(t)
	for _, c := range []struct{ mode, old, new string }{
		{"native", "cat", "lion"},
		{"generic", "cat", "lion"},
		{"native", "elephant", "ox"},
		{"native", "cat", ""},
		{"native", "a.*%", "%1%%0"},
		{"native", "x", strings.Repeat("x", 97)},
		{"native", "é", "è"},
	} {
		t.Run(fmt.Sprintf("%s %.8s to %.8s", c.mode, c.old, c.new), func(t *testing.T) {
			lab := newChain(t, labtest.Options{})
			r := start(t, lab.M, "--mode", c.mode, lab.M.Link, lab.M.Link2, "scripts/change_word.lua", "--", "--old="+c.old, "--new="+c.new)
			words := 0
			for _, v := range [][2]netip.Addr{{lab.A.IP, lab.B.IP}, {lab.A.IP6, lab.B.IP6}} {
				a, b := udpPair(t, lab, v[0], v[1])
				for i, text := range []string{
					c.old, c.old + c.old + c.old, "one " + c.old + ", and " + c.old + c.old + " too", "nothing", "",
					strings.Repeat("-", 1300) + c.old, c.old[:len(c.old)-1], strings.ToUpper("many CATS"),
				} {
					from, to := a, b
					if i%2 == 1 {
						from, to = b, a
					}
					if got, want := carried(t, from, to, text), strings.ReplaceAll(text, c.old, c.new); got != want {
						t.Errorf("%q became %q; want %q", text, got, want)
					}
					words += strings.Count(text, c.old)
				}
				// In fragments, which are left alone.
				if text := strings.Repeat(c.old+" ", 8000/(len(c.old)+1)); carried(t, a, b, text) != text {
					t.Errorf("a datagram in fragments was changed")
				}
				if v[0].Is4() {
					withoutChecksum(t, a)
					if got := carried(t, a, b, c.old+c.old+"!"); got != c.new+c.new+"!" {
						t.Errorf("without checksum: %q", got)
					}
					words += 2
				}
			}
			all := r.stop(t)
			all.lossless(t)
			if one, two := all[lab.M.Link], all[lab.M.Link2]; one["rx"] != two["tx"] || two["rx"] != one["tx"] {
				t.Errorf("received and sent differ: %v %v", one, two)
			}
			if want := fmt.Sprintf("change_word.lua: %d words replaced\n", words); !strings.Contains(r.Output(), want) {
				t.Errorf("no %q in:\n%s", want, r.Output())
			}
		})
	}
}

// TestChangeWordRefusesWhatDoesNotFit, counts it, and goes on.
func TestChangeWordRefusesWhatDoesNotFit(t *testing.T) {
	bothEngines(t, testChangeWordRefusesWhatDoesNotFit)
}

func testChangeWordRefusesWhatDoesNotFit(t *testing.T) {
	need(t, "nc")
	lab := newChain(t, labtest.Options{NoIPv6: true})
	r := start(t, lab.M, "--on-error", "drop", lab.M.Link, lab.M.Link2, "scripts/change_word.lua", "--", "--new", strings.Repeat("y", 1000))
	a, b := udpPair(t, lab, lab.A.IP, lab.B.IP)
	const refused = 5
	for i := range refused {
		// Too long for the network behind the other interface, then for the frame.
		fmt.Fprint(a, strings.Repeat("z", 1000), strings.Repeat("cat", 1+i))
	}
	if got, want := carried(t, a, b, "a cat"), "a "+strings.Repeat("y", 1000); got != want {
		t.Errorf("%.40q of %d bytes", got, len(got))
	}
	all := r.stop(t)
	if one, two := all[lab.M.Link], all[lab.M.Link2]; one["error"] != refused || one["rx"] != two["tx"]+refused {
		t.Errorf("%d datagrams did not fit: %v %v", refused, one, two)
	}
	for _, want := range []string{
		"a frame of 2042 bytes is too long for " + lab.M.Link2 + ": its MTU of 1500 allows 1518",
		"payload: 6000 bytes do not fit: the frame has room for ",
		"change_word.lua: ",
	} {
		if !strings.Contains(r.Output(), want) {
			t.Errorf("no %q in:\n%s", want, r.Output())
		}
	}
}

// TestChangeWordBetweenNetcats is what its comment says to try.
func TestChangeWordBetweenNetcats(t *testing.T) { bothEngines(t, testChangeWordBetweenNetcats) }

func testChangeWordBetweenNetcats(t *testing.T) {
	need(t, "nc")
	lab := newChain(t, labtest.Options{NoIPv6: true})
	r := start(t, lab.M, lab.M.Link, lab.M.Link2, "scripts/change_word.lua", "--", "--old", "cat", "--new", "lion")
	server := lab.B.Start(t, "nc", "-u", "-l", "5000")
	waitUDP(t, lab.B, 5000)
	netcat(t, lab.A, "a cat\n", "-u", "-w", "1", lab.B.IP.String(), "5000")
	server.WaitOutput(t, "a lion\n", 5*time.Second)
	r.stop(t).lossless(t)
}

// waitUDP waits until a side has a UDP socket at a port.
func waitUDP(t *testing.T, side *labtest.Side, port int) {
	t.Helper()
	local := fmt.Sprintf(":%04X ", port)
	for range 100 {
		for _, file := range []string{"/proc/net/udp", "/proc/net/udp6"} {
			for _, line := range strings.Split(side.Run(t, "cat", file), "\n")[1:] {
				if fields := strings.Fields(line); len(fields) > 1 && strings.HasSuffix(fields[1]+" ", local) {
					return
				}
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("nobody listens at UDP port %d", port)
}
