// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"pvlua/internal/pkttest"
	"pvlua/luabpf/ir"
	"pvlua/packet"
)

// TestPartial has packets come in whose checksum is yet to be computed: they
// are left to user space where they are changed or sent on, and only there.
func TestPartial(t *testing.T) {
	for _, c := range []struct {
		body string
		exit bool
	}{
		{`return pv.DROP`, false},
		{`if pkt.udp and pkt.udp.dport == 9 then return pv.TX end`, false},
		{`return pv.TX`, true},
		{`return pv.ports[2]`, true},
		{`pkt.eth.src = 5`, true},
		{`m:add(1) return pv.TX`, true},
		{`if pkt.vlan then pkt.eth.src = 1 end return pv.ports[2]`, true},
		{`for i = 1, #pkt do m:set(i, 1) end`, true},
		{`pkt:push(4) return pv.TX`, true},
	} {
		e := startEngines(t, prelude+"if not pkt.eth then return end "+c.body+"\nend", 0)
		program, err := e.other.Program()
		if err != nil {
			t.Fatal(err)
		}
		f, err := Lower(program, Options{In: 0, Ports: testPorts, CanSend: []bool{true, true}, Partial: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := ir.Verify(f.Func); err != nil {
			t.Fatalf("%v\n%s", err, f.Func)
		}
		run := func(b []byte) ir.Result {
			buf := slices.Concat(make([]byte, 64), b, make([]byte, 64))
			r, err := ir.Run(f.Func, &ir.Packet{Buf: buf, From: 64, To: 64 + len(b)}, e.mem)
			if err != nil {
				t.Fatalf("%v\n%s", err, f.Func)
			}
			return r
		}
		for _, n := range pkttest.All() {
			if r := run(n.Frame); r.Verdict == 0 {
				t.Errorf("%s: %s exits: %s", c.body, n.Name, f.Func.Sites[r.Site].Reason)
			}
			if p := partial(n.Frame); p != nil {
				if r := run(p); r.Verdict == 0 != c.exit {
					t.Errorf("%s: %s ends with %d\n%s", c.body, n.Name, r.Verdict, f.Func)
				}
			}
		}
	}
}

// partial gives a packet as the kernel leaves it to a network card, nil if it
// has no checksum that can be left.
func partial(b []byte) []byte {
	b = bytes.Clone(b)
	var l packet.Layout
	l.Walk(b)
	h := packet.UDP
	if l.Present(packet.TCP) {
		h = packet.TCP
	}
	if !l.Present(h) {
		return nil
	}
	addresses := b[l.Off[packet.IP6]+8:][:32]
	if l.Present(packet.IP) {
		addresses = b[l.Off[packet.IP]+12:][:8]
	}
	length := int(l.NetEnd) - int(l.Off[h])
	sum := ^packet.Checksum(addresses, uint32(length)+uint32(l.Proto))
	binary.BigEndian.PutUint16(b[int(l.Off[h])+sumAt[h]:], sum)
	if c := bytes.Clone(b); !packet.CompletePartial(c, &l) {
		return nil
	}
	return b
}
