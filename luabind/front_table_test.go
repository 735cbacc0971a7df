// SPDX-License-Identifier: GPL-3.0-or-later

package luabind_test

import (
	"bytes"
	"testing"

	"pvlua/luabind"
	"pvlua/luabind/handlertest"
)

// What the table says of every engine holds for gopher-lua alone and with a
// front, and errors are the same to the letter.
func TestTableWithAndWithoutFront(t *testing.T) {
	for _, c := range handlertest.Cases() {
		var answers [2]luabind.Packet
		for i, plain := range []bool{false, true} {
			s, err := luabind.Load(luabind.Config{
				Script: handlertest.Name, Source: []byte(c.Script()), Ports: handlertest.Ports(), Host: &handlertest.Host{}, Plain: plain,
			})
			if err != nil {
				t.Fatalf("%s: %v", c.Name, err)
			}
			const room = 100
			buf := make([]byte, room+len(c.Packet)+room)
			copy(buf[room:], c.Packet)
			p := []luabind.Packet{{Buf: buf, From: room, To: room + len(c.Packet), Port: c.Port}}
			s.Handle(p)
			s.Close()
			if err := c.Check(&p[0]); err != nil {
				t.Errorf("%s, plain %v: %v\n%s", c.Name, plain, err, c.Script())
			}
			answers[i] = p[0]
		}
		a, b := &answers[0], &answers[1]
		if !bytes.Equal(a.Buf[a.From:a.To], b.Buf[b.From:b.To]) || a.Verdict != b.Verdict || a.Out != b.Out {
			t.Errorf("%s: with a front %s to %d, without %s to %d", c.Name, a.Verdict, a.Out, b.Verdict, b.Out)
		}
		if a.Err != nil && b.Err != nil && a.Err.Error() != b.Err.Error() {
			t.Errorf("%s: with a front %q, without %q", c.Name, a.Err, b.Err)
		}
	}
}
