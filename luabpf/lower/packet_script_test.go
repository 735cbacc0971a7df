// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pvlua/internal/pkttest"
)

// handlers are scripts of which all is compiled; each line is the body of
// on_packet. Their packets are compared with those of the Lua engine.
var handlers = []string{
	// Ports.
	`return pkt.port.mac == 0x020000000005 and pkt.port.ip == pv.ip"10.0.0.5" and pkt.port.name == "veth0" and pkt.port.index == 1 and pkt.port.mtu == 1500 and pv.TX`,
	`if pkt.ip and pkt.port:owns(pkt.ip.dst) then return pv.TX end`,
	`if pkt.ip6 and pv.ports[2]:owns(pkt.ip6.dst) then return pv.DROP end`,
	`if pkt.ip6 and pkt.port:owns(pkt.ip6.dst) then return pv.DROP end`,
	`return pkt.port:owns(pv.ip"10.0.0.5") and not pkt.port:owns(7) and pv.ports[2]`,
	// Raw access.
	`if #pkt > 20 and pkt:u8(14) == 0x45 and pkt:u16(16) > 30 and pkt:u32(12) > 1 then return pv.DROP end`,
	`if pkt.ip and pkt:u8(14 + pkt.ip.ihl * 4) == 8 then return pv.DROP end`,
	`if pkt.ip and #pkt > 60 then n:add(pkt:u16(pkt.ip.ttl)) end`,
	`if #pkt > 40 then pkt:set_u8(30, 200) pkt:set_u16(31, 0x1234) pkt:set_u32(34, pkt:u32(4)) return pv.TX end`,
	`if #pkt > 40 then pkt:set_u16(12, 0x86dd) return pkt.ip6 and pv.TX or pv.DROP end`,
	`if #pkt > 64 and pkt.ip then pkt:set_u8(pkt.ip.id % 64, 1) return pv.TX end`,
	`if #pkt > 30 then pkt:set_bytes(0, pkt:bytes(6, 6)) pkt:set_bytes(6, "abcdef") return pv.TX end`,
	`if #pkt > 40 then local a, b, c = pkt:bytes(3, 15), pkt:bytes(1, 7), pkt:bytes(9, 16) pkt:set_bytes(20, a) pkt:set_bytes(2, b) pkt:set_bytes(14, c) return pv.TX end`,
	`if #pkt > 40 then local s = pkt.vlan and pkt:bytes(3, 5) or pkt:bytes(12, 5) pkt:set_bytes(20, s) n:add(s:byte(2) + #s) return pv.TX end`,
	`if pkt.ip then local c = pkt.ip.checksum pkt.ip.ttl = 7 n:add(pkt:u16(24) + c + pkt.ip.checksum) return pv.TX end`,
	`if pkt.ip then n:add(pkt:u8(22)) pkt.ip.ttl = 7 n:add(pkt:u8(22)) return pv.TX end`,
	`if pkt.ip then pkt.ip.ttl = 3 pkt:set_u16(24, 0x1234) return pv.TX end`,
	`local q = pkt.icmp6 if q and q.slla then q.type = 133 n:add(q.slla or 1) return pv.TX end`,
	// Fields, several at once.
	`local ip = pkt.ip if ip then ip.dst, ip.src = ip.src, ip.dst ip.ttl = (ip.ttl + 255) % 256 return pv.TX end`,
	`local ip, udp = pkt.ip, pkt.udp if udp then udp.sport, udp.dport = udp.dport, 53 if ip then ip.src = 5 end return pv.TX end`,
	`local t = pkt.tcp if t and t.tsval then t.tsval, t.mss = t.tsecr, t.mss and 536 or nil return pv.TX end`,
	`local q = pkt.icmp6 if q and q.target and q.slla then q.type, q.tlla, q.override = 136, pkt.port.mac, true return pv.TX end`,
	`if pkt.vlan then pkt.vlan.vid, pkt.vlan.pcp = 7, pkt.vlan2 and pkt.vlan2.pcp or 1 return pv.TX end`,
	`local ip, icmp = pkt.ip, pkt.icmp if icmp then icmp.id, ip.src, icmp.seq = icmp.seq, 0x01020304, 7 return pv.TX end`,
	`local p = pkt.ip6 if p and p.proto then p.src, p.dst, p.hlim = p.dst, pv.ip6"ff02::5", p.proto return pv.TX end`,
	// Paths that meet, with headers at different places.
	`local u, t = pkt.udp, pkt.tcp if pkt.vlan then n:add(1) end if pkt.vlan2 then n:add(2) end if pkt.icmp then n:add(3) end if pkt.icmp6 then n:add(4) end
		if u then u.sport = 9 n:add(u.dport) return pv.TX end if t then t.window = 5 n:add(t.mss or 7) return pv.TX end`,
	`local ip, p = pkt.ip, pkt.ip6 local k = pkt.vlan and 1 or pkt.arp and 2 or pkt.icmp and 3 or pkt.tcp and 4 or pkt.udp and 5 or 6 n:add(k)
		if ip then ip.ttl = ip.ttl % 7 if ip.frag == 0 then ip.src = ip.dst end return pv.TX elseif p then p.src = p.dst return pv.TX end`,
	`local ip = pkt.ip or pkt.ip6 local l4 = pkt.udp or pkt.tcp if pkt.vlan then n:add(1) end if ip and l4 then n:add(l4.sport) l4.sport = 5 return pv.TX end`,
	`local i6 = pkt.icmp6 if pkt.vlan then n:add(1) end if pkt.vlan2 then n:add(1) end if pkt.arp then n:add(1) end if i6 and i6.slla then i6.slla = 5 n:add(i6.type) return pv.TX end`,
	`if pkt.vlan then n:add(1) end if pkt.ip then n:add(2) end if pkt.udp then n:add(4) end if pkt.tcp then n:add(8) end if pkt.ip6 then n:add(16) end pkt:fix_checksums() n:add(#pkt.payload) return pv.TX`,
	`local u = pkt.udp for i = 1, 3 do if u then u.sport = (u.sport + i) % 65536 n:add(u.sport) end end return pv.TX`,
	// Structural fields.
	`if pkt.eth then pkt.eth.type = 0x806 return pkt.arp and pv.TX or pv.DROP end`,
	`if pkt.ip then pkt.ip.mf = true pkt.ip.ttl = 9 if pkt.udp then pkt.udp.sport = 1 end return pv.TX end`,
	`if pkt.ip then pkt.ip.frag = pkt.ip.id % 8 if pkt.udp then n:add(1) return pv.TX end end`,
	`if pkt.udp and pkt.ip then pkt.ip.frag = 5 n:add(pkt.udp and 1 or 2) pkt.ip.frag = 0 n:add(pkt.udp and 4 or 8) return pv.TX end`,
	`if pkt.ip6 and pkt.ip6.frag_id then pkt.ip6.frag_off = 0 pkt.ip6.frag_id = 9 if pkt.udp then n:add(1) return pv.TX end end`,
	`if pkt.vlan then pkt.vlan.type = 0x800 return pkt.ip and pv.TX or pv.DROP end`,
	// Methods.
	`return pkt:reply()`,
	`if pkt.udp or pkt.arp then return pkt:reply() end`,
	`pkt:fix_checksums() return pv.TX`,
	`if pkt.ip and #pkt > 40 then pkt:set_u16(14 + 8, 0x0711) pkt:set_u32(26, 0x01020304) pkt:fix_checksums() return pv.TX end`,
	`if pkt.ip6 and #pkt > 60 then pkt:set_u32(22, 0x01020304) pkt:fix_checksums() return pv.TX end`,
	`n:add(#pkt.payload) if #pkt.payload > 8 then return pv.DROP end`,
	// Lengths.
	`if #pkt > 30 then local a = pkt:bytes(0, 12) pkt:push(4) pkt:set_bytes(0, a) pkt:set_u16(12, 0x8100) pkt:set_u16(14, 100) return pv.TX end`,
	`if pkt.vlan then local a = pkt:bytes(0, 12) pkt:pull(4) pkt:set_bytes(0, a) return pv.ports[2] end`,
	`if #pkt > 20 then pkt:resize(#pkt + 3) return pv.TX end`,
	`if pkt.ip then pkt:resize(pkt.ip.len % 100 + 14) return pv.TX end`,
	// Counters and maps.
	`if pkt.ip then small:set(pkt.ip.ttl % 3 + 254, 1) end`,
	`if pkt.ip then small:set(1, pkt.ip.ttl % 3 + 254) end`,
	`n:add() n:add(2) if pkt.ip then n:add(pkt.ip.len) n:add(pkt.ip.ttl) end`,
	`if pkt.ip then if m:get(pkt.ip.src) == 3 then return pv.DROP end m:set(pkt.ip.src, 3) end`,
	`if pkt.ip then local sum = m:add(pkt.ip.dst, pkt.ip.ttl) n:add(sum or 1000) return sum and pv.TX or pv.DROP end`,
	`if pkt.udp then local new = m:insert(pkt.udp.sport, 1) if new then return pv.TX elseif new == false then return pv.DROP end end`,
	`if pkt.udp then m:set(pkt.udp.sport, pkt.udp.dport) n:add(m:delete(pkt.udp.dport) and 1 or 2) end`,
	`if pkt.ip6 then n:add(wide:insert(pkt.ip6.src, pkt.ip6.dst) and 1 or 2) if wide:get(pkt.ip6.dst) == pkt.ip6.src then return pv.TX end end`,
	`if pkt.ip6 then wide:set(pv.ip6"2001:db8::1", pkt.ip6.src) return wide:get(pv.ip6"2001:db8::1") == pkt.ip6.src and pv.TX or pv.DROP end`,
	`if pkt.ip then if m:insert(pkt.ip.src, 1) == false then pkt.ip.tos = pkt.ip.id end return pv.TX end`,
	`if pkt.ip and not m:delete(pkt.ip.src) then pkt.ip.tos = pkt.ip.id m:set(pkt.ip.src, 1) end`,
	`if pkt.arp then small:add(pkt.arp.op % 4, 100) end`,
}

// prelude is what they are declared with.
const prelude = `
local pv = require "pv"
local n = pv.counter("n")
local m = pv.map{name = "m", max = 50, key = "u32", value = "u32"}
local small = pv.map{name = "small", key = "u8", value = "u8"}
local wide = pv.map{name = "wide", key = "ip6", value = "ip6"}
function on_packet(pkt)
`

// noRoom is the reason of exits that user space has no need of, since it moves
// packets within their frames.
const noRoom = "the frame has no room in the kernel"

// TestHandlers compares them in both engines.
func TestHandlers(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, body := range handlers {
		e := same(t, prelude+body+"\nend")
		for _, b := range packets(r, 2000) {
			e.handle(b)
		}
		e.compareState()
		vain := 0
		for reason, n := range e.vain {
			if !strings.Contains(reason, noRoom) {
				vain += n
			}
		}
		if vain > e.runs/20 {
			t.Errorf("%d of %d packets exit in vain: %v\n%s", vain, e.runs, e.vain, body)
		}
		if !strings.Contains(body, "local") && len(e.result.Func.Blocks) > 700 {
			t.Errorf("%d blocks\n%s", len(e.result.Func.Blocks), body)
		}
	}
}

// TestLengths changes the length of packets that are about as long as the MTU
// allows, or as short as Ethernet does.
func TestLengths(t *testing.T) {
	for _, body := range []string{`pkt:push(4) return pv.TX`, `pkt:pull(4) return pv.ports[2]`, `pkt:resize(#pkt + 2)`, `pkt:resize(14) return pv.TX`, `pkt:resize(13)`} {
		e := same(t, prelude+body+"\nend")
		for _, from := range []int{0, 1500} {
			for n := range 40 {
				e.handle(make([]byte, from+n))
			}
		}
		for reason, n := range e.vain {
			// Beyond the MTU are packets that the handler drops, or makes shorter.
			if n > 22 && !strings.Contains(reason, noRoom) {
				t.Errorf("%d exit in vain: %s\n%s", n, reason, body)
			}
		}
	}
}

// TestManyOptions looks for an ND option behind as many as are looked at, and
// more.
func TestManyOptions(t *testing.T) {
	e := same(t, prelude+`if pkt.icmp6 and pkt.icmp6.slla then n:add(1) return pv.TX end end`)
	for n := 30; n < 35; n++ {
		b := pkttest.NeighborSolicit(pkttest.Options{})
		option := []byte{14, 1, 0, 0, 0, 0, 0, 0} // a nonce: RFC 3971 section 5.3.2
		b = slices.Concat(b[:78], bytes.Repeat(option, n), b[78:])
		binary.BigEndian.PutUint16(b[18:], uint16(len(b)-54))
		e.handle(b)
	}
	e.compareState()
}

// TestErrorsAfterChanges has errors that only user space can raise follow
// changes: the change is not made then.
func TestErrorsAfterChanges(t *testing.T) {
	for _, body := range []string{
		`if #pkt > 30 then pkt:pull(10) n:add(pkt:u8(25)) return pv.TX end`,
		`if pkt.ip then pkt.ip.ttl = 1 pkt.ip.tos = pkt.ip.id return pv.TX end`,
		`if pkt.ip then m:set(1, 2) small:add(pkt.ip.ttl % 4, 100) end`,
		`if pkt.ip6 then pkt.ip6.hlim = 1 pkt.icmp6.target = pkt.ip6.src return pv.TX end`,
		`if pkt.tcp then pkt.tcp.window = 1 pkt.tcp.mss = 5 return pv.TX end`,
		`local u = pkt.udp if u and #pkt > 40 then pkt:set_u8(23, 6) u.sport = 5 return pv.TX end`,
		`pkt:resize(20) n:add(pkt:u16(19))`,
		`if pkt.ip then pkt.ip.ttl = 1 pkt:push(250) pkt:push(250) return pv.TX end`,
		`if pkt.ip then pkt.ip.ttl = 1 m:insert(pkt.ip.src, 1) pkt.ip.tos = pkt.ip.id return pv.TX end`,
		`if pkt.ip then pkt.ip.ttl = 1 if m:insert(pkt.ip.src, 1) then return pv.DROP end pkt.ip.tos = pkt.ip.id return pv.TX end`,
		`if pkt.ip then pkt.ip.ttl = 1 if not m:delete(pkt.ip.src) then pkt.ip.tos = pkt.ip.id end return pv.TX end`,
	} {
		e := same(t, prelude+body+"\nend")
		for _, b := range packets(rand.New(rand.NewPCG(5, 6)), 1000) {
			e.handle(b)
		}
		e.compareState()
		if len(e.exits) == 0 {
			t.Errorf("no packet exits\n%s", body)
		}
	}
}

// compareState looks whether counters and maps are equal.
func (e *engines) compareState() {
	e.t.Helper()
	x, _ := e.stores[0].Counter("n")
	y, _ := e.stores[1].Counter("n")
	if x.Get() != y.Get() {
		e.t.Errorf("n is %d; Lua counts %d\n%s", y.Get(), x.Get(), e.result.Func)
	}
	for _, name := range []string{"m", "small", "wide"} {
		a, _ := e.stores[0].Lookup(name)
		b, _ := e.stores[1].Lookup(name)
		if x, y := a.Items(time.Time{}), b.Items(time.Time{}); !slices.Equal(x, y) || a.Refused() != b.Refused() {
			e.t.Errorf("map %s has %v, refused %d; Lua has %v, refused %d\n%s", name, y, b.Refused(), x, a.Refused(), e.result.Func)
		}
	}
}
