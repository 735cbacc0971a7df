// SPDX-License-Identifier: GPL-3.0-or-later

package pcap

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pvlua/internal/privileged"
)

func TestWhatIsWrittenIsRead(t *testing.T) {
	toNG, ng := NewEncoder("pvlua", "veth1", "b")
	toClassic, classic := NewClassicEncoder()
	for i, p := range frames() {
		r := Record{Interface: i % 2, Time: when(i), Data: p, Direction: Direction(1 + i%2), Comment: []byte(strings.Repeat("x", i))}
		ng, classic = toNG.Append(ng, &r), toClassic.Append(classic, &r)
	}
	for name, file := range map[string][]byte{"pcapng": ng, "pcap": classic} {
		got, err := readAll(file)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		same(t, got, frames(), time.Nanosecond)
	}
}

// TestBytesWritten holds every byte of a small file against the description of
// the format.
func TestBytesWritten(t *testing.T) {
	e, file := NewEncoder("pvlua", "eth0")
	r := Record{Time: time.Unix(1, 2), Data: []byte{0xaa, 0xbb, 0xcc}, Direction: Outbound, Comment: []byte("hello")}
	file = e.Append(file, &r)
	want := strings.NewReplacer(" ", "", "\n", "", "\t", "").Replace(`
		0a0d0d0a 2c000000 4d3c2b1a 0100 0000 ffffffffffffffff
		0400 0500 70766c7561 000000 00000000 2c000000
		01000000 28000000 0100 0000 00000000
		0200 0400 65746830 0900 0100 09 000000 00000000 28000000
		06000000 3c000000 00000000 00000000 02ca9a3b 03000000 03000000 aabbcc 00
		0100 0500 68656c6c6f 000000 0200 0400 02000000 00000000 3c000000`)
	if got := hex.EncodeToString(file); got != want {
		t.Errorf("wrote\n%s\nwant\n%s", got, want)
	}
}

func TestLongCommentsAreCut(t *testing.T) {
	r := Record{Time: when(0), Data: frames()[0], Comment: bytes.Repeat([]byte("c"), 100_000)}
	e, file := NewEncoder("pvlua", "a")
	file = e.Append(file, &r)
	got, err := readAll(file)
	if err != nil || len(got) != 1 || len(file) > MaxComment+300 {
		t.Errorf("%d packets in %d bytes, %v", len(got), len(file), err)
	}
}

// TestNoSuchInterface is the caller's mistake, and must not make a file that
// nobody can read.
func TestNoSuchInterface(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	e, file := NewEncoder("pvlua", "a")
	e.Append(file, &Record{Interface: 1, Time: when(0)})
}

// TestTcpdumpReadsWhatIsWritten asks an independent reader.
func TestTcpdumpReadsWhatIsWritten(t *testing.T) {
	tcpdump, err := exec.LookPath("tcpdump")
	if err != nil {
		if privileged.InCI() {
			t.Fatal("tcpdump is not installed: make deps")
		}
		t.Skip("tcpdump is not installed: make deps")
	}
	toNG, ng := NewEncoder("pvlua", "veth1")
	toClassic, classic := NewClassicEncoder()
	for i, p := range frames() {
		r := Record{Time: when(i), Data: p, Direction: Inbound, Comment: []byte("received on veth1 -> drop")}
		ng, classic = toNG.Append(ng, &r), toClassic.Append(classic, &r)
	}
	for name, file := range map[string][]byte{"out.pcapng": ng, "out.pcap": classic} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, file, 0o644); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(tcpdump, "-tt", "--nano", "-nr", path)
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		if err != nil || len(lines) != len(frames()) {
			t.Errorf("%s: %v, %d lines\n%s%s", name, err, len(lines), out, stderr.String())
			continue
		}
		want := fmt.Sprintf("%d.987654321 IP 10.0.0.4.1234 > 10.0.0.5.7: UDP, length 0", when(0).Unix())
		if lines[0] != want {
			t.Errorf("%s: %s, want %s", name, lines[0], want)
		}
	}
}
