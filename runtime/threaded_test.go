// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pvlua/internal/labtest"
	"pvlua/xsk"
)

// TestThreadedNAPI is on while the Runtime is on the interface, and as it was
// before and after, also on the interface that comes back in place of another.
func TestThreadedNAPI(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	l := goLive(t, lab.B, answering(1000), func(c *Config) { c.ThreadedNAPI = true })
	want := func(when, value string) {
		t.Helper()
		lab.B.Do(t, func() error {
			n, err := openThreaded(lab.B.Link)
			if err != nil {
				return err
			}
			defer n.file.Close()
			if string(n.before) != value {
				t.Errorf("%s it says %q, want %q", when, n.before, value)
			}
			return nil
		})
	}
	want("running", "1")
	flows, end := startFlows(t, lab, 2)
	for _, f := range flows {
		f.await(t, 1000)
	}
	end()
	lab.B.Run(t, "ip", "link", "del", lab.B.Link)
	lab.A.Run(t, "ip", "link", "add", lab.A.Link, "type", "veth", "peer", "name", lab.B.Link, "netns", lab.B.NS.Name())
	lab.A.Run(t, "ip", "link", "set", lab.A.Link, "up")
	lab.B.Run(t, "ip", "link", "set", lab.B.Link, "up")
	l.log.wait(t, "interface is back")
	want("running again", "1")
	l.stop(0)
	want("afterwards", "0")
}

// TestNoThreadedNAPI: where there is no NAPI the error says so, and nothing stays.
func TestNoThreadedNAPI(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	path := filepath.Join(t.TempDir(), "main.lua")
	if err := os.WriteFile(path, []byte("function on_packet() end"), 0o666); err != nil {
		t.Fatal(err)
	}
	lab.B.Do(t, func() error {
		_, err := New(Config{Interfaces: []string{lab.B.Link}, Script: path, Mode: xsk.ModeGeneric, ThreadedNAPI: true})
		if err == nil || !strings.Contains(err.Error(), lab.B.Link+": threaded NAPI: its driver has no NAPI") {
			t.Errorf("%v", err)
		}
		if _, found := xsk.FindProgram(lab.B.Ifindex, lab.B.Link); found {
			t.Error("the program is still attached")
		}
		return nil
	})
}
