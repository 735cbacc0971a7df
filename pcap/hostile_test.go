// SPDX-License-Identifier: GPL-3.0-or-later

package pcap

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"testing"
)

// TestTruncatedAtEveryByte cuts files everywhere: what is whole before the cut
// is returned, and the rest is an error unless the cut is between two records.
func TestTruncatedAtEveryByte(t *testing.T) {
	for name, file := range map[string][]byte{
		"classic": classicFile(binary.BigEndian, true, 1, frames()),
		"ng":      ngFile(binary.LittleEndian, frames()),
	} {
		whole, err := readAll(file)
		if err != nil {
			t.Fatal(err)
		}
		last := 0
		for n := range file {
			got, err := readAll(file[:n])
			if len(got) < last || len(got) > last+1 {
				t.Fatalf("%s: %d packets in %d bytes, %d in one less", name, len(got), n, last)
			}
			for i := range got {
				if !bytes.Equal(got[i].Data, whole[i].Data) || !got[i].Time.Equal(whole[i].Time) {
					t.Fatalf("%s: packet %d differs when cut at %d", name, i+1, n)
				}
			}
			// The packet is there as soon as its last byte is.
			if grown := len(got) > last; grown && err != nil {
				t.Errorf("%s: cut at %d, the end of packet %d: %v", name, n, len(got), err)
			}
			var e *Error
			switch {
			case err == nil:
			case !errors.As(err, &e):
				t.Errorf("%s: cut at %d: %T", name, n, err)
			case e.Offset > int64(n) || e.Packet != 0 && e.Packet != len(got)+1:
				t.Errorf("%s: cut at %d after %d packets: %v", name, n, len(got), e)
			}
			last = len(got)
		}
		if last != len(whole)-1 {
			t.Errorf("%s: %d packets without the last byte", name, last)
		}
	}
}

// TestEveryByteCorrupt puts each of some values into each byte: nothing may
// panic, hang, or change the packets before.
func TestEveryByteCorrupt(t *testing.T) {
	for name, file := range map[string][]byte{
		"classic": classicFile(binary.LittleEndian, false, 1, frames()),
		"ng":      ngFile(binary.BigEndian, frames()),
	} {
		whole, _ := readAll(file)
		ends := packetEnds(t, file)
		for at := range file {
			for _, v := range []byte{0, 1, 0x7f, 0x80, 0xff, file[at] ^ 1} {
				bad := bytes.Clone(file)
				bad[at] = v
				got, _ := readAll(bad)
				for i := range whole {
					if ends[i] > at {
						break
					}
					if len(got) <= i || !bytes.Equal(got[i].Data, whole[i].Data) {
						t.Fatalf("%s: byte %d = %#x loses packet %d, which ends at %d", name, at, v, i+1, ends[i])
					}
				}
			}
		}
	}
}

// packetEnds gives the offsets at which the packets of a file end.
func packetEnds(t *testing.T, file []byte) []int {
	t.Helper()
	r, err := NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	var ends []int
	for {
		if _, err := r.Next(); err != nil {
			return ends
		}
		ends = append(ends, int(r.offset()))
	}
}

// TestPanicsAreErrors has pcapgo panic, which nothing is known to make it do.
func TestPanicsAreErrors(t *testing.T) {
	r, err := NewReader(bytes.NewReader(ngFile(binary.LittleEndian, frames())))
	if err != nil {
		t.Fatal(err)
	}
	next := r.next
	r.next = func() (Packet, error) {
		if r.packets == 1 {
			panic("index out of range")
		}
		return next()
	}
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	_, err = r.Next()
	if err == nil || err.Error() != "packet 2, at byte 48: it can't be read: pcapgo panics: index out of range" {
		t.Errorf("%v", err)
	}
	if _, again := r.Next(); again != err {
		t.Errorf("then %v", again)
	}
}

// endless is a file that ends with zeros and never ends.
type endless struct{}

func (endless) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// TestMemoryIsBounded has small files ask for as much as a length can say.
func TestMemoryIsBounded(t *testing.T) {
	o := binary.LittleEndian
	const huge = 1<<32 - 4
	classic := classicFile(o, false, 1, nil)
	o.PutUint32(classic[16:], huge) // the snapshot length
	for range 2 {
		classic = o.AppendUint32(classic, 1)
	}
	head := append(sectionBlock(o), interfaceBlock(o, 1, 0)...)
	for name, file := range map[string][]byte{
		"record":    o.AppendUint32(o.AppendUint32(classic, huge), huge),
		"block":     append(bytes.Clone(head), 6, 0, 0, 0, 0xfc, 0xff, 0xff, 0xff),
		"unknown":   append(bytes.Clone(head), 99, 0, 0, 0, 0xfc, 0xff, 0xff, 0xff),
		"largest":   append(bytes.Clone(head), 99, 0, 0, 0, 0, 0, 0, 1),
		"packet":    append(bytes.Clone(head), packetBlock(o, 0, 1, huge, huge, make([]byte, 60))...),
		"section":   append(sectionBlock(o)[:4:4], 0xfc, 0xff, 0xff, 0xff, 0x4d, 0x3c, 0x2b, 0x1a),
		"interface": append(sectionBlock(o), 1, 0, 0, 0, 0xfc, 0xff, 0xff, 0xff),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := readFrom(io.MultiReader(bytes.NewReader(file), endless{}))
		runtime.ReadMemStats(&after)
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%s: %v", name, err)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > maxBlock+1<<20 {
			t.Errorf("%s: %d bytes were allocated", name, took)
		}
	}
}

// FuzzReader reads anything.
func FuzzReader(f *testing.F) {
	for _, o := range orders {
		f.Add(classicFile(o, false, 1, frames()))
		f.Add(ngFile(o, frames()))
	}
	f.Add(append(sectionBlock(binary.LittleEndian), interfaceBlock(binary.LittleEndian, 1, 0, option(binary.LittleEndian, 9, []byte{0x8a}))...))
	f.Fuzz(func(t *testing.T, file []byte) {
		got, err := readAll(file)
		var e *Error
		if err != nil && !errors.As(err, &e) {
			t.Errorf("%T: %v", err, err)
		}
		for i, p := range got {
			if len(p.Data) > MaxPacket || p.Time.Unix() < 0 || p.Time.Unix() > maxSeconds {
				t.Errorf("packet %d: %d bytes at %v", i+1, len(p.Data), p.Time)
			}
		}
	})
}
