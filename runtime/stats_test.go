// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"pvlua/xsk"
)

func TestTotalsShowLossesOnlyWhenThereAreSome(t *testing.T) {
	quiet := PortTotals{Name: "veth1", Counters: Counters{Rx: 10, Tx: 4, Drop: 3, Pass: 3, RxBytes: 1000}}
	if got, want := quiet.String(), "veth1: rx 10 tx 4 drop 3 pass 3 error 0"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	lossy := PortTotals{
		Name:     "veth2",
		Counters: Counters{Rx: 1, TxFull: 2, TxDown: 3, PassLost: 4},
		Kernel:   xsk.Stats{TxDropped: 5, RxRingFull: 6, RxFillRingEmpty: 7, RxDropped: 9, RxInvalidDescs: 1, TxRefused: 2, TxInvalidDescs: 3},
	}
	want := "veth2: rx 1 tx 0 drop 0 pass 0 error 0 tx-ring-full 2 tx-link-down 3 tx-device-drop 5 " +
		"tx-invalid 5 pass-lost 4 rx-ring-full 6 rx-no-frame 7 rx-too-long 2 rx-invalid 1"
	if got := lossy.String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestMeterPrintsRatesSinceTheLastTime(t *testing.T) {
	var out bytes.Buffer
	m := newMeter(&out)
	m.when = time.Unix(0, 0)
	totals := Totals{Ports: []PortTotals{{Name: "p"}}}
	c := &totals.Ports[0].Counters
	c.Rx, c.RxBytes, c.Tx, c.TxBytes = 2000, 128000, 7, 700
	m.write(time.Unix(2, 0), totals)
	totals.Ports = append([]PortTotals{}, totals.Ports...)
	totals.Ports[0].Rx += 12_345_678
	m.write(time.Unix(3, 0), totals)
	m.write(time.Unix(3, 0), totals) // no time has passed: nothing to say
	want := "p: rx 2000 tx 7 drop 0 pass 0 error 0  [1.00k pps 512kbit/s in, 4 pps 2.80kbit/s out]\n" +
		"p: rx 12347678 tx 7 drop 0 pass 0 error 0  [12.3M pps 0bit/s in, 0 pps 0bit/s out]\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

func TestTotalsSumTheLedgers(t *testing.T) {
	var out bytes.Buffer
	totals := Totals{TimerErrors: 2, Frames: []xsk.Ledger{{Total: 4096, Free: 4096}, {Total: 4096, Free: 4095, Lost: 1, Problems: []string{"missing: 7"}}}}
	totals.Write(&out)
	if got, want := out.String(), "timers: error 2\nframes: 8192 owned, 8191 accounted for; missing: 7\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if totals.FramesOK() {
		t.Error("a lost frame is not OK")
	}
}

func TestTotalsCountPacketsThatLeftTheKernel(t *testing.T) {
	var out bytes.Buffer
	side := KernelCounts{Exits: []ExitCount{{Line: 7, Reason: "a string", Count: 1}, {Reason: "a checksum", Count: 2}}}
	totals := Totals{Script: "mine.lua", Ports: []PortTotals{{Name: "p", InKernel: side}}}
	totals.Write(&out)
	for _, want := range []string{"p: 1 packet left the kernel at mine.lua:7: a string\n", "p: 2 packets left the kernel at mine.lua: a checksum\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
}
