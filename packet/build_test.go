// SPDX-License-Identifier: GPL-3.0-or-later

package packet

import (
	"bytes"
	"encoding/hex"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"pvlua/internal/pkttest"
)

// recipe makes a Recipe of values by full names, such as "ip.src": numbers,
// booleans, text of addresses, or bytes for options. A name without a dot is a
// header.
func recipe(tb testing.TB, fields map[string]any, payload string) *Recipe {
	tb.Helper()
	r := &Recipe{Payload: []byte(payload)}
	for name, v := range fields {
		header, field, dotted := strings.Cut(name, ".")
		h := HeaderID(0)
		for h < NumHeaders && h.String() != header {
			h++
		}
		if !dotted {
			r.Add(h)
			continue
		}
		if err := giveAny(r, Lookup(h, field), v); err != nil {
			tb.Fatal(err)
		}
	}
	return r
}

// giveAny gives a field a value.
func giveAny(r *Recipe, f *Field, v any) error {
	switch v := v.(type) {
	case int:
		return r.SetUint(f, uint64(v))
	case bool:
		if v {
			return r.SetUint(f, 1)
		}
		return r.SetUint(f, 0)
	case []byte:
		return r.SetBytes(f, v)
	}
	text := v.(string)
	if f.Kind == MAC {
		mac, err := ParseMAC(text)
		if err != nil {
			return err
		}
		return r.SetUint(f, mac)
	}
	a := netip.MustParseAddr(text)
	if a.Is4() {
		n, _ := ParseIP4(text)
		return r.SetUint(f, uint64(n))
	}
	return r.SetBytes(f, a.AsSlice())
}

// mix puts maps together; later ones win, and a nil value takes a name away.
func mix(maps ...map[string]any) map[string]any {
	all := map[string]any{}
	for _, m := range maps {
		for k, v := range m {
			if all[k] = v; v == nil {
				delete(all, k)
			}
		}
	}
	return all
}

// What the packets of pkttest have in common.
var (
	macs   = map[string]any{"eth.src": "02:00:00:00:00:01", "eth.dst": "02:00:00:00:00:02"}
	overIP = mix(macs, map[string]any{"ip.src": "10.0.0.4", "ip.dst": "10.0.0.5", "ip.id": 77, "ip.df": true})
	overV6 = mix(macs, map[string]any{"ip6.src": "2001:db8::1", "ip6.dst": "2001:db8::2"})
	udp    = map[string]any{"udp.sport": 1234, "udp.dport": 7}
	tcp    = map[string]any{"tcp.sport": 1234, "tcp.dport": 7, "tcp.window": 64240}
	syn    = mix(tcp, map[string]any{"tcp.seq": 1000, "tcp.syn": true,
		"tcp.mss": 1460, "tcp.sack_ok": true, "tcp.tsval": 1, "tcp.tsecr": 0, "tcp.wscale": 7})
	data = mix(tcp, map[string]any{"tcp.seq": 1001, "tcp.ack": 2001, "tcp.ack_flag": true, "tcp.psh": true})
	arp  = map[string]any{"eth.src": "02:00:00:00:00:01", "arp.spa": "10.0.0.4", "arp.tpa": "10.0.0.5"}
)

// fragmentPart is one of the three parts of pkttest's fragments' payload.
func fragmentPart(i int) string {
	all := strings.Repeat("fragment", 8)
	return []string{all[:24], all[24:56], all[56:]}[i]
}

// shape says how a packet is built.
type shape struct {
	fields  map[string]any
	payload string
}

// shapes say it of each packet of pkttest.All.
func shapes() map[string]*shape {
	extensions := pkttest.Extensions(pkttest.Options{})[ethLen+ip6Len:]
	frag := func(n string, sum int) map[string]*shape {
		base, first := mix(overIP, map[string]any{"ip.df": nil, "ip.id": 77}), map[string]any{"udp.len": 72, "udp.checksum": sum}
		part := func(off int, more bool) map[string]any {
			return map[string]any{"ip.frag": off, "ip.mf": more, "ip.proto": 17}
		}
		if n == "fragment6" {
			base = overV6
			part = func(off int, more bool) map[string]any {
				return map[string]any{"ip6.frag_off": off, "ip6.frag_mf": more, "ip6.frag_id": 77, "ip6.proto": 17}
			}
		}
		return map[string]*shape{
			n + " 1": {mix(base, udp, first, part(0, true)), fragmentPart(0)},
			n + " 2": {mix(base, part(4, true)), fragmentPart(1)},
			n + " 3": {mix(base, part(8, false)), fragmentPart(2)},
		}
	}
	all := map[string]*shape{
		"arp request":          {arp, ""},
		"arp reply":            {mix(arp, map[string]any{"arp.op": 2, "arp.tha": "02:00:00:00:00:02"}), ""},
		"icmp echo":            {mix(overIP, map[string]any{"icmp.id": 77, "icmp.seq": 1}), "ping"},
		"icmp echo reply":      {mix(overIP, map[string]any{"icmp.type": 0, "icmp.id": 77, "icmp.seq": 1}), "ping"},
		"udp":                  {mix(overIP, udp), "ping"},
		"udp padded":           {mix(overIP, udp, map[string]any{"ip.len": 32, "udp.len": 12}), "ping" + string(make([]byte, 14))},
		"udp odd":              {mix(overIP, udp), "odd"},
		"udp empty":            {mix(overIP, udp), ""},
		"udp without checksum": {mix(overIP, udp, map[string]any{"udp.checksum": 0}), "ping"},
		"tcp syn":              {mix(overIP, syn), ""},
		"tcp data":             {mix(overIP, data), "ping"},
		"vlan":                 {mix(overIP, udp, map[string]any{"vlan.pcp": 3, "vlan.vid": 100}), "ping"},
		"qinq":                 {mix(overIP, udp, map[string]any{"vlan.vid": 100, "vlan2.vid": 101}), "ping"},
		"ip options":           {mix(overIP, udp, map[string]any{"ip.options": []byte{0x94, 4}}), "ping"},
		"icmp6 echo":           {mix(overV6, map[string]any{"icmp6.id": 77, "icmp6.seq": 1}), "ping"},
		"icmp6 echo reply":     {mix(overV6, map[string]any{"icmp6.type": 129, "icmp6.id": 77, "icmp6.seq": 1}), "ping"},
		"neighbor solicitation": {mix(overV6, map[string]any{
			"icmp6.target": "2001:db8::2", "icmp6.slla": "02:00:00:00:00:01"}), ""},
		"neighbor advertisement": {mix(overV6, map[string]any{"icmp6.solicited": true, "icmp6.override": true,
			"icmp6.target": "2001:db8::1", "icmp6.tlla": "02:00:00:00:00:01"}), ""},
		"udp6":           {mix(overV6, udp), "ping"},
		"tcp6 syn":       {mix(overV6, syn), ""},
		"tcp6 data":      {mix(overV6, data), "ping"},
		"ip6 extensions": {mix(overV6, map[string]any{"ip6.proto": 0}), string(extensions)},
		"vlan arp":       {mix(arp, map[string]any{"vlan.vid": 5}), ""},
		"vlan udp6":      {mix(overV6, udp, map[string]any{"vlan.vid": 5}), "ping"},
	}
	for name, s := range frag("fragment", int(be16(pkttest.Fragments(pkttest.Options{})[0], 40))) {
		all[name] = s
	}
	for name, s := range frag("fragment6", int(be16(pkttest.Fragments6(pkttest.Options{})[0], 68))) {
		all[name] = s
	}
	return all
}

// Every shape of packet can be built, byte for byte.
func TestBuildShapes(t *testing.T) {
	all := shapes()
	for _, p := range pkttest.All() {
		s := all[p.Name]
		if s == nil {
			t.Errorf("%s: no recipe", p.Name)
			continue
		}
		got, err := recipe(t, s.fields, s.payload).Build()
		if err != nil {
			t.Errorf("%s: %v", p.Name, err)
		} else if !bytes.Equal(got, p.Frame) {
			t.Errorf("%s:\n%swant\n%s", p.Name, hex.Dump(got), hex.Dump(p.Frame))
		}
	}
}

// What a handler reads from a packet makes the same packet again.
func TestBuildFromFields(t *testing.T) {
	for _, p := range pkttest.All() {
		if p.Name == "ip6 extensions" || p.Name == "udp padded" {
			continue // what is between and behind them no field says
		}
		l := walked(p.Frame)
		var r Recipe
		each(func(f *Field) {
			if f == ip6Proto || f.Locate == TCPOption {
				return // which tcp.options hold
			}
			var err error
			if v, ok := f.Uint(p.Frame, &l); ok {
				err = r.SetUint(f, v)
			} else if v, ok := f.Bytes(p.Frame, &l); ok {
				err = r.SetBytes(f, v)
			}
			if err != nil {
				t.Errorf("%s: %v", p.Name, err)
			}
		})
		if l.Present(IP6) && l.has(Fragmented) {
			_ = r.SetUint(ip6Proto, uint64(l.Proto))
		}
		if l.Present(ICMP) { // one of three names for the same bytes
			delete(r.values, Lookup(ICMP, "gateway"))
		}
		from, to := l.Payload()
		if !r.hasNDFields() {
			r.Payload = p.Frame[from:to]
		}
		got, err := r.Build()
		if err != nil || !bytes.Equal(got, p.Frame) {
			t.Errorf("%s: %v\n%swant\n%s", p.Name, err, hex.Dump(got), hex.Dump(p.Frame))
		}
	}
}

// Headers that others need are there without being asked for, and what is
// built is sound: it has the headers and right checksums.
func TestBuildImplied(t *testing.T) {
	for _, c := range []struct {
		fields  map[string]any
		payload string
		want    string // AppendSummary, or part of it
	}{
		{nil, "", "ethertype 0x88b5"},
		{map[string]any{"udp.dport": 7}, "x", "IP 0.0.0.0.0 > 0.0.0.0.7: UDP, length 1"},
		{map[string]any{"tcp.syn": true, "tcp.mss": 1400}, "", "Flags [S], seq 0, win 65535, options [mss 1400], length 0"},
		{map[string]any{"tcp.tsval": 1, "tcp.wscale": 7}, "", "options [nop,nop,TS val 1 ecr 0,nop,wscale 7], length 0"},
		{map[string]any{"tcp.sack_ok": true}, "", "options [sackOK,nop,nop], length 0"},
		{map[string]any{"tcp.sack_ok": false}, "", "win 65535, length 0"},
		{map[string]any{"tcp.options": []byte{1, 1, 1}}, "abc", "options [nop,nop,nop,eol], length 3"},
		{map[string]any{"icmp": nil}, "", "ICMP echo request"},
		{map[string]any{"icmp6": nil}, "", "ICMP6, echo request"},
		{map[string]any{"icmp6.type": 133}, "", "router solicitation"},
		{map[string]any{"icmp6.type": 135}, "", "neighbor solicitation, who has ::"},
		{map[string]any{"vlan2.vid": 3, "udp": nil}, "", "vlan 0, p 0, vlan 3, p 0"},
		{map[string]any{"ip6.dst": "ff02::1", "udp": nil}, "", "IP6 ::.0 > ff02::1.0: UDP, length 0"},
		{map[string]any{"ip": nil}, "xyz", "IP 0.0.0.0 > 0.0.0.0"},
		{map[string]any{"ip6": nil}, "", "IP6 :: > ::"},
		{map[string]any{"arp.tpa": "10.0.0.1"}, "", "ARP, Request who-has 10.0.0.1"},
	} {
		b, err := recipe(t, c.fields, c.payload).Build()
		if err != nil {
			t.Errorf("%v: %v", c.fields, err)
			continue
		}
		l := walked(b)
		if err := VerifyChecksums(b, &l); err != nil {
			t.Errorf("%v: %v", c.fields, err)
		}
		if got := string(AppendSummary(nil, b)); !strings.Contains(got, c.want) {
			t.Errorf("%v: %q, want %q", c.fields, got, c.want)
		}
	}
}

// Ethernet addresses of groups follow from what is above.
func TestBuildDestination(t *testing.T) {
	for _, c := range []struct {
		fields map[string]any
		want   string
	}{
		{map[string]any{"ip.dst": "255.255.255.255"}, "ff:ff:ff:ff:ff:ff"},
		{map[string]any{"ip.dst": "239.255.1.2"}, "01:00:5e:7f:01:02"},
		{map[string]any{"ip6.dst": "ff02::1:ff00:2"}, "33:33:ff:00:00:02"},
		{map[string]any{"ip.dst": "10.0.0.1"}, "00:00:00:00:00:00"},
		{map[string]any{"arp.op": 2, "arp.tha": "02:00:00:00:00:09"}, "02:00:00:00:00:09"},
		{map[string]any{"arp.op": 1, "eth.dst": "02:00:00:00:00:09"}, "02:00:00:00:00:09"},
	} {
		b, err := recipe(t, c.fields, "").Build()
		if err != nil {
			t.Fatal(err)
		}
		l := walked(b)
		mac, _ := ethDst.Uint(b, &l)
		if got := string(AppendMAC(nil, mac)); got != c.want {
			t.Errorf("%v: %s, want %s", c.fields, got, c.want)
		}
	}
}

// Given values win, also where they make the packet malformed; the checksums
// not given are right for what is there.
func TestBuildMalformed(t *testing.T) {
	plain := mix(overIP, udp)
	good, err := recipe(t, plain, "ping").Build()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		at   int
		want []byte
	}{
		"ip.version=5":            {14, []byte{0x55}},
		"ip.ihl=15":               {14, []byte{0x4f}},
		"ip.len=9":                {16, []byte{0, 9}},
		"ip.proto=99":             {23, []byte{99}},
		"ip.checksum=4660":        {24, []byte{0x12, 0x34}},
		"udp.checksum=4660":       {40, []byte{0x12, 0x34}},
		"udp.len=65535":           {38, []byte{0xff, 0xff}},
		"eth.type=2048":           {12, []byte{8, 0}},
		"eth.type=37":             {12, []byte{0, 37}},
		"ip.tos=255":              {15, []byte{255}},
		"ip.flags=7":              {20, []byte{0xe0}},
		"eth.dst=281474976710655": {0, []byte{255, 255, 255, 255, 255, 255}},
	} {
		field, text, _ := strings.Cut(name, "=")
		n := 0
		for _, d := range text {
			n = n*10 + int(d-'0')
		}
		fields := mix(plain, map[string]any{field: n})
		if field == "ip.flags" {
			delete(fields, "ip.df")
		}
		b, err := recipe(t, fields, "ping").Build()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := b[c.at : c.at+len(c.want)]; !bytes.Equal(got, c.want) {
			t.Errorf("%s: % x, want % x", name, got, c.want)
		}
		if len(b) != len(good) {
			t.Errorf("%s: %d bytes, want %d", name, len(b), len(good))
		}
		if field != "ip.checksum" && field != "ip.ihl" && pkttest.Sum(b[14:34]) != 0 {
			t.Errorf("%s: the IP checksum is wrong", name)
		}
	}
	// A length shorter than the packet leaves padding behind it.
	b, err := recipe(t, mix(overIP, data, map[string]any{"ip.len": 44}), "ping....").Build()
	if err != nil || !bytes.Equal(b, append(pkttest.TCPData(pkttest.Options{}), "...."...)) {
		t.Errorf("%v\n%s", err, hex.Dump(b))
	}
}

func TestBuildRefuses(t *testing.T) {
	for _, c := range []struct {
		fields map[string]any
		want   string
	}{
		{map[string]any{"ip": nil, "ip6": nil}, "a packet has either ip or ip6, not both"},
		{map[string]any{"tcp": nil, "udp": nil}, "a packet has either tcp or udp, not both"},
		{map[string]any{"arp": nil, "udp": nil}, "a packet has either arp or udp, not both"},
		{map[string]any{"arp": nil, "ip": nil}, "a packet has either arp or ip, not both"},
		{map[string]any{"icmp": nil, "ip6": nil}, "icmp goes over ip; over ip6 it is icmp6"},
		{map[string]any{"icmp6": nil, "ip": nil}, "icmp6 goes over ip6; over ip it is icmp"},
		{map[string]any{"icmp6.type": 128, "icmp6.target": "::1"}, "icmp6.target: the packet does not have it: it is no neighbor solicitation, advertisement or redirect"},
		{map[string]any{"icmp6.type": 135, "icmp6.router": true}, "icmp6.router: the packet does not have it: it is no neighbor advertisement"},
		{map[string]any{"icmp6.type": 1, "icmp6.slla": "02:00:00:00:00:01"}, "icmp6.slla: the packet does not have it"},
		{map[string]any{"tcp.options": []byte{1}, "tcp.mss": 9}, "tcp.mss: the packet does not have it: it has no such TCP option"},
		{map[string]any{"tcp.options": []byte{1}, "tcp.sack_ok": true}, "tcp.sack_ok: the packet does not have it: tcp.options say otherwise"},
	} {
		_, err := recipe(t, c.fields, "").Build()
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%v: error %v, want %q", c.fields, err, c.want)
		}
	}
	if _, err := (&Recipe{Payload: make([]byte, maxLen)}).Build(); !errors.Is(err, ErrTooLong) {
		t.Errorf("a payload of %d bytes: %v", maxLen, err)
	}
	var r Recipe
	for _, c := range []struct {
		err  error
		want error
	}{
		{r.SetUint(Lookup(IP, "ttl"), 256), ErrRange},
		{r.SetUint(Lookup(IP6, "src"), 1), ErrKind},
		{r.SetUint(Lookup(IP, "options"), 1), ErrKind},
		{r.SetBytes(Lookup(IP, "ttl"), []byte{1}), ErrKind},
		{r.SetBytes(Lookup(IP6, "src"), []byte{1}), ErrRange},
		{r.SetBytes(Lookup(TCP, "options"), make([]byte, 41)), ErrRange},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%v, want %v", c.err, c.want)
		}
	}
}
