// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"pvlua/internal/pkttest"
	"pvlua/packet"
)

// greetingSource declares a protocol on the UDP port that the packets of
// pkttest go to. The local greeting is what pv.proto gives.
const greetingSource = `local greeting = pv.proto{
  name = "greeting",
  fields = {
    {"ver", 4, default = 1},
    {"type", 3, enum = {HELLO = 1, BYE = 2}},
    {"urgent", 1},
    {"id", 16, le = true},
    {"from", type = "ip"},
    {"by", type = "mac"},
    {"n", 8},
    {"who", bytes = "n"},
    {"mark", 32},
  },
  udp = {7, 8}, tcp = 7, ip = 253, eth = 0x88b5,
}
`

// greetingBytes is a header of that protocol.
var greetingBytes = []byte{0x13, 0x34, 0x12, 10, 0, 0, 9, 2, 0, 0, 0, 0, 5, 3, 'b', 'o', 'b', 0, 1, 2, 3}

// anyLine is a line of the script.
var anyLine = regexp.MustCompile(`test\.lua:\d+:`)

// runAfter is run for a body that comes after a declaration.
func runAfter(t *testing.T, declaration, body string) (string, error) {
	t.Helper()
	f := load(t, declaration+"\nfunction on_packet() end function on_start()\n"+body+"\nend")
	err := f.Start()
	return strings.TrimSpace(f.stdout.String()), err
}

// greetingPacket is a UDP packet with that header.
func greetingPacket(behind string) []byte {
	return pkttest.UDP(pkttest.Options{Payload: append(bytes.Clone(greetingBytes), behind...)})
}

// verify checks that a packet's checksums are right.
func verify(t *testing.T, b []byte) {
	t.Helper()
	var l packet.Layout
	l.Walk(b)
	if err := packet.VerifyChecksums(b, &l); err != nil {
		t.Error(err)
	}
}

func TestDeclaredHeader(t *testing.T) {
	f := load(t, greetingSource+`
		function on_packet(pkt)
		  local g = pkt.greeting
		  if not g then print("none", pkt.payload) return end
		  print(g.ver, g.type, g.urgent, g.id, pv.ip_str(g.from), pv.mac_str(g.by), g.n, g.who, g.mark, pkt.payload)
		  g.ver, g.type, g.urgent = 15, greeting.type.BYE, false
		  g.id = g.id + 1
		  g.from = pkt.ip.src
		  g.by, g.mark = pkt.eth.dst, g.mark + 1
		  g.who = "eve"
		  print(pkt)
		  return pkt:reply()
		end`)
	p := f.handle(greetingPacket("behind"))
	if p.Err != nil {
		t.Fatal(p.Err)
	}
	got, want := f.stdout.String(), "1\t1\ttrue\t4660\t10.0.0.9\t02:00:00:00:00:05\t3\tbob\t66051\tbehind\n"+
		"IP 10.0.0.4.1234 > 10.0.0.5.7: UDP, length 27 GREETING ver=15 type=BYE urgent=false id=4661 from=10.0.0.4 by=02:00:00:00:00:02 n=3 mark=66052\n"
	if got != want {
		t.Errorf("printed\n%swant\n%s", got, want)
	}
	verify(t, p.Buf[p.From:p.To])
	if !strings.Contains(string(f.AppendSummary(nil, p.Buf[p.From:p.To])), "10.0.0.5.7 > 10.0.0.4.1234: UDP, length 27 GREETING ver=15 type=BYE") {
		t.Errorf("sent %s", f.AppendSummary(nil, p.Buf[p.From:p.To]))
	}

	f.stdout.Reset()
	if p := f.handle(pkttest.UDP(pkttest.Options{Payload: greetingBytes[:20]})); p.Err != nil || f.stdout.String() != "none\t"+string(greetingBytes[:20])+"\n" {
		t.Errorf("cut short: %v, %q", p.Err, f.stdout)
	}
	f.stdout.Reset()
	if p := f.handle(pkttest.UDP(pkttest.Options{DstPort: 9, Payload: greetingBytes})); p.Err != nil || !strings.HasPrefix(f.stdout.String(), "none") {
		t.Errorf("another port: %v, %q", p.Err, f.stdout)
	}
}

// Bytes can be assigned with another length: what follows moves, and lengths
// and checksums are put right.
func TestDeclaredBytesChangeLength(t *testing.T) {
	for _, who := range []string{"", "x", "bob", "a longer name"} {
		f := load(t, greetingSource+fmt.Sprintf(`
			function on_packet(pkt)
			  local g = pkt.greeting
			  g.who = %q
			  print(g.n, g.who, g.mark, pkt.payload, #pkt, pkt.udp.len, pkt.ip.len)
			  local c = pkt:clone()
			  c.greeting.who = c.greeting.who .. "!"
			  print(c.greeting.n, c.greeting.who, c.greeting.mark, c.payload, #c)
			  return pv.TX
			end`, who))
		frame := greetingPacket("behind")
		p := []Packet{{Buf: append(frame, make([]byte, 40)...), To: len(frame)}}
		f.handleAll(p)
		if p[0].Err != nil {
			t.Errorf("%q: %v", who, p[0].Err)
			continue
		}
		n := 18 + len(who) + 6
		want := fmt.Sprintf("%d\t%s\t66051\tbehind\t%d\t%d\t%d\n%d\t%s!\t66051\tbehind\t%d\n", len(who), who, 42+n, 8+n, 28+n, len(who)+1, who, 43+n)
		if f.stdout.String() != want {
			t.Errorf("%q: printed\n%swant\n%s", who, f.stdout, want)
		}
		verify(t, p[0].Buf[p[0].From:p[0].To])
	}
}

func TestDeclaredHeaderBuilt(t *testing.T) {
	got, err := runAfter(t, greetingSource+"VALUES = greeting", `local function show(t) local p = pv.build(t) print(p) return p end
		local p = show{greeting = {}}
		show{greeting = {ver = 2, type = VALUES.type.BYE, urgent = true, who = "carol", by = pv.mac"02:00:00:00:00:09"}, udp = {sport = 8, dport = 99}, payload = "x"}
		show{ip6 = {}, greeting = {who = "x"}}
		show{tcp = {ack = 5}, greeting = {n = 1, who = "xyz"}}
		p.greeting.who = ("w"):rep(255)
		print(p.greeting.n, #p, p.udp.len)
		local sum = p.udp.checksum p:fix_checksums() print(sum == p.udp.checksum)
		local kept = p.greeting
		p:resize(20)
		print(p.greeting, pcall(function() return kept.ver end))
		print(pcall(function() kept.ver = 1 end))
		print(tostring(show{greeting = {}}.greeting))`)
	want := `IP 0.0.0.0.0 > 0.0.0.0.7: UDP, length 18 GREETING ver=1 type=0 urgent=false id=0 from=0.0.0.0 by=00:00:00:00:00:00 n=0 mark=0
IP 0.0.0.0.8 > 0.0.0.0.99: UDP, length 24 GREETING ver=2 type=BYE urgent=true id=0 from=0.0.0.0 by=02:00:00:00:00:09 n=5 mark=0
IP6 ::.0 > ::.7: UDP, length 19 GREETING ver=1 type=0 urgent=false id=0 from=0.0.0.0 by=00:00:00:00:00:00 n=1 mark=0
IP 0.0.0.0.0 > 0.0.0.0.7: Flags [none], seq 0:21, win 65535, length 21 GREETING ver=1 type=0 urgent=false id=0 from=0.0.0.0 by=00:00:00:00:00:00 n=1 mark=2038038528
255	315	281
true
nil	false	test.lua:N: the packet has no greeting header any more: it was changed since this one was looked up
false	test.lua:N: the packet has no greeting header any more: it was changed since this one was looked up
IP 0.0.0.0.0 > 0.0.0.0.7: UDP, length 18 GREETING ver=1 type=0 urgent=false id=0 from=0.0.0.0 by=00:00:00:00:00:00 n=0 mark=0
greeting header of IP 0.0.0.0.0 > 0.0.0.0.7: UDP, length 18 GREETING ver=1 type=0 urgent=false id=0 from=0.0.0.0 by=00:00:00:00:00:00 n=0 mark=0`
	if got = anyLine.ReplaceAllString(got, "test.lua:N:"); err != nil || got != want {
		t.Errorf("%v, printed\n%s\nwant\n%s", err, got, want)
	}
}
