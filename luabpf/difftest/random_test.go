// SPDX-License-Identifier: GPL-3.0-or-later

package difftest

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"pvlua/internal/privileged"
	"pvlua/luabind"
	"pvlua/luabpf/bpf"
	"pvlua/luabpf/irtest"
	"pvlua/luabpf/kmap"
	"pvlua/state"
)

// The kernel does what ir.Run does with functions made at random.
func TestRandomInKernel(t *testing.T) {
	privileged.Require(t)
	count := 100
	if testing.Short() {
		count = 15
	}
	large := 0
	for seed := range uint64(count) {
		rng := rand.New(rand.NewPCG(seed, 6))
		f := irtest.Random(rng)
		stores := [2]*state.Store{state.New(), state.New()}
		env, err := irtest.Env(f, stores[0], irtest.Shapes, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := irtest.Env(f, stores[1], irtest.Shapes, time.Now); err != nil {
			t.Fatal(err)
		}
		maps := kmap.New(stores[1])
		k, err := newKernel(f, maps, 2, bpf.Load)
		if tooLarge := (*bpf.TooLargeError)(nil); errors.As(err, &tooLarge) {
			maps.Close()
			large++
			continue
		}
		if err != nil {
			t.Fatalf("seed %d: %+v\n%s", seed, err, f)
		}
		for range 20 {
			frame := irtest.Packet(rng)
			var sides [2]luabind.Packet
			for i := range sides {
				buf := bytes.Repeat([]byte{0xee}, 2*room+len(frame))
				copy(buf[room:], frame)
				sides[i] = luabind.Packet{Buf: buf, From: room, To: room + len(frame)}
			}
			want := plain{f, env}
			if a, b := want.Run(&sides[0]), k.Run(&sides[1]); a != b || describe(&sides[0]) != describe(&sides[1]) {
				t.Fatalf("seed %d: in the kernel %v %s\nwant %v %s\nof %x\n%s", seed, b, describe(&sides[1]), a, describe(&sides[0]), frame, f)
			}
			if a, b := Dump(stores[0]), Dump(stores[1]); a != b {
				t.Fatalf("seed %d: in the kernel\n%s\nwant\n%s\n%s", seed, b, a, f)
			}
		}
		k.Close()
		maps.Close()
	}
	if large > count/20 {
		t.Errorf("%d of %d functions were too large for the kernel", large, count)
	}
}
