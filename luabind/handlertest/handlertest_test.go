// SPDX-License-Identifier: GPL-3.0-or-later

package handlertest_test

import (
	"bytes"
	"strings"
	"testing"

	"pvlua/luabind"
	"pvlua/luabind/handlertest"
	"pvlua/packet"
)

// The interpreter does what the table says. The packet has room around it, as
// in a UMEM frame, which only what changes its length may touch.
func TestInterpreter(t *testing.T) {
	for _, c := range handlertest.Cases() {
		t.Run(c.Name, func(t *testing.T) {
			s, err := luabind.Load(luabind.Config{
				Script: handlertest.Name, Source: []byte(c.Script()), Ports: handlertest.Ports(), Host: &handlertest.Host{},
			})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			const room = 100
			buf := bytes.Repeat([]byte{0xee}, room+len(c.Packet)+room)
			copy(buf[room:], c.Packet)
			p := []luabind.Packet{{Buf: buf, From: room, To: room + len(c.Packet), Port: c.Port}}
			s.Handle(p)
			if err := c.Check(&p[0]); err != nil {
				t.Errorf("%v\n%s", err, c.Script())
			}
			if strings.HasPrefix(c.Name, "reshape/") {
				return // those use the room
			}
			if bytes.Count(buf[:room], []byte{0xee}) != room || bytes.Count(buf[room+len(c.Packet):], []byte{0xee}) != room {
				t.Error("bytes outside of the packet were written")
			}
		})
	}
}

// Names are unique, and the packets that must come out have right checksums
// unless the case is about wrong ones.
func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range handlertest.Cases() {
		if seen[c.Name] {
			t.Errorf("two cases are called %q", c.Name)
		}
		seen[c.Name] = true
		if c.Want == nil {
			continue
		}
		var l, before packet.Layout
		l.Walk(c.Want)
		before.Walk(c.Packet)
		wrong := packet.VerifyChecksums(c.Packet, &before) != nil
		raw := bytes.Contains([]byte(c.Script()), []byte(":set_")) || bytes.Contains([]byte(c.Script()), []byte(":resize(")) || bytes.Contains([]byte(c.Script()), []byte("checksum ="))
		if err := packet.VerifyChecksums(c.Want, &l); err != nil && !wrong && !raw {
			t.Errorf("%s: %v", c.Name, err)
		}
	}
}
