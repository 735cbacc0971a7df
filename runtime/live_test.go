// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"pvlua/internal/labtest"
)

// A live is a Runtime that runs while the test does other things.
type live struct {
	*Runtime
	t      *testing.T
	dir    string // of the script, main.lua, and its modules
	log    *journal
	print  *journal // what the script prints
	cancel context.CancelFunc
	ended  chan error
}

// goLive runs the script source on all links of side. edit, which may be nil,
// changes the Config.
func goLive(t *testing.T, side *labtest.Side, source string, edit func(*Config)) *live {
	t.Helper()
	l := &live{t: t, dir: t.TempDir(), log: new(journal), print: new(journal), ended: make(chan error, 1)}
	l.write("main.lua", source)
	c := Config{
		Interfaces: []string{side.Link}, Script: l.path("main.lua"),
		Log: slog.New(slog.NewTextHandler(l.log, nil)), Stdout: l.print,
	}
	if side.Link2 != "" {
		c.Interfaces = append(c.Interfaces, side.Link2)
	}
	if edit != nil {
		edit(&c)
	}
	side.Do(t, func() (err error) {
		l.Runtime, err = New(c)
		return err
	})
	var ctx context.Context
	ctx, l.cancel = context.WithCancel(context.Background())
	go func() { l.ended <- l.Run(ctx) }()
	t.Cleanup(func() { l.cancel() })
	for started := false; !started; time.Sleep(time.Millisecond) {
		l.mu.Lock()
		started = l.ran
		l.mu.Unlock()
	}
	l.Totals() // which each worker answers when it has run on_start
	if c.Engine != EngineLua {
		l.log.wait(t, "the handler runs")
	}
	return l
}

func (l *live) path(name string) string { return filepath.Join(l.dir, name) }

func (l *live) write(name, text string) {
	l.t.Helper()
	if err := os.WriteFile(l.path(name), []byte(text), 0o666); err != nil {
		l.t.Fatal(err)
	}
}

// stop ends the run and checks that every packet and frame is accounted for:
// what came in was dropped, passed or sent, and nothing was lost. own is how
// many frames the script sent of its own accord, on all ports.
func (l *live) stop(own uint64) Totals {
	l.t.Helper()
	l.cancel()
	select {
	case err := <-l.ended:
		if err != nil {
			l.t.Errorf("Run: %v", err)
		}
	case <-time.After(10 * time.Second):
		l.t.Fatal("Run does not end")
	}
	totals := l.Totals()
	if !totals.FramesOK() {
		l.t.Errorf("frames: %v", totals.Frames)
	}
	var all Counters
	for _, p := range totals.Ports {
		all.Rx += p.Rx
		all.Tx += p.Tx
		all.Drop += p.Drop
		all.Pass += p.Pass
		p.Injected, p.InKernel = 0, KernelCounts{} // no losses
		if line := p.String(); len(strings.Fields(line)) != 11 || p.Error != 0 {
			l.t.Errorf("errors or losses: %s\n%s", line, l.log)
		}
	}
	if all.Rx+own != all.Tx+all.Drop+all.Pass {
		l.t.Errorf("received %d and sent %d of its own, but sent %d, dropped %d, passed %d", all.Rx, own, all.Tx, all.Drop, all.Pass)
	}
	return totals
}

// A journal collects what is written to it.
type journal struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.String()
}

// wait waits until text was written.
func (j *journal) wait(t *testing.T, text string) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !strings.Contains(j.String(), text); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%q was not written:\n%s", text, j)
		}
	}
}

// answering is a script that answers UDP port 7 from the port version.
func answering(version int) string {
	return fmt.Sprintf(`
		local pv = require "pv"
		local last = {} -- by flow
		function on_packet(pkt)
			local eth, ip, udp = pkt.eth, pkt.ip, pkt.udp
			if not udp or udp.dport ~= 7 then return end
			local flow, seq = udp.sport, pkt:u32(42)
			if last[flow] then
				assert(seq == last[flow] + 1, "out of order, or on another worker")
			end
			last[flow] = seq
			eth.dst, eth.src = eth.src, eth.dst
			ip.dst, ip.src = ip.src, ip.dst
			udp.dport, udp.sport = udp.sport, %d
			return pv.TX
		end
		`, version)
}

// A flow asks port 7 without pause, a few questions ahead of the answers, and
// counts. Each question holds its number in 4 bytes.
type flow struct {
	conn     *net.UDPConn
	sent     int
	answered int
	version  int // the port that the last answer came from
	versions chan int
	err      error
}

const ahead = 16

// startFlows starts n flows from A to B. end stops them, waits for what is still
// to be answered, and checks that nothing is missing.
func startFlows(t *testing.T, lab *labtest.Lab, n int) (flows []*flow, end func() (sent int)) {
	t.Helper()
	to := netip.AddrPortFrom(lab.B.IP, 7)
	stop := make(chan struct{})
	var running sync.WaitGroup
	for range n {
		f := &flow{conn: listenUDP(t, lab.A), versions: make(chan int, 1000)}
		flows = append(flows, f)
		running.Go(func() { f.run(to, stop) })
	}
	return flows, func() (sent int) {
		t.Helper()
		close(stop)
		running.Wait()
		for i, f := range flows {
			f.conn.Close()
			if f.err != nil || f.sent != f.answered {
				t.Errorf("flow %d: sent %d, answered %d, %v", i, f.sent, f.answered, f.err)
			}
			sent += f.sent
		}
		return sent
	}
}

func (f *flow) run(to netip.AddrPort, stop chan struct{}) {
	defer close(f.versions)
	for ; ; f.sent++ {
		// The first question goes alone: while the kernel waits for the address
		// of B it would keep others, and send them after later ones.
		for f.sent-f.answered == ahead || f.answered == 0 && f.sent > 0 {
			if f.err = f.receive(); f.err != nil {
				return
			}
		}
		select {
		case <-stop:
			for f.answered < f.sent && f.err == nil {
				f.err = f.receive()
			}
			return
		default:
		}
		question := [18]byte{byte(f.sent >> 24), byte(f.sent >> 16), byte(f.sent >> 8), byte(f.sent)}
		if _, f.err = f.conn.WriteToUDPAddrPort(question[:], to); f.err != nil {
			return
		}
	}
}

// receive takes an answer, which must be the next one and not from an older
// version than the one before.
func (f *flow) receive() error {
	var b [100]byte
	f.conn.SetReadDeadline(time.Now().Add(3 * time.Second))
	n, from, err := f.conn.ReadFromUDPAddrPort(b[:])
	if err != nil {
		return err
	}
	if seq := int(b[0])<<24 | int(b[1])<<16 | int(b[2])<<8 | int(b[3]); n != 18 || seq != f.answered {
		return fmt.Errorf("answer %d, %d bytes, where %d was due", seq, n, f.answered)
	}
	if v := int(from.Port()); v < f.version {
		return fmt.Errorf("version %d after version %d", v, f.version)
	} else if v > f.version {
		f.version = v
		select {
		case f.versions <- v:
		default:
		}
	}
	f.answered++
	return nil
}

// awaitCarrier asks until there is an answer: for a moment after a link came up
// the kernel drops what is sent by it.
func awaitCarrier(t *testing.T, lab *labtest.Lab) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); {
		conn := listenUDP(t, lab.A) // each time another flow
		conn.WriteToUDPAddrPort(make([]byte, 18), netip.AddrPortFrom(lab.B.IP, 7))
		conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		_, err := conn.Read(make([]byte, 100))
		conn.Close()
		if err == nil {
			return
		}
	}
	t.Fatal("there is no answer")
}

// await waits until the flow gets answers of a version.
func (f *flow) await(t *testing.T, version int) {
	t.Helper()
	late := time.After(5 * time.Second)
	for {
		select {
		case v, ok := <-f.versions:
			if !ok {
				t.Fatalf("the flow ended: %v", f.err)
			}
			if v == version {
				return
			}
		case <-late:
			t.Fatalf("no answer of version %d", version)
		}
	}
}
