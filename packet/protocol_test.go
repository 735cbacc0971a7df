// SPDX-License-Identifier: GPL-3.0-or-later

package packet

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"pvlua/internal/pkttest"
)

// num and text make fields.
func num(name string, width int) *ProtocolField { return &ProtocolField{Name: name, Width: width} }

func text(name string, count *ProtocolField) *ProtocolField {
	return &ProtocolField{Name: name, Kind: Bytes, Count: count}
}

// greeting is a protocol with all that there is, bound to a UDP port that the
// packets of pkttest have.
func greeting(tb testing.TB, bindings ...Binding) (*Protocol, *Protocols) {
	tb.Helper()
	typ := num("type", 3)
	typ.Enum = []EnumName{{1, "HELLO"}, {2, "BYE"}}
	typ.Default = 1
	urgent := num("urgent", 1)
	urgent.Kind = Bool
	id := num("id", 16)
	id.LittleEndian = true
	from, by, n := num("from", 32), num("by", 48), num("n", 8)
	from.Kind, by.Kind = IPv4, MAC
	who := text("who", n)
	who.Text = true
	tail := &ProtocolField{Name: "tail", Kind: Bytes, Size: 2, DefaultBytes: []byte("..")}
	p := &Protocol{
		Name:     "greeting",
		Fields:   []*ProtocolField{num("ver", 4), typ, urgent, id, from, by, n, who, tail},
		Bindings: bindings,
	}
	if len(bindings) == 0 {
		p.Bindings = []Binding{{UDP, 7}}
	}
	var ps Protocols
	if err := p.Prepare(); err != nil {
		tb.Fatal(err)
	}
	if err := ps.Add(p); err != nil {
		tb.Fatal(err)
	}
	return p, &ps
}

// greetingBytes is a header of that protocol: a hello.
var greetingBytes = []byte{0x13, 0x34, 0x12, 10, 0, 0, 9, 2, 0, 0, 0, 0, 5, 3, 'b', 'o', 'b', 1, 2}

func TestDeclarationsRefused(t *testing.T) {
	n := num("n", 8)
	other := num("other", 8)
	for _, c := range []struct {
		fields []*ProtocolField
		want   string
	}{
		{nil, "p has no fields; give it at least one"},
		{[]*ProtocolField{num("a", 8), num("a", 8)}, "the field 'a' is declared twice"},
		{[]*ProtocolField{num("a", 4)}, `the fields end in the middle of a byte, at bit 4; add a field of 4 bits, such as {"reserved", 4}`},
		{[]*ProtocolField{num("a", 13)}, "add a field of 3 bits"},
		{[]*ProtocolField{num("a", 0)}, "the field 'a' is 0 bits wide; expected 1 to 48"},
		{[]*ProtocolField{num("a", 49)}, "the field 'a' is 49 bits wide"},
		{[]*ProtocolField{{Name: "a", Width: 2, Kind: Bool}}, "a boolean has 1"},
		{[]*ProtocolField{{Name: "a", Width: 16, Kind: IPv4}}, "an IPv4 address has 32"},
		{[]*ProtocolField{{Name: "a", Width: 32, Kind: MAC}}, "an Ethernet address has 48"},
		{[]*ProtocolField{num("b", 4), {Name: "a", Width: 32, Kind: IPv4}, num("c", 4)}, "the field 'a' is an address, which begins with a byte"},
		{[]*ProtocolField{{Name: "a", Width: 12, LittleEndian: true}, num("b", 4)}, "little-endian but not made of whole bytes: it begins at bit 0 and is 12 bits wide"},
		{[]*ProtocolField{num("b", 4), {Name: "a", Width: 8, LittleEndian: true}, num("c", 4)}, "it begins at bit 4 and is 8 bits wide"},
		{[]*ProtocolField{{Name: "a", Width: 8, Default: 256}}, "the default of 'a' is 256, which is not in 0 to 255"},
		{[]*ProtocolField{{Name: "a", Width: 8, Enum: []EnumName{{256, "X"}}}}, "X of 'a' is 256, which is not in 0 to 255"},
		{[]*ProtocolField{{Name: "a", Width: 8, Enum: []EnumName{{1, "X"}, {1, "Y"}}}}, "X and Y of 'a' are both 1"},
		{[]*ProtocolField{{Name: "a", Width: 8, Enum: []EnumName{{2, "X"}, {1, "Y"}}}}, "not in ascending order"},
		{[]*ProtocolField{num("a", 4), {Name: "b", Kind: Bytes, Size: 1}}, "the bytes of 'b' begin in the middle of a byte, at bit 4; add a field of 4 bits before them"},
		{[]*ProtocolField{{Name: "b", Kind: Bytes}}, "the field 'b' has 0 bytes; expected 1 to 65535"},
		{[]*ProtocolField{text("b", other), other}, "the field 'other' counts the bytes of 'b' but comes after them"},
		{[]*ProtocolField{text("b", num("away", 8))}, "the field 'away' counts the bytes of 'b' but comes after them"},
		{[]*ProtocolField{{Name: "r", Kind: Bytes, Rest: true}, n}, "the field 'n' comes after 'r', which takes all the rest of the packet"},
		{[]*ProtocolField{{Name: "b", Kind: Bytes, Size: 65535}, n}, "p is 65536 bytes long"},
		{slices.Concat([]*ProtocolField{n}, func() (f []*ProtocolField) {
			for _, name := range strings.Split("abcdefghi", "") {
				f = append(f, text(name, n))
			}
			return f
		}()), "the field 'i' is the 9th whose length the packet decides; at most 8 can be"},
	} {
		p := &Protocol{Name: "p", Fields: c.fields}
		if err := p.Prepare(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
	flag := &ProtocolField{Name: "flag", Width: 1, Kind: Bool}
	p := &Protocol{Name: "p", Fields: []*ProtocolField{num("x", 7), flag, text("b", flag)}}
	if err := p.Prepare(); err == nil || !strings.Contains(err.Error(), "the field 'flag' can't count the bytes of 'b': it is a boolean") {
		t.Error(err)
	}
}

func TestBindingsRefused(t *testing.T) {
	_, ps := greeting(t, Binding{UDP, 7000}, Binding{TCP, 7000}, Binding{IP, 253}, Binding{Eth, 0x88b5})
	for _, c := range []struct {
		name     string
		bindings []Binding
		want     string
	}{
		{"greeting", []Binding{{UDP, 1}}, "the protocol 'greeting' is declared twice"},
		{"p", nil, "it does not say where 'p' is found"},
		{"p", []Binding{{UDP, 7000}}, "UDP port 7000 is taken by the protocol 'greeting'"},
		{"p", []Binding{{TCP, 7000}}, "TCP port 7000 is taken by the protocol 'greeting'"},
		{"p", []Binding{{IP, 253}}, "IP protocol 253 is taken by the protocol 'greeting'"},
		{"p", []Binding{{Eth, 0x88b5}}, "ethertype 0x88b5 is taken by the protocol 'greeting'"},
		{"p", []Binding{{UDP, 5}, {UDP, 5}}, "UDP port 5 is given twice"},
		{"p", []Binding{{UDP, 0}}, "expected a port of 1 to 65535"},
		{"p", []Binding{{IP, 17}}, "IP protocol 17 is that of the udp header"},
		{"p", []Binding{{IP, 509}}, "expected a number of 0 to 255"},
		{"p", []Binding{{IP, 43}}, "IP protocol 43 is that of an extension header"},
		{"p", []Binding{{Eth, 0x0800}}, "ethertype 0x0800 is that of the ip header"},
		{"p", []Binding{{Eth, 0x8100}}, "ethertype 0x8100 is that of the vlan header"},
		{"p", []Binding{{Eth, 1500}}, "ethertype 0x05dc: expected an ethertype of 0x0600 to 0xffff"},
		{"p", []Binding{{ARP, 1}}, "a protocol can't be bound to arp"},
	} {
		p := &Protocol{Name: c.name, Fields: []*ProtocolField{num("a", 8)}, Bindings: c.bindings}
		if err := p.Prepare(); err != nil {
			t.Fatal(err)
		}
		if err := ps.Add(p); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: got %v, want %q", c.bindings, err, c.want)
		}
	}
	if len(ps.All()) != 1 {
		t.Errorf("refused ones were added: %v", ps.All())
	}
}

func TestProtocolSummary(t *testing.T) {
	_, ps := greeting(t)
	const udp, shown = "IP 10.0.0.4.1234 > 10.0.0.5.7: UDP, length ", " GREETING ver=1 type=HELLO urgent=true id=4660 from=10.0.0.9 by=02:00:00:00:00:05 n=3 who=\"bob\""
	other := slices.Clone(greetingBytes)
	other[0] = 0x16
	odd := append(slices.Clone(greetingBytes[:13]), 45)
	odd = append(odd, "\"\x1b[2J\\\xff and so on and so on and so on and so on.."...)
	for _, c := range []struct {
		payload []byte
		want    string
	}{
		{greetingBytes, udp + "19" + shown},
		{append(slices.Clone(greetingBytes), "and more"...), udp + "27" + shown},
		{other, udp + "19" + strings.Replace(strings.Replace(shown, "HELLO", "3", 1), "true", "false", 1)},
		{odd, udp + "63" + strings.Replace(shown, `n=3 who="bob"`, `n=45 who="\"\x1b[2J\\\xff and so on and so on and so on an..."`, 1)},
		{greetingBytes[:18], udp + "18 [|greeting]"},
		{greetingBytes[:1], udp + "1 [|greeting]"},
	} {
		if got := string(ps.AppendSummary(nil, pkttest.UDP(pkttest.Options{Payload: c.payload}))); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
	for _, shape := range pkttest.All() { // those of other ports are as ever
		b := bytes.Clone(shape.Frame)
		if got, want := string((&Protocols{}).AppendSummary(nil, b)), string(AppendSummary(nil, b)); got != want {
			t.Errorf("%s: got %s, want %s", shape.Name, got, want)
		}
		if got, want := string((*Protocols)(nil).AppendSummary(nil, b)), string(AppendSummary(nil, b)); got != want {
			t.Errorf("%s: got %s, want %s", shape.Name, got, want)
		}
	}
}

// Where a declared header is found, and where not.
func TestProtocolFound(t *testing.T) {
	p, ps := greeting(t, Binding{UDP, 7}, Binding{TCP, 7}, Binding{IP, 253}, Binding{Eth, 0x88b5})
	o := pkttest.Options{Payload: greetingBytes}
	from := o
	from.SrcPort, from.DstPort = 7, 4000
	elsewhere := o
	elsewhere.DstPort = 8
	tagged := o
	tagged.Tags = []uint16{5, 6}
	for _, c := range []struct {
		name  string
		b     []byte
		found bool
	}{
		{"udp", pkttest.UDP(o), true},
		{"udp6", pkttest.UDP6(o), true},
		{"to another port", pkttest.UDP(elsewhere), false},
		{"from the port", pkttest.UDP(from), true},
		{"tcp", pkttest.TCPData(o), true},
		{"tcp6", pkttest.TCPData6(o), true},
		{"syn", pkttest.TCPSyn(pkttest.Options{}), false},
		{"ip protocol", pkttest.IP4(o, 253, 0, greetingBytes), true},
		{"another ip protocol", pkttest.IP4(o, 252, 0, greetingBytes), false},
		{"later fragment", pkttest.IP4(o, 253, 4, greetingBytes), false},
		{"ip6 protocol", pkttest.IP6(o, 253, greetingBytes), true},
		{"ethertype", pkttest.Ethernet(o, 0x88b5, greetingBytes), true},
		{"ethertype after tags", pkttest.Ethernet(tagged, 0x88b5, greetingBytes), true},
		{"another ethertype", pkttest.Ethernet(o, 0x88b6, greetingBytes), false},
		{"arp", pkttest.ARPRequest(pkttest.Options{}), false},
		{"icmp", pkttest.ICMPEcho(o), false},
	} {
		l := Layout{Declared: ps}
		l.Walk(c.b)
		if found := l.Above == p; found != c.found {
			t.Errorf("%s: found %t", c.name, found)
		}
		if l.Above != nil && string(c.b[l.AboveAt:][:len(greetingBytes)]) != string(greetingBytes) {
			t.Errorf("%s: found at %d", c.name, l.AboveAt)
		}
	}
}

// A number that counts moves what comes after it.
func TestProtocolCountAssigned(t *testing.T) {
	p, ps := greeting(t)
	b := pkttest.UDP(pkttest.Options{Payload: append(slices.Clone(greetingBytes), "behind"...)})
	l := Layout{Declared: ps}
	l.Walk(b)
	if err := p.Field("n").SetUint(b, &l, 5); err != nil {
		t.Fatal(err)
	}
	who, _ := p.Field("who").Bytes(b, &l)
	tail, _ := p.Field("tail").Bytes(b, &l)
	if string(who) != "bob\x01\x02" || string(tail) != "be" {
		t.Errorf("got %q and %q", who, tail)
	}
	if from, to := l.Payload(); string(b[from:to]) != "hind" {
		t.Errorf("payload %q", b[from:to])
	}
	if err := p.Field("n").SetUint(b, &l, 200); err != nil {
		t.Fatal(err)
	}
	if _, ok := p.Field("ver").Uint(b, &l); ok || l.Above != nil || !l.has(AboveCut) {
		t.Error("a header that does not fit is still there")
	}
	if err := VerifyChecksums(b, &l); err != nil {
		t.Error(err)
	}
}

func TestProtocolAssignmentsRefused(t *testing.T) {
	p, ps := greeting(t)
	b := pkttest.UDP(pkttest.Options{Payload: greetingBytes})
	old := bytes.Clone(b)
	l := Layout{Declared: ps}
	l.Walk(b)
	absent := Layout{Declared: ps}
	for _, c := range []struct {
		err    error
		reason error
		want   string
	}{
		{p.Field("ver").SetUint(b, &l, 16), ErrRange, "greeting.ver: out of range: 16 is not in 0 to 15"},
		{p.Field("who").SetUint(b, &l, 1), ErrKind, "greeting.who: not a value of its kind: it takes bytes"},
		{p.Field("ver").SetBytes(b, &l, nil), ErrKind, "it takes a number"},
		{p.Field("who").SetBytes(b, &l, []byte("x")), ErrRange, "1 bytes, it takes 3"},
		{p.Field("ver").SetUint(b, &absent, 1), ErrAbsent, "greeting.ver: the packet does not have it: it has no greeting header"},
		{p.Field("who").SetBytes(b, &absent, []byte("bob")), ErrAbsent, "it has no greeting header"},
		{last(p.Field("who").Replace(nil, b, &l, make([]byte, 256))), ErrRange, "256 bytes, but n counts them, in 8 bits: at most 255"},
		{last(p.Field("tail").Replace(nil, b, &l, make([]byte, 3))), ErrRange, "greeting.tail: out of range: 3 bytes, it takes 2"},
		{last(p.Field("ver").Replace(nil, b, &l, nil)), ErrKind, "it takes a number"},
		{last(p.Field("who").Replace(nil, b, &absent, nil)), ErrAbsent, "it has no greeting header"},
	} {
		if c.err == nil || !errors.Is(c.err, c.reason) || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("got %v, want %q", c.err, c.want)
		}
	}
	if !bytes.Equal(b, old) {
		t.Error("something was written")
	}
}

func last(_ []byte, err error) error { return err }

func TestProtocolAllocs(t *testing.T) {
	p, ps := greeting(t)
	b := pkttest.UDP(pkttest.Options{Payload: greetingBytes})
	l := Layout{Declared: ps}
	buf := make([]byte, 0, 1024)
	who := []byte("eve")
	if n := testing.AllocsPerRun(50, func() {
		l.Walk(b)
		for _, f := range p.Fields {
			if v, ok := f.Uint(b, &l); ok {
				f.SetUint(b, &l, v^1)
				f.SetUint(b, &l, v)
			}
			f.Bytes(b, &l)
		}
		p.Field("who").SetBytes(b, &l, who)
		ps.AppendSummary(buf, b)
		ps.Named("greeting")
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
