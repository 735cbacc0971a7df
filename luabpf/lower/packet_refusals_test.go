// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"strings"
	"testing"
)

// packetRefusals are bodies of on_packet with what their exits say; "?" stands
// for one that depends on the packet.
var packetRefusals = []struct{ body, want string }{
	{`if pkt.ip then local o = pkt.ip.options end`, `ip.options is a string made at run time; pkt:u8(offset) reads bytes`},
	{`local s = pkt.payload`, `the payload is a string made at run time; #pkt.payload is its length, and pkt:u8(offset) reads bytes`},
	{`pkt.payload = "x"`, `a payload of another length moves bytes; pkt:set_u8(offset, n) changes bytes in place`},
	{`pkt.port = 5`, `'port' can't be assigned`},
	{`if pkt.ip then pkt.ip.options = "" end`, `?ip.options is read-only`},
	{`if pkt.ip6 then pkt.ip6.proto = 1 end`, `?ip6.proto is read-only`},
	{`if pkt.ip then pkt.ip.ttl = "x" end`, `?ip.ttl takes a whole number`},
	{`if pkt.ip then pkt.ip.df = 1 end`, `?ip.df takes true or false`},
	{`if pkt.ip6 then pkt.ip6.src = 1 end`, `?ip6.src takes a string of 16 bytes`},
	{`if pkt.ip then pkt.ip.ttl = 256 end`, `?ip.ttl takes 0 to 255`},
	{`if pkt.ip then pkt.ip.ttl = pkt.ip.id end`, `?ip.ttl takes 0 to 255, and a number here may be another one; bit32.band keeps it in range`},
	{`if pkt.ip then pkt.ip.len = 40 end`, `an assignment to ip.len changes what checksums cover; pkt:set_u8 or set_u16 and then pkt:fix_checksums() are compiled`},
	{`if pkt.icmp6 then pkt.icmp6.tlla = 1 end`, `?icmp6.tlla: the packet has no link-layer address option`},
	{`if pkt.tcp then pkt.tcp.mss = 1 end`, `?tcp.mss: the packet does not have it`},
	{`local ip = pkt.ip if ip then pkt:set_u16(12, 0x806) n:add(ip.ttl) end`, `?the packet has no ip header any more: it was changed since this one was looked up`},
	{`pkt.port:send(pkt)`, `port:send needs user space; return the port as the verdict to send the packet itself`},
	{`local x = pkt.port:owns(pkt)`, `owns: the address is neither a number nor a string of 16 bytes`},
	{`pkt:find("x")`, `pkt:find looks for a string anywhere; where the place is known, pkt:u8, u16 and u32 read numbers`},
	{`pkt:clone()`, `pkt:clone makes something that outlives the packet`},
	{`local x = pkt:u8("x")`, `u8: the offset is no whole number`},
	{`local x = pkt:u8(-1)`, `u8 at offset -1 is outside the packet`},
	{`local x = pkt:u8(#pkt - 1)`, `?u8: a packet ends before the offset, which is an error`},
	{`pkt:set_u8(0, 256)`, `set_u8 takes 0 to 255`},
	{`pkt:set_u8(0, pkt)`, `set_u8: the value is no whole number`},
	{`local x = pkt:bytes(0, 17)`, `bytes: a string of more than 16 bytes, or of a length that is not known; pkt:u8, u16 and u32 read numbers`},
	{`pkt:set_bytes(0, 5)`, `set_bytes: the value is no string`},
	{`pkt:set_bytes(0, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")`, `set_bytes: more than 64 bytes at once`},
	{`pkt:push("x")`, `push: the number of bytes is no whole number`},
	{`pkt:push(#pkt)`, `push: the number of bytes is no constant`},
	{`pkt:push(4)`, `?push: the frame has no room in the kernel | ?push: the packet would have a length that can't be sent`},
	{`n:get()`, `counter:get: what counters hold is spread over the processors; the kernel can only add to it`},
	{`n:add("x")`, `add: what is added is no whole number`},
	{`any:get(1)`, `map any is in user space, because its key has no width that the kernel knows: declare "u8", "u16", "u32", "u64" or "ip6", as in pv.map{name = "any", key = "u32"}`},
	{`texts:get(1)`, `map texts is in user space, because its value has no width that the kernel knows: declare "u8", "u16", "u32", "u64" or "ip6", as in pv.map{name = "texts", value = "u32"}`},
	{`m:len()`, `map:len looks at all entries, which only user space can`},
	{`m:get("x")`, `get: the key is none that the map is declared to have (u32)`},
	{`small:set(1, 256)`, `set: the value takes 0 to 255`},
	{`wide:add(pv.ip6"::1", 5)`, `add: what is added, or what it is added to, is no whole number`},
	{`small:add(1, 5)`, `?add: the map can't hold the sum; value = "u64" holds more`},
	{`m:add(1, "x")`, `add: what is added, or what it is added to, is no whole number`},
	{`local x = #pkt.payload`, `where the payload begins follows from headers declared by pv.proto, which only user space knows`},
	{`local x = pkt.note`, `'note' is a header declared by pv.proto, which only user space knows`},
	{`local t = "ttl" if pkt.ip then pkt.ip[t] = 300 n:add(pkt["ip"][t]) end`, `?ip.ttl takes 0 to 255`},
}

const refusalPrelude = `local any, texts = pv.map{name = "any"}, pv.map{name = "texts", key = "u8", value = "string"} pv.proto{name = "note", fields = {{"a", 8}}, udp = 7000}
`

func TestPacketRefusals(t *testing.T) {
	for _, c := range packetRefusals {
		t.Run(c.body, func(t *testing.T) {
			source := strings.Replace(prelude, "function", refusalPrelude+"function", 1) + c.body + "\nend"
			e := startEngines(t, source, 0)
			e.fuzz(20)
			var got []string
			for _, s := range e.result.Func.Sites {
				mark := ""
				if s.Rare {
					mark = "?"
				}
				got = append(got, mark+s.Reason)
			}
			if got := strings.Join(got, " | "); got != c.want {
				t.Errorf("exits: %s\n want: %s", got, c.want)
			}
		})
	}
}
