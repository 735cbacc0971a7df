// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"regexp"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"

	"pvlua/internal/pkttest"
)

// Every entry is documented in the same manner and has its function.
func TestAPIIsComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range API {
		key := e.Of + "." + e.Name
		if seen[key] {
			t.Errorf("%s is there twice", key)
		}
		seen[key] = true
		if e.Doc == "" || !strings.HasSuffix(e.Doc, ".") {
			t.Errorf("%s: the doc is no sentence: %q", key, e.Doc)
		}
		if called := e.Kind == Function || e.Kind == Method; called != (e.make != nil) {
			t.Errorf("%s: there is a function: %v", key, e.make != nil)
		}
		form := regexp.MustCompile(`^[\w.:#]+(\(.*\)|\{.*\})?( -> .+)?$`)
		if !form.MatchString(e.Signature) || !strings.Contains(e.Signature, e.Name) {
			t.Errorf("%s: signature %q", key, e.Signature)
		}
		// A function that takes a table is written f{...}.
		call := strings.Replace(e.Signature, "{", "(", 1)
		if e.Kind == Method && !strings.Contains(e.Signature, ":"+e.Name+"(") || e.Kind == Function && !strings.Contains(call, e.Of+"."+e.Name+"(") {
			t.Errorf("%s: signature %q", key, e.Signature)
		}
	}
}

// What scripts find is what the API says, and nothing else.
func TestAPIIsWhatThereIs(t *testing.T) {
	f := load(t, "function on_packet() end")
	want := map[string]bool{}
	for _, e := range API {
		if e.Kind == Function || e.Of == "pv" {
			want[e.Of+"."+e.Name] = true
		}
	}
	f.openTest()
	for _, lib := range []string{"pv", "bit32", "test"} {
		table := f.L.GetGlobal(lib).(*lua.LTable)
		if real := f.frozen[table]; real != nil {
			table = real
		}
		table.ForEach(func(k, _ lua.LValue) {
			if name := lib + "." + k.String(); !want[name] {
				t.Errorf("%s is not in the API", name)
			} else {
				delete(want, name)
			}
		})
	}
	for _, name := range []string{"pack", "unpack", "packsize"} {
		if f.L.GetGlobal("string").(*lua.LTable).RawGetString(name) != lua.LNil {
			delete(want, "string."+name)
		}
	}
	for name := range want {
		t.Errorf("%s is in the API only", name)
	}
	// Values of objects are properties of theirs.
	for _, e := range API {
		if e.Kind != Value || e.Of == "pv" || e.Name == "#" {
			continue
		}
		found := false
		for _, k := range kindsWith(e.Name) {
			found = found || k.String() == e.Of
		}
		if !found {
			t.Errorf("%s of a %s is in the API only", e.Name, e.Of)
		}
	}
}

// Each access that handlers use on packets, but for those that make strings,
// does not allocate.
func TestAccessDoesNotAllocate(t *testing.T) {
	for _, c := range []struct{ name, body string }{
		{"read", "local x = udp.dport"},
		{"read of 32 bits", "local x = ip.src"},
		{"read of 48 bits", "local x = eth.src"},
		{"read of a flag", "local x = ip.df"},
		{"write", "udp.dport = 9"},
		{"write of what was read", "ip.ttl = udp.dport"},
		{"swap", "ip.src, ip.dst = ip.dst, ip.src"},
		{"several", "local a, b, c = ip.src, ip.ttl, udp.dport"},
		{"headers", "local a, b = pkt.eth, pkt.tcp"},
		{"length", "local n = #pkt"},
		{"raw", "local x = pkt:u16(12) pkt:set_u8(22, pkt:u8(22))"},
		{"walk after raw writes", "pkt:set_u8(22, 5) local x = udp.dport pkt:set_u8(22, 6) local y = ip.ttl"},
		{"find", "local x = pkt:find('ping')"},
		{"checksums", "pkt:fix_checksums()"},
		{"ports", "local a, b = me.mac, me:owns(ip.dst)"},
		{"send", "me:send(pkt)"},
		{"helper", "local x = helper(pkt)"},
		{"bits", "local x = bit32.band(ip.src, 255)"},
		{"own table", "if t.src then t.src = udp.dport end"},
		{"verdict", "return pv.TX"},
		{"port", "return pv.ports[2]"},
		{"a table's element", "seen[ip.src] = udp.dport"},
		{"type", "local x = type(pkt) == 'userdata'"},
		{"math.floor", "local x = math.floor(udp.dport / 1)"},
	} {
		f := load(t, `
			local t, seen = {src = 1}, {}
			function helper(p) return p.udp and p.udp.dport == 7 end
			function on_packet(pkt)
			  local eth, ip, udp, me = pkt.eth, pkt.ip, pkt.udp, pkt.port
			  `+c.body+`
			end`, func(c *Config) { c.Host = new(nullHost) })
		frame := pkttest.UDP(pkttest.Options{})
		pkts := []Packet{{Buf: frame, To: len(frame)}}
		f.Handle(pkts)
		if pkts[0].Err != nil {
			t.Errorf("%s: %v", c.name, pkts[0].Err)
			continue
		}
		if n := testing.AllocsPerRun(100, func() { f.Handle(pkts) }); n != 0 {
			t.Errorf("%s: %v allocations", c.name, n)
		}
	}
}

// nullHost takes everything.
type nullHost struct{ fakeHost }

func (*nullHost) Send(int, []byte) bool { return true }

// IPv6 addresses are in a cache; at first they are made.
func TestAddressesDoNotAllocateAgain(t *testing.T) {
	f := load(t, "function on_packet(pkt) local ip6 = pkt.ip6 return pkt.port:owns(ip6.dst) and ip6.src ~= ip6.dst and pv.DROP or nil end")
	frame := pkttest.UDP6(pkttest.Options{})
	pkts := []Packet{{Buf: frame, To: len(frame)}}
	if n := testing.AllocsPerRun(100, func() { f.Handle(pkts) }); n != 0 || pkts[0].Verdict != Drop {
		t.Errorf("%v allocations, verdict %s, error %v", n, pkts[0].Verdict, pkts[0].Err)
	}
}

// A value that a script keeps never changes, whatever is read later.
func TestValuesKeptStayTheSame(t *testing.T) {
	f := load(t, `
		local kept, n = {}, 0
		function on_packet(pkt)
		  n = n + 1
		  kept[n] = {pkt.ip.src, pkt.udp.sport, pkt.eth.src}
		end
		function on_stop()
		  for i, k in ipairs(kept) do
		    if k[1] ~= i * 104729 or k[2] ~= i % 65536 or k[3] ~= i * 104729 * 31 then error(i) end
		  end
		  print(#kept)
		end`)
	// More than there are slots in the cache.
	const n = numberSlots*2 + 5
	frame := pkttest.UDP(pkttest.Options{})
	for i := 1; i <= n; i++ {
		src, mac := uint32(i)*104729, uint64(i)*104729*31
		for j := range 4 {
			frame[26+j] = byte(src >> (24 - 8*j))
		}
		for j := range 6 {
			frame[6+j] = byte(mac >> (40 - 8*j))
		}
		frame[34], frame[35] = byte(i>>8), byte(i)
		if p := f.handle(frame); p.Err != nil {
			t.Fatal(p.Err)
		}
	}
	if err := f.Stop(); err != nil || f.stdout.String() != "32773\n" {
		t.Errorf("error %v, printed %s", err, f.stdout)
	}
}

// The kinds of error that a misspelling makes say what was meant.
func TestNearest(t *testing.T) {
	for name, want := range map[string]string{
		"dprt": "dport", "sorce": "", "typ": "type", "TTL": "ttl", "tll": "ttl", "xyzzy": "", "d": "", "checksm": "checksum",
	} {
		if got := nearest(name, []string{"dport", "sport", "type", "ttl", "checksum", "src", "dst"}); got != want {
			t.Errorf("nearest to %s is %q; want %q", name, got, want)
		}
	}
}
