// SPDX-License-Identifier: GPL-3.0-or-later

package apidoc

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pvlua/luabind"
	"pvlua/packet"
)

func TestTopic(t *testing.T) {
	for name, want := range map[string]string{
		"pkt.udp.dport": `pkt.udp.dport: number, 16 bits, read and assigned

  Destination port (RFC 768).

Place: byte 2 of the header. Assigning it keeps these checksums right: udp.
The header: UDP (RFC 768) over IPv4 or IPv6; not in fragments after the first.

  local udp = pkt.udp
  if udp and udp.dport == 1 then ... end
`,
		"pv.every": `pv.every(seconds, f) -> timer

  Calls f() again and again, the first time after the interval.
`,
		"pkt:u8": `pkt:u8(offset) -> number

  The byte at offset.

A method of a packet: called with a colon. pvlua help pkt lists all.
`,
		"port.name": "port.name\n\n  The interface's name.\n",
		"on_start":  "on_start()\n\n  Called once before the first packet.\n\nA global function of the script that pvlua calls.\n",
	} {
		if got, ok := Topic(name); !ok || got != want {
			t.Errorf("%s: %v\n%s\nwant\n%s", name, ok, got, want)
		}
	}
	for name, parts := range map[string][]string{
		"pkt.udp":  {"pkt.udp: a header of the packet, nil where there is none\n", "  dport      number         Destination port (RFC 768).\n", "pvlua help pkt.udp.sport says more"},
		"verdicts": {"pv.DROP", "pv.TX", "pv.PASS", "pv.ports[2]", "Called for each packet."},
		"port":     {"port:send(packet or string) -> boolean\n", "port.mac\n"},
		"pkt":      {"pkt.ip6", "pkt.payload", "pkt:u16(offset) -> number"},
		"pv":       {"pv.every(seconds, f) -> timer\n      Calls f()"},
		"dport":    {"dport is a part of several names:", "pkt.tcp.dport: number", "pkt.udp.dport: number"},
		"tcp.mss":  {"Place: TCP option 2, byte 2."},
		"ip6.src":  {`ip6.src == pv.ip6"2001:db8::1"`},
		"tcp.syn":  {"boolean, 1 bit", "if tcp and tcp.syn then"},
		"sack_ok":  {"read only"},
		"topics":   {"pkt.eth pkt.vlan", "pv.every", "bit32.band"},
	} {
		got, ok := Topic(name)
		if !ok {
			t.Errorf("no topic %s", name)
		}
		for _, want := range parts {
			if !strings.Contains(got, want) {
				t.Errorf("%s:\n%s\nhas no %q", name, got, want)
			}
		}
	}
	if got, ok := Topic("nothing"); ok || got != "" {
		t.Errorf("nothing: %q", got)
	}
}

// One topic has several spellings.
func TestTopicSpellings(t *testing.T) {
	for name, others := range map[string][]string{
		"pkt.udp.dport": {"udp.dport", "packet.udp.dport", "PKT.UDP.DPORT", " udp.dport "},
		"pkt:u8":        {"pkt.u8", "u8", "pkt:u8()", "packet:u8"},
		"pv.every":      {"every", "pv.every()"},
		"pkt.udp":       {"udp"},
		"pkt":           {"packet"},
		"verdicts":      {"verdict"},
		"port:send":     {"port.send"},
	} {
		want, ok := Topic(name)
		if !ok {
			t.Errorf("no topic %s", name)
		}
		for _, other := range others {
			if got, _ := Topic(other); got != want {
				t.Errorf("%q is not %q:\n%s", other, name, got)
			}
		}
	}
}

func TestNearestTopic(t *testing.T) {
	for name, want := range map[string]string{
		"pkt.upd": "pkt.udp", "upd": "udp", "udp.dprot": "pkt.udp.dport", "dprot": "dport", "pv.evry": "pv.every",
		"evry": "every", "verdcits": "verdicts", "pkt:u61": "pkt:u16", "prot": "port", "xyzzy": "",
	} {
		if got := NearestTopic(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
		if _, ok := Topic(want); want != "" && !ok {
			t.Errorf("%s: there is no topic %s", name, want)
		}
	}
}

// Everything in the tables has a topic, and each fits the screen's width.
func TestTopicsAreComplete(t *testing.T) {
	topics := make(map[string]bool)
	for _, name := range Topics() {
		if topics[plainName(name)] {
			t.Errorf("two topics %s", name)
		}
		topics[plainName(name)] = true
		text, ok := Topic(name)
		if !ok || text == "" || !strings.HasSuffix(text, "\n") || strings.HasSuffix(text, "\n\n") {
			t.Errorf("%s: %q", name, text)
		}
		for line := range strings.Lines(text) {
			if n := utf8.RuneCountInString(line) - 1; n > screenWidth && strings.Contains(strings.TrimSpace(line), " ") {
				t.Errorf("%s: %d columns: %s", name, n, line)
			}
			if strings.HasSuffix(line, " \n") || strings.Contains(line, "\t") {
				t.Errorf("%s: white space in %q", name, line)
			}
		}
	}
	for _, h := range packet.Headers {
		for _, f := range h.Fields {
			if !topics["pkt."+h.Name+"."+f.Name] {
				t.Errorf("no topic for %s", f)
			}
		}
	}
	for _, e := range luabind.API {
		if !topics[plainName(entryName(e))] {
			t.Errorf("no topic for %s: is %q among the titles?", e.Signature, e.Of)
		}
	}
}
