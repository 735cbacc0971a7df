// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestErrorLogBoundsItsRate(t *testing.T) {
	var out bytes.Buffer
	clock := time.Unix(1000, 0)
	e := newErrorLog(slog.New(slog.NewTextHandler(&out, nil)), func() time.Time { return clock })
	asked := 0
	report := func() {
		e.report(errors.New("bad"), func() []any { asked++; return []any{"port", "veth1"} })
	}
	lines := func() int { return strings.Count(out.String(), "msg=bad") }

	for range 1000 {
		report()
	}
	if lines() != errorBurst || asked != errorBurst {
		t.Errorf("%d lines, %d times asked for details; want %d", lines(), asked, errorBurst)
	}
	clock = clock.Add(3500 * time.Millisecond)
	for range 1000 {
		report()
	}
	if lines() != errorBurst+3 {
		t.Errorf("%d lines after 3.5 s, want %d", lines(), errorBurst+3)
	}
	if !strings.Contains(out.String(), "suppressed=990") {
		t.Errorf("990 suppressed errors are not told:\n%s", out.String())
	}
	clock = clock.Add(500 * time.Millisecond) // the half second of before counts
	report()
	if lines() != errorBurst+4 {
		t.Errorf("%d lines after 4 s", lines())
	}
	report()
	e.flush()
	if !strings.Contains(out.String(), "suppressed=1\n") {
		t.Errorf("the last ones are not told:\n%s", out.String())
	}
	clock = clock.Add(time.Hour)
	for range 1000 {
		report()
	}
	if lines() != errorBurst+4+errorBurst {
		t.Errorf("%d lines: a quiet hour must not save up more than a burst", lines())
	}
}
