// SPDX-License-Identifier: GPL-3.0-or-later

package packet

import (
	"bytes"
	"errors"
	"testing"
)

// Whatever the packet is, replacing its payload and turning it round stay
// within it, and where checksums can be computed they are right afterwards.
func FuzzSetPayload(f *testing.F) {
	seeds(f, func(b []byte) { f.Add(b, []byte("payload"), uint8(9)) })
	f.Fuzz(func(t *testing.T, b, payload []byte, room uint8) {
		if len(b) > maxLen {
			return
		}
		all := append(withRoom(b, int(room)), make([]byte, room)...)
		p := all[:len(b)]
		l := walked(p)
		from, _ := l.Payload()
		had := l.Has
		fragment := l.has(Fragmented)
		got, err := SetPayload(p, &l, payload)
		if err != nil {
			if !bytes.Equal(p, b) {
				t.Fatalf("%v, but the packet was changed", err)
			}
			if fragment != errors.Is(err, ErrFragment) {
				t.Fatalf("fragment %v, but the error is %v", fragment, err)
			}
			return
		}
		if len(got) != from+len(payload) || !bytes.HasSuffix(got, payload) {
			t.Fatalf("packet %x", got)
		}
		if l != walked(got) {
			t.Fatal("the layout is not that of the packet")
		}
		if l.Has != had {
			return // the payload begins with a header
		}
		if err := VerifyChecksums(got, &l); err != nil {
			t.Fatal(err)
		}
		if from, to := l.Payload(); l.Present(UDP) && (to != len(got) || from != len(got)-len(payload)) {
			t.Fatalf("the payload is %d:%d", from, to)
		}
		before := bytes.Clone(got)
		SwapEnds(got, &l)
		if l != walked(got) || VerifyChecksums(got, &l) != nil {
			t.Fatalf("turned round: %x", got)
		}
		SwapEnds(got, &l)
		if !bytes.Equal(got, before) {
			t.Fatalf("turned round twice:\n%x, was\n%x", got, before)
		}
	})
}

// Whatever values are given, a recipe makes a packet or an error; with values
// that leave its structure alone it is sound.
func FuzzBuild(f *testing.F) {
	f.Add([]byte{8, 0, 0, 7}, []byte("payload"))
	f.Add([]byte{5, 13, 1, 0, 9, 0, 1, 1}, []byte{})
	f.Add([]byte{1, 1, 0, 1, 2, 1, 0, 2, 9, 0, 1, 1}, []byte("x"))
	f.Fuzz(func(t *testing.T, values, payload []byte) {
		if len(payload) > 2000 || len(values) > 200 {
			return
		}
		r := Recipe{Payload: payload}
		plain := true // nothing given that decides what a receiver sees
		for ; len(values) >= 4; values = values[4:] {
			h := HeaderID(values[0]) % NumHeaders
			field := Headers[h].Fields[int(values[1])%len(Headers[h].Fields)]
			n := uint64(values[2])<<8 | uint64(values[3])
			if field.max > 0 {
				n &= field.max
			}
			if r.SetUint(field, n) != nil && r.SetBytes(field, bytes.Repeat(values[2:4], 8)) != nil {
				t.Fatalf("%s takes neither a number nor bytes", field)
			}
			if field.Structural || field == ip6Proto || field.Name == "checksum" || field.Kind == Bytes {
				plain = false
			}
		}
		b, err := r.Build()
		var fieldError *FieldError
		if err != nil {
			if b != nil || errors.Is(err, ErrTooLong) || errors.As(err, &fieldError) && r.values[fieldError.Field].bytes == nil && fieldError.Reason != ErrAbsent {
				t.Fatalf("%x, %v", b, err)
			}
			return
		}
		if again, err := r.Build(); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("built again: %x, %v; was %x", again, err, b)
		}
		if !bytes.HasSuffix(b, payload) {
			t.Fatalf("%x does not end with the payload", b)
		}
		if !plain {
			return
		}
		l := walked(b)
		if l.Has&r.has != r.has {
			t.Fatalf("headers %b, asked for %b: %x", l.Has, r.has, b)
		}
		if err := VerifyChecksums(b, &l); err != nil {
			t.Fatalf("%v: %x", err, b)
		}
		for field, v := range r.values {
			got, ok := field.Uint(b, &l)
			if field.Kind == IPv6 {
				p, _ := field.Bytes(b, &l)
				ok = bytes.Equal(p, v.bytes)
			} else {
				ok = ok && (got == v.n || overlapped(&r, field))
			}
			if !ok {
				t.Fatalf("%s is not what was given: %x", field, b)
			}
		}
	})
}

// overlapped reports whether another given field of the header has bits of f.
func overlapped(r *Recipe, f *Field) bool {
	for g := range r.values {
		if g != f && g.Header == f.Header && (g.Locate <= Target) == (f.Locate <= Target) && g.Option == f.Option &&
			g.BitOffset < f.BitOffset+f.Width && f.BitOffset < g.BitOffset+g.Width {
			return true
		}
	}
	return false
}
