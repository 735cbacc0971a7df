// SPDX-License-Identifier: GPL-3.0-or-later

package probe

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// fakeProber speaks with a function instead of a host: each probe sent makes it
// answer at once, with any number of answers.
type fakeProber struct {
	ends    [2]int // of a socket pair, so that waiting is real
	answers func(seq int) []answer
	queue   []answer
	sendErr []error // taken by the first calls of send
	t       *testing.T
}

func newFake(t *testing.T, answers func(seq int) []answer) *fakeProber {
	f := &fakeProber{answers: answers, t: t}
	var err error
	if f.ends, err = unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.close)
	return f
}

func (f *fakeProber) fd() int { return f.ends[0] }

func (f *fakeProber) close() {
	for i, fd := range f.ends {
		if fd >= 0 {
			unix.Close(fd)
			f.ends[i] = -1
		}
	}
}

func (f *fakeProber) send(seq int) error {
	if len(f.sendErr) > 0 {
		err := f.sendErr[0]
		f.sendErr = f.sendErr[1:]
		if err != nil {
			return err
		}
	}
	for _, a := range f.answers(seq) {
		f.queue = append(f.queue, a)
		if _, err := unix.Write(f.ends[1], []byte{1}); err != nil {
			f.t.Error(err)
		}
	}
	return nil
}

func (f *fakeProber) receive() (answer, bool, error) {
	if _, err := unix.Read(f.ends[0], make([]byte, 1)); err != nil {
		return answer{}, false, err
	}
	a := f.queue[0]
	f.queue = f.queue[1:]
	return a, true, nil
}

func runFake(t *testing.T, k Kind, f *fakeProber, edit func(*Config)) (Result, error) {
	t.Helper()
	c := Config{Count: 10, Interval: time.Microsecond, Timeout: 50 * time.Millisecond}
	if edit != nil {
		edit(&c)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return newSession(k, c, f).run(ctx)
}

func TestAnswersAreCounted(t *testing.T) {
	for _, c := range []struct {
		name            string
		kind            Kind
		answers         func(seq int) []answer
		answered, wrong int
		fault           string
	}{
		{"all", ICMP, func(seq int) []answer { return []answer{{seq: seq}} }, 10, 0, ""},
		{"none", ICMP, func(int) []answer { return nil }, 0, 0, ""},
		{"every other", UDP, func(seq int) []answer {
			if seq%2 == 0 {
				return nil
			}
			return []answer{{seq: seq}}
		}, 5, 0, ""},
		{"twice", ICMP, func(seq int) []answer { return []answer{{seq: seq}, {seq: seq}} }, 10, 10, "probe 9 answered twice"},
		{"altered", UDP, func(seq int) []answer { return []answer{{seq, "altered"}} }, 0, 10, "altered"},
		{"before the question", UDP, func(seq int) []answer { return []answer{{seq: seq + 1}} }, 0, 10, "answer to probe 10, which was not sent"},
		{"without number", ARP, func(int) []answer { return []answer{{seq: anyProbe}} }, 10, 0, ""},
		{"without number, surplus", ARP, func(int) []answer { return []answer{{seq: anyProbe}, {seq: anyProbe}} }, 10, 0, ""},
		{"without number, none", ND, func(seq int) []answer {
			if seq == 4 {
				return nil
			}
			return []answer{{seq: anyProbe}}
		}, 9, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := runFake(t, c.kind, newFake(t, c.answers), nil)
			if err != nil {
				t.Fatal(err)
			}
			if r.Sent != 10 || r.Answered != c.answered || r.Wrong != c.wrong || r.Fault != c.fault || len(r.RTTs) != c.answered {
				t.Errorf("got %+v, want %d answered, %d wrong, fault %q", r, c.answered, c.wrong, c.fault)
			}
			if ok := c.answered == 10 && c.wrong == 0; r.OK() != ok {
				t.Errorf("OK() = %v, want %v", r.OK(), ok)
			}
		})
	}
}

func TestLateAnswerDoesNotCount(t *testing.T) {
	f := newFake(t, nil)
	f.answers = func(seq int) []answer {
		if seq == 1 {
			time.Sleep(20 * time.Millisecond) // later than the Timeout of probe 0
			return []answer{{seq: 0}, {seq: 1}}
		}
		return nil
	}
	r, err := runFake(t, UDP, f, func(c *Config) { c.Count, c.Timeout = 2, 15*time.Millisecond })
	if err != nil {
		t.Fatal(err)
	}
	// Probe 1 was answered while it was being sent, but by the clock it is late as well.
	if r.Answered != 0 || r.Wrong != 0 || !strings.HasPrefix(r.Fault, "answer after ") {
		t.Errorf("got %+v", r)
	}
}

func TestSendErrors(t *testing.T) {
	all := func(seq int) []answer { return []answer{{seq: seq}} }
	t.Run("an earlier packet's fate is noted and the probe sent", func(t *testing.T) {
		f := newFake(t, all)
		f.sendErr = []error{nil, unix.ECONNREFUSED}
		r, err := runFake(t, UDP, f, nil)
		if err != nil || r.Answered != 10 || r.Fault != "connection refused" {
			t.Errorf("got %+v, %v", r, err)
		}
	})
	t.Run("a full queue loses the probe", func(t *testing.T) {
		f := newFake(t, all)
		f.sendErr = []error{nil, unix.ENOBUFS}
		r, err := runFake(t, UDP, f, nil)
		if err != nil || r.Sent != 10 || r.Answered != 9 || r.OK() {
			t.Errorf("got %+v, %v", r, err)
		}
	})
	t.Run("anything else ends the run", func(t *testing.T) {
		f := newFake(t, all)
		f.sendErr = []error{nil, unix.ENETDOWN}
		r, err := runFake(t, UDP, f, nil)
		if !errors.Is(err, unix.ENETDOWN) || r.Sent != 2 {
			t.Errorf("got %+v, %v", r, err)
		}
	})
}

func TestContextEndsTheRun(t *testing.T) {
	f := newFake(t, func(int) []answer { return nil })
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(30*time.Millisecond, cancel)
	start := time.Now()
	r, err := newSession(ICMP, Config{Count: 1, Timeout: time.Hour}, f).run(ctx)
	if !errors.Is(err, context.Canceled) || r.Sent != 1 || time.Since(start) > 5*time.Second {
		t.Errorf("got %+v, %v after %v", r, err, time.Since(start))
	}
}

func TestIntervalIsKept(t *testing.T) {
	var at []time.Time
	f := newFake(t, func(seq int) []answer { at = append(at, time.Now()); return []answer{{seq: seq}} })
	if _, err := runFake(t, ICMP, f, func(c *Config) { c.Count, c.Interval = 5, 10*time.Millisecond }); err != nil {
		t.Fatal(err)
	}
	if d := at[4].Sub(at[0]); d < 39*time.Millisecond {
		t.Errorf("5 probes 10 ms apart took %v", d)
	}
}
