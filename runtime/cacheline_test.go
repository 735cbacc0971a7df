// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"unsafe"

	"golang.org/x/sys/cpu"

	"pvlua/internal/labtest"
)

// cacheLine is the unit in which processors take memory from each other, in bytes.
// The structures of a worker end with one that nobody writes to.
const cacheLine = unsafe.Sizeof(cpu.CacheLinePad{})

// TestWorkersShareNoCacheLine looks where what a worker writes for each packet
// lies: a line of it that another worker wrote to as well would go to and fro
// between their processors (false sharing).
func TestWorkersShareNoCacheLine(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true, Queues: 2})
	path := filepath.Join(t.TempDir(), "main.lua")
	if err := os.WriteFile(path, []byte("function on_packet() end"), 0o666); err != nil {
		t.Fatal(err)
	}
	lab.B.Do(t, func() error {
		r, err := New(Config{Interfaces: []string{lab.B.Link}, Script: path, Log: slog.New(slog.DiscardHandler), Stdout: io.Discard})
		if err != nil {
			return err
		}
		defer r.Close()
		if len(r.workers) != 2 {
			t.Fatalf("%d workers", len(r.workers))
		}
		type owner struct {
			worker int
			what   string
		}
		owners := map[uintptr]owner{}
		for i, w := range r.workers {
			own := func(what string, p unsafe.Pointer, size uintptr) {
				for line := uintptr(p) / cacheLine; line <= (uintptr(p)+size-1)/cacheLine; line++ {
					if o, taken := owners[line]; taken && o.worker != i {
						t.Errorf("a line of the %s of worker %d is one of the %s of worker %d", what, i, o.what, o.worker)
					}
					owners[line] = owner{i, what}
				}
			}
			own("worker", unsafe.Pointer(w), unsafe.Sizeof(*w)-cacheLine)
			own("packets", unsafe.Pointer(&w.room[0]), unsafe.Sizeof(w.room[0])*uintptr(cap(w.room)))
			own("descriptors", unsafe.Pointer(&w.descs[0]), unsafe.Sizeof(w.descs[0])*uintptr(cap(w.descs)))
			own("frames", unsafe.Pointer(w.umem), unsafe.Sizeof(*w.umem)-cacheLine)
			own("script", unsafe.Pointer(w.state), unsafe.Sizeof(*w.state))
			for _, p := range w.ports {
				own("port", unsafe.Pointer(p), unsafe.Sizeof(*p)-cacheLine)
				for _, l := range p.lanes {
					own("lane", unsafe.Pointer(l), unsafe.Sizeof(*l)-cacheLine)
					own("socket", unsafe.Pointer(l.socket), unsafe.Sizeof(*l.socket)-cacheLine)
					out := l.out[:cap(l.out)]
					own("transmission", unsafe.Pointer(&out[0]), unsafe.Sizeof(out[0])*uintptr(len(out)))
				}
			}
		}
		return nil
	})
}
