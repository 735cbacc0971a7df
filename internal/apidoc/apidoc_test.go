// SPDX-License-Identifier: GPL-3.0-or-later

package apidoc

import (
	"strings"
	"testing"

	"pvlua/luabind"
	"pvlua/packet"
)

func TestTables(t *testing.T) {
	got := Tables()
	for _, want := range []string{
		"### `pkt.ip`\n",
		"| field | value | bits | at | access | checksums | what it is |\n",
		"| `dst` | MAC number | 48 | byte 0 | rw |  | Destination address. |\n",
		"| `dscp` | number | 6 | byte 1 | rw | ip | Differentiated services code point (RFC 2474 §3). |\n",
		"| `mf` | boolean | 1 | byte 6 bit 2 | rw+ | ip | More fragments follow (RFC 791 §3.1). |\n",
		"| `src` | IPv4 number | 32 | byte 12 | rw | ip, tcp, udp | Source address (RFC 791 §3.1). |\n",
		"| `options` | string | varies | from byte 20 on | r |  | Options with their padding, empty when ihl is 5 (RFC 791 §3.1). |\n",
		"| `src` | 16-byte string | 128 | byte 8 | rw | tcp, udp, icmp6 | Source address (RFC 8200 §3). |\n",
		"| `frag_id` | number | 32 | Fragment header, byte 4 | rw |  |",
		"| `proto` | number | 8 | derived | r |  |",
		"| `slla` | MAC number | 48 | ND option 1, byte 2 | rw | icmp6 |",
		"| `tsecr` | number | 32 | TCP option 8, byte 6 | rw | tcp |",
		"| `len` | number | 16 | byte 4 | rw+ | udp |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no line %q", want)
		}
	}
	fields := 0
	for _, h := range packet.Headers {
		fields += len(h.Fields)
	}
	if n := strings.Count(got, "\n| `"); n != fields {
		t.Errorf("%d lines for %d fields", n, fields)
	}
	for line := range strings.Lines(got) {
		if strings.HasPrefix(line, "|") && strings.Count(strings.ReplaceAll(line, `\|`, ""), "|") != 8 {
			t.Errorf("not 7 cells: %s", line)
		}
	}
	if !strings.HasSuffix(got, ".\n") || strings.Contains(got, "\n\n\n") || strings.Contains(got, " \n") {
		t.Error("stray white space")
	}
}

const begin, end = "<!-- fields:begin -->", "<!-- fields:end -->"

func TestReplace(t *testing.T) {
	for _, c := range []struct {
		doc, want, err string
	}{
		{"a\n" + begin + "\nold\nolder\n" + end + "\nb\n", "a\n" + begin + "\nnew\n" + end + "\nb\n", ""},
		{begin + "\n" + end, begin + "\nnew\n" + end, ""},
		{"a\n" + end + "\n", "", "no line " + begin},
		{"", "", "no line " + begin},
		{begin + "\nb\n", "", "no line " + end + " after " + begin},
		{end + "\n" + begin + "\n", "", "no line " + end + " after " + begin},
		{end + begin + "\n" + end, "", "more than one pair of " + begin + " and " + end},
		{begin + "\n" + end + begin + "\n" + end, "", "more than one pair of " + begin + " and " + end},
	} {
		got, err := replace(c.doc, begin, end, "new\n")
		if got != c.want || (err == nil) != (c.err == "") || err != nil && err.Error() != c.err {
			t.Errorf("replace(%q) = %q, %v", c.doc, got, err)
		}
	}
}

func TestUpdate(t *testing.T) {
	doc, err := Update("a\n" + begin + "\n" + end + "\nb\n<!-- functions:begin -->\n<!-- functions:end -->\nc\n")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"a\n", "\nb\n", "\nc\n", "### `pkt.udp`\n", "| `port:send(packet or string) -> boolean` |", "| `on_packet(pkt) -> verdict` |"} {
		if !strings.Contains(doc, want) {
			t.Errorf("no %q", want)
		}
	}
	// What was updated once stays.
	if again, err := Update(doc); err != nil || again != doc {
		t.Errorf("%v, or updating again changes the document", err)
	}
	if _, err := Update("nothing"); err == nil {
		t.Error("a document without markers is no error")
	}
	if _, err := Update("<!-- functions:begin -->"); err == nil {
		t.Error("half a pair of markers is no error")
	}
}

// TestFunctionsAreComplete holds the page against the table it is made from.
func TestFunctionsAreComplete(t *testing.T) {
	got := Functions()
	for _, e := range luabind.API {
		if !strings.Contains(got, "| `"+cell(e.Signature)+"` |") {
			t.Errorf("%s.%s is not there: is %q among the titles?", e.Of, e.Name, e.Of)
		}
	}
}
