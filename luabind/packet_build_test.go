// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"

	"pvlua/internal/pkttest"
	"pvlua/packet"
)

// rebuildSource is a chunk with the function rebuild(p), which builds a packet
// of all fields that it reads from p.
func rebuildSource() string {
	var b strings.Builder
	b.WriteString("function rebuild(p)\n  local t = {payload = p.payload}\n")
	for _, h := range packet.Headers {
		fmt.Fprintf(&b, "  local h = p.%s if h then t.%[1]s = {", h.Name)
		for _, f := range h.Fields {
			// The options hold those fields, and the protocol follows from the
			// next header unless there is a Fragment header.
			if f.Locate != packet.TCPOption && f.Locate != packet.Derived && f.Name != "gateway" {
				fmt.Fprintf(&b, "%s = h.%[1]s, ", f.Name)
			}
		}
		b.WriteString("} end\n")
	}
	b.WriteString(`
  if t.ip6 and t.ip6.frag_id then t.ip6.proto = p.ip6.proto end
  if t.icmp6 and t.icmp6.target then t.payload = nil end
  return pv.build(t)
end
`)
	return b.String()
}

// A packet of the fields that a script reads from another is the same packet.
func TestBuildFromWhatIsRead(t *testing.T) {
	f := load(t, rebuildSource()+`
		function on_packet(pkt)
		  local p = rebuild(pkt)
		  pkt:resize(#p) pkt:set_bytes(0, p:bytes(0, #p))
		end`)
	for _, shape := range pkttest.All() {
		if shape.Name == "ip6 extensions" || shape.Name == "udp padded" {
			continue // what is between and behind the headers no field says
		}
		b := bytes.Clone(shape.Frame)
		b[0] = 0xff // nothing is taken over that is not built
		shape.Frame[0] = 0xff
		p := f.handle(b)
		if p.Err != nil {
			t.Errorf("%s: %v", shape.Name, p.Err)
		} else if got := p.Buf[p.From:p.To]; !bytes.Equal(got, shape.Frame) {
			t.Errorf("%s:\n%swant\n%s", shape.Name, hex.Dump(got), hex.Dump(shape.Frame))
		}
	}
}

func TestBuildDefaults(t *testing.T) {
	for table, want := range map[string]string{
		`{}`:                         "ethertype 0x88b5",
		`{udp={dport=7}}`:            "IP 0.0.0.0.0 > 0.0.0.0.7: UDP, length 0",
		`{udp={}, ip6={}}`:           "IP6 ::.0 > ::.0: UDP, length 0",
		`{tcp={syn=true, mss=1400}}`: "Flags [S], seq 0, win 65535, options [mss 1400], length 0",
		`{tcp={sack_ok=true, wscale=3, tsval=5}}`:  "options [sackOK,TS val 5 ecr 0,nop,wscale 3]",
		`{arp={tpa=pv.ip"10.0.0.1"}}`:              "ARP, Request who-has 10.0.0.1",
		`{icmp={}}`:                                "ICMP echo request",
		`{vlan={vid=3}, ip={src=pv.ip"10.0.0.1"}}`: "vlan 3, p 0",
		`{icmp6={target=pv.ip6"fe80::1", slla=1}, ip6={dst=pv.ip6"ff02::1:ff00:1"}}`:     "neighbor solicitation, who has fe80::1",
		`{icmp6={target=pv.ip6"fe80::1", tlla=1, router=true}}`:                          "neighbor advertisement, tgt is fe80::1",
		`{ip={options="\148\4\0"}, udp={}, payload="x"}`:                                 "UDP, length 1",
		`{ip={proto=17, frag=4}, payload="x"}`:                                           "IP 0.0.0.0 > 0.0.0.0",
		`{ip6={frag_off=4, frag_mf=true, frag_id=9, proto=17}, payload="12345678"}`:      "frag",
		`setmetatable({udp={dport=9}}, {__index=function() error("not looked at") end})`: "0.0.0.0.9: UDP",
	} {
		got, err := run(t, "local p = pv.build("+table+") print(p) p:fix_checksums() print(p:bytes(0, #p) == p:clone():bytes(0, #p))")
		if err != nil {
			t.Errorf("%s: %v", table, err)
		} else if !strings.Contains(got, want) || !strings.HasSuffix(got, "true") {
			t.Errorf("%s: %q, want %q", table, got, want)
		}
	}
}

func TestBuildErrors(t *testing.T) {
	for table, want := range map[string]string{
		``:                             `test.lua:2: pv.build: got nil; expected a table of headers, as in pv.build{udp={dport=7}, payload="hello"}`,
		`5`:                            "pv.build: got 5; expected a table",
		`{upd={}}`:                     "test.lua:2: pv.build: there is no header 'upd'; did you mean 'udp'?",
		`{paylod=""}`:                  "there is no header 'paylod'; did you mean 'payload'?",
		`{http={}}`:                    "there is no header 'http'; there are eth, vlan, vlan2, arp, ip, ip6, icmp, icmp6, tcp, udp and payload",
		`{{}}`:                         "the key 1 is no header's name",
		`{udp=7}`:                      "udp takes a table of fields, got 7",
		`{udp={7}}`:                    "the key 1 in udp is no field's name",
		`{udp={dprt=7}}`:               "pv.build: the udp header has no field 'dprt'; did you mean 'dport'?",
		`{udp={dport=65536}}`:          "udp.dport: out of range: 65536 is not in 0 to 65535",
		`{udp={dport="7"}}`:            `udp.dport takes a whole number of 0 to 65535, got "7"`,
		`{ip={src="1.2.3.4"}}`:         `ip.src takes a number, got "1.2.3.4"; pv.ip"10.0.0.1" gives the number of an address`,
		`{ip={df=1}}`:                  "ip.df takes true or false, got 1",
		`{ip6={src="::1"}}`:            `ip6.src takes a string of 16 bytes, got "::1"; pv.ip6"2001:db8::1" gives such a string`,
		`{ip={options=5}}`:             "ip.options takes a string, got 5",
		`{ip={options=("x"):rep(41)}}`: "ip.options: out of range: 41 bytes, it takes at most 40",
		`{payload=5}`:                  "payload takes a string, got 5",
		`{udp={}, tcp={}}`:             "a packet has either tcp or udp, not both",
		`{icmp={}, ip6={}}`:            "icmp goes over ip; over ip6 it is icmp6",
		`{icmp6={type=128, tlla=5}}`:   "icmp6.tlla: the packet does not have it",
	} {
		// In a function, because names in the table of a plain call are
		// checked when the script is loaded.
		_, err := run(t, "local function make(...) return pv.build(...) end make("+table+")")
		wantError(t, err, want)
	}
}

func TestHexdump(t *testing.T) {
	got, err := run(t, `print(pv.build{eth={dst=1, src=2}, payload="hexdump"}:hexdump())`)
	want := "0000  00 00 00 00 00 01 00 00  00 00 00 02 88 b5 68 65  ..............he\n" +
		"0010  78 64 75 6d 70                                    xdump"
	if err != nil || got != want {
		t.Errorf("%v, %q", err, got)
	}
}

// Whatever a script does to the length of packets, one in hand with room and a
// clone agree on the result, nothing outside of the buffer is written, and when
// the handler fails the packet is as it was.
func FuzzReshape(f *testing.F) {
	for _, shape := range pkttest.All() {
		f.Add(shape.Frame, []byte{0, 0, 4, 1, 0, 9, 2, 0, 60, 3, 1, 0, 4, 0, 0, 5, 0, 3}, uint8(100), uint8(100), false)
	}
	fx := load(f, `
		local ops = {
		  function(p, n) p:push(n) end,
		  function(p, n) p:pull(n) end,
		  function(p, n) p:resize(n) end,
		  function(p, n) p.payload = ("x"):rep(n) end,
		  function(p) p:reply() end,
		  function(p, n) p:set_u16(n, n) end,
		  function(p) p:fix_checksums() end,
		}
		function on_packet(pkt)
		  local c, ended = pkt:clone(), false
		  for i = 1, #OPS - 2, 3 do
		    local op, n = ops[OPS:byte(i) % #ops + 1], OPS:byte(i + 1) % 3 * 256 + OPS:byte(i + 2)
		    local ok, err = pcall(op, pkt, n)
		    if not ok and not err:find("do not fit") then
		      local same, other = pcall(op, c, n)
		      if same or err ~= other then error("of a packet: " .. err .. "; of a clone: " .. tostring(other)) end
		    elseif ok then
		      op(c, n)
		    end
		    if c:hexdump() ~= pkt:hexdump() then error("op " .. i .. "\n" .. c:hexdump() .. "\n" .. pkt:hexdump()) end
		    if tostring(c) ~= tostring(pkt) or c.payload ~= pkt.payload then error("op " .. i .. " read") end
		  end
		  if FAIL then error("on purpose") end
		  return pv.DROP
		end`)
	f.Fuzz(func(t *testing.T, frame, ops []byte, before, behind uint8, fail bool) {
		if len(frame) > 1500 || len(ops) > 60 {
			return
		}
		const guard = 16
		arena := bytes.Repeat([]byte{0xa5}, guard+int(before)+len(frame)+int(behind)+guard)
		buf := arena[guard : len(arena)-guard : len(arena)-guard]
		copy(buf[before:], frame)
		fx.L.SetGlobal("OPS", lua.LString(ops))
		fx.L.SetGlobal("FAIL", boolean(fail))
		p := []Packet{{Buf: buf, From: int(before), To: int(before) + len(frame)}}
		fx.Handle(p)
		if fail != (p[0].Err != nil) || fail && !strings.Contains(p[0].Err.Error(), "on purpose") {
			t.Fatalf("error %v", p[0].Err)
		}
		if fail && (p[0].From != int(before) || !bytes.Equal(buf[p[0].From:p[0].To], frame)) {
			t.Fatalf("the packet is not as it was: %x", buf[p[0].From:p[0].To])
		}
		for _, g := range [][]byte{arena[:guard], arena[len(arena)-guard:]} {
			if bytes.Count(g, []byte{0xa5}) != guard {
				t.Fatal("bytes outside of the buffer were written")
			}
		}
	})
}
