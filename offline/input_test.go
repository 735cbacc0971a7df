// SPDX-License-Identifier: GPL-3.0-or-later

package offline

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"pvlua/internal/capturetest"
	"pvlua/luabind"
	"pvlua/pcap"
)

// TestTruncatedInputKeepsWhatCameBefore cuts an input at every byte.
func TestTruncatedInputKeepsWhatCameBefore(t *testing.T) {
	const source = `function on_packet(pkt) return pv.TX end function on_stop() print "stopped" end`
	path := scriptFile(t, source)
	whole := file(at{0, udp(1)}, at{1, udp(2)}, at{2, udp(3)})
	full := playFile(t, path, nil, port("a", whole)).ok(t)
	const record = 16 + 46
	for n := range whole {
		r := playFile(t, path, nil, port("a", whole[:n]))
		packets := max(n-24, 0) / record
		between := n >= 24 && (n-24)%record == 0
		if !bytes.HasPrefix(full.file, r.file) || len(r.entries(t)) != 2*packets || r.totals.Ports[0].Tx != uint64(packets) {
			t.Fatalf("cut at %d, after %d packets: %d bytes of %d, %+v", n, packets, len(r.file), len(full.file), r.totals)
		}
		if r.stdout != "stopped\n" {
			t.Errorf("cut at %d: on_stop did not run", n)
		}
		var e *pcap.Error
		switch {
		case between && r.err != nil:
			t.Errorf("cut at %d: %v", n, r.err)
		case !between && (!errors.As(r.err, &e) || !strings.HasPrefix(r.err.Error(), "a.pcap: ")):
			t.Errorf("cut at %d: %v", n, r.err)
		case !between && n > 24 && (e.Packet != packets+1 || e.Offset != int64(24+packets*record)):
			t.Errorf("cut at %d: %v", n, r.err)
		}
	}
}

// TestOneBadInputOfSeveral names the one that is wrong.
func TestOneBadInputOfSeveral(t *testing.T) {
	good, bad := file(at{0, udp(1)}, at{2, udp(1)}), file(at{1, udp(2)}, at{3, udp(2)})
	r := play(t, `function on_packet(pkt) return pv.DROP end`, nil, port("good", good), port("bad", bad[:len(bad)-1]))
	if r.err == nil || r.err.Error() != "bad.pcap: packet 2, at byte 86: the file ends within it: 61 of 62 bytes are there" {
		t.Errorf("%v", r.err)
	}
	if got := lines(r.entries(t)); got != "0.000000 good received on good -> drop\n1.000000 bad received on bad -> drop\n" {
		t.Errorf("the capture says\n%s", got)
	}
}

// TestEmptyCapture has a header and nothing else.
func TestEmptyCapture(t *testing.T) {
	r := play(t, `function on_start() print(pv.now()) end function on_packet() end`, nil, port("a", file())).ok(t)
	if r.stdout != "0\n" || len(r.entries(t)) != 0 {
		t.Errorf("%q, %d packets", r.stdout, len(r.entries(t)))
	}
}

// TestOddPackets have no header, or are as long as they come.
func TestOddPackets(t *testing.T) {
	r := play(t, `function on_packet(pkt) print(#pkt, pkt.eth == nil) return pv.TX end`, nil,
		port("a", file(at{0, nil}, at{1, []byte{1}}, at{2, make([]byte, 13)}, at{3, make([]byte, 14)}, at{4, make([]byte, 9000)}, at{5, make([]byte, pcap.MaxPacket)}))).ok(t)
	if r.stdout != "0\ttrue\n1\ttrue\n13\ttrue\n14\tfalse\n9000\tfalse\n65535\tfalse\n" {
		t.Errorf("%s", r.stdout)
	}
	for i, e := range r.entries(t) {
		if want := []int{0, 1, 13, 14, 9000, pcap.MaxPacket}[i/2]; len(e.Data) != want {
			t.Errorf("packet %d has %d bytes, want %d", i, len(e.Data), want)
		}
	}
}

// TestPipe has each answer come out before the next question goes in.
func TestPipe(t *testing.T) {
	in, toRun := io.Pipe()
	fromRun, out := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		_, err := Run(context.Background(), Config{Script: scriptFile(t, `function on_packet() return pv.TX end`),
			Inputs: []Input{{Reader: in, Source: "standard input", Port: luabind.Port{Name: "stdin"}}}, Output: out, Classic: true})
		out.Close()
		ended <- err
	}()
	answers := make(chan pcap.Packet)
	failed := make(chan error, 1)
	go func() {
		r, err := pcap.NewReader(fromRun)
		for err == nil {
			var p pcap.Packet
			if p, err = r.Next(); err == nil {
				p.Data = bytes.Clone(p.Data)
				answers <- p
			}
		}
		failed <- err
	}()
	whole := file(at{0, udp(1)}, at{1, udp(2)}, at{2, udp(3)})
	toRun.Write(whole[:24])
	for i := range 3 {
		record := whole[24+i*62 : 24+(i+1)*62]
		toRun.Write(record)
		select {
		case p := <-answers:
			if !bytes.Equal(p.Data, record[16:]) {
				t.Errorf("answer %d: % x", i+1, p.Data)
			}
		case err := <-failed:
			t.Fatal(err)
		case <-time.After(10 * time.Second):
			t.Fatalf("question %d is not answered before the next one", i+1)
		}
	}
	toRun.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := <-failed; err != io.EOF {
		t.Error(err)
	}
}

// fullDisk takes so many bytes.
type fullDisk int

func (d *fullDisk) Write(b []byte) (int, error) {
	if len(b) > int(*d) {
		return 0, errors.New("no space left on device")
	}
	*d -= fullDisk(len(b))
	return len(b), nil
}

func TestOutputThatFails(t *testing.T) {
	var all []at
	for i := range 10000 {
		all = append(all, at{float64(i), udp(1)})
	}
	disk := fullDisk(1 << 20)
	r := play(t, `function on_packet(pkt) return pv.TX end`, func(c *Config) { c.Output = &disk }, port("a", file(all...)))
	if r.err == nil || r.err.Error() != "writing the output: no space left on device" || r.totals.Ports[0].Rx == 10000 {
		t.Errorf("%v after %v", r.err, r.totals.Ports[0])
	}
}

func TestWithoutOutput(t *testing.T) {
	r := play(t, everyVerdict, func(c *Config) { c.Output = nil }, everyPacket(), port("b", file())).ok(t)
	if r.totals.Ports[0].Rx != 7 || r.totals.Ports[0].Tx != 3 {
		t.Errorf("%v", r.totals.Ports[0])
	}
}

func TestScriptErrors(t *testing.T) {
	for _, c := range []struct{ source, want string }{
		{`function on_packet(`, "test.lua:1: syntax error"},
		{`error("at load") function on_packet() end`, "test.lua:1: at load"},
		{`function on_start() error("at start") end function on_packet() end`, "test.lua:1: at start"},
		{`function on_stop() error("at the end") end function on_packet() end`, "test.lua:1: at the end"},
	} {
		r := play(t, c.source, nil, port("a", file(at{0, udp(1)})))
		var script *luabind.ScriptError
		if !errors.As(r.err, &script) || !strings.Contains(r.err.Error(), c.want) {
			t.Errorf("%s: %v", c.source, r.err)
		}
	}
}

func TestConfigErrors(t *testing.T) {
	for _, c := range []struct {
		config Config
		want   string
	}{
		{Config{}, "no capture to read"},
		{Config{Inputs: []Input{port("a", nil)}, OnError: luabind.TX}, "on-error: must be pass or drop"},
		{Config{Inputs: []Input{port("a", nil), port("a", nil)}}, "a.pcap and a.pcap both make a port called a: rename one"},
	} {
		if _, err := Run(context.Background(), c.config); err == nil || err.Error() != c.want {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}

// TestPortsAreWhatWasSaid reads the facts of the ports in the script.
func TestPortsAreWhatWasSaid(t *testing.T) {
	a := port("a", file(at{0, udp(1)}))
	a.Port.IP, a.Port.MTU = []uint32{0x0a000005}, 9000
	r := play(t, `
	for i = 1, #pv.ports do
	  local p = pv.ports[i]
	  print(p.name, p.index, pv.mac_str(p.mac), p.ip and pv.ip_str(p.ip), p.mtu, p.queues, p.up, p == pv.ports[p.name])
	end
	function on_packet() end`, nil, a, port("b", file())).ok(t)
	if want := "a\t1\t02:00:00:00:00:01\t10.0.0.5\t9000\t1\ttrue\ttrue\nb\t2\t02:00:00:00:00:01\tnil\t1500\t1\ttrue\ttrue\n"; r.stdout != want {
		t.Errorf("got %s", r.stdout)
	}
	if got := capturetest.Comments(r.entries(t)); got != "received on a -> pass\n" {
		t.Errorf("%s", got)
	}
}
