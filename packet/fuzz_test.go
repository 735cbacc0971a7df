// SPDX-License-Identifier: GPL-3.0-or-later

package packet

import (
	"bytes"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pvlua/internal/pkttest"
)

// Each fuzz test is given hostile packets. They are placed where an access
// outside is noticed: at the end of a slice whose capacity is its length, so
// that reading on panics, and in the middle of a larger one, so that bytes
// changed around it are seen.

// guard is what is before and after a packet in its arena.
const guard = 64

// arena puts a copy of b between guards. The packet has capacity to go on, as
// a frame has, so that a careless write lands in the guard.
func arena(b []byte) (all, p []byte) {
	all = bytes.Repeat([]byte{0xa5}, guard+len(b)+guard)
	p = all[guard : guard+len(b)]
	copy(p, b)
	return all, p
}

// intact reports whether the guards are as they were.
func intact(all []byte) bool {
	want := bytes.Repeat([]byte{0xa5}, guard)
	return bytes.Equal(all[:guard], want) && bytes.Equal(all[len(all)-guard:], want)
}

// seeds adds packets of every shape, whole and cut.
func seeds(f *testing.F, add func(b []byte)) {
	for _, p := range pkttest.All() {
		add(p.Frame)
		add(p.Frame[:len(p.Frame)*2/3])
	}
	add(pkttest.UDP(pkttest.Options{IPOptions: []byte{1, 131, 7, 4, 10, 0, 0, 9}}))
	add(pkttest.UDP(pkttest.Options{Tags: []uint16{1, 2, 3}}))
	add(manyExtensions(9))
	add(pkttest.UDP6(pkttest.Options{Extensions: []pkttest.Extension{
		{Number: 43, Bytes: append([]byte{0, 2, 4, 1, 0, 0, 0, 0}, make([]byte, 16)...)},
		{Number: 51, Bytes: append([]byte{0, 4}, make([]byte, 22)...)},
	}}))
}

func FuzzWalk(f *testing.F) {
	seeds(f, func(b []byte) { f.Add(b) })
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > maxLen {
			return // the twin has no limit
		}
		b = slices.Clip(b)
		got, want := walked(b), twinWalk(b)
		if got != want {
			t.Fatal(cmp.Diff(want, got, cmp.AllowUnexported(Layout{})))
		}
		from, to := got.Payload()
		if from < 0 || from > to || to > len(b) || int(got.NetEnd) > len(b) || to > int(got.NetEnd) {
			t.Fatalf("payload %d to %d, network layer to %d of %d bytes", from, to, got.NetEnd, len(b))
		}
		for h, off := range got.Off {
			if int(off) > int(got.NetEnd) || off != 0 && !got.Present(HeaderID(h)) {
				t.Fatalf("%s at %d of %d bytes", HeaderID(h), off, len(b))
			}
		}
	})
}

// FuzzFields reads and writes every field, also through a layout that another
// packet or a longer one had.
func FuzzFields(f *testing.F) {
	seeds(f, func(b []byte) { f.Add(b, b[len(b)/2:], uint64(0x0123456789abcdef), len(b)-3) })
	f.Fuzz(func(t *testing.T, b, other []byte, v uint64, n int) {
		if len(b) > maxLen {
			return
		}
		b = slices.Clip(b)
		compareReads(t, b)
		writeAll(t, b, walked(b), v)
		// The packet becomes another one behind the layout's back.
		changed := bytes.Clone(b)
		copy(changed, other)
		writeAll(t, changed, walked(b), v)
		if n >= 0 && n < len(b) {
			writeAll(t, b[:n:n], walked(b), v)
		}
	})
}

// writeAll assigns each field in a copy of b of its own.
func writeAll(t *testing.T, b []byte, l Layout, v uint64) {
	for _, h := range Headers {
		for _, f := range h.Fields {
			all, p := arena(b)
			lp := l
			_, _ = f.Uint(p, &lp)
			if q, ok := f.Bytes(p, &lp); ok && cap(q) != len(q) {
				t.Fatalf("%s: capacity %d, length %d", f, cap(q), len(q))
			}
			err := f.SetUint(p, &lp, v&f.max)
			if err != nil && !bytes.Equal(p, b) {
				t.Fatalf("%s: %v, but changed the packet", f, err)
			}
			if err := f.SetBytes(p, &lp, bytes.Repeat([]byte{byte(v)}, 16)); err == nil && f.Kind != IPv6 {
				t.Fatalf("%s: took 16 bytes", f)
			}
			if !intact(all) {
				t.Fatalf("%s: wrote outside the packet", f)
			}
			// The same in memory that ends with the packet.
			p = slices.Clip(bytes.Clone(b))
			lp = l
			_ = f.SetUint(p, &lp, v&f.max)
			_ = f.SetBytes(p, &lp, bytes.Repeat([]byte{byte(v)}, 16))
		}
	}
}

// FuzzChecksums checks, repairs and completes, and holds that against the twin.
func FuzzChecksums(f *testing.F) {
	seeds(f, func(b []byte) { f.Add(b, []byte{1, 2, 3}) })
	f.Fuzz(func(t *testing.T, b, other []byte) {
		if len(b) > maxLen {
			return
		}
		all, p := arena(b)
		l := walked(p)
		err := VerifyChecksums(p, &l)
		wrong := twinWrong(p)
		if l.has(Routed) {
			wrong = "" // the twin does not know source routes
		} else if (err != nil) != (wrong != "") {
			t.Fatalf("%v; twin: %q wrong", err, wrong)
		}
		CompletePartial(p, &l)
		FixChecksums(p, &l)
		if err := VerifyChecksums(p, &l); err != nil && !(l.Present(UDP) && l.Present(IP6)) {
			t.Fatalf("after fixing: %v", err)
		}
		if l2 := walked(p); l2 != l {
			t.Fatal("fixing changed the layout")
		}
		// A layout that another packet had.
		copy(p, other)
		_ = VerifyChecksums(p, &l)
		CompletePartial(p, &l)
		FixChecksums(p, &l)
		if !intact(all) {
			t.Fatal("wrote outside the packet")
		}
		for n := range len(b) {
			_ = VerifyChecksums(b[:n:n], &l)
		}
		if got, want := Checksum(b, 0), ^uint16(twinSum(b)); got != want {
			t.Fatalf("checksum %#04x, want %#04x", got, want)
		}
	})
}

// FuzzSummary checks that a summary is one line of text in limits.
func FuzzSummary(f *testing.F) {
	seeds(f, func(b []byte) { f.Add(b) })
	f.Fuzz(func(t *testing.T, b []byte) {
		s := AppendSummary([]byte("> "), slices.Clip(b))
		if !bytes.HasPrefix(s, []byte("> ")) || len(s) < 3 || len(s) > 1024 {
			t.Fatalf("%d bytes: %q", len(s), s)
		}
		for _, c := range s {
			if c < ' ' || c > '~' {
				t.Fatalf("%q", s)
			}
		}
	})
}

// FuzzOptions puts hostile options into otherwise good packets, where all
// option walkers meet them.
func FuzzOptions(f *testing.F) {
	for _, s := range []string{
		"", "\x00", "\x01\x01\x01\x00", "\x02\x04\x05\xb4", "\x02\x04\x05", "\x02\x00", "\x02\x01\x02\x04\x05\xb4",
		"\x08\x0a\x00\x00\x00\x01\x00\x00\x00\x02", "\x05\x12\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03\x00\x00\x00\x04",
		"\x83\x07\x04\x0a\x00\x00\x01\x00", "\x89\xff\x04", "\x01\x01\x02\x00\x00\x00\x00\x01", "\x02\x01\x00\x00\x00\x00\x00\x01",
		"\x0e\x00", "\x11\x00\x01\x04\x00\x00\x00\x00", "\x2b\x02\x00\x01\x00\x00\x00\x00",
	} {
		f.Add([]byte(s), uint64(7))
	}
	f.Fuzz(func(t *testing.T, options []byte, v uint64) {
		short := options[:min(len(options), 40)]
		nd := pkttest.NeighborSolicit(pkttest.Options{})
		nd = append(nd[:len(nd)-8], options...)
		length := len(nd) - 54
		nd[18], nd[19] = byte(length>>8), byte(length)
		ext := pkttest.UDP6(pkttest.Options{})
		ext = slices.Insert(ext, 54, options...)
		length = len(ext) - 54
		ext[18], ext[19] = byte(length>>8), byte(length)
		for _, b := range [][]byte{
			pkttest.UDP(pkttest.Options{IPOptions: short}),
			pkttest.TCPSyn(pkttest.Options{TCPOptions: short}),
			nd,
			patched(ext, 20, 0), patched(ext, 20, 43), patched(ext, 20, 44), patched(ext, 20, 51), patched(ext, 20, 60),
		} {
			if len(b) > maxLen {
				return
			}
			b = slices.Clip(b)
			if got, want := walked(b), twinWalk(b); got != want {
				t.Fatal(cmp.Diff(want, got, cmp.AllowUnexported(Layout{})))
			}
			compareReads(t, b)
			l := walked(b)
			right := bytes.Clone(b)
			FixChecksums(right, &l)
			for _, f := range slices.Concat(Headers[TCP].Fields, Headers[ICMP6].Fields, Headers[IP6].Fields) {
				all, p := arena(right)
				lp := l
				err := f.SetUint(p, &lp, v&f.max)
				if !intact(all) {
					t.Fatalf("%s: wrote outside the packet", f)
				}
				if err == nil && f.Name != "checksum" && kept(&l, &lp) && whole(right, &l) {
					if err := VerifyChecksums(p, &lp); err != nil {
						t.Fatalf("%s = %#x: %v", f, v&f.max, err)
					}
				}
			}
			AppendSummary(nil, b)
		}
	})
}

// whole reports whether the L4 checksum of b can be computed, if there is one,
// and whether all checksums are right.
func whole(b []byte, l *Layout) bool {
	if VerifyChecksums(b, l) != nil {
		return false
	}
	if h := l.l4(); h != NumHeaders {
		c := l.coverL4(b, h)
		return c.whole
	}
	return true
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"10.0.0.1", "255.255.255.255", "1.2.3", "01.2.3.4", "2001:db8::1", "::", "::ffff:1.2.3.4",
		"fe80::1%eth0", "02:00:5e:10:00:01", "02-00-5E-10-00-01", "02:00-5e:10:00:01", "02:00:5e:10:00:0", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if a, err := ParseIP4(s); err == nil && string(AppendIP4(nil, a)) != s {
			t.Fatalf("%q came back as %s", s, AppendIP4(nil, a))
		}
		if a, err := ParseIP6(s); err == nil {
			if again, err := ParseIP6(string(AppendIP6(nil, a))); err != nil || again != a {
				t.Fatalf("%q came back as %x: %v", s, again, err)
			}
		}
		if a, err := ParseMAC(s); err == nil {
			if again, err := ParseMAC(string(AppendMAC(nil, a))); err != nil || again != a {
				t.Fatalf("%q came back as %x: %v", s, again, err)
			}
		}
	})
}
