// SPDX-License-Identifier: GPL-3.0-or-later

package pcap

import (
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

// Direction is which way a packet went through its interface.
type Direction uint32

const (
	Inbound  = Direction(pcapgo.NgEpbFlagDirectionInbound)
	Outbound = Direction(pcapgo.NgEpbFlagDirectionOutbound)
)

// MaxComment is the longest comment that is written, in bytes; longer ones are
// cut.
const MaxComment = 4096

// A Record is a packet as it is written.
type Record struct {
	Interface int       // index into the interfaces given to NewEncoder
	Time      time.Time // from 1970 to 2106
	Data      []byte
	Direction Direction // zero: not said
	Comment   []byte    // UTF-8
}

// An Encoder makes the bytes of one capture.
type Encoder struct {
	out     slice
	ng      *pcapgo.NgWriter
	classic *pcapgo.Writer // nil: pcapng
}

// slice takes everything.
type slice []byte

func (s *slice) Write(b []byte) (int, error) {
	*s = append(*s, b...)
	return len(b), nil
}

// NewEncoder begins a pcapng file: header is a section header and a description
// of each Ethernet interface, of which there must be one at least. application
// is the program's name.
func NewEncoder(application string, interfaces ...string) (e *Encoder, header []byte) {
	e = &Encoder{}
	ethernet := pcapgo.NgInterface{Name: interfaces[0], LinkType: layers.LinkTypeEthernet}
	var err error
	e.ng, err = pcapgo.NewNgWriterInterface(&e.out, ethernet, pcapgo.NgWriterOptions{SectionInfo: pcapgo.NgSectionInfo{Application: application}})
	must(err)
	for _, ethernet.Name = range interfaces[1:] {
		_, err = e.ng.AddInterface(ethernet)
		must(err)
	}
	must(e.ng.Flush())
	return e, e.out
}

// NewClassicEncoder begins a classic pcap file with times in nanoseconds, which
// libpcap reads since 1.5. It has no place for interface, direction and comment.
func NewClassicEncoder() (e *Encoder, header []byte) {
	e = &Encoder{}
	e.classic = pcapgo.NewWriterNanos(&e.out)
	must(e.classic.WriteFileHeader(1<<18, layers.LinkTypeEthernet))
	return e, e.out
}

// Append appends r to dst. It panics if there is no such interface.
func (e *Encoder) Append(dst []byte, r *Record) []byte {
	e.out = dst
	ci := gopacket.CaptureInfo{Timestamp: r.Time, CaptureLength: len(r.Data), Length: len(r.Data), InterfaceIndex: r.Interface}
	if e.classic != nil {
		must(e.classic.WritePacket(ci, r.Data))
		return e.out
	}
	var options pcapgo.NgPacketOptions
	if len(r.Comment) > 0 {
		options.Comments = []string{string(r.Comment[:min(len(r.Comment), MaxComment)])}
	}
	if r.Direction != 0 {
		options.Flags = &pcapgo.NgEpbFlags{Direction: pcapgo.NgEpbFlag(r.Direction)}
	}
	must(e.ng.WritePacketWithOptions(ci, r.Data, options))
	must(e.ng.Flush())
	return e.out
}

// must is for errors that can only be the caller's: a slice takes everything.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
