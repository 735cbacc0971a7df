// SPDX-License-Identifier: GPL-3.0-or-later

package packet

import (
	"bytes"
	"strings"
	"testing"

	"pvlua/internal/pkttest"
)

// What leads to a declared header is filled in where it is not given.
func TestBuildProtocol(t *testing.T) {
	udp, tcp, ip, eth := Binding{UDP, 7000}, Binding{TCP, 80}, Binding{IP, 253}, Binding{Eth, 0x88b6}
	const header = " GREETING ver=0 type=HELLO urgent=false id=0 from=0.0.0.0 by=00:00:00:00:00:00 n=0 who=\"\""
	for _, c := range []struct {
		bindings []Binding
		fields   map[string]any
		want     string
	}{
		{[]Binding{udp}, nil, "IP 0.0.0.0.0 > 0.0.0.0.7000: UDP, length 16"},
		{[]Binding{udp, {UDP, 7001}}, map[string]any{"udp.dport": 7001}, "IP 0.0.0.0.0 > 0.0.0.0.7001: UDP, length 16"},
		{[]Binding{udp}, map[string]any{"udp.sport": 7000, "udp.dport": 5}, "IP 0.0.0.0.7000 > 0.0.0.0.5: UDP, length 16"},
		{[]Binding{udp}, map[string]any{"udp.sport": 7000}, "IP 0.0.0.0.7000 > 0.0.0.0.0: UDP, length 16"},
		{[]Binding{udp}, map[string]any{"udp.dport": 5}, "IP 0.0.0.0.7000 > 0.0.0.0.5: UDP, length 16"},
		{[]Binding{udp}, map[string]any{"udp.sport": 5}, "IP 0.0.0.0.5 > 0.0.0.0.7000: UDP, length 16"},
		{[]Binding{udp}, map[string]any{"ip6.hlim": 3}, "IP6 ::.0 > ::.7000: UDP, length 16"},
		{[]Binding{udp, tcp}, map[string]any{"tcp.psh": 1}, "IP 0.0.0.0.0 > 0.0.0.0.80: Flags [P], seq 0:16, win 65535, length 16"},
		{[]Binding{udp, ip}, map[string]any{"ip.ttl": 3}, "IP 0.0.0.0.0 > 0.0.0.0.7000: UDP, length 16"},
		{[]Binding{ip, udp}, map[string]any{"ip.ttl": 3}, "IP 0.0.0.0 > 0.0.0.0: ip-proto-253, length 16"},
		{[]Binding{ip}, nil, "IP 0.0.0.0 > 0.0.0.0: ip-proto-253, length 16"},
		{[]Binding{ip}, map[string]any{"ip6.hlim": 3}, "IP6 :: > ::: ip-proto-253, length 16"},
		{[]Binding{ip}, map[string]any{"ip6.frag_id": 3}, "IP6 :: > ::: frag (0|16) ip-proto-253, length 16"},
		{[]Binding{eth}, nil, "00:00:00:00:00:00 > 00:00:00:00:00:00, ethertype 0x88b6, length 30"},
		{[]Binding{eth}, map[string]any{"vlan.vid": 4}, "vlan 4, p 0, 00:00:00:00:00:00 > 00:00:00:00:00:00, ethertype 0x88b6, length 34"},
		{[]Binding{eth}, map[string]any{"vlan2.vid": 4}, "vlan 0, p 0, vlan 4, p 0, 00:00:00:00:00:00 > 00:00:00:00:00:00, ethertype 0x88b6, length 38"},
		{[]Binding{eth, udp}, map[string]any{"ip.ttl": 3}, "IP 0.0.0.0.0 > 0.0.0.0.7000: UDP, length 16"},
	} {
		p, ps := greeting(t, c.bindings...)
		r := recipe(t, c.fields, "")
		if err := r.AddProtocol(p); err != nil {
			t.Fatal(err)
		}
		for range 2 { // a recipe can be used again
			b, err := r.Build()
			if err != nil {
				t.Errorf("%v: %v", c.fields, err)
				break
			}
			if got := string(ps.AppendSummary(nil, b)); got != c.want+header {
				t.Errorf("%v over %v\ngot  %s\nwant %s", c.fields, c.bindings, got, c.want+header)
			}
			l := Layout{Declared: ps}
			if l.Walk(b); VerifyChecksums(b, &l) != nil {
				t.Errorf("%v: %v", c.fields, VerifyChecksums(b, &l))
			}
		}
	}
}

// A number that is led to otherwise is used as it is given.
func TestBuildProtocolMalformed(t *testing.T) {
	p, ps := greeting(t, Binding{UDP, 7000})
	r := recipe(t, map[string]any{"udp.dport": 1, "udp.sport": 2}, "")
	r.AddProtocol(p)
	if b, err := r.Build(); err != nil || !strings.HasSuffix(string(ps.AppendSummary(nil, b)), "0.0.0.0.1: UDP, length 16") {
		t.Errorf("%v, %s", err, ps.AppendSummary(nil, b))
	}
	r = &Recipe{}
	r.AddProtocol(p)
	r.SetProtocolUint(p.Field("n"), 9)
	r.SetProtocolBytes(p.Field("who"), []byte("bob"))
	if b, err := r.Build(); err != nil || !strings.HasSuffix(string(ps.AppendSummary(nil, b)), "[|greeting]") {
		t.Errorf("%v, %s", err, ps.AppendSummary(nil, b))
	}
}

func TestBuildProtocolRefuses(t *testing.T) {
	udp, eth := Binding{UDP, 7000}, Binding{Eth, 0x88b6}
	for _, c := range []struct {
		binding Binding
		fields  map[string]any
		give    func(*Recipe, *Protocol) error
		want    string
	}{
		{udp, map[string]any{"tcp.syn": 1}, nil, "greeting is not found above tcp, for it is bound to UDP port 7000"},
		{udp, map[string]any{"icmp.type": 1}, nil, "greeting is not found above icmp"},
		{udp, map[string]any{"arp.op": 1}, nil, "greeting is not found above arp"},
		{eth, map[string]any{"ip.ttl": 1}, nil, "greeting is not found above ip, for it is bound to ethertype 0x88b6"},
		{udp, nil, func(r *Recipe, p *Protocol) error { return r.AddProtocol(&Protocol{Name: "other"}) }, "a packet has either greeting or other, not both"},
		{udp, nil, func(r *Recipe, p *Protocol) error { return r.SetProtocolUint(p.Field("ver"), 16) }, "greeting.ver: out of range: 16 is not in 0 to 15"},
		{udp, nil, func(r *Recipe, p *Protocol) error { return r.SetProtocolUint(p.Field("who"), 16) }, "it takes bytes"},
		{udp, nil, func(r *Recipe, p *Protocol) error { return r.SetProtocolBytes(p.Field("ver"), nil) }, "it takes a number"},
		{udp, nil, func(r *Recipe, p *Protocol) error {
			return r.SetProtocolBytes(p.Field("who"), make([]byte, 65536))
		}, "too long for a packet"},
		{udp, nil, func(r *Recipe, p *Protocol) error {
			r.SetProtocolBytes(p.Field("who"), make([]byte, 256))
			return nil
		}, "greeting.who: out of range: 256 bytes, but n counts them, in 8 bits: at most 255"},
		{udp, nil, func(r *Recipe, p *Protocol) error {
			r.SetProtocolBytes(p.Field("tail"), make([]byte, 3))
			return nil
		}, "greeting.tail: out of range: 3 bytes, it takes 2"},
	} {
		p, _ := greeting(t, c.binding)
		r := recipe(t, c.fields, "")
		err := r.AddProtocol(p)
		if c.give != nil {
			err = c.give(r, p)
		}
		if err == nil {
			_, err = r.Build()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}

// Two fields that one number counts have one length.
func TestSharedCount(t *testing.T) {
	n := num("n", 8)
	p := &Protocol{Name: "pair", Fields: []*ProtocolField{n, text("a", n), text("b", n)}, Bindings: []Binding{{UDP, 9}}}
	if err := p.Prepare(); err != nil {
		t.Fatal(err)
	}
	var ps Protocols
	if err := ps.Add(p); err != nil {
		t.Fatal(err)
	}
	var r Recipe
	r.AddProtocol(p)
	r.SetProtocolBytes(p.Field("a"), []byte("left"))
	r.SetProtocolBytes(p.Field("b"), []byte("righ"))
	b, err := r.Build()
	if err != nil {
		t.Fatal(err)
	}
	l := Layout{Declared: &ps}
	l.Walk(b)
	if got, _ := p.Field("b").Bytes(b, &l); string(got) != "righ" {
		t.Errorf("b is %q", got)
	}
	const want = "5 bytes, but b, which n counts as well, has 4"
	if _, err := p.Field("a").Replace(nil, b, &l, []byte("lefts")); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
	r.SetProtocolBytes(p.Field("b"), []byte("right"))
	if _, err := r.Build(); err == nil || !strings.Contains(err.Error(), "pair.b: out of range: 5 bytes, but a, which n counts as well, has 4") {
		t.Error(err)
	}
}

// Whatever is in a packet, a declared header is in it or is not there, and
// nothing outside is touched.
func FuzzProtocol(f *testing.F) {
	n, m := num("n", 4), num("m", 20)
	wide := num("wide", 48)
	rest := &ProtocolField{Name: "rest", Kind: Bytes, Rest: true}
	var ps Protocols
	p := &Protocol{Name: "all", Fields: []*ProtocolField{n, num("odd", 3), wide, num("odd2", 1), text("a", n), m, num("pad", 4), text("b", m), text("c", n), rest},
		Bindings: []Binding{{UDP, 7}, {TCP, 7}, {IP, 253}, {Eth, 0x88b5}}}
	if err := p.Prepare(); err != nil {
		f.Fatal(err)
	}
	if err := ps.Add(p); err != nil {
		f.Fatal(err)
	}
	seeds(f, func(b []byte) { f.Add(b, uint64(5), []byte("text")) })
	f.Add(pkttest.UDP(pkttest.Options{Payload: []byte("\x21234567 1\x00\x00\x10xyzw and more")}), uint64(1), []byte("ab"))
	f.Fuzz(func(t *testing.T, frame []byte, v uint64, s []byte) {
		if len(frame) > 2000 {
			return
		}
		all, b := arena(frame)
		l := Layout{Declared: &ps}
		l.Walk(b)
		ps.AppendSummary(nil, b)
		right := VerifyChecksums(b, &l) == nil
		for _, field := range p.Fields {
			was, ok := field.Uint(b, &l)
			if text, isText := field.Bytes(b, &l); isText && len(text) > len(b) || ok && isText || (ok || isText) != (l.Above == p) {
				t.Fatalf("%s: %d, %t, %q, %t", field, was, ok, text, isText)
			}
			if err := field.SetUint(b, &l, v&field.max()); (err == nil) != ok {
				t.Fatalf("%s: %v", field, err)
			}
			if l.Above == p && ok {
				if now, _ := field.Uint(b, &l); now != v&field.max() {
					t.Fatalf("%s: %d, want %d", field, now, v&field.max())
				}
			}
			if old, isText := field.Bytes(b, &l); isText {
				if err := field.SetBytes(b, &l, bytes.Repeat([]byte{byte(v)}, len(old))); err != nil {
					t.Fatal(err)
				}
				other, err := field.Replace(nil, b, &l, s)
				if err == nil && len(other)-len(s) != int(l.to)-int(l.AboveAt)-len(old) {
					t.Fatalf("%s: %d bytes replaced by %d are %d", field, len(old), len(s), len(other))
				}
			}
			if right {
				if err := VerifyChecksums(b, &l); err != nil {
					t.Fatalf("%s: %v", field, err)
				}
			}
		}
		short := b[:len(b)/2] // what it was walked for is longer
		for _, field := range p.Fields {
			field.Uint(short, &l)
			field.Bytes(short, &l)
			_ = field.SetUint(short, &l, 0)
		}
		if !intact(all) {
			t.Fatal("bytes outside of the packet were written")
		}
	})
}
