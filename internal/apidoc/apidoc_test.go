// SPDX-License-Identifier: GPL-3.0-or-later

package apidoc

import (
	"strings"
	"testing"

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

func TestReplace(t *testing.T) {
	for _, c := range []struct {
		doc, want, err string
	}{
		{"a\n" + Begin + "\nold\nolder\n" + End + "\nb\n", "a\n" + Begin + "\nnew\n" + End + "\nb\n", ""},
		{Begin + "\n" + End, Begin + "\nnew\n" + End, ""},
		{"a\n" + End + "\n", "", "no line " + Begin},
		{"", "", "no line " + Begin},
		{Begin + "\nb\n", "", "no line " + End + " after " + Begin},
		{End + "\n" + Begin + "\n", "", "no line " + End + " after " + Begin},
		{End + Begin + "\n" + End, "", "more than one pair of " + Begin + " and " + End},
		{Begin + "\n" + End + Begin + "\n" + End, "", "more than one pair of " + Begin + " and " + End},
	} {
		got, err := Replace(c.doc, "new\n")
		if got != c.want || (err == nil) != (c.err == "") || err != nil && err.Error() != c.err {
			t.Errorf("Replace(%q) = %q, %v", c.doc, got, err)
		}
	}
	// What was replaced once stays.
	doc, err := Replace(Begin+"\n"+End+"\n", Tables())
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Replace(doc, Tables()); err != nil || again != doc {
		t.Errorf("%v, or replacing again changes the document", err)
	}
}
