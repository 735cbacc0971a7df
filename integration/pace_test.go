// SPDX-License-Identifier: GPL-3.0-or-later

package integration

import (
	bytesof "encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pvlua/internal/labtest"
)

// paced sends a frame for each call of a pacer, and says at the end how many it
// had no room for.
const paced = `
	local pv = require "pv"
	local rate = pv.arg{name = "rate", default = 1000}
	local count = pv.arg{name = "count", type = "number"}
	local frame = ("\255"):rep(6) .. ("\2\0\0\0\0\1") .. ("\136\181") .. ("x"):rep(46) -- IEEE 802 local experimental
	local out, full = pv.ports[1], 0
	function on_start()
		pv.pace{rate = rate, count = count, function(i) if not out:send(frame) then full = full + 1 end end}
	end
	function on_packet() return pv.DROP end
	function on_stop() if full > 0 then print("no room for " .. full) end end`

// received gives how many packets a side's link has received.
func received(t *testing.T, side *labtest.Side) (n uint64, when time.Time) {
	t.Helper()
	side.Do(t, func() error {
		// /proc/net is that of the process; a thread has its own.
		text, err := os.ReadFile("/proc/thread-self/net/dev")
		if err != nil {
			return err
		}
		when = time.Now()
		for line := range strings.Lines(string(text)) {
			name, counts, ok := strings.Cut(line, ":")
			if ok && strings.TrimSpace(name) == side.Link {
				n, err = strconv.ParseUint(strings.Fields(counts)[1], 10, 64)
				return err
			}
		}
		return fmt.Errorf("no %s in\n%s", side.Link, text)
	})
	return n, when
}

// runDelay gives for how long the threads of a run were ready and had to wait
// for a processor (Documentation/scheduler/sched-stats.rst).
func runDelay(t *testing.T, r *run) (sum time.Duration) {
	t.Helper()
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", r.Pid()))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // the thread has ended
		}
		if fields := strings.Fields(string(text)); len(fields) == 3 {
			ns, _ := strconv.ParseInt(fields[1], 10, 64)
			sum += time.Duration(ns)
		}
	}
	return sum
}

// TestPaceHoldsItsRate compares what arrives at the other end with the clock.
func TestPaceHoldsItsRate(t *testing.T) {
	need(t)
	for _, rate := range []float64{100, 10_000, 100_000, 500_000} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			lab := labtest.New(t, labtest.Options{NoIPv6: true})
			r := start(t, lab.B, "-t", "8192", "-o", "16384", "-c", "16384", lab.B.Link, script(t, paced), "--", "--rate", fmt.Sprint(rate))
			time.Sleep(200 * time.Millisecond)
			judged := 0
			for try := 0; try < 8 && judged < 2; try++ {
				waited := runDelay(t, r)
				n0, t0 := received(t, lab.A)
				time.Sleep(time.Duration(max(1, 300/rate) * 1e9))
				n1, t1 := received(t, lab.A)
				waited, took := runDelay(t, r)-waited, t1.Sub(t0)
				got := float64(n1-n0) / took.Seconds()
				t.Logf("%.0f per second asked, %.1f received (%+.3f %%), waited %v for a processor", rate, got, 100*(got/rate-1), waited)
				if math.Abs(got/rate-1) < 0.1 { // 0.0001 on a machine that is not shared
					judged = 2
				} else if waited < took/100 {
					judged++ // otherwise it is others that kept the loop from running
					t.Logf("that is not within 10 %%, for the %d. time", judged)
					if judged == 2 {
						t.Errorf("%.1f per second, want %.0f", got, rate)
					}
				}
			}
			if judged < 2 {
				t.Log("the machine is too busy to tell")
			}
			r.stop(t)
		})
	}
}

// TestPaceSpreadsCalls looks when each frame arrives: the loop wakes up in time
// for calls that are due in fractions of a millisecond, and sends as many as
// were asked for.
func TestPaceSpreadsCalls(t *testing.T) {
	need(t)
	const rate, count = 5000, 2000
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	var hear int
	lab.A.Do(t, func() (err error) {
		const localExperimental = 0xb588 // htons(ETH_P_802_EX1)
		hear, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, localExperimental)
		if err != nil {
			return err
		}
		if err := unix.SetsockoptTimeval(hear, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 1}); err != nil {
			return err
		}
		return unix.SetsockoptInt(hear, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	})
	defer unix.Close(hear)
	r := start(t, lab.B, lab.B.Link, script(t, paced), "--", "--rate", fmt.Sprint(rate), "--count", fmt.Sprint(count))
	var arrivals []time.Duration
	buf, control := make([]byte, 100), make([]byte, 100)
	for {
		_, n, _, _, err := unix.Recvmsg(hear, buf, control, 0)
		if err == unix.EAGAIN {
			break // a second without any
		}
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		arrivals = append(arrivals, timestamp(t, control[:n]))
	}
	r.stop(t)
	if len(arrivals) != count {
		t.Fatalf("%d frames arrived, want %d", len(arrivals), count)
	}
	var gaps []time.Duration
	for i, at := range arrivals[1:] {
		gaps = append(gaps, at-arrivals[i])
	}
	slices.Sort(gaps)
	median, whole := gaps[len(gaps)/2], arrivals[count-1]-arrivals[0]
	t.Logf("%d per second: gaps from %v over %v to %v, in all %v", rate, gaps[0], median, gaps[len(gaps)-1], whole)
	// How evenly they come depends on who else wants the processor; that they
	// do not come all at once does not.
	if want := time.Duration(count-1) * time.Second / rate; whole < want/4 {
		t.Errorf("%d frames within %v, want %v", count, whole, want)
	}
}

// timestamp reads when the kernel received a frame.
func timestamp(t *testing.T, control []byte) time.Duration {
	t.Helper()
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range messages {
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SCM_TIMESTAMPNS && len(m.Data) >= 16 {
			return time.Duration(bytesof.NativeEndian.Uint64(m.Data))*time.Second + time.Duration(bytesof.NativeEndian.Uint64(m.Data[8:]))
		}
	}
	t.Fatal("a frame without a time")
	return 0
}
