// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"os"
	"slices"
	"testing"

	"pvlua/internal/pkttest"
	"pvlua/packet"
)

// loadScript loads one of the ready scripts.
func loadScript(tb testing.TB, name string, change ...func(*Config)) *fixture {
	tb.Helper()
	source, err := os.ReadFile("../scripts/" + name)
	if err != nil {
		tb.Fatal(err)
	}
	return load(tb, string(source), append(change, func(c *Config) { c.Script = "../scripts/" + name })...)
}

// echoPaths are the packets that echo.lua answers.
var echoPaths = []struct {
	name     string
	request  []byte
	response []byte
}{
	{"arp", pkttest.ARPRequest(pkttest.Options{}), pkttest.ARPReply(answer)},
}

// answer are the options of a packet that goes back.
var answer = pkttest.Options{}

func BenchmarkEcho(b *testing.B) {
	o := pkttest.Options{}
	for _, bb := range []struct {
		name  string
		frame []byte
	}{
		{"arp", pkttest.ARPRequest(o)},
		{"icmp", pkttest.ICMPEcho(o)},
		{"udp4", pkttest.UDP(o)},
		{"ns", pkttest.NeighborSolicit(o)},
		{"icmp6", pkttest.ICMP6Echo(o)},
		{"udp6", pkttest.UDP6(o)},
		{"tcp-pass", pkttest.TCPSyn(o)},
	} {
		b.Run(bb.name, func(b *testing.B) {
			f := loadScript(b, "echo.lua")
			const batch = 64
			pkts := make([]Packet, batch)
			for i := range pkts {
				pkts[i] = Packet{Buf: slices.Clone(bb.frame), To: len(bb.frame)}
			}
			b.ReportAllocs()
			for b.Loop() {
				for i := range pkts {
					copy(pkts[i].Buf, bb.frame)
				}
				f.Handle(pkts)
			}
			for _, p := range pkts {
				if p.Err != nil {
					b.Fatal(p.Err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/batch, "ns/packet")
			b.ReportMetric(0, "ns/op")
			_ = packet.Eth
		})
	}
}
