// SPDX-License-Identifier: GPL-3.0-or-later

package integration

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"testing"
	"time"

	"pvlua/internal/labtest"
)

// megabits sums up what top.lua's lists say, each of one second, on one matter.
func megabits(t *testing.T, output, matter string) (sum float64, lines int) {
	t.Helper()
	line := regexp.MustCompile(`(?m)^ *(\d+\.\d\d\d) Mbit/s  ` + regexp.QuoteMeta(matter) + "$")
	for _, m := range line.FindAllStringSubmatch(output, -1) {
		x, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		sum, lines = sum+x, lines+1
	}
	return sum, lines
}

// TestTopCountsIperf has two hosts talk through top.lua, and compares its lists
// with what iperf3 says it has sent.
func TestTopCountsIperf(t *testing.T) {
	need(t, "iperf3")
	lab := labtest.NewChain(t, labtest.Options{PFIFO: 1000})
	r := start(t, lab.M, "-c", "16384", "-r", "4096", "-f", "8192", lab.M.Link, lab.M.Link2, "scripts/top.lua")
	sent, _ := iperf(t, lab, "-u", "-b", "8M", "-l", "1000", "-t", "3")
	time.Sleep(1500 * time.Millisecond) // until the last list is out
	all := r.stop(t)
	all.lossless(t)

	const overhead = 14 + 20 + 8
	want := float64(sent.End.Sum.Packets) * (1000 + overhead) * 8 / 1e6
	// Beside the datagrams there is the TCP connection by which iperf3 controls the run.
	got, lines := megabits(t, r.Output(), "10.0.0.4 > 10.0.0.5")
	if got < want-0.01 || got > want+1 || lines < 3 {
		t.Errorf("in %d lists %.3f Mbit from A to B; iperf3 sent %.3f:\n%s", lines, got, want, r.Output())
	}
	back, _ := megabits(t, r.Output(), "10.0.0.5 > 10.0.0.4")
	total, _ := megabits(t, r.Output(), "in all")
	if total < got+back-0.01 || total > got+back+1 || back <= 0 {
		t.Errorf("in all %.3f Mbit, of these %.3f to B and %.3f to A:\n%s", total, got, back, r.Output())
	}
}

// TestTopWatchesOneInterface passes everything, and is one over two queues.
func TestTopWatchesOneInterface(t *testing.T) {
	need(t, "ping")
	lab := labtest.New(t, labtest.Options{NoIPv6: true, Queues: 2})
	r := start(t, lab.B, lab.B.Link, "scripts/top.lua", "--", "--every", "0.5")
	const count = 50
	lab.A.Run(t, "ping", "-c", fmt.Sprint(count), "-i", "0.01", "-s", "1000", "-W", "2", lab.B.IP.String())
	time.Sleep(time.Second)
	all := r.stop(t)
	all.lossless(t)
	want := float64(count) * (14 + 20 + 8 + 1000) * 8 / 1e6
	got, _ := megabits(t, r.Output(), "10.0.0.4 > 10.0.0.5")
	if got /= 2; math.Abs(got-want) > 0.01 { // each list is about half a second
		t.Errorf("%.3f Mbit, want %.3f:\n%s", got, want, r.Output())
	}
}
