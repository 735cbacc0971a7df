// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"pvlua/internal/labtest"
)

// A lonely Runtime has its worker running, and no supervisor but the test,
// which thus decides when anybody looks at the interfaces.
type lonely struct {
	*Runtime
	log *bytes.Buffer
}

// alone runs test in the namespace of side B, with a script that sends all the
// time.
func alone(t *testing.T, lab *labtest.Lab, test func(w *lonely)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.lua")
	if err := os.WriteFile(path, []byte(`
		local pv = require "pv"
		local frame = string.rep("\1", 12) .. "\136\181" .. string.rep("x", 46)
		pv.every(0.001, function() pv.ports[1]:send(frame) end)
		function on_packet() end`), 0o666); err != nil {
		t.Fatal(err)
	}
	lab.B.Do(t, func() error {
		var log bytes.Buffer
		r, err := New(Config{Interfaces: []string{lab.B.Link}, Script: path, Log: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			return err
		}
		r.ran = true
		ended := make(chan error)
		go func() {
			goruntime.LockOSThread()
			err := r.ns.enter()
			if err == nil {
				err = r.workers[0].run()
			}
			r.workers[0].mail.close()
			ended <- err
		}()
		test(&lonely{r, &log})
		r.workers[0].mail.post(func() { r.workers[0].stopping = true })
		if err := <-ended; err != nil {
			t.Error(err)
		}
		return r.Close()
	})
}

// down asks the worker whether it takes its port for down.
func (w *lonely) down() (down bool) {
	w.workers[0].mail.call(func() { down = w.workers[0].ports[0].down })
	return down
}

// sends reports whether frames leave.
func (w *lonely) sends() bool {
	before := w.Totals().Ports[0].Tx
	for range 500 {
		if w.Totals().Ports[0].Tx > before {
			return true
		}
		time.Sleep(time.Millisecond)
	}
	return false
}

// set changes a link by its name.
func set(t *testing.T, name string, change func(netlink.Link) error) {
	t.Helper()
	link, err := netlink.LinkByName(name)
	if err == nil {
		err = change(link)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestUnseenFlap: a link that went down, and up before anybody looked, is sent
// on again, though the worker saw it down and nothing known of it has changed.
func TestUnseenFlap(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	alone(t, lab, func(w *lonely) {
		set(t, lab.B.Link, netlink.LinkSetDown)
		for deadline := time.Now().Add(5 * time.Second); !w.down(); {
			if time.Now().After(deadline) {
				t.Fatal("the worker never found out that the link is down")
			}
		}
		set(t, lab.B.Link, netlink.LinkSetUp)
		w.refreshAll()
		if !w.sends() {
			t.Error("nothing is sent any more")
		}
	})
}

// TestUnseenAbsence: an interface that was in another namespace comes back with
// its name and index, but the kernel has taken the sockets off it.
func TestUnseenAbsence(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	alone(t, lab, func(w *lonely) {
		home, err := os.Open(threadNamespace)
		if err != nil {
			t.Fatal(err)
		}
		defer home.Close()
		lab.A.Do(t, func() error {
			away, err := os.Open(threadNamespace)
			if err != nil {
				return err
			}
			defer away.Close()
			lab.B.Do(t, func() error {
				set(t, lab.B.Link, func(l netlink.Link) error { return netlink.LinkSetNsFd(l, int(away.Fd())) })
				return nil
			})
			set(t, lab.B.Link, func(l netlink.Link) error { return netlink.LinkSetNsFd(l, int(home.Fd())) })
			return nil
		})
		set(t, lab.B.Link, netlink.LinkSetUp)
		set(t, lab.B.Link, func(l netlink.Link) error {
			if l.Attrs().Index != lab.B.Ifindex {
				t.Skip("this kernel gives the interface a new index, which is seen anyway")
			}
			return nil
		})
		w.refreshAll()
		if !w.sends() {
			t.Errorf("nothing is sent any more; log:\n%s", w.log)
		}
		if !strings.Contains(w.log.String(), "interface is back") {
			t.Errorf("not attached to anew; log:\n%s", w.log)
		}
	})
}

// TestMTUThatNoLongerFits is said, once.
func TestMTUThatNoLongerFits(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	alone(t, lab, func(w *lonely) {
		for _, mtu := range []int{1600, 2500, 1500} {
			set(t, lab.B.Link, func(l netlink.Link) error { return netlink.LinkSetMTU(l, mtu) })
			w.refreshAll()
			w.refreshAll()
		}
		if n := strings.Count(w.log.String(), "lost from now on"); n != 1 || !strings.Contains(w.log.String(), "MTU of 2500") {
			t.Errorf("said %d times instead of once:\n%s", n, w.log)
		}
	})
}
