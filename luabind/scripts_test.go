// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"bytes"
	"net/netip"
	"os"
	"slices"
	"testing"

	"pvlua/internal/pkttest"
	"pvlua/packet"
)

// loadScript loads one of the ready scripts.
func loadScript(tb testing.TB, name string, change ...func(*Config)) *fixture {
	tb.Helper()
	f, err := tryLoadScript(tb, name, change...)
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

func tryLoadScript(tb testing.TB, name string, change ...func(*Config)) (*fixture, error) {
	tb.Helper()
	source, err := os.ReadFile("../scripts/" + name)
	if err != nil {
		tb.Fatal(err)
	}
	return tryLoad(tb, string(source), append(change, func(c *Config) { c.Script = "scripts/" + name })...)
}

// back are the options of what goes back from the port of testPorts to the
// sender that pkttest makes packets of.
var back = pkttest.Options{
	SrcMAC: [6]byte{2, 0, 0, 0, 0, 2}, DstMAC: [6]byte{2, 0, 0, 0, 0, 1},
	Src: netip.MustParseAddr("10.0.0.5"), Dst: netip.MustParseAddr("10.0.0.4"), SrcPort: 7, DstPort: 1234,
}

// back6 are the same over IPv6.
var back6 = with(back, func(o *pkttest.Options) {
	o.Src, o.Dst = netip.MustParseAddr("2001:db8::2"), netip.MustParseAddr("2001:db8::1")
})

// with gives options with a change.
func with(o pkttest.Options, change func(*pkttest.Options)) pkttest.Options {
	change(&o)
	return o
}

// echoPaths are the packets that echo.lua answers.
var echoPaths = []struct {
	name              string
	request, response []byte
}{
	{"arp", pkttest.ARPRequest(pkttest.Options{}), pkttest.ARPReply(back)},
	{"icmp", pkttest.ICMPEcho(pkttest.Options{}), pkttest.ICMPEchoReply(back)},
	{"udp4", pkttest.UDP(pkttest.Options{}), pkttest.UDP(back)},
	{"ns", pkttest.NeighborSolicit(pkttest.Options{}), pkttest.NeighborAdvert(back6)},
	{"icmp6", pkttest.ICMP6Echo(pkttest.Options{}), pkttest.ICMP6EchoReply(back6)},
	{"udp6", pkttest.UDP6(pkttest.Options{}), pkttest.UDP6(back6)},
}

func TestEchoAnswers(t *testing.T) {
	f := loadScript(t, "echo.lua")
	if err := f.Start(); err != nil {
		t.Fatal(err)
	}
	for _, path := range echoPaths {
		p := f.handle(bytes.Clone(path.request))
		if p.Err != nil || p.Verdict != TX {
			t.Errorf("%s: verdict %s, error %v", path.name, p.Verdict, p.Err)
		} else if !bytes.Equal(p.Buf, path.response) {
			t.Errorf("%s: answered\n%x; want\n%x", path.name, p.Buf, path.response)
		}
	}
	// More forms of the same, by their checksums.
	group := [6]byte{0x33, 0x33, 0xff, 0, 0, 2}
	for name, frame := range map[string][]byte{
		"padded":                pkttest.UDP(pkttest.Options{PadTo: 60}),
		"without UDP checksum":  pkttest.UDP(pkttest.Options{NoChecksum: true}),
		"odd length":            pkttest.ICMPEcho(pkttest.Options{Payload: []byte("odd")}),
		"IPv4 options":          pkttest.IPWithOptions(pkttest.Options{}),
		"large":                 pkttest.UDP6(pkttest.Options{Payload: make([]byte, 1440)}),
		"asked of a group":      pkttest.NeighborSolicit(pkttest.Options{DstMAC: group}),
		"second address":        pkttest.UDP6(pkttest.Options{Dst: netip.MustParseAddr("fe80::5"), Src: netip.MustParseAddr("fe80::1")}),
		"hop limit 1":           pkttest.ICMP6Echo(pkttest.Options{TTL: 1}),
		"IPv6 extension header": pkttest.Extensions(pkttest.Options{}),
	} {
		p := f.handle(frame)
		var l packet.Layout
		l.Walk(p.Buf)
		if p.Err != nil || p.Verdict != TX || packet.VerifyChecksums(p.Buf, &l) != nil {
			t.Errorf("%s: verdict %s, error %v, checksums %v", name, p.Verdict, p.Err, packet.VerifyChecksums(p.Buf, &l))
		}
	}
}

func TestEchoPasses(t *testing.T) {
	f := loadScript(t, "echo.lua")
	ip := func(s string) netip.Addr { return netip.MustParseAddr(s) }
	broadcast := [6]byte{255, 255, 255, 255, 255, 255}
	for name, frame := range map[string][]byte{
		"arp for another":        pkttest.ARPRequest(pkttest.Options{Dst: ip("10.0.0.9")}),
		"arp reply":              pkttest.ARPReply(pkttest.Options{}),
		"icmp to another":        pkttest.ICMPEcho(pkttest.Options{Dst: ip("10.0.0.9")}),
		"icmp reply":             pkttest.ICMPEchoReply(pkttest.Options{}),
		"icmp from a group":      pkttest.ICMPEcho(pkttest.Options{Src: ip("224.0.0.1")}),
		"icmp from broadcast":    pkttest.ICMPEcho(pkttest.Options{Src: ip("255.255.255.255")}),
		"icmp from nowhere":      pkttest.ICMPEcho(pkttest.Options{Src: ip("0.0.0.0")}),
		"from a group's MAC":     pkttest.UDP(pkttest.Options{SrcMAC: broadcast}),
		"to a group's MAC":       pkttest.UDP(pkttest.Options{DstMAC: broadcast}),
		"udp to another port":    pkttest.UDP(pkttest.Options{DstPort: 8}),
		"udp from port 7":        pkttest.UDP(pkttest.Options{SrcPort: 7}),
		"udp6 from port 7":       pkttest.UDP6(pkttest.Options{SrcPort: 7}),
		"udp6 to another":        pkttest.UDP6(pkttest.Options{Dst: ip("2001:db8::9")}),
		"udp6 from a group":      pkttest.UDP6(pkttest.Options{Src: ip("ff02::1")}),
		"ns of address checking": pkttest.NeighborSolicit(pkttest.Options{Src: ip("::")}),
		"ns for another":         pkttest.NeighborSolicit(pkttest.Options{Dst: ip("2001:db8::9")}),
		"ns from far away":       pkttest.NeighborSolicit(pkttest.Options{TTL: 64}),
		"na":                     pkttest.NeighborAdvert(pkttest.Options{}),
		"tagged":                 pkttest.VLAN(pkttest.Options{}),
		"tcp":                    pkttest.TCPSyn(pkttest.Options{}),
		"tcp6":                   pkttest.TCPSyn6(pkttest.Options{}),
		"first fragment":         pkttest.Fragments(pkttest.Options{})[0],
		"last fragment":          pkttest.Fragments(pkttest.Options{})[2],
		"first IPv6 fragment":    pkttest.Fragments6(pkttest.Options{})[0],
		"runt":                   pkttest.UDP(pkttest.Options{})[:13],
		"cut":                    pkttest.UDP(pkttest.Options{})[:20],
		"empty":                  {},
	} {
		want := bytes.Clone(frame)
		p := f.handle(frame)
		if p.Err != nil || p.Verdict != Pass {
			t.Errorf("%s: verdict %s, error %v", name, p.Verdict, p.Err)
		} else if !bytes.Equal(p.Buf, want) {
			t.Errorf("%s: changed", name)
		}
	}
}

// No packet makes echo.lua fail, however it is cut or damaged.
func TestEchoNeverFails(t *testing.T) {
	f := loadScript(t, "echo.lua")
	for _, shape := range pkttest.All() {
		for n := range len(shape.Frame) + 1 {
			if p := f.handle(bytes.Clone(shape.Frame[:n])); p.Err != nil {
				t.Fatalf("%s, cut to %d bytes: %v", shape.Name, n, p.Err)
			}
		}
		for i := range shape.Frame {
			for _, b := range []byte{0, 1, 0x7f, 0xff} {
				frame := bytes.Clone(shape.Frame)
				frame[i] ^= b
				if p := f.handle(frame); p.Err != nil {
					t.Fatalf("%s, byte %d: %v", shape.Name, i, p.Err)
				}
			}
		}
	}
}

func TestForward(t *testing.T) {
	f := loadScript(t, "forward.lua")
	for in := range 2 {
		for _, shape := range pkttest.All() {
			p := []Packet{{Buf: bytes.Clone(shape.Frame), To: len(shape.Frame), Port: in}}
			f.Handle(p)
			if p[0].Err != nil || p[0].Verdict != Redirect || p[0].Out != 1-in || !bytes.Equal(p[0].Buf, shape.Frame) {
				t.Errorf("%s from port %d: verdict %s to %d, error %v", shape.Name, in, p[0].Verdict, p[0].Out, p[0].Err)
			}
		}
	}
	for _, n := range []int{0, 1, 3} {
		_, err := tryLoadScript(t, "forward.lua", func(c *Config) {
			c.Ports = append(testPorts(), &Port{Name: "veth3"})[:n]
		})
		wantError(t, err, "forward.lua needs exactly two interfaces, got "+string(rune('0'+n)))
	}
}

// A handler that makes no strings and tables does not allocate, nor does what
// surrounds it.
func TestEchoDoesNotAllocate(t *testing.T) {
	f := loadScript(t, "echo.lua")
	var frames [][]byte
	for _, shape := range pkttest.All() {
		frames = append(frames, shape.Frame)
	}
	pkts := make([]Packet, len(frames))
	for i := range pkts {
		pkts[i] = Packet{Buf: bytes.Clone(frames[i]), To: len(frames[i])}
	}
	allocs := testing.AllocsPerRun(100, func() {
		for i := range pkts {
			copy(pkts[i].Buf, frames[i])
		}
		f.Handle(pkts)
	})
	if allocs != 0 {
		t.Errorf("%v allocations per batch of %d packets", allocs, len(pkts))
	}
	for i := range pkts {
		if pkts[i].Err != nil {
			t.Error(pkts[i].Err)
		}
	}
}

func BenchmarkEcho(b *testing.B) {
	paths := append(slices.Clone(echoPaths), struct {
		name              string
		request, response []byte
	}{"tcp", pkttest.TCPSyn(pkttest.Options{}), nil})
	for _, path := range paths {
		b.Run(path.name, func(b *testing.B) {
			benchmarkHandler(b, loadScript(b, "echo.lua"), path.request)
		})
	}
}

func BenchmarkForward(b *testing.B) {
	benchmarkHandler(b, loadScript(b, "forward.lua"), echoPaths[2].request)
}

// An empty handler shows what a call costs by itself.
func BenchmarkEmpty(b *testing.B) {
	benchmarkHandler(b, load(b, "function on_packet(pkt) end"), echoPaths[2].request)
}

// benchmarkHandler measures a handler in batches of 64, with the copying of
// the packets.
func benchmarkHandler(b *testing.B, f *fixture, frame []byte) {
	const batch = 64
	pkts := make([]Packet, batch)
	for i := range pkts {
		pkts[i] = Packet{Buf: bytes.Clone(frame), To: len(frame)}
	}
	b.ReportAllocs()
	for b.Loop() {
		for i := range pkts {
			copy(pkts[i].Buf, frame)
		}
		f.Handle(pkts)
	}
	for i := range pkts {
		if pkts[i].Err != nil {
			b.Fatal(pkts[i].Err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/batch, "ns/packet")
}
