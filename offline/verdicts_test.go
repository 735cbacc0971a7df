// SPDX-License-Identifier: GPL-3.0-or-later

package offline

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"pvlua/internal/capturetest"
	"pvlua/internal/pkttest"
	"pvlua/luabind"
	"pvlua/pcap"
)

// udp is a datagram to a port.
func udp(dport uint16) []byte { return pkttest.UDP(pkttest.Options{DstPort: dport}) }

// everyVerdict answers by port number.
const everyVerdict = `
function on_packet(pkt)
  local n = pkt.udp.dport
  if n == 1 then return pv.DROP end
  if n == 2 then return pv.PASS end
  if n == 3 then pkt.udp.sport = 99 return pv.PASS end
  if n == 4 then return pv.TX end
  if n == 5 then return pv.ports.b end
  if n == 6 then pv.ports.b:send(pkt) pkt.udp.sport = 98 pv.ports.a:send(pkt) return pv.TX end
  if n == 7 then pkt.udp.sport = 97 error("seven") end
end`

func everyPacket() Input {
	var all []at
	for i := range 7 {
		all = append(all, at{float64(i), udp(uint16(i + 1))})
	}
	return port("a", file(all...))
}

func TestVerdicts(t *testing.T) {
	for _, onError := range []luabind.Verdict{luabind.Pass, luabind.Drop} {
		r := play(t, everyVerdict, func(c *Config) { c.OnError = onError }, everyPacket(), port("b", file())).ok(t)
		all := r.entries(t)
		text := capturetest.Comments(all)
		before, after, found := strings.Cut(text, "received on a -> error, "+onError.String()+": ")
		const want = `received on a -> drop
received on a -> pass
received on a -> pass
passed to the stack of a, changed
received on a -> tx
transmitted by a
received on a -> b
transmitted by b
received on a -> tx
transmitted by b
transmitted by a
transmitted by a
`
		if !found || before != want || !strings.HasSuffix(after, "test.lua:10: seven\n") {
			t.Errorf("the capture says\n%s", text)
		}
		// sport, as the capture has it.
		sports := ""
		for _, e := range all {
			sports += fmt.Sprint(int(e.Data[34])<<8|int(e.Data[35]), " ")
		}
		if want := "1234 1234 1234 99 1234 1234 1234 1234 1234 1234 98 98 1234 "; sports != want {
			t.Errorf("source ports %s, want %s", sports, want)
		}
		a := PortTotals{Name: "a", Rx: 7, Tx: 3, Drop: 1, Pass: 2, Error: 1}
		if onError == luabind.Drop {
			a.Drop++
		} else {
			a.Pass++
		}
		if r.totals.Ports[0] != a || r.totals.Ports[1] != (PortTotals{Name: "b", Tx: 2}) {
			t.Errorf("%+v", r.totals)
		}
		if !strings.Contains(r.log, "test.lua:10: seven") || !strings.Contains(r.log, "10.0.0.5.7: UDP") {
			t.Errorf("log: %s", r.log)
		}
	}
}

// TestClassicOutputHasWhatLeft has no place for verdicts.
func TestClassicOutputHasWhatLeft(t *testing.T) {
	r := play(t, everyVerdict, func(c *Config) { c.Classic = true }, everyPacket(), port("b", file())).ok(t)
	read, err := pcap.NewReader(bytes.NewReader(r.file))
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for {
		p, err := read.Next()
		if err != nil {
			break
		}
		got += fmt.Sprintf("%.0f:%d ", p.Time.Sub(epoch).Seconds(), int(p.Data[34])<<8|int(p.Data[35]))
	}
	if want := "3:1234 4:1234 5:1234 5:98 5:98 "; got != want {
		t.Errorf("second and source port: %s, want %s", got, want)
	}
}

func TestDump(t *testing.T) {
	var dump strings.Builder
	play(t, everyVerdict, func(c *Config) { c.Dump = &dump }, everyPacket(), port("b", file())).ok(t)
	want := ""
	for i, verdict := range []string{"drop", "pass", "pass", "tx", "b", "tx", "error, pass"} {
		want += fmt.Sprintf("12:00:0%d.000000 a IP 10.0.0.4.1234 > 10.0.0.5.%d: UDP, length 4 -> %s\n", i, i+1, verdict)
	}
	if dump.String() != want {
		t.Errorf("got\n%s\nwant\n%s", dump.String(), want)
	}
}

// TestSameBytesAgain runs everything that could differ twice.
func TestSameBytesAgain(t *testing.T) {
	const source = everyVerdict + `
	local seen = {}
	pv.every(0.3, function()
	  pv.ports.a:send(string.rep(string.char(math.random(255)), 60))
	  seen[pv.now()] = true
	  for k in pairs(seen) do print(k) end
	  print(os.time(), tostring(seen):len() > 0)
	end)`
	path := scriptFile(t, source)
	a := playFile(t, path, nil, everyPacket(), port("b", file())).ok(t)
	b := playFile(t, path, nil, everyPacket(), port("b", file())).ok(t)
	if !bytes.Equal(a.file, b.file) || a.stdout != b.stdout || a.stdout == "" {
		t.Error("two runs differ")
	}
}

func TestErrorsAreLoggedAtMostTenTimes(t *testing.T) {
	var all []at
	for i := range 50 {
		all = append(all, at{float64(i), udp(7)})
	}
	r := play(t, `function on_packet(pkt) error("no " .. string.rep("x", 10000) .. "\255\0") end`, nil, port("a", file(all...))).ok(t)
	if n := strings.Count(r.log, "test.lua:1:"); n != 10 || !strings.Contains(r.log, "suppressed=40") {
		t.Errorf("%d errors logged:\n%s", n, r.log)
	}
	if n := strings.Count(capturetest.Comments(r.entries(t)), "test.lua:1: no xxx"); n != 50 {
		t.Errorf("%d errors in the capture", n)
	}
}

// TestSendingWithoutEnd is refused before the memory is full.
func TestSendingWithoutEnd(t *testing.T) {
	r := play(t, `
	local frame = string.rep("\255", 1500)
	function on_packet(pkt)
	  local sent = 0
	  while pkt.port:send(frame) do sent = sent + 1 end
	  print(sent)
	  return pv.DROP
	end`, nil, port("a", file(at{0, udp(1)}, at{1, udp(1)}))).ok(t)
	if r.stdout != strings.Repeat(strings.Split(r.stdout, "\n")[0]+"\n", 2) || len(r.file) > 2*(maxHeld+1<<20) {
		t.Errorf("sent %q in %d bytes", r.stdout, len(r.file))
	}
	if c := r.totals.Ports[0]; c.TxFull != 2 || c.Tx < 1000 || !strings.HasSuffix(c.String(), " tx-ring-full 2") {
		t.Errorf("%v", c)
	}
}
