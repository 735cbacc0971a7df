// SPDX-License-Identifier: GPL-3.0-or-later

package packet

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"pvlua/internal/pkttest"
)

// kept reports whether two layouts have the same headers at the same places.
func kept(a, b *Layout) bool { return a.Has == b.Has && a.Off == b.Off }

// TestAssign assigns each field of a packet any value: what was written is read
// back, right checksums stay right, UDP's zero stays zero, and nothing but the
// field and the checksums changes.
func TestAssign(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := genPacket(t)
		for _, f := range fieldsOf(b) {
			checkAssign(t, f, bytes.Clone(b))
		}
	})
}

func checkAssign(t *rapid.T, f *Field, b []byte) {
	before, old := bytes.Clone(b), walked(b)
	l := old
	v, err := assign(t, f, b, &l)
	if f.ReadOnly {
		if !errors.Is(err, ErrReadOnly) {
			t.Fatalf("%s is read-only, got %v", f, err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if l != walked(b) {
		t.Fatalf("%s = %v: layout was not walked again", f, v)
	}
	if l.Present(f.Header) {
		if got, ok := f.Uint(b, &l); ok && got != v {
			t.Fatalf("%s = %v: read back %d", f, v, got)
		}
		if p, ok := f.Bytes(b, &l); ok && !bytes.Equal(p, v.([]byte)) {
			t.Fatalf("%s = %v: read back %x", f, v, p)
		}
	}
	ip, l4 := checksums(before)
	if l4 != 0 && old.Present(UDP) && be16(before, l4) == 0 && f.Name != "checksum" && be16(b, l4) != 0 {
		t.Fatalf("%s = %v: UDP has a checksum now", f, v)
	}
	if kept(&old, &l) && f.Name != "checksum" {
		if w := twinWrong(b); w != "" {
			t.Fatalf("%s = %v: %s wrong\n%x\n%x", f, v, w, before, b)
		}
		if err := VerifyChecksums(b, &l); err != nil {
			t.Fatalf("%s = %v: %v", f, v, err)
		}
	}
	// Put back what may change; the rest must be as it was.
	bit, _ := twinFind(f, before)
	for i := bit; i < bit+int(f.Width); i++ {
		mask := byte(0x80 >> (i % 8))
		b[i/8] = b[i/8]&^mask | before[i/8]&mask
	}
	for _, at := range []int{ip, l4} {
		if at != 0 {
			copy(b[at:at+2], before[at:])
		}
	}
	if !bytes.Equal(b, before) {
		t.Fatalf("%s = %v: changed more than itself\n%x\n%x", f, v, before, b)
	}
}

// TestAssignWrong assigns each field of a packet with wrong checksums: they
// stay wrong by the same difference.
func TestAssignWrong(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		right := genPacket(t)
		wrong := bytes.Clone(right)
		ip, l4 := checksums(right)
		for _, at := range []int{ip, l4} {
			if at != 0 {
				wrong[at] ^= rapid.Byte().Draw(t, "high")
				wrong[at+1] ^= rapid.Byte().Draw(t, "low")
			}
		}
		l := walked(right)
		if l.Present(UDP) && (be16(right, l4) == 0 || be16(wrong, l4) == 0) {
			return // zero is no checksum, neither wrong nor right
		}
		for _, f := range fieldsOf(right) {
			if f.ReadOnly || f.Name == "checksum" {
				continue
			}
			r, w := bytes.Clone(right), bytes.Clone(wrong)
			assignBoth(t, f, r, w)
			if ip != 0 && f.Name != "ihl" && apart(r, w, ip) != apart(right, wrong, ip) {
				t.Fatalf("%s: ip checksum was wrong by %#x, is by %#x", f, apart(right, wrong, ip), apart(r, w, ip))
			}
			if l4 != 0 && apart(r, w, l4) != apart(right, wrong, l4) {
				t.Fatalf("%s: checksum was wrong by %#x, is by %#x", f, apart(right, wrong, l4), apart(r, w, l4))
			}
		}
	})
}

// apart gives the difference of the checksums at off in two packets, in one's
// complement.
func apart(a, b []byte, off int) int {
	x, _ := number(a, off, 2)
	y, _ := number(b, off, 2)
	return (x - y + 0xffff) % 0xffff
}

// assignBoth assigns f the same drawn value in two packets.
func assignBoth(t *rapid.T, f *Field, a, b []byte) {
	la, lb := walked(a), walked(b)
	v, err := assign(t, f, a, &la)
	if p, ok := v.([]byte); ok {
		err = errors.Join(err, f.SetBytes(b, &lb, p))
	} else {
		err = errors.Join(err, f.SetUint(b, &lb, v.(uint64)))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestAssignMany assigns many fields in turn, lengths that do not fit included:
// as long as the headers stay, checksums that can be computed are right.
func TestAssignMany(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := genPacket(t)
		old := walked(b)
		l := old
		var did []any
		for range rapid.IntRange(1, 10).Draw(t, "assignments") {
			f := genFieldOf(t, b)
			// Fragments have checksums over bytes that are not there.
			if f.ReadOnly || f.Name == "checksum" || f.Locate == Fragment ||
				f.Header == IP && (f.Name == "mf" || f.Name == "flags" || f.Name == "frag") {
				continue
			}
			v, err := assign(t, f, b, &l)
			if err != nil {
				t.Fatal(err)
			}
			if did = append(did, f, v); !kept(&old, &l) {
				return
			}
		}
		if err := VerifyChecksums(b, &l); err != nil {
			t.Fatalf("%v: %v", did, err)
		}
	})
}

// TestAssignPart assigns a field of a packet that is only the beginning of one,
// as a first fragment and as a frame cut short: its checksum goes on to be that
// of the whole.
func TestAssignPart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := genOptions(t)
		o.Tags, o.PadTo = nil, 0
		o.Payload = make([]byte, 64)
		shapes := []func(pkttest.Options) []byte{pkttest.UDP, pkttest.TCPData, pkttest.ICMPEcho, pkttest.UDP6, pkttest.TCPData6}
		whole := rapid.SampledFrom(shapes).Draw(t, "shape")(o)
		l := walked(whole)
		part := bytes.Clone(whole)
		var lp Layout
		switch {
		case rapid.Bool().Draw(t, "cut"):
			part = part[:len(part)-20]
			lp = walked(part)
		case l.Present(IP):
			part = patched(part[:len(part)-24], 14+6, 0x20, 0)
			part = patched(part, 14+2, byte((len(part)-14)>>8), byte(len(part)-14))
			lp = walked(part)
			FixChecksums(part, &lp)
		default:
			fragment := []byte{part[20], 0, 0, 1, 0, 0, 0, 0}
			part[20] = 44
			part = append(part[:54:54], append(fragment, part[54:len(part)-24]...)...)
			part = patched(part, 18, byte((len(part)-54)>>8), byte(len(part)-54))
			lp = walked(part)
		}
		if lp.l4() != l.l4() || !lp.has(Fragmented|Truncated) {
			t.Fatalf("%s with facts %#x", names(&lp), lp.Facts)
		}
		for _, f := range fieldsOf(whole) {
			if f.Structural || f.ReadOnly || f.Name == "checksum" {
				continue
			}
			w, p := bytes.Clone(whole), bytes.Clone(part)
			assignBoth(t, f, w, p)
			if be16(w, int(l.sum)) != be16(p, int(lp.sum)) {
				t.Fatalf("%s: %#04x in the whole, %#04x in the part", f, be16(w, int(l.sum)), be16(p, int(lp.sum)))
			}
		}
	})
}

// TestAssignSame assigns what is there already: nothing changes, even where a
// checksum has two forms.
func TestAssignSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := genPacket(t)
		_, l4 := checksums(b)
		if l4 != 0 && rapid.Bool().Draw(t, "other form") {
			b[l4], b[l4+1] = 0xff, 0xff
		}
		before, l := bytes.Clone(b), walked(b)
		f := genFieldOf(t, b)
		if f.ReadOnly {
			return
		}
		var err error
		if p, ok := f.Bytes(b, &l); ok {
			err = f.SetBytes(b, &l, bytes.Clone(p))
		} else {
			v, _ := f.Uint(b, &l)
			err = f.SetUint(b, &l, v)
		}
		if err != nil || !bytes.Equal(b, before) {
			t.Fatalf("%s: %v\n%x\n%x", f, err, before, b)
		}
	})
}
