// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"os"
	"strings"
	"testing"
	"time"

	"pvlua/internal/pkttest"
)

// examples gives the Lua examples of a section of docs/api.md.
func examples(t *testing.T, section string) []string {
	t.Helper()
	page, err := os.ReadFile("../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, ok := strings.Cut(string(page), "\n## "+section+"\n")
	if !ok {
		t.Fatalf("docs/api.md has no section %q", section)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	var all []string
	for _, part := range strings.Split(text, "```lua\n")[1:] {
		code, _, _ := strings.Cut(part, "```")
		all = append(all, code)
	}
	return all
}

// The examples of what can be done with the packet in hand do it.
func TestExamplesOfThePacket(t *testing.T) {
	parts := examples(t, "The packet")
	if len(parts) != 3 {
		t.Fatalf("%d examples, want 3", len(parts))
	}
	want := map[string]string{
		"replace": "IP 10.0.0.4.1234 > 10.0.0.5.7: UDP, length 9",
		"tag":     "vlan 100, p 0, IP 10.0.0.4.1234 > 10.0.0.5.7: UDP, length 8",
	}
	for i, name := range []string{"replace", "tag"} {
		f := load(t, "function on_packet(pkt) local udp = pkt.udp "+parts[i+1]+"\nprint(pkt) end")
		o := pkttest.Options{Payload: []byte("one cat.")}
		frame := pkttest.UDP(o)
		buf := make([]byte, 256)
		copy(buf[100:], frame)
		p := []Packet{{Buf: buf, From: 100, To: 100 + len(frame)}}
		f.Handle(p)
		if got := f.stdout.String(); p[0].Err != nil || !strings.Contains(got, want[name]) {
			t.Errorf("%s: %v, printed %q; want %q", name, p[0].Err, got, want[name])
		}
	}
}

// Those of packets of a script's own print what they say.
func TestExamplesOfOwnPackets(t *testing.T) {
	parts := examples(t, "Packets of your own")
	source := strings.Join(parts, "\n")
	f := load(t, source+"\nfunction on_packet() end")
	_, want, ok := strings.Cut(source, "--> ")
	want, _, _ = strings.Cut(want, "\n")
	if first, _, _ := strings.Cut(f.stdout.String(), "\n"); !ok || first != want {
		t.Errorf("printed %q; want %q", first, want)
	}
	f.host.now = f.host.now.Add(3 * time.Second)
	if errs := f.RunTimers(f.host.now); len(errs) > 0 || len(f.host.sent) == 0 {
		t.Errorf("errors %v, %d frames sent", errs, len(f.host.sent))
	}
}
