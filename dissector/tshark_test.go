// SPDX-License-Identifier: GPL-3.0-or-later

package dissector

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"pvlua/packet"
	"pvlua/pcap"
)

// tshark asks Wireshark what it makes of packets with the dissectors of
// protocols: a line for each packet with the values of fields, and a tab
// between them. It skips the test if there is no tshark, which in CI there must
// be.
func tshark(t *testing.T, protocols []*packet.Protocol, packets [][]byte, fields []string) [][]string {
	t.Helper()
	path, err := exec.LookPath("tshark")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("tshark is not installed: make deps")
		}
		t.Skip("tshark is not installed: make deps")
	}
	dir := t.TempDir()
	lua, capture := filepath.Join(dir, "dissector.lua"), filepath.Join(dir, "in.pcap")
	var text bytes.Buffer
	if err := Write(&text, "a test", protocols); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(lua, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	e, file := pcap.NewClassicEncoder()
	for _, b := range packets {
		file = e.Append(file, &pcap.Record{Time: time.Unix(1, 0), Data: b})
	}
	if err := os.WriteFile(capture, file, 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"-X", "lua_script:" + lua, "-r", capture, "-T", "fields", "-E", "occurrence=f"}
	for _, f := range fields {
		args = append(args, "-e", f)
	}
	cmd := exec.Command(path, args...)
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_CONFIG_HOME="+dir) // nobody's preferences
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil || strings.Contains(errs.String(), "Lua") {
		t.Fatalf("tshark: %v\n%s\n%s", err, &errs, &text)
	}
	var rows [][]string
	for line := range strings.Lines(string(out)) {
		rows = append(rows, strings.Split(strings.TrimSuffix(line, "\n"), "\t"))
	}
	if len(rows) != len(packets) {
		t.Fatalf("%d lines for %d packets:\n%s", len(rows), len(packets), out)
	}
	return rows
}

// shown reports whether tshark's text of a field is what the packet has.
func shown(text string, f *packet.ProtocolField, b []byte, l *packet.Layout) (want string, same bool) {
	if f.Kind == packet.Bytes {
		p, ok := f.Bytes(b, l)
		if f.Text {
			return string(p), ok && text == string(p)
		}
		want = hex.EncodeToString(p)
		return want, ok && (text == want || want == "" && text == "<MISSING>")
	}
	v, ok := f.Uint(b, l)
	switch f.Kind {
	case packet.MAC:
		want = string(packet.AppendMAC(nil, v))
	case packet.IPv4:
		want = string(packet.AppendIP4(nil, uint32(v)))
	case packet.Bool: // which later versions write as a word
		want = strconv.FormatUint(v, 10)
		return want, ok && (text == want || strings.EqualFold(text, strconv.FormatBool(v != 0)))
	default:
		want = strconv.FormatUint(v, 10)
	}
	return want, ok && text == want
}

// Wireshark reads the same out of packets as package packet does, for any
// declaration.
func TestTsharkReadsTheSame(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var ps packet.Protocols
	var fields []string
	for i := range 24 {
		p := randomProtocol(r, i)
		if err := p.Prepare(); err != nil {
			t.Fatal(err)
		}
		if err := ps.Add(p); err != nil {
			t.Fatal(err)
		}
		for _, f := range p.Fields {
			fields = append(fields, f.String())
		}
	}
	fields = append(fields, "_ws.col.Info")
	var packets [][]byte
	for _, p := range ps.All() {
		for i := range 3 {
			b := randomPacket(t, r, p)
			if i == 2 { // one that is not all there
				b = b[:len(b)-5-r.IntN(3)]
			}
			packets = append(packets, b)
		}
	}
	found := 0
	for i, row := range tshark(t, ps.All(), packets, fields) {
		b, l := packets[i], packet.Layout{Declared: &ps}
		l.Walk(b)
		if l.Above != nil {
			found++
			_, want, _ := strings.Cut(string(ps.AppendSummary(nil, b)), " "+strings.ToUpper(l.Above.Name)+" ")
			if got := row[len(row)-1]; got != strings.ToUpper(l.Above.Name)+" "+want && got != strings.ToUpper(l.Above.Name) {
				t.Errorf("packet %d: the column says %q, want %q", i+1, got, want)
			}
		}
		for j, name := range fields[:len(fields)-1] {
			owner, field, _ := strings.Cut(name, ".")
			if p := ps.Named(owner); p != l.Above {
				if row[j] != "" {
					t.Errorf("packet %d: %s is %q, but the packet does not have it", i+1, name, row[j])
				}
			} else if want, same := shown(row[j], p.Field(field), b, &l); !same {
				t.Errorf("packet %d: %s is %q, want %q\n%s", i+1, name, row[j], want, packet.AppendHexDump(nil, b))
			}
		}
	}
	if found < 48 {
		t.Errorf("%d packets have a header", found)
	}
}

// randomProtocol makes a declaration with something of everything.
func randomProtocol(r *rand.Rand, n int) *packet.Protocol {
	p := &packet.Protocol{Name: fmt.Sprintf("drawn%d", n), Bindings: []packet.Binding{
		{Under: packet.UDP, Number: uint16(20000 + n)}, {Under: packet.TCP, Number: uint16(20000 + n)},
		{Under: packet.Eth, Number: uint16(0x9900 + n)}, {Under: packet.IP, Number: uint16(200 + n)},
	}}
	r.Shuffle(4, func(i, j int) { p.Bindings[i], p.Bindings[j] = p.Bindings[j], p.Bindings[i] })
	add := func(f packet.ProtocolField) *packet.ProtocolField {
		f.Name = fmt.Sprintf("f%d", len(p.Fields))
		p.Fields = append(p.Fields, &f)
		return &f
	}
	for range 2 + r.IntN(4) {
		switch r.IntN(6) {
		case 0:
			for bits := 8 * (1 + r.IntN(8)); bits > 0; {
				f := add(packet.ProtocolField{Width: 1 + r.IntN(min(bits, 48))})
				if f.Width == 1 && r.IntN(2) == 0 {
					f.Kind = packet.Bool
				}
				bits -= f.Width
			}
		case 1:
			add(packet.ProtocolField{Width: 8 * (1 + r.IntN(6)), LittleEndian: true})
		case 2:
			add(packet.ProtocolField{Kind: packet.IPv4, Width: 32})
			add(packet.ProtocolField{Kind: packet.MAC, Width: 48})
		case 3:
			add(packet.ProtocolField{Kind: packet.Bytes, Size: 1 + r.IntN(9)})
		case 4:
			count := add(packet.ProtocolField{Width: 8 * (1 + r.IntN(6)), LittleEndian: r.IntN(2) == 0})
			if r.IntN(2) == 0 {
				add(packet.ProtocolField{Width: 16})
			}
			add(packet.ProtocolField{Kind: packet.Bytes, Count: count, Text: r.IntN(2) == 0})
		case 5:
			add(packet.ProtocolField{Width: 8 * (1 + r.IntN(5)), Enum: []packet.EnumName{{Value: 0, Name: "NONE"}, {Value: 3, Name: "SOME"}}})
		}
	}
	if r.IntN(2) == 0 {
		add(packet.ProtocolField{Kind: packet.Bytes, Rest: true})
	}
	return p
}

// randomPacket makes a packet with that header.
func randomPacket(t *testing.T, r *rand.Rand, p *packet.Protocol) []byte {
	t.Helper()
	recipe := packet.Recipe{Payload: []byte("behind")}
	err := recipe.AddProtocol(p)
	if p.Bindings[0].Under == packet.TCP { // in a connection of its own, for Wireshark puts them together
		err = recipe.SetUint(packet.Lookup(packet.TCP, "sport"), 40000+uint64(r.IntN(7000)))
	}
	bytesOf := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return b
	}
	counts := map[*packet.ProtocolField]bool{}
	for _, f := range p.Fields {
		counts[f.Count] = true
	}
	for _, f := range p.Fields {
		switch {
		case err != nil:
		case f.Kind == packet.Bytes && f.Size > 0:
			err = recipe.SetProtocolBytes(f, bytesOf(f.Size))
		case f.Text:
			err = recipe.SetProtocolBytes(f, []byte(`it says "no way" again and again and again, or`)[:r.IntN(46)])
		case f.Kind == packet.Bytes:
			err = recipe.SetProtocolBytes(f, bytesOf(r.IntN(20)))
		case len(f.Enum) > 0:
			err = recipe.SetProtocolUint(f, uint64(r.IntN(4)))
		case !counts[f]:
			err = recipe.SetProtocolUint(f, r.Uint64()&(1<<f.Width-1))
		}
	}
	b, buildErr := recipe.Build()
	if err != nil || buildErr != nil {
		t.Fatal(err, buildErr)
	}
	return b
}

// A protocol that Wireshark has, too, gets a name of its own there.
func TestTsharkHasTheName(t *testing.T) {
	p := &packet.Protocol{Name: "dns", Fields: []*packet.ProtocolField{{Name: "ver", Width: 8}}, Bindings: []packet.Binding{{Under: packet.UDP, Number: 20000}}}
	var ps packet.Protocols
	if err := p.Prepare(); err != nil {
		t.Fatal(err)
	}
	if err := ps.Add(p); err != nil {
		t.Fatal(err)
	}
	b := randomPacket(t, rand.New(rand.NewPCG(3, 4)), p)
	rows := tshark(t, ps.All(), [][]byte{b}, []string{"pvlua_dns.ver", "_ws.col.Protocol"})
	if want := strconv.Itoa(int(b[42])); rows[0][0] != want || rows[0][1] != "DNS" {
		t.Errorf("got %q, want %s and DNS", rows[0], want)
	}
}
