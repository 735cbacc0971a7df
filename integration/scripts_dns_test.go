// SPDX-License-Identifier: GPL-3.0-or-later

package integration

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"pvlua/internal/labtest"
)

// resolver gives Go's resolver as a host on a side would use it that has one
// name server.
func resolver(side *labtest.Side, server netip.Addr) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (c net.Conn, err error) {
		err = side.NS.Do(func() (err error) {
			c, err = net.Dial(network, netip.AddrPortFrom(server, 53).String())
			return err
		})
		return c, err
	}}
}

// TestDNSAnswersResolvers has dns.lua answer real resolvers over IPv4 and IPv6.
func TestDNSAnswersResolvers(t *testing.T) {
	need(t)
	lab := labtest.New(t, labtest.Options{})
	r := start(t, lab.B, lab.B.Link, "scripts/dns.lua", "--", "printer.test=10.0.0.9", "printer.test=10.0.0.10", "printer.test=2001:db8::9", "four.test=10.0.0.4")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for _, server := range []netip.Addr{lab.B.IP, lab.B.IP6} {
		res := resolver(lab.A, server)
		for _, c := range []struct{ network, name, want string }{
			{"ip4", "printer.test.", "[10.0.0.9 10.0.0.10]"},
			{"ip6", "printer.test.", "[2001:db8::9]"},
			{"ip4", "PrinTer.tEst.", "[10.0.0.9 10.0.0.10]"},
			{"ip", "pvlua.test.", "[192.0.2.1 2001:db8::1]"},
			{"ip", "four.test.", "[10.0.0.4]"}, // there is such a name, but no AAAA
		} {
			addresses, err := res.LookupNetIP(ctx, c.network, c.name)
			for i := range addresses {
				addresses[i] = addresses[i].Unmap()
			}
			slices.SortFunc(addresses, netip.Addr.Compare)
			if got := fmt.Sprint(addresses); err != nil || got != c.want {
				t.Errorf("%s asked for %s %s: %s, %v; want %s", server, c.network, c.name, got, err, c.want)
			}
		}
		var dns *net.DNSError
		if a, err := res.LookupNetIP(ctx, "ip", "scanner.test."); !errors.As(err, &dns) || !dns.IsNotFound {
			t.Errorf("%s asked for scanner.test.: %v, %v", server, a, err)
		}
	}
	all := r.stop(t)
	all.lossless(t)
	if n := all[lab.B.Link]["tx"]; n < 2*8 {
		t.Errorf("pvlua sent %d packets: somebody else answered", n)
	}
}

// TestDNSPassesOtherNames to a name server behind it.
func TestDNSPassesOtherNames(t *testing.T) {
	need(t)
	lab := labtest.New(t, labtest.Options{})
	r := start(t, lab.B, lab.B.Link, "scripts/dns.lua", "--", "--others", "pass", "printer.test=10.0.0.9")
	var behind net.PacketConn
	lab.B.Do(t, func() (err error) {
		behind, err = net.ListenPacket("udp", netip.AddrPortFrom(lab.B.IP, 53).String())
		return err
	})
	defer behind.Close()
	go func() { // says of everything that it does not exist
		buf := make([]byte, 512)
		for {
			n, from, err := behind.ReadFrom(buf)
			if err != nil {
				return
			}
			buf[2], buf[3] = 0x81, 0x83
			behind.WriteTo(buf[:n], from)
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	res := resolver(lab.A, lab.B.IP)
	if a, err := res.LookupNetIP(ctx, "ip4", "printer.test."); err != nil || len(a) != 1 {
		t.Errorf("printer.test.: %v, %v", a, err)
	}
	var dns *net.DNSError
	if a, err := res.LookupNetIP(ctx, "ip4", "scanner.test."); !errors.As(err, &dns) || !dns.IsNotFound {
		t.Errorf("scanner.test.: %v, %v", a, err)
	}
	all := r.stop(t)
	all.lossless(t)
	if c := all[lab.B.Link]; c["tx"] != 1 || c["pass"] < 1 {
		t.Errorf("totals %v", c)
	}
}
