// SPDX-License-Identifier: GPL-3.0-or-later

package packet_test

import (
	"strings"
	"testing"

	"pvlua/internal/pkttest"
	"pvlua/packet"
)

// marked gives the lines of a difference that are marked, without columns.
func marked(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, "> "); ok {
			lines = append(lines, strings.Join(strings.Fields(rest), " "))
		}
	}
	return strings.Join(lines, "\n")
}

func TestAppendDifference(t *testing.T) {
	udp := pkttest.UDP(pkttest.Options{})
	change := func(b []byte, at int, to byte) []byte {
		b = append([]byte(nil), b...)
		b[at] = to
		return b
	}
	for _, c := range []struct {
		name      string
		got, want []byte
		marked    string
	}{
		{"the same", udp, udp, ""},
		{"an address", change(udp, 26, 11), udp, "ip.src 11.0.0.4 10.0.0.4"},
		{"a flag", change(udp, 20, 0), udp, "ip.df false true"},
		{"bits of tos", change(udp, 15, 0x2e<<2|1), udp, "ip.dscp 46 0\nip.ecn 1 0"},
		{"a checksum", change(udp, 40, 0x12), change(udp, 40, 0x13), "udp.checksum 0x12" + hexByte(udp[41]) + " 0x13" + hexByte(udp[41])},
		{"text", change(udp, 42, 'X'), change(udp, 42, 'Y'), "payload \"X" + string(udp[43:]) + "\" \"Y" + string(udp[43:]) + "\""},
		{"a header less", pkttest.ARPRequest(pkttest.Options{})[:20], pkttest.ARPRequest(pkttest.Options{})[:21], "payload 6 bytes 7 bytes\nlength 20 21\ngot 0010 08 00 06 04 ....\nwant 0010 08 00 06 04 00 ....."},
		{"padding", append(udp[:len(udp):len(udp)], 1), append(udp[:len(udp):len(udp)], 2), "got 0020 00 05 04 d2 00 07 00 0c " + hexBytes(udp[40:46]) + " 01 " + ascii(udp[32:46]) + ".\nwant 0020 00 05 04 d2 00 07 00 0c " + hexBytes(udp[40:46]) + " 02 " + ascii(udp[32:46]) + "."},
		{"nothing at all", nil, []byte{1}, "payload \"\" 1 bytes\nlength 0 1\ngot 0000\nwant 0000 01 ."},
	} {
		text := string(packet.AppendDifference(nil, c.got, c.want))
		if got := marked(text); got != c.marked {
			t.Errorf("%s: marked are\n%s\nwant\n%s\nof\n%s", c.name, got, c.marked, text)
		}
	}
}

func hexBytes(b []byte) string {
	var s []string
	for _, c := range b {
		s = append(s, hexByte(c))
	}
	return strings.Join(s, " ")
}

func hexByte(b byte) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[b>>4], digits[b&15]})
}

func ascii(b []byte) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '.'
		}
		return r
	}, string(b))
}

// A header that one of the packets lacks is said to be absent, and every field
// of the table is a line, but for those that others say more of.
func TestDifferenceOfHeaders(t *testing.T) {
	udp, tcp := pkttest.UDP(pkttest.Options{}), pkttest.TCPSyn(pkttest.Options{})
	text := string(packet.AppendDifference(nil, udp, tcp))
	for _, want := range []string{"tcp absent present", "udp present absent", "ip.proto 17 6", "udp.dport 7", "tcp.syn true"} {
		if !strings.Contains("\n"+marked(text)+"\n", "\n"+want+"\n") {
			t.Errorf("%q is not marked in\n%s", want, text)
		}
	}
	for _, line := range []string{"ip.tos", "ip.flags", "tcp.flags", "icmp"} {
		if strings.Contains(text, line+" ") {
			t.Errorf("%s is in\n%s", line, text)
		}
	}
	if strings.Contains(text, " \n") || !strings.HasSuffix(text, "\n") {
		t.Errorf("ends of lines in\n%q", text)
	}
}

// Options longer than the table shows are shown as bytes where they differ.
func TestDifferenceInLongOptions(t *testing.T) {
	options := func(last byte) []byte {
		var r packet.Recipe
		if err := r.SetBytes(packet.Lookup(packet.TCP, "options"), append(make([]byte, 15), last)); err != nil {
			t.Fatal(err)
		}
		if err := r.SetUint(packet.Lookup(packet.TCP, "checksum"), 0); err != nil {
			t.Fatal(err)
		}
		b, err := r.Build()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	zeros := strings.Repeat("00", 12)
	want := "tcp.options " + zeros + "... " + zeros + "...\n" +
		"got 0040 00 00 00 00 00 01 ......\nwant 0040 00 00 00 00 00 02 ......"
	if got := marked(string(packet.AppendDifference(nil, options(1), options(2)))); got != want {
		t.Errorf("marked are\n%s\nwant\n%s", got, want)
	}
}

// However much differs, not too much is shown.
func TestByteDifferenceEnds(t *testing.T) {
	text := string(packet.AppendByteDifference(nil, make([]byte, 1000), []byte(strings.Repeat("x", 900))))
	if n := strings.Count(text, "\n"); n != 33 || !strings.HasSuffix(text, "\n  ...\n") {
		t.Errorf("%d lines:\n%s", n, text)
	}
}

// FuzzDifference must not panic, and marks something exactly if there is a
// difference.
func FuzzDifference(f *testing.F) {
	f.Add(pkttest.UDP(pkttest.Options{}), pkttest.TCPSyn(pkttest.Options{}))
	f.Add(pkttest.NeighborSolicit(pkttest.Options{}), []byte{})
	f.Fuzz(func(t *testing.T, a, b []byte) {
		if text := string(packet.AppendDifference(nil, a, b)); (marked(text) != "") != (string(a) != string(b)) {
			t.Errorf("% x\n% x\n%s", a, b, text)
		}
	})
}
