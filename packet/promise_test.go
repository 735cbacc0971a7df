// SPDX-License-Identifier: GPL-3.0-or-later

package packet

import (
	"bytes"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pvlua/internal/pkttest"
)

// TestAllocs checks "It does not allocate." of the doc comments, on packets of
// every shape.
func TestAllocs(t *testing.T) {
	buf := make([]byte, 0, 1024)
	address := make([]byte, 16)
	for _, p := range pkttest.All() {
		b := p.Frame
		l := walked(b)
		for _, c := range []struct {
			name string
			do   func()
		}{
			{"Walk", func() { l.Walk(b) }},
			{"Uint", func() { each(func(f *Field) { f.Uint(b, &l) }) }},
			{"Bytes", func() { each(func(f *Field) { f.Bytes(b, &l) }) }},
			{"SetUint", func() {
				each(func(f *Field) {
					// Assign something else and what was there, so that the
					// next field is still there.
					if v, ok := f.Uint(b, &l); ok && !f.ReadOnly && !f.Structural {
						mustSet(f, b, &l, v^1)
						mustSet(f, b, &l, v)
					}
				})
			}},
			{"SetUint of a Structural field", func() {
				each(func(f *Field) {
					if v, ok := f.Uint(b, &l); ok && f.Structural {
						old := l
						mustSet(f, b, &l, v^1)
						l = old
						mustSet(f, b, &l, v)
					}
				})
			}},
			{"SetBytes", func() {
				each(func(f *Field) {
					if _, ok := f.Bytes(b, &l); ok && f.Kind == IPv6 {
						if err := f.SetBytes(b, &l, address); err != nil {
							panic(err)
						}
					}
				})
			}},
			{"Checksum", func() { Checksum(b, 1) }},
			{"FixChecksums", func() { FixChecksums(b, &l) }},
			{"VerifyChecksums", func() { _ = VerifyChecksums(b, &l) }},
			{"CompletePartial", func() { CompletePartial(b, &l) }},
			{"AppendSummary", func() { AppendSummary(buf, b) }},
			{"SwapEnds", func() { SwapEnds(b, &l); SwapEnds(b, &l) }},
			{"SetPayload", func() {
				if !l.has(Fragmented) {
					old := l
					if _, err := SetPayload(append(buf[:0], b...), &old, "payload"); err != nil {
						panic(err)
					}
				}
			}},
			{"AppendIP4", func() { AppendIP4(buf, 1<<24) }},
			{"AppendIP6", func() { AppendIP6(buf, [16]byte{1}) }},
			{"AppendMAC", func() { AppendMAC(buf, 1<<24) }},
		} {
			if n := testing.AllocsPerRun(10, c.do); n != 0 {
				t.Errorf("%s, %s: %v allocations", p.Name, c.name, n)
			}
		}
	}
}

// each calls do with every field of the table.
func each(do func(f *Field)) {
	for i := range Headers {
		for _, f := range Headers[i].Fields {
			do(f)
		}
	}
}

func mustSet(f *Field, b []byte, l *Layout, v uint64) {
	if err := f.SetUint(b, l, v); err != nil {
		panic(err)
	}
}

// TestInlining checks that the compiler inlines what must not cost a call.
func TestInlining(t *testing.T) {
	if testing.Short() {
		t.Skip("asks the compiler; run without -short")
	}
	out, err := exec.Command("go", "build", "-gcflags=-m", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	var got []string
	for _, m := range regexp.MustCompile(`(?m): can inline (\S+)$`).FindAllStringSubmatch(string(out), -1) {
		got = append(got, strings.NewReplacer("(*", "", ")", "").Replace(m[1]))
	}
	for _, want := range []string{"Layout.Present", "Layout.Payload", "Layout.has", "Layout.stale", "Layout.walkUDP",
		"Layout.patchIP", "load", "store", "words", "carry", "fold", "be16", "be32"} {
		if !slices.Contains(got, want) {
			t.Errorf("%s is not inlined", want)
		}
	}
}

// TestLong reads, writes and sums up at the end of the longest packet.
func TestLong(t *testing.T) {
	options := bytes.Repeat([]byte{5, 1, 0, 0, 0, 0, 0, 0}, 31)
	b := pkttest.NeighborSolicit(pkttest.Options{})
	b = slices.Insert(b, len(b)-8, options...)
	b = slices.Clip(append(b, make([]byte, 65535-len(b))...))
	n := len(b) - 54
	b[18], b[19] = byte(n>>8), byte(n)
	l := walked(b)
	FixChecksums(b, &l)
	if got := get(t, ICMP6, "slla", b); got != 0x020000000001 {
		t.Errorf("slla after 31 options is %#x", got)
	}
	for _, name := range []string{"slla", "tlla", "type", "code"} {
		if err := Lookup(ICMP6, name).SetUint(b, &l, 133); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := VerifyChecksums(b, &l); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A header that begins where a packet of 65535 bytes nearly ends.
	far := pkttest.UDP6(pkttest.Options{Payload: []byte{}, Extensions: slices.Repeat([]pkttest.Extension{
		{Number: 60, Bytes: append([]byte{0, 255}, make([]byte, 2046)...)}}, 8)})
	if l = walked(far); l.Off[UDP] != 54+8*2048 || !l.Present(UDP) {
		t.Errorf("udp at %d", l.Off[UDP])
	}
	if err := Lookup(UDP, "dport").SetUint(far, &l, 9); err != nil || VerifyChecksums(far, &l) != nil {
		t.Errorf("%v, %v", err, VerifyChecksums(far, &l))
	}
}
