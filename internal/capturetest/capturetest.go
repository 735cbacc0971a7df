// SPDX-License-Identifier: GPL-3.0-or-later

// Package capturetest reads the pcapng files that pvlua writes, for tests: with
// interfaces, directions and comments, and strictly. It shares no code with
// package pcap, so that the one can be held against the other.
package capturetest

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"
)

// Entry is one packet of a capture.
type Entry struct {
	Interface string
	Outbound  bool // else it is marked as inbound
	Time      time.Time
	Data      []byte
	Comment   string
}

// Read takes a whole file apart; one that is not as pvlua writes it fails the
// test.
func Read(t testing.TB, file []byte) []Entry {
	t.Helper()
	all, err := parse(file)
	if err != nil {
		t.Fatalf("the capture is malformed after %d packets: %v", len(all), err)
	}
	return all
}

// Comments lists the comments of a capture, a line each.
func Comments(all []Entry) string {
	var b strings.Builder
	for _, e := range all {
		b.WriteString(e.Comment)
		b.WriteByte('\n')
	}
	return b.String()
}

func parse(file []byte) (all []Entry, err error) {
	le := binary.LittleEndian
	var names []string
	for first := true; len(file) > 0; first = false {
		if len(file) < 12 {
			return all, fmt.Errorf("%d bytes are left", len(file))
		}
		typ, n := le.Uint32(file), int(le.Uint32(file[4:]))
		if n < 12 || n%4 != 0 || n > len(file) || int(le.Uint32(file[n-4:])) != n {
			return all, fmt.Errorf("block %#x has length %d of %d", typ, n, len(file))
		}
		body := file[8 : n-4]
		file = file[n:]
		switch {
		case first != (typ == 0x0a0d0d0a):
			return all, fmt.Errorf("block %#x, first: %v", typ, first)
		case first:
			if le.Uint32(body) != 0x1a2b3c4d || le.Uint32(body[4:]) != 1 {
				return all, fmt.Errorf("section header % x", body)
			}
		case typ == 1:
			if le.Uint32(body) != 1 {
				return all, fmt.Errorf("link type %d", le.Uint32(body))
			}
			options, err := readOptions(body[8:])
			if err != nil || options[9] != "\x09" {
				return all, fmt.Errorf("interface options %v: %v", options, err)
			}
			names = append(names, options[2])
		case typ == 6:
			captured, wire := int(le.Uint32(body[12:])), int(le.Uint32(body[16:]))
			if captured != wire || int(le.Uint32(body)) >= len(names) {
				return all, fmt.Errorf("interface %d, lengths %d and %d", le.Uint32(body), captured, wire)
			}
			options, err := readOptions(body[20+(captured+3)/4*4:])
			direction := options[2]
			if err != nil || direction != "\x01\x00\x00\x00" && direction != "\x02\x00\x00\x00" {
				return all, fmt.Errorf("packet options %v: %v", options, err)
			}
			all = append(all, Entry{
				Interface: names[le.Uint32(body)],
				Outbound:  direction[0] == 2,
				Time:      time.Unix(0, int64(le.Uint32(body[4:]))<<32|int64(le.Uint32(body[8:]))).UTC(),
				Data:      body[20 : 20+captured],
				Comment:   options[1],
			})
		default:
			return all, fmt.Errorf("block %#x", typ)
		}
	}
	return all, nil
}

// readOptions reads the options of a block, which must have an end.
func readOptions(b []byte) (map[uint16]string, error) {
	options := map[uint16]string{}
	for len(b) >= 4 {
		code, n := binary.LittleEndian.Uint16(b), int(binary.LittleEndian.Uint16(b[2:]))
		if code == 0 {
			if len(b) != 4 {
				return options, fmt.Errorf("%d bytes after the end of the options", len(b)-4)
			}
			return options, nil
		}
		if len(b) < 4+(n+3)/4*4 {
			break
		}
		options[code] = string(b[4 : 4+n])
		b = b[4+(n+3)/4*4:]
	}
	return options, fmt.Errorf("options without end")
}
