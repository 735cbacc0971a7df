// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"pvlua/internal/labtest"
	"pvlua/luabind"
	"pvlua/xsk"
)

// endless uses up its quota on every packet, so that letters are delivered
// between the packets of a batch.
const endless = `function on_packet() while true do end end`

// newScript loads another script for b's worker and starts it.
func (b *bench) newScript(t *testing.T, source string) script {
	t.Helper()
	if err := os.WriteFile(b.cfg.Script, []byte(source), 0o666); err != nil {
		t.Fatal(err)
	}
	s, err := b.load(b.w, []*luabind.Port{&b.ports[0].facts.Port}, luabind.NewSources())
	if err == nil {
		err = s.state.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestScriptIsReplacedWithinABatch has a new script, which has frames to send,
// take over while the old one hangs on packet after packet.
func TestScriptIsReplacedWithinABatch(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	newBenchWith(t, lab, lab.B, []string{lab.B.Link}, xsk.ModeNative, endless,
		func(c *Config) { c.Quota, c.OnError = 1000, luabind.Drop }, func(b *bench) {
			fresh := b.newScript(t, `
				local pv = require "pv"
				function on_start() assert(pv.ports[1]:send(string.rep("\255", 60))) end
				function on_packet() return pv.TX end`)
			const frames = 5
			for range frames {
				b.send(t, frame(lab, lab.B, 7))
			}
			var old script
			b.w.mail.post(func() { old = b.w.place(fresh) })
			b.turnUntil(t, func(c Counters) bool { return c.Rx >= frames })
			old.state.Close()
			c := b.counts()
			if c.Error != 1 || c.Drop != 1 || c.Tx != c.Rx-1+1 {
				t.Errorf("one packet was the old script's: %+v", c)
			}
		})
}

// TestPortComesBackWithinABatch takes the interface away from under a batch and
// gives it back: no frame may be lost on the way to a socket that is closed.
func TestPortComesBackWithinABatch(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	newBenchWith(t, lab, lab.B, []string{lab.B.Link}, xsk.ModeNative, `
		local pv = require "pv"
		local n = 0
		function on_packet()
			n = n + 1
			while n == 1 do end
			return pv.TX
		end`, func(c *Config) { c.Quota, c.OnError = 1000, luabind.Drop }, func(b *bench) {
		const frames = 5
		for range frames {
			b.send(t, frame(lab, lab.B, 7))
		}
		w := b.w
		w.mail.post(func() {
			w.shut(w.ports[0])
			w.watch()
		})
		w.mail.post(func() {
			if err := w.open(b.plan(b.ports[0], w.index, b.bind)); err != nil {
				t.Error(err)
			}
			w.watch()
		})
		b.turnUntil(t, func(c Counters) bool { return c.Rx >= frames })
		if c := b.counts(); c.Drop != 1 || c.Tx != c.Rx-1 {
			t.Errorf("%+v", c)
		}
		if l := w.umem.Ledger(); l.Held != 0 {
			t.Errorf("%v: %d are nobody's", l, l.Held)
		}
	})
}

// TestTheEndDoesNotWaitForSlowCallbacks fills a batch and the buffer of a socket
// with what takes the script nearly, or all of, its quota each: the end comes
// between two of them.
func TestTheEndDoesNotWaitForSlowCallbacks(t *testing.T) {
	for _, slow := range []string{"for i = 1, 1e6 do end", "while true do end"} {
		lab := labtest.New(t, labtest.Options{NoIPv6: true})
		l := goLive(t, lab.B, fmt.Sprintf(`
			local pv = require "pv"
			local function slow() %[2]s end
			pv.udp_socket{bind = "%[1]s:5000", on_receive = function() print("socket") slow() end}
			function on_packet(pkt)
				if pkt.udp and pkt.udp.dport == 7 then print("packet") slow() return pv.DROP end
			end`, lab.B.IP, slow), func(c *Config) { c.Quota = 2_500_000 })
		for _, port := range []uint16{5000, 7} {
			var conn *net.UDPConn
			lab.A.Do(t, func() (err error) {
				conn, err = net.DialUDP("udp", nil, &net.UDPAddr{IP: lab.B.IP.AsSlice(), Port: int(port)})
				return err
			})
			defer conn.Close()
			for range 200 {
				conn.Write([]byte("hello"))
			}
			l.print.wait(t, map[uint16]string{5000: "socket", 7: "packet"}[port])
		}
		callbacks := func() int { return strings.Count(l.print.String(), "\n") }
		before := callbacks()
		l.cancel()
		if err := <-l.ended; err != nil {
			t.Error(err)
		}
		// Some hundreds were waiting. How many there is time for depends on
		// the machine, but a batch of 64 on end there never is.
		if n := callbacks() - before; n > 50 {
			t.Errorf("%s: %d callbacks before it ended", slow, n)
		}
	}
}
