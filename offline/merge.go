// SPDX-License-Identifier: GPL-3.0-or-later

package offline

import (
	"errors"
	"fmt"
	"io"

	"pvlua/pcap"
)

// A source is one input and its next packet.
type source struct {
	name   string
	reader *pcap.Reader
	head   pcap.Packet
	loaded bool // head is a packet that was not handled yet
	ended  bool
}

// A merger gives the packets of all inputs in the order of their times. Those
// of the same time come in the order of the inputs; those of one input keep
// their order even if their times go back.
type merger struct {
	sources []*source
	inputs  []Input // not opened yet
	err     error
}

func newMerger(inputs []Input) *merger { return &merger{inputs: inputs} }

// next returns the next packet and its input, io.EOF after the last one, or
// what is wrong with an input, by name. The packet lasts until the next call.
// It reads no further than it must, so that a packet from a pipe is there when
// it has come.
func (m *merger) next() (port int, p pcap.Packet, err error) {
	if m.err == nil {
		m.err = m.fill()
	}
	if m.err != nil {
		return 0, pcap.Packet{}, m.err
	}
	port = -1
	for i, s := range m.sources {
		if s.loaded && (port < 0 || s.head.Time.Before(m.sources[port].head.Time)) {
			port = i
		}
	}
	if port < 0 {
		m.err = io.EOF
		return 0, pcap.Packet{}, m.err
	}
	m.sources[port].loaded = false
	return port, m.sources[port].head, nil
}

// fill opens the inputs and reads a packet of each that has none in hand.
func (m *merger) fill() error {
	for ; len(m.inputs) > 0; m.inputs = m.inputs[1:] {
		in := m.inputs[0]
		r, err := pcap.NewReader(in.Reader)
		if err != nil {
			return fmt.Errorf("%s: %w", in.Source, err)
		}
		m.sources = append(m.sources, &source{name: in.Source, reader: r})
	}
	for _, s := range m.sources {
		if s.loaded || s.ended {
			continue
		}
		p, err := s.reader.Next()
		switch {
		case errors.Is(err, io.EOF):
			s.ended = true
		case err != nil:
			return fmt.Errorf("%s: %w", s.name, err)
		default:
			s.head, s.loaded = p, true
		}
	}
	return nil
}
