// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"os"
	"strings"
	"testing"

	"pvlua/packet"
)

// The example of a header of one's own does what the page says.
func TestExampleOfADeclaredHeader(t *testing.T) {
	parts := examples(t, "Headers of your own")
	if len(parts) != 1 {
		t.Fatalf("%d examples, want 1", len(parts))
	}
	f := load(t, parts[0]+`
		local function ask(t) return pv.build{ip = {src = pv.ip"10.0.0.4", dst = pv.ip"10.0.0.5"}, udp = {sport = 40000}, note = t} end
		function on_start()
		  for _, p in ipairs{
		    ask{type = PUT, id = 7, name = "hello", text = "world, all"}, ask{type = GET, name = "hello"}, ask{type = GET, name = "bye"},
		    ask{ver = 2, type = GET}, ask{type = 9},
		  } do pv.ports[1]:send(p) end
		end`)
	if err := f.Start(); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	const from, back = "IP 10.0.0.4.40000 > 10.0.0.5.7000: UDP, length ", "IP 10.0.0.5.7000 > 10.0.0.4.40000: UDP, length "
	for i, want := range []struct {
		verdict Verdict
		line    string
		text    string
	}{
		{TX, back + "9 NOTE ver=1 type=FOUND len=5 id=7 name=\"hello\" text=\"\"", ""},
		{TX, back + "19 NOTE ver=1 type=FOUND len=5 id=0 name=\"hello\" text=\"world, all\"", "world, all"},
		{TX, back + "7 NOTE ver=1 type=NONE len=3 id=0 name=\"bye\" text=\"\"", ""},
		{Pass, from + "4 NOTE ver=2 type=GET len=0 id=0 name=\"\" text=\"\"", ""},
		{Drop, from + "4 NOTE ver=1 type=9 len=0 id=0 name=\"\" text=\"\"", ""},
	} {
		frame := f.host.sent[i].frame
		p := []Packet{{Buf: append(frame, make([]byte, 100)...), To: len(frame)}}
		f.handleAll(p)
		b := p[0].Buf[p[0].From:p[0].To]
		l := packet.Layout{Declared: &f.protocols}
		l.Walk(b)
		text, _ := f.Protocols()[0].Field("text").Bytes(b, &l)
		if line := string(f.AppendSummary(nil, b)); p[0].Err != nil || p[0].Verdict != want.verdict || line != want.line || string(text) != want.text {
			t.Errorf("packet %d: %v, %s, %s, %q", i+1, p[0].Err, p[0].Verdict, line, text)
		}
		if err := packet.VerifyChecksums(b, &l); err != nil {
			t.Errorf("packet %d: %v", i+1, err)
		}
		if i == 0 && !strings.Contains(string(page), string(f.AppendSummary(nil, frame))+" -> tx\n") {
			t.Errorf("the page does not show %s", f.AppendSummary(nil, frame))
		}
	}
}
