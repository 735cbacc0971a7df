// SPDX-License-Identifier: GPL-3.0-or-later

package packet

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A header that is built, read and assigned is what it says in its declaration:
// the slow, readable twin writes it down bit by bit.

// twinHeader gives the header with these values, by writing zeros and ones.
func twinHeader(p *Protocol, numbers map[string]uint64, texts map[string][]byte) []byte {
	var bits strings.Builder
	for _, f := range p.Fields {
		if f.Kind == Bytes {
			for _, c := range texts[f.Name] {
				fmt.Fprintf(&bits, "%08b", c)
			}
			continue
		}
		digits := fmt.Sprintf("%0*b", f.Width, numbers[f.Name])
		if f.LittleEndian {
			turned := ""
			for i := 0; i < len(digits); i += 8 {
				turned = digits[i:i+8] + turned
			}
			digits = turned
		}
		bits.WriteString(digits)
	}
	var b []byte
	for s := bits.String(); s != ""; s = s[8:] {
		n, _ := strconv.ParseUint(s[:8], 2, 8)
		b = append(b, byte(n))
	}
	return b
}

// drawProtocol draws a declaration, with the fields that count none of the
// others.
func drawProtocol(t *rapid.T, bindings ...Binding) *Protocol {
	p := &Protocol{Name: "drawn", Bindings: bindings}
	add := func(f *ProtocolField) *ProtocolField {
		f.Name = fmt.Sprintf("f%d", len(p.Fields))
		p.Fields = append(p.Fields, f)
		return f
	}
	numbers := func(bits int) (last *ProtocolField) {
		for bits > 0 {
			f := add(&ProtocolField{Width: rapid.IntRange(1, min(bits, maxWidth)).Draw(t, "width")})
			if f.Width == 1 && rapid.Bool().Draw(t, "boolean") {
				f.Kind = Bool
			}
			bits -= f.Width
			last = f
		}
		return last
	}
	for range rapid.IntRange(1, 4).Draw(t, "groups") {
		switch rapid.IntRange(0, 3).Draw(t, "group") {
		case 0:
			numbers(8 * rapid.IntRange(1, 8).Draw(t, "bytes"))
		case 1:
			add(&ProtocolField{Width: 8 * rapid.IntRange(1, 6).Draw(t, "bytes"), LittleEndian: true})
		case 2:
			add(&ProtocolField{Kind: Bytes, Size: rapid.IntRange(1, 9).Draw(t, "size")})
		case 3:
			count := numbers(8 * rapid.IntRange(1, 3).Draw(t, "bytes"))
			for i := len(p.Fields) - 1; count.Kind == Bool || count.Width < 3; i-- { // to count something
				if count = p.Fields[i]; i == 0 {
					count = add(&ProtocolField{Width: 8})
				}
				if count.Kind == Bytes {
					count = add(&ProtocolField{Width: 8})
				}
			}
			taken := false
			for _, f := range p.Fields {
				taken = taken || f.Count == count
			}
			if taken {
				count = add(&ProtocolField{Width: 8})
			}
			if rapid.Bool().Draw(t, "between") {
				numbers(16)
			}
			add(&ProtocolField{Kind: Bytes, Count: count})
		}
	}
	if rapid.Bool().Draw(t, "rest") {
		add(&ProtocolField{Kind: Bytes, Rest: true})
	}
	if err := p.Prepare(); err != nil {
		t.Fatal(err)
	}
	return p
}

// drawValues draws what the fields have. Those that count are right.
func drawValues(t *rapid.T, p *Protocol) (numbers map[string]uint64, texts map[string][]byte) {
	numbers, texts = make(map[string]uint64), make(map[string][]byte)
	for _, f := range p.Fields {
		switch {
		case f.Kind != Bytes:
			numbers[f.Name] = rapid.Uint64Range(0, f.max()).Draw(t, f.Name)
		case f.Size > 0:
			texts[f.Name] = rapid.SliceOfN(rapid.Byte(), f.Size, f.Size).Draw(t, f.Name)
		case f.Rest:
			texts[f.Name] = rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, f.Name)
		default:
			texts[f.Name] = rapid.SliceOfN(rapid.Byte(), 0, int(min(f.Count.max(), 20))).Draw(t, f.Name)
			numbers[f.Count.Name] = uint64(len(texts[f.Name]))
		}
	}
	return numbers, texts
}

// carriages are headers under a declared one, with its binding.
var carriages = []struct {
	binding Binding
	under   []HeaderID
}{
	{Binding{UDP, 7000}, []HeaderID{IP, UDP}},
	{Binding{UDP, 7000}, []HeaderID{VLAN, IP6, UDP}},
	{Binding{TCP, 7000}, []HeaderID{IP, TCP}},
	{Binding{TCP, 7000}, []HeaderID{IP6, TCP}},
	{Binding{IP, 253}, []HeaderID{IP}},
	{Binding{IP, 252}, []HeaderID{IP6}},
	{Binding{Eth, 0x88b5}, []HeaderID{Eth}},
	{Binding{Eth, 0x1234}, []HeaderID{VLAN, VLAN2}},
}

func TestProtocolsAsDeclared(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		carriage := rapid.SampledFrom(carriages).Draw(t, "carriage")
		p := drawProtocol(t, Binding{UDP, 1}, Binding{TCP, 1}, carriage.binding)
		p.Bindings = p.Bindings[2:]
		var ps Protocols
		if err := ps.Add(p); err != nil {
			t.Fatal(err)
		}
		numbers, texts := drawValues(t, p)
		r := Recipe{Payload: []byte("behind")}
		if p.Fields[len(p.Fields)-1].Rest {
			r.Payload = nil
		}
		for _, h := range carriage.under {
			r.Add(h)
		}
		b := build(t, &r, p, numbers, texts)
		check := func(b []byte) Layout {
			t.Helper()
			l := Layout{Declared: &ps}
			l.Walk(b)
			want := twinHeader(p, numbers, texts)
			if len(want)+len(r.Payload) == 0 {
				if l.Above != nil {
					t.Fatalf("found in nothing: %x", b)
				}
				return l
			}
			if l.Above != p {
				t.Fatalf("not found: %x", b)
			}
			from, to := l.Payload()
			if got := b[l.AboveAt:from]; !bytes.Equal(got, want) || string(b[from:to]) != string(r.Payload) {
				t.Fatalf("got %x, %q behind it\nwant %x", got, b[from:to], want)
			}
			for _, f := range p.Fields {
				v, isNumber := f.Uint(b, &l)
				text, isText := f.Bytes(b, &l)
				if isNumber == isText || isNumber && v != numbers[f.Name] || isText && !bytes.Equal(text, texts[f.Name]) {
					t.Fatalf("%s is %d, %t and %x, %t; want %d and %x", f, v, isNumber, text, isText, numbers[f.Name], texts[f.Name])
				}
			}
			if err := VerifyChecksums(b, &l); err != nil {
				t.Fatal(err)
			}
			return l
		}
		l := check(b)
		if l.Above == nil {
			return
		}

		for range rapid.IntRange(1, 5).Draw(t, "assignments") {
			f := rapid.SampledFrom(p.Fields).Draw(t, "field")
			switch {
			case f.Kind != Bytes && !f.counts:
				numbers[f.Name] = rapid.Uint64Range(0, f.max()).Draw(t, "value")
				if err := f.SetUint(b, &l, numbers[f.Name]); err != nil {
					t.Fatal(err)
				}
			case f.Kind == Bytes:
				n := len(texts[f.Name])
				texts[f.Name] = rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, "value")
				if err := f.SetBytes(b, &l, texts[f.Name]); err != nil {
					t.Fatal(err)
				}
			}
			l = check(b)
		}

		// Another length is another packet.
		for _, f := range p.counted {
			most := 20
			if !f.Rest {
				most = int(min(f.Count.max(), 20))
			}
			text := rapid.SliceOfN(rapid.Byte(), 0, most).Draw(t, "other "+f.Name)
			payload, err := f.Replace([]byte("x"), b, &l, text)
			if err != nil {
				t.Fatal(err)
			}
			texts[f.Name] = text
			if !f.Rest {
				numbers[f.Count.Name] = uint64(len(text))
			}
			if want := append(append([]byte("x"), twinHeader(p, numbers, texts)...), r.Payload...); !bytes.Equal(payload, want) {
				t.Fatalf("got %x, want %x", payload, want)
			}
			l.Uncover()
			if b, err = SetPayload(append(make([]byte, 0, 4096), b...), &l, payload[1:]); err != nil {
				t.Fatal(err)
			}
			if l = check(b); l.Above == nil {
				return
			}
		}

		// Cut short it is none, but for the rest of the packet.
		n := len(twinHeader(p, numbers, texts))
		for _, f := range p.Fields {
			if f.Rest {
				n -= len(texts[f.Name])
			}
		}
		if n == 0 {
			return
		}
		l = Layout{Declared: &ps}
		l.Walk(b[:int(check(b).AboveAt)+n-1])
		if l.Above != nil || (n > 1) != l.has(AboveCut) {
			t.Fatalf("cut short by 1 of %d bytes it is %v, %t", n, l.Above, l.has(AboveCut))
		}
	})
}

// build makes the packet of a recipe with a declared header of these values.
func build(t *rapid.T, r *Recipe, p *Protocol, numbers map[string]uint64, texts map[string][]byte) []byte {
	t.Helper()
	if err := r.AddProtocol(p); err != nil {
		t.Fatal(err)
	}
	for _, f := range p.Fields {
		var err error
		switch {
		case f.Kind == Bytes:
			err = r.SetProtocolBytes(f, texts[f.Name])
		case !f.counts || rapid.Bool().Draw(t, "given "+f.Name):
			err = r.SetProtocolUint(f, numbers[f.Name])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	b, err := r.Build()
	if err != nil {
		t.Fatal(err)
	}
	return b
}
