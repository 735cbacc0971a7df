// SPDX-License-Identifier: GPL-3.0-or-later

package pcap

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

func TestClassic(t *testing.T) {
	for _, o := range orders {
		for _, nano := range []bool{false, true} {
			unit := time.Microsecond
			if nano {
				unit = time.Nanosecond
			}
			got, err := readAll(classicFile(o, nano, 1, frames()))
			if err != nil {
				t.Errorf("%v, nano %v: %v", o, nano, err)
			}
			same(t, got, frames(), unit)
		}
	}
}

func TestNG(t *testing.T) {
	for _, o := range orders {
		got, err := readAll(ngFile(o, frames()))
		if err != nil {
			t.Errorf("%v: %v", o, err)
		}
		same(t, got, frames(), time.Microsecond)
	}
}

// TestPipes reads byte by byte, as slowly as a pipe can be.
func TestPipes(t *testing.T) {
	for _, file := range [][]byte{classicFile(binary.LittleEndian, true, 1, frames()), ngFile(binary.BigEndian, frames())} {
		got, err := readFrom(iotest.OneByteReader(bytes.NewReader(file)))
		if err != nil || len(got) != len(frames()) {
			t.Errorf("%d packets, %v", len(got), err)
		}
	}
}

// TestSections has a file of two sections in both byte orders, as
// concatenating two files gives.
func TestSections(t *testing.T) {
	a, b := frames()[:4], frames()[4:]
	file := append(ngFile(binary.LittleEndian, a), ngFile(binary.BigEndian, b)...)
	got, err := readAll(file)
	if err != nil || len(got) != len(frames()) {
		t.Fatalf("%d packets, %v", len(got), err)
	}
	same(t, got[:4], a, time.Microsecond)
	same(t, got[4:], b, time.Microsecond)
}

func TestResolutions(t *testing.T) {
	const seconds = 1_700_000_000
	for _, c := range []struct {
		resol  byte
		offset int64
		stamp  uint64
		want   time.Time
	}{
		{0, 0, seconds, time.Unix(seconds, 0)},
		{3, 0, seconds*1000 + 999, time.Unix(seconds, 999e6)},
		{6, 0, seconds*1e6 + 1, time.Unix(seconds, 1000)},
		{9, 0, seconds*1e9 + 1, time.Unix(seconds, 1)},
		{9, 3600, seconds*1e9 + 1, time.Unix(seconds+3600, 1)},
		{9, -3600, seconds*1e9 + 1, time.Unix(seconds-3600, 1)},
		{10, 0, seconds*1e10 + 19, time.Unix(seconds, 1)},
		{19, seconds, 9_999_999_999_999_999_999, time.Unix(seconds, 999_999_999)},
		{0x80, 0, seconds, time.Unix(seconds, 0)},
		{0x80 | 10, 0, seconds<<10 | 512, time.Unix(seconds, 5e8)},
		{0x80 | 32, 0, seconds<<32 | 1<<31, time.Unix(seconds, 5e8)},
		{0x80 | 63, seconds, 1<<63 | 1<<62, time.Unix(seconds+1, 5e8)},
	} {
		o := binary.BigEndian
		file := append(sectionBlock(o), interfaceBlock(o, 1, 0,
			option(o, 2, []byte("eth0")), option(o, 9, []byte{c.resol}), option(o, 14, o.AppendUint64(nil, uint64(c.offset))), option(o, 0, nil))...)
		file = append(file, packetBlock(o, 0, c.stamp, 60, 60, make([]byte, 60))...)
		got, err := readAll(file)
		if err != nil || len(got) != 1 || !got[0].Time.Equal(c.want) {
			t.Errorf("resolution %#x, offset %d, stamp %d: %v, %v; want %v", c.resol, c.offset, c.stamp, got, err, c.want)
		}
	}
}

// TestOtherBlocks has everything that may stand between packets, and packets
// in the forms that are rare.
func TestOtherBlocks(t *testing.T) {
	for _, o := range orders {
		p := frames()[1] // 43 bytes
		n := uint32(len(p))
		file := append(sectionBlock(o), interfaceBlock(o, 1, 0)...)
		file = append(file, packetBlock(o, 0, uint64(when(0).UnixMicro()), n, n, p)...)
		file = append(file, block(o, 5, make([]byte, 40))...)        // statistics
		file = append(file, block(o, 4, []byte{1, 0, 0, 0})...)      // names, cut short
		file = append(file, block(o, 0xbad, make([]byte, 1<<20))...) // custom
		file = append(file, interfaceBlock(o, 105, 0)...)            // 802.11, without packets
		simple := append(o.AppendUint32(nil, n), p...)
		file = append(file, block(o, 3, simple)...)
		old := o.AppendUint32(nil, 0) // interface and drops
		stamp := uint64(when(2).UnixMicro())
		old = o.AppendUint32(old, uint32(stamp>>32))
		old = o.AppendUint32(old, uint32(stamp))
		old = o.AppendUint32(o.AppendUint32(old, n), n)
		file = append(file, block(o, 2, append(old, p...))...)

		got, err := readAll(file)
		if err != nil || len(got) != 3 {
			t.Fatalf("%v: %d packets, %v", o, len(got), err)
		}
		for i, p2 := range got {
			at := when(i)
			if i == 1 { // it has no time of its own
				at = when(0)
			}
			if !bytes.Equal(p2.Data, p) || !p2.Time.Equal(at.Truncate(time.Microsecond)) {
				t.Errorf("%v: packet %d at %v, want %v: % x", o, i+1, p2.Time, at, p2.Data)
			}
		}
	}
}

// TestRefusals holds what is said about each thing that is wrong.
func TestRefusals(t *testing.T) {
	o := binary.LittleEndian
	p := make([]byte, 60)
	head := append(sectionBlock(o), interfaceBlock(o, 1, 0)...)
	good := append(bytes.Clone(head), packetBlock(o, 0, 1, 60, 60, p)...)
	after := func(more ...[]byte) []byte { return append(bytes.Clone(good), bytes.Join(more, nil)...) }
	edit := func(b []byte, at int, v uint32) []byte {
		b = bytes.Clone(b)
		o.PutUint32(b[at:], v)
		return b
	}
	classic := classicFile(o, false, 1, [][]byte{p, p})
	const second = 24 + 16 + 60 // of classic
	for _, c := range []struct {
		name    string
		file    []byte
		packets int
		want    string
	}{
		{"empty", nil, 0, "file header: it is empty: there is not even a header"},
		{"three bytes", good[:3], 0, "file header: the file ends within its header: 3 of 4 bytes are there"},
		{"text", []byte("hello world"), 0, "file header: it is no capture: it begins with the bytes 68 65 6c 6c, neither pcap nor pcapng"},
		{"gzip", []byte{0x1f, 0x8b, 8, 0}, 0, "file header: it is compressed: gunzip it, or read it from a pipe: gunzip -c FILE | pvlua --read -"},
		{"zstd", []byte{0x28, 0xb5, 0x2f, 0xfd}, 0, "file header: it is compressed: unzstd it, or read it from a pipe: unzstd -c FILE | pvlua --read -"},

		{"version", edit(classic, 4, 3), 0, "file header: reading: Unknown major version 3"},
		{"any", classicFile(o, false, 113, nil), 0, "file header: its link type is 113 (Linux SLL), not Ethernet: capture on one Ethernet interface, not on \"any\""},
		{"odd link", classicFile(o, false, 4711, nil), 0, "file header: its link type is 4711 (UnknownLinkType), not Ethernet: capture on one Ethernet interface, not on \"any\""},
		{"microseconds", edit(classic, second+4, 1e6), 1, "packet 2, at byte 100: its time is corrupt: 1000000/1000000 of a second"},
		{"snapped", edit(classic, second+12, 1514), 1, "packet 2, at byte 100: only 60 of its 1514 bytes were captured: a handler must see whole packets, capture with a larger snapshot length (tcpdump -s 0)"},
		{"more than there was", edit(classic, second+8, 61), 1, "packet 2, at byte 100: its lengths are corrupt: 61 bytes captured of a packet of 60"},
		{"huge", edit(edit(classic, second+8, 1<<20), second+12, 1<<20), 1, "packet 2, at byte 100: it has 1048576 bytes; 65535 are the most that a packet can have here: capture with segmentation offload off (ethtool -K INTERFACE gro off gso off tso off)"},
		{"cut in header", classic[:second+7], 1, "packet 2, at byte 100: the file ends within it: 7 of 16 bytes are there"},
		{"cut in packet", classic[:second+17], 1, "packet 2, at byte 100: the file ends within it: 17 of 76 bytes are there"},

		{"order", edit(good, 8, 7), 0, "file header: the byte order of its section header is corrupt: 07 00 00 00"},
		{"ng version", edit(good, 12, 2), 0, "file header: reading: Unknown pcapng Version in Section Header"},
		{"short section", block(o, 0x0a0d0d0a, o.AppendUint32(nil, 0x1a2b3c4d)), 0, "file header: a block of type 0xa0d0d0a is too short: 16 bytes"},
		{"length 8", after(edit(block(o, 9, nil), 4, 8)), 1, "packet 2, at byte 140: the length of a block of type 0x9 is corrupt: 8 bytes"},
		{"length 13", after(edit(block(o, 9, nil), 4, 13)), 1, "packet 2, at byte 140: the length of a block of type 0x9 is corrupt: 13 bytes"},
		{"length 4G", after(edit(block(o, 9, nil), 4, 1<<32-4)), 1, "packet 2, at byte 140: the length of a block of type 0x9 is corrupt: 4294967292 bytes"},
		{"length again", after(edit(block(o, 9, nil), 8, 16)), 1, "packet 2, at byte 140: a block of type 0x9 begins with the length 12 and ends with 16"},
		{"cut block", after(packetBlock(o, 0, 1, 60, 60, p)[:50]), 1, "packet 2, at byte 140: the file ends within a block: 50 of 92 bytes are there"},
		{"cut head", after([]byte{6, 0, 0}), 1, "packet 2, at byte 140: the file ends within a block: 3 of 12 bytes are there"},
		{"cut section", after(sectionBlock(o)[:10]), 1, "packet 2, at byte 140: the file ends within a block: 10 of 12 bytes are there"},
		{"no interface", append(sectionBlock(o), packetBlock(o, 0, 1, 60, 60, p)...), 0, "packet 1, at byte 28: reading: Interface id 0 not present in section (have only 0 interfaces)"},
		{"interface 7", after(packetBlock(o, 7, 1, 60, 60, p)), 1, "packet 2, at byte 140: reading: Interface id 7 not present in section (have only 1 interfaces)"},
		{"interfaces of the section", after(sectionBlock(o), packetBlock(o, 0, 1, 60, 60, p)), 1, "packet 2, at byte 168: reading: Interface id 0 not present in section (have only 0 interfaces)"},
		{"short interface", after(block(o, 1, []byte{1, 0, 0, 0})), 1, "packet 2, at byte 140: a block of type 0x1 is too short: 16 bytes"},
		{"option", after(interfaceBlock(o, 1, 0, o.AppendUint32(nil, 9|100<<16))), 1, "packet 2, at byte 140: option 9 of a block of type 0x1 is longer than the block"},
		{"resolution 10", after(interfaceBlock(o, 1, 0, option(o, 9, []byte{20}))), 1, "packet 2, at byte 140: the time resolution of an interface is too fine: 10^-20"},
		{"resolution 2", after(interfaceBlock(o, 1, 0, option(o, 9, []byte{0x80 | 64}))), 1, "packet 2, at byte 140: reading: Timestamp resolution 2^-64 is too high"},
		{"link", after(interfaceBlock(o, 127, 0), packetBlock(o, 1, 1, 60, 60, p)), 1, "packet 2, at byte 160: its link type is 127 (RadioTap), not Ethernet: capture on one Ethernet interface, not on \"any\""},
		{"short packet", after(block(o, 6, make([]byte, 16))), 1, "packet 2, at byte 140: a block of type 0x6 is too short: 28 bytes"},
		{"no room", after(packetBlock(o, 0, 1, 65, 65, p)), 1, "packet 2, at byte 140: its lengths are corrupt: 65 bytes captured in a block that has room for 60"},
		{"ng snapped", after(packetBlock(o, 0, 1, 60, 61, p)), 1, "packet 2, at byte 140: only 60 of its 61 bytes were captured: a handler must see whole packets, capture with a larger snapshot length (tcpdump -s 0)"},
		{"time", after(packetBlock(o, 0, 1<<63, 60, 60, p)), 1, "packet 2, at byte 140: its time is corrupt: it is not between 1970 and 2106"},
		{"no room, old", after(block(o, 2, packetBlock(o, 0, 1, 65, 65, p)[8:88])), 1, "packet 2, at byte 140: its lengths are corrupt: 65 bytes captured in a block that has room for 60"},
		{"no room, simple", after(block(o, 3, append(o.AppendUint32(nil, 65), p...))), 1, "packet 2, at byte 140: its lengths are corrupt: 65 bytes captured in a block that has room for 60"},
		{"packet option", after(block(o, 6, append(packetBlock(o, 0, 1, 60, 60, p)[8:88], 1, 0, 5, 0, 'h', 'e', 'l', 'l'))), 1, "packet 2, at byte 140: option 1 of a block of type 0x6 is longer than the block"},
		{"section option", block(o, 0x0a0d0d0a, append(sectionBlock(o)[8:24], 1, 0, 255, 255)), 0, "file header: option 1 of a block of type 0xa0d0d0a is longer than the block"},
		{"interfaces without end", after(bytes.Repeat(interfaceBlock(o, 1, 0), maxInterfaces)), 1, "packet 2, at byte 82040: it has more than 4096 interfaces"},
		{"simple snapped", append(append(sectionBlock(o), interfaceBlock(o, 1, 20)...), block(o, 3, append(o.AppendUint32(nil, 60), p[:20]...))...), 0, "packet 1, at byte 48: only 20 of its 60 bytes were captured: a handler must see whole packets, capture with a larger snapshot length (tcpdump -s 0)"},
	} {
		got, err := readAll(c.file)
		if err == nil || err.Error() != c.want || len(got) != c.packets {
			t.Errorf("%s: %d packets and %v\nwant %d packets and %s", c.name, len(got), err, c.packets, c.want)
		}
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%s: %T is no *Error", c.name, err)
		}
	}
}

// TestVersion12 was given out by mistake and means 1.0.
func TestVersion12(t *testing.T) {
	for _, o := range orders {
		file := ngFile(o, frames())
		o.PutUint16(file[14:], 2)
		if got, err := readAll(file); err != nil || len(got) != len(frames()) {
			t.Errorf("%v: %d packets, %v", o, len(got), err)
		}
	}
}

// TestReadErrors has the disk fail within a packet.
func TestReadErrors(t *testing.T) {
	broken := errors.New("the cable is out")
	file := classicFile(binary.LittleEndian, false, 1, frames())
	got, err := readFrom(io.MultiReader(bytes.NewReader(file[:24+16+42+20]), iotest.ErrReader(broken)))
	if len(got) != 1 || !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "packet 2, at byte 82: reading: ") {
		t.Errorf("%d packets, %v", len(got), err)
	}
}
