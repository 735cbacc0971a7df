// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"pvlua/internal/pkttest"
)

// A front must make no difference but to speed. So what these tests compare is
// the same script with one and without.

// plain has gopher-lua run all of the handler.
func plain(c *Config) { c.Plain = true }

// needFront skips a test that is about fronts.
func needFront(t *testing.T) {
	t.Helper()
	if *plainly {
		t.Skip("-plain: handlers have no front")
	}
}

// brief lets handlers be endless without taking long.
func brief(c *Config) { c.Quota = 20_000 }

// frontPackets are packets of all shapes, some cut and some with a changed byte.
func frontPackets(seed uint64) [][]byte {
	random := rand.New(rand.NewPCG(seed, 3))
	var list [][]byte
	for _, shape := range pkttest.All() {
		list = append(list, shape.Frame, shape.Frame[:random.IntN(len(shape.Frame)+1)])
		frame := bytes.Clone(shape.Frame)
		frame[random.IntN(len(frame))] ^= byte(1 << random.IntN(8))
		list = append(list, frame)
	}
	return list
}

// answerTo describes all that a handler did with a packet.
func answerTo(f *fixture, frame []byte, port int) string {
	const room = 16
	buf := append(append(make([]byte, room), frame...), make([]byte, room)...)
	p := []Packet{{Buf: buf, From: room, To: room + len(frame), Port: port}}
	f.Handle(p)
	text := fmt.Sprintf("verdict %s, port %d, error %v\n", p[0].Verdict, p[0].Out, p[0].Err)
	if e, ok := p[0].Err.(*ScriptError); ok {
		text += e.Traceback + "\n"
	}
	return text + fmt.Sprintf("%x", p[0].Buf[p[0].From:p[0].To])
}

// compareHandlers hands packets to both and fails the test at the first
// difference. It reports whether there was none.
func compareHandlers(t *testing.T, with, without *fixture, packets [][]byte) bool {
	t.Helper()
	for i, frame := range packets {
		got, want := answerTo(with, bytes.Clone(frame), i%2), answerTo(without, bytes.Clone(frame), i%2)
		if got != want {
			t.Errorf("packet %d, %x on port %d:\n%s\nwithout a front:\n%s", i, frame, i%2, got, want)
			return false
		}
	}
	with.Stop()
	without.Stop()
	if got, want := with.stdout.String(), without.stdout.String(); got != want {
		t.Errorf("printed\n%s\nwithout a front:\n%s", got, want)
		return false
	}
	return true
}

func TestFrontOfGeneratedHandlers(t *testing.T) {
	needFront(t)
	fronts, taken, packets := uint64(0), 0, 0
	programs := uint64(300)
	for seed := range programs {
		source := handlerProgram(seed)
		with, err := tryLoad(t, source, brief)
		without, err2 := tryLoad(t, source, brief, plain)
		if err != nil || err2 != nil {
			t.Fatalf("%v\n%s", err, source)
		}
		if with.front != nil {
			fronts++
		}
		list := frontPackets(seed)
		if !compareHandlers(t, with, without, list) {
			t.Fatalf("seed %d:\n%s", seed, source)
		}
		packets += len(list)
		taken += with.pass.taken
		with.Close()
		without.Close()
	}
	if fronts < programs/3 || taken < packets/10 {
		t.Errorf("%d of %d handlers have a front, which decided on %d of %d packets", fronts, programs, taken, packets)
	}
}

func FuzzFront(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, program, packets uint64) {
		source := handlerProgram(program)
		with, err := tryLoad(t, source, brief)
		without, err2 := tryLoad(t, source, brief, plain)
		if err != nil || err2 != nil {
			t.Skip("the script is refused") // by the checks before it runs
		}
		if !compareHandlers(t, with, without, frontPackets(packets)) {
			t.Fatal(source)
		}
	})
}

// The scripts that come with pvlua behave alike, on everything.
func TestFrontOfScripts(t *testing.T) {
	paths, err := filepath.Glob("../scripts/*.lua")
	if err != nil || len(paths) == 0 {
		t.Fatal("no scripts", err)
	}
	compared := 0
	for _, path := range paths {
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		args := map[string][]string{"vlan.lua": {"--mode=pop", "--tag=5"}}[filepath.Base(path)]
		of := func(c *Config) { c.Script, c.Args = path, args }
		with, err := tryLoad(t, string(source), of)
		if err != nil {
			continue // it wants other ports or arguments, or is a test
		}
		compared++
		t.Run(filepath.Base(path), func(t *testing.T) {
			without := load(t, string(source), of, plain)
			for seed := range uint64(5) {
				if !compareHandlers(t, with, without, frontPackets(seed)) {
					return
				}
			}
		})
	}
	if compared < 8 {
		t.Errorf("only %d scripts were compared", compared)
	}
}

// A front allocates nothing, look-ups with keys that are in no cache included.
func TestFrontDoesNotAllocate(t *testing.T) {
	needFront(t)
	f := load(t, `local pv = require "pv"
		local blocked, seen, rules = {[0x123456789abc] = 1}, {a = 0}, {{port = 53}, {port = 7}}
		local count, hits = 0, pv.counter("hits")
		function on_packet(pkt)
		  local ip, udp, ip6 = pkt.ip, pkt.udp, pkt.ip6
		  count = (count + 1) % 1000
		  seen.a = count
		  hits:add(#pkt)
		  if ip and udp and blocked[ip.src * 65536 + udp.sport] == ip.dst * 65536 + udp.dport then return pv.DROP end
		  if ip6 and blocked[ip6.src] then return pv.DROP end
		  for _, rule in ipairs(rules) do
		    if udp and rule.port == udp.dport then udp.dport, udp.sport = udp.sport, udp.dport return pv.TX end
		  end
		end`)
	pkts := make([]Packet, 32)
	var frames [][]byte
	for i := range pkts {
		frames = append(frames, pkttest.UDP(pkttest.Options{}))
		if i%2 == 1 {
			frames[i] = pkttest.UDP6(pkttest.Options{})
		}
		pkts[i] = Packet{Buf: make([]byte, len(frames[i])), To: len(frames[i])}
	}
	n := byte(0)
	allocs := testing.AllocsPerRun(50, func() {
		for i := range pkts {
			copy(pkts[i].Buf, frames[i])
			n++
			pkts[i].Buf[28], pkts[i].Buf[30] = n, n // other addresses each time
		}
		f.Handle(pkts)
	})
	if allocs != 0 || f.pass.taken != 51*len(pkts) {
		t.Errorf("%v allocations in a batch; the front decided on %d packets", allocs, f.pass.taken)
	}
}
