// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"pvlua/internal/pkttest"
	"pvlua/packet"
)

// everything is a script that, on each packet, reads every field of every
// header that is there and assigns it what it had and other values, uses all
// raw accesses, and keeps views. An error is caught where one may be; any other
// one fails the test.
func everything() string {
	var b strings.Builder
	b.WriteString(`
local kept = {}
local function try(f, ...)
  local ok, err = pcall(f, ...)
  if not ok and (type(err) ~= "string" or err:find("runtime error") or err:find("internal")) then error(err, 0) end
  return ok
end
local function raw(pkt)
  local n = #pkt
  for _, off in ipairs{0, 1, 12, n - 4, n - 1, n, -1, n * 2, 65536, 0.5} do
    try(function() local _ = pkt:u8(off) end)
    try(function() local v = pkt:u16(off) pkt:set_u16(off, v) end)
    try(function() local v = pkt:u32(off) pkt:set_u32(off, v) end)
    try(function() local s = pkt:bytes(off, 3) pkt:set_bytes(off, s) end)
    try(function() return pkt:find("\0", off) end)
  end
  local _ = pkt.payload, tostring(pkt)
end
function on_packet(pkt)
  raw(pkt)
`)
	for _, h := range packet.Headers {
		fmt.Fprintf(&b, "  if pkt.%s then\n    local h = pkt.%s\n", h.Name, h.Name)
		for _, f := range h.Fields {
			fmt.Fprintf(&b, "    try(function()\n      local v = h.%[1]s\n      if v ~= h[%[1]q] then error('internal: two values of %[2]s', 0) end\n", f.Name, f)
			switch f.Kind {
			case packet.Bytes:
			case packet.Bool:
				fmt.Fprintf(&b, "      if v ~= nil then h.%[1]s = not v; h.%[1]s = v end\n", f.Name)
			case packet.IPv6:
				fmt.Fprintf(&b, "      if v then h.%[1]s = pv.ip6'::1'; h.%[1]s = v end\n", f.Name)
			default:
				fmt.Fprintf(&b, "      if v then h.%[1]s = 0; h.%[1]s = %[2]d; h.%[1]s = v end\n", f.Name, uint64(1)<<f.Width-1)
			}
			b.WriteString("    end)\n")
		}
		b.WriteString("  end\n")
	}
	b.WriteString(`
  kept[1 + #pkt % 5] = pkt
  for _, view in pairs(kept) do
    if view ~= pkt and try(function() return view.eth end) then error("a dead packet was read", 0) end
  end
  raw(pkt)
  pkt:fix_checksums()
  return pkt.port:send(pkt:bytes(0, 14)) and pv.TX or nil
end`)
	return b.String()
}

// FuzzHandler hands everything packets of any content and length.
func FuzzHandler(f *testing.F) {
	for _, p := range pkttest.All() {
		f.Add(p.Frame)
		f.Add(p.Frame[:len(p.Frame)/2])
	}
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte{0xff}, 100))
	s := load(f, everything())
	f.Fuzz(func(t *testing.T, frame []byte) {
		const room = 32
		buf := bytes.Repeat([]byte{0xee}, room+len(frame)+room)
		copy(buf[room:], frame)
		// The second and third time with views kept from before.
		for range 3 {
			p := []Packet{{Buf: buf, From: room, To: room + len(frame)}}
			s.Handle(p)
			if err := p[0].Err; err != nil && !(len(frame) < minFrame && strings.Contains(err.Error(), "outside the packet")) {
				t.Fatal(err)
			}
		}
		if bytes.Count(buf[:room], []byte{0xee}) != room || bytes.Count(buf[room+len(frame):], []byte{0xee}) != room {
			t.Fatal("bytes outside of the packet were written")
		}
	})
}

// FuzzScript loads any text as a script and runs its handler: neither may
// panic, nor run without end.
func FuzzScript(f *testing.F) {
	f.Add("function on_packet(pkt) return pkt.udp.dport end")
	f.Add(everything())
	for _, s := range snippets {
		f.Add(s.source + " function on_packet() end")
	}
	for _, e := range endless {
		f.Add("function on_packet() " + e.body + " end")
	}
	for _, r := range routes {
		f.Add(r.source + " function on_packet(pkt) store(pkt) local v = get() return v.eth.dst end")
	}
	frame := pkttest.UDP(pkttest.Options{})
	f.Fuzz(func(t *testing.T, source string) {
		s, err := tryLoad(t, source, func(c *Config) { c.Quota = 10_000 })
		if err != nil {
			return
		}
		for range 2 {
			s.handle(bytes.Clone(frame))
			if way := liveViews(s.State); way != "" {
				t.Errorf("a live view is at %s", way)
			}
		}
		s.RunTimers(s.host.now)
		s.Stop()
		if top := s.L.GetTop(); top != 0 {
			t.Errorf("%d values are left in the registers", top)
		}
	})
}
