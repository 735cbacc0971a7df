// SPDX-License-Identifier: GPL-3.0-or-later

package scripttest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"pvlua/packet"
	"pvlua/pcap"
)

// golden has the captures that tests compare with, beside one file of tests.
type golden struct {
	folder  string
	update  bool     // write them instead
	written []string // by this run, to be told
}

// maxGolden is the largest capture that is read, in bytes.
const maxGolden = 64 << 20

// check compares packets with a file, or writes it. A file is compared packet by
// packet, so that one made by tcpdump will do.
func (g *golden) check(file string, packets [][]byte, protocols *packet.Protocols) error {
	root, err := os.OpenRoot(g.folder)
	if err != nil {
		return err
	}
	defer root.Close()
	path := filepath.Join(g.folder, file)
	if g.update {
		return g.write(root, file, packets)
	}
	f, err := root.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is not there; pvlua test --update makes it", path)
	}
	if err != nil {
		return err
	}
	defer f.Close()
	want, err := readPackets(io.LimitReader(f, maxGolden))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for i := range min(len(packets), len(want)) {
		if !bytes.Equal(packets[i], want[i]) {
			return fmt.Errorf("packet %d differs from that of %s\n%s", i+1, path,
				strings.TrimSuffix(string(protocols.AppendDifference(nil, packets[i], want[i])), "\n"))
		}
	}
	if len(packets) != len(want) {
		list, which := want, "missing"
		if len(packets) > len(want) {
			list, which = packets, "too many"
		}
		n := min(len(packets), len(want))
		return fmt.Errorf("got %d packets, %s has %d; the first that is %s: %s", len(packets), path, len(want), which, protocols.AppendSummary(nil, list[n]))
	}
	return nil
}

// readPackets reads a capture.
func readPackets(r io.Reader) ([][]byte, error) {
	reader, err := pcap.NewReader(r)
	if err != nil {
		return nil, err
	}
	var packets [][]byte
	for {
		p, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return packets, nil
		}
		if err != nil {
			return nil, err
		}
		packets = append(packets, bytes.Clone(p.Data))
	}
}

// write makes a file of packets, a millisecond apart. Classic pcap has nothing
// in it that differs from run to run.
func (g *golden) write(root *os.Root, file string, packets [][]byte) error {
	encoder, text := pcap.NewClassicEncoder()
	for i, p := range packets {
		text = encoder.Append(text, &pcap.Record{Time: start.Add(time.Duration(i) * time.Millisecond), Data: p})
	}
	path := filepath.Join(g.folder, file)
	if slices.Contains(g.written, path) {
		return fmt.Errorf("%s is used twice: give each comparison a file of its own", path)
	}
	f, err := root.Create(file)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err == nil {
		g.written = append(g.written, path)
	}
	return err
}
