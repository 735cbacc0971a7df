// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"pvlua/capture"
	"pvlua/internal/capturetest"
	"pvlua/internal/labtest"
	"pvlua/luabind"
	"pvlua/pcap"
	"pvlua/xsk"
)

// sum gives the totals while no worker runs.
func (b *bench) sum() Totals { return b.collect(func(_ *worker, fn func()) { fn() }) }

// captured runs test on a bench that records, and returns what it recorded.
func captured(t *testing.T, lab *labtest.Lab, side *labtest.Side, links []string, c Capture, source string, test func(*bench)) []capturetest.Entry {
	t.Helper()
	c.File = filepath.Join(t.TempDir(), "out.pcapng")
	newBenchWith(t, lab, side, links, xsk.ModeNative, source, func(config *Config) { config.Capture = c }, test)
	file, err := os.ReadFile(c.File)
	if err != nil {
		t.Fatal(err)
	}
	return capturetest.Read(t, file)
}

// describe gives the comment, destination port and source port of each UDP
// packet that is the test's own; the lab has other traffic.
func describe(all []capturetest.Entry) string {
	s := ""
	for _, e := range all {
		if len(e.Data) == 60 && e.Data[23] == 17 {
			s += fmt.Sprintf("%s %d %d\n", e.Comment, int(e.Data[36])<<8|int(e.Data[37]), int(e.Data[34])<<8|int(e.Data[35]))
		}
	}
	return s
}

// TestCaptureOfEveryVerdict receives packets of all kinds in one batch.
func TestCaptureOfEveryVerdict(t *testing.T) {
	lab := labtest.NewChain(t, labtest.Options{NoIPv6: true})
	in, out := lab.M.Link, lab.M.Link2
	var f []byte
	all := captured(t, lab, lab.M, []string{in, out}, Capture{}, `
		local pv = require "pv"
		local a, b = pv.ports[1], pv.ports[2]
		function on_packet(pkt)
			local udp = pkt.udp
			local n = udp and udp.dport
			if n == 1 then return pv.DROP end
			if n == 2 then return pv.PASS end
			if n == 3 then udp.sport = 99 return pv.PASS end
			if n == 4 then return pv.TX end
			if n == 5 then return b end
			if n == 6 then b:send(pkt) udp.sport = 98 a:send(pkt) return pv.TX end
			if n == 7 then udp.sport = 97 error("seven") end
			return pv.DROP
		end
		function on_stop() b:send(string.rep("\255", 77)) end`, func(b *bench) {
		before := b.counts()
		for i := range 7 {
			f = frame(lab, lab.M, uint16(i+1))
			b.send(t, f)
		}
		b.turnUntil(t, func(c Counters) bool { return c.Rx >= before.Rx+7 })
	})
	want := strings.NewReplacer("IN", in, "OUT", out).Replace(`received on IN -> drop 1 1234
received on IN -> pass 2 1234
received on IN -> pass 3 1234
passed to the stack of IN, changed 3 99
received on IN -> tx 4 1234
transmitted by IN 4 1234
received on IN -> OUT 5 1234
transmitted by OUT 5 1234
received on IN -> tx 6 1234
transmitted by OUT 6 1234
transmitted by IN 6 98
transmitted by IN 6 98
received on IN -> error, pass: `)
	got := describe(all)
	if !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "test.lua:13: seven 7 1234\n") {
		t.Errorf("recorded\n%swant\n%s", got, want)
	}
	last := all[len(all)-1]
	if len(last.Data) != 77 || last.Comment != "transmitted by "+out || last.Interface != out || !last.Outbound {
		t.Errorf("what on_stop sent is not the last packet, but %+v", last)
	}
	if first := all[0]; len(first.Data) == 60 && (!bytes.Equal(first.Data[:36], f[:36]) || first.Outbound || time.Since(first.Time).Abs() > time.Minute) {
		t.Errorf("%+v is not as received", first)
	}
}

// TestCaptureFilter records what the filter wants and what comes of it.
func TestCaptureFilter(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	all := captured(t, lab, lab.B, []string{lab.B.Link}, Capture{Filter: "wanted"}, `
		local pv = require "pv"
		function wanted(pkt)
			local udp = pkt.udp
			if udp and udp.dport == 5 then error("five") end
			if udp then udp.sport = 1 end
			return udp and udp.dport % 2 == 0
		end
		function on_packet(pkt)
			if not pkt.udp then return pv.DROP end
			pkt.port:send(pkt)
			return pv.TX
		end`, func(b *bench) {
		before := b.counts()
		for i := range 6 {
			b.send(t, frame(lab, lab.B, uint16(i+1)))
		}
		b.turnUntil(t, func(c Counters) bool { return c.Rx >= before.Rx+6 })
	})
	want := ""
	for _, port := range []int{2, 4, 5, 6} {
		want += strings.ReplaceAll(fmt.Sprintf("received on IN -> tx %d 1234\ntransmitted by IN %[1]d 1234\ntransmitted by IN %[1]d 1234\n", port), "IN", lab.B.Link)
	}
	if got := describe(all); got != want || len(all) != 12 {
		t.Errorf("recorded\n%swant\n%s", got, want)
	}
}

func TestCaptureOfTimers(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	all := captured(t, lab, lab.B, []string{lab.B.Link}, Capture{Filter: "none"}, `
		local pv = require "pv"
		function none() return false end
		pv.after(0, function() pv.ports[1]:send(string.rep("\255", 70)) end)
		function on_packet(pkt) return pv.DROP end`, func(b *bench) {
		before := b.counts()
		b.send(t, frame(lab, lab.B, 1))
		b.turnUntil(t, func(c Counters) bool { return c.Rx > before.Rx })
		b.w.runTimers()
	})
	if len(all) != 1 || all[0].Comment != "transmitted by "+lab.B.Link || len(all[0].Data) != 70 {
		t.Errorf("recorded %+v", all)
	}
}

// TestCaptureSize ends the recording, not the run.
func TestCaptureSize(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	const size = 1000
	var totals Totals
	all := captured(t, lab, lab.B, []string{lab.B.Link}, Capture{Size: size}, `
		local pv = require "pv"
		function on_packet(pkt) return pv.TX end`, func(b *bench) {
		before := b.counts()
		for i := range 100 {
			b.send(t, frame(lab, lab.B, uint16(i+1)))
			b.turnUntil(t, func(c Counters) bool { return c.Rx > before.Rx+uint64(i) })
		}
		totals = b.sum()
	})
	if len(all) == 0 || len(all) > size/60 || totals.Ports[0].Tx < 100 || totals.Capture.Lost != 0 {
		t.Errorf("%d packets recorded, %+v, %v", len(all), totals.Ports[0].Counters, totals.Capture)
	}
}

// TestCaptureDoesNotAllocate on the worker: what the recorder's goroutine
// allocates to encode the records is allowed for.
func TestCaptureDoesNotAllocate(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	captured(t, lab, lab.B, []string{lab.B.Link}, Capture{Filter: "all"}, `
		local pv = require "pv"
		function all(pkt) return true end
		function on_packet(pkt)
			if not pkt.udp then return pv.DROP end
			pkt.udp.sport = 7
			return pv.TX
		end`, func(b *bench) {
		f := frame(lab, lab.B, 7)
		before := b.counts()
		turn := func() {
			for range 32 {
				b.send(t, f)
			}
			for b.counts().Rx == before.Rx {
				b.w.turn()
			}
			before = b.counts()
		}
		for range 2 * 128 { // every batch grows once
			turn()
		}
		e, _ := pcap.NewEncoder("pvlua", "a")
		var room []byte
		encode := testing.AllocsPerRun(100, func() {
			room = e.Append(room[:0], &pcap.Record{Time: time.Unix(1, 0), Data: f, Direction: pcap.Inbound, Comment: []byte("received on a -> tx")})
		})
		// One allocation per packet would be 32 more.
		if n, most := testing.AllocsPerRun(100, turn), 64*encode+16; n > most {
			t.Errorf("%v allocations per turn, of which encoding makes %v", n, most)
		}
	})
}

// TestCaptureIntoAStuckPipe goes on as if nothing was, and counts.
func TestCaptureIntoAStuckPipe(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := os.OpenFile(pipe, os.O_RDWR, 0) // nobody reads until the end
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	newBenchWith(t, lab, lab.B, []string{lab.B.Link}, xsk.ModeNative, `
		local pv = require "pv"
		function on_packet(pkt) return pv.DROP end`, func(c *Config) { c.Capture.File = pipe }, func(b *bench) {
		before, f := b.counts(), frame(lab, lab.B, 1)
		const frames = 3000 // each a batch: more than a pipe and the queue hold
		slowest := time.Duration(0)
		for i := range frames {
			b.send(t, f)
			began := time.Now()
			b.turnUntil(t, func(c Counters) bool { return c.Rx > before.Rx+uint64(i) })
			slowest = max(slowest, time.Since(began))
		}
		if slowest > time.Second {
			t.Errorf("a turn took %v", slowest)
		}
		counts := *b.sum().Capture
		if counts.Lost == 0 || counts.Written+counts.Lost < frames-256 {
			t.Errorf("%v", counts)
		}
		go func() { // now it is read
			buf := make([]byte, 1<<16)
			for {
				if _, err := reader.Read(buf); err != nil {
					return
				}
			}
		}()
	})
}

// TestCaptureAcrossReload has the filter of the new script at work.
func TestCaptureAcrossReload(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	dir := t.TempDir()
	path, out := filepath.Join(dir, "test.lua"), filepath.Join(dir, "out.pcapng")
	write := func(wanted string) {
		text := `local pv = require "pv" function on_packet(pkt) return pv.DROP end ` + wanted
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(`function wanted(pkt) return pkt.udp and pkt.udp.dport == 1 end`)
	newBenchWith(t, lab, lab.B, []string{lab.B.Link}, xsk.ModeNative, "function on_packet() end", func(c *Config) {
		c.Script, c.Capture = path, Capture{File: out, Filter: "wanted"}
	}, func(b *bench) {
		both := func() {
			before := b.counts()
			b.send(t, frame(lab, lab.B, 1))
			b.send(t, frame(lab, lab.B, 2))
			b.turnUntil(t, func(c Counters) bool { return c.Rx >= before.Rx+2 })
		}
		both()
		for _, c := range []struct {
			wanted string
			ok     bool
		}{{``, false}, {`function wanted(pkt) return pkt.udp and pkt.udp.dport == 2 end`, true}} {
			write(c.wanted)
			fresh, err := b.load(b.w, []*luabind.Port{&b.w.ports[0].facts}, nil)
			if (err == nil) != c.ok {
				t.Fatalf("%q: %v", c.wanted, err)
			}
			if c.ok {
				b.w.place(fresh).state.Close()
			}
			both()
		}
	})
	file, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.ReplaceAll("IN 1 1234\nIN 1 1234\nIN 2 1234\n", "IN", "received on "+lab.B.Link+" -> drop")
	if got := describe(capturetest.Read(t, file)); got != want {
		t.Errorf("recorded\n%swant\n%s", got, want)
	}
}

func TestCaptureConfig(t *testing.T) {
	for _, c := range []struct {
		capture Capture
		want    string
	}{
		{Capture{Filter: "f"}, "capture filter and size need a capture file"},
		{Capture{Size: 1}, "capture filter and size need a capture file"},
		{Capture{File: "x", Size: -1}, "capture size -1: must be positive"},
	} {
		if err := (Config{Interfaces: []string{"a"}, Script: "x", Capture: c.capture}).Check(); err == nil || err.Error() != c.want {
			t.Errorf("%+v: %v", c.capture, err)
		}
	}
}

// TestTapOutlivesItsRecorder notes batches while the recorder stops.
func TestTapOutlivesItsRecorder(t *testing.T) {
	_, header := pcap.NewEncoder("pvlua", "a")
	head := int64(len(header))
	file, err := os.Create(filepath.Join(t.TempDir(), "x"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := capture.NewRecorder(file, "x", []string{"a"}, head, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	umem, err := xsk.NewUMEM(xsk.Config{}.Defaults(1500))
	if err != nil {
		t.Fatal(err)
	}
	defer umem.Close()
	w := &worker{umem: umem}
	w.tap = newTap(r, []string{"a"}, 1, umem)
	port := &workerPort{}
	for range 3 {
		w.tap.owner[0] = 5 // of a batch that is no more
		w.tap.transmitted(w, port, []xsk.Desc{{Addr: 0, Len: 60}})
		w.tap.flush(w)
		for deadline := time.Now().Add(5 * time.Second); !r.Stopped() && time.Now().Before(deadline); {
			time.Sleep(time.Millisecond)
		}
		w.tap.received(w)
	}
	if err := r.Close(); err != nil || !r.Stopped() || r.Counts() != (capture.Counts{}) {
		t.Errorf("%v, %v", err, r.Counts())
	}
}
