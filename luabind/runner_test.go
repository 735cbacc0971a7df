// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"fmt"
	"strings"
	"testing"
)

// runner drops the packets whose source port is even, and notes all.
type runner struct{ seen []string }

func (r *runner) Run(p *Packet) (done bool) {
	port := p.Buf[p.From+35]
	if r.seen = append(r.seen, fmt.Sprint("r", port)); port%2 == 0 {
		p.Verdict = Drop
	}
	return p.Verdict == Drop
}

// A runner gets the packets of its port first, in order, and on_packet those
// that it leaves; once the script has another on_packet it gets none.
func TestRunner(t *testing.T) {
	f := load(t, `
		local n = 0
		function on_packet(pkt)
		  n = n + 1
		  print("lua " .. pkt.udp.sport)
		  if pkt.udp.sport == 5 then
		    on_packet = function(pkt) print("new " .. pkt.udp.sport) end
		  end
		  return pv.TX
		end`)
	r := &runner{}
	f.SetRunner(0, r)
	pkts := udpBatch(8)
	pkts[1].Port = 1 // which has no runner
	f.Handle(pkts)
	if got, want := f.stdout.String(), "lua 1\nlua 2\nlua 3\nlua 5\nnew 6\nnew 7\nnew 8\n"; got != want {
		t.Errorf("on_packet had\n%swant\n%s", got, want)
	}
	if got := strings.Join(r.seen, " "); got != "r1 r3 r4 r5" {
		t.Errorf("the runner had %s", got)
	}
	for i, want := range []Verdict{TX, TX, TX, Drop, TX, Pass, Pass, Pass} {
		if pkts[i].Verdict != want || pkts[i].Err != nil {
			t.Errorf("packet %d: %s, %v; want %s", i+1, pkts[i].Verdict, pkts[i].Err, want)
		}
	}
}

// That on_packet was assigned while the script was loaded ends no runner, and
// nil does.
func TestRunnerEnd(t *testing.T) {
	f := load(t, `function on_packet() return pv.PASS end`)
	r := &runner{}
	f.SetRunner(0, r)
	f.Handle(udpBatch(2))
	f.SetRunner(0, nil)
	f.Handle(udpBatch(2))
	if len(r.seen) != 2 {
		t.Errorf("the runner had %q", r.seen)
	}
}
