// SPDX-License-Identifier: GPL-3.0-or-later

package pkttest

import (
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// checksums gives what is wrong with the checksums of b, as another library
// sees it.
func checksums(t *testing.T, name string, b []byte) []gopacket.ChecksumMismatch {
	p := gopacket.NewPacket(b, layers.LayerTypeEthernet, gopacket.Default)
	if e := p.ErrorLayer(); e != nil {
		t.Errorf("%s: %v", name, e.Error())
	}
	for _, layer := range p.Layers() {
		if s, ok := layer.(interface {
			SetNetworkLayerForChecksum(gopacket.NetworkLayer) error
		}); ok {
			if err := s.SetNetworkLayerForChecksum(p.NetworkLayer()); err != nil {
				t.Fatal(err)
			}
		}
	}
	err, wrong := p.VerifyChecksums()
	if err != nil {
		t.Errorf("%s: %v", name, err)
	}
	return wrong
}

// TestAll decodes every shape with another library and checks its checksums.
func TestAll(t *testing.T) {
	seen := map[string]bool{}
	for _, n := range All() {
		if seen[n.Name] {
			t.Errorf("%s: twice", n.Name)
		}
		seen[n.Name] = true
		if cap(n.Frame) != len(n.Frame) {
			t.Errorf("%s: capacity %d, length %d", n.Name, cap(n.Frame), len(n.Frame))
		}
		for _, w := range checksums(t, n.Name, n.Frame) {
			t.Errorf("%s: checksum of %v is %x, should be %x", n.Name, w.Layer.LayerType(), w.Actual, w.Correct)
		}
	}
}

// TestWrong checks that the other library does notice.
func TestWrong(t *testing.T) {
	for _, n := range []Named{{"udp", UDP(Options{})}, {"tcp6", TCPData6(Options{})}, {"icmp", ICMPEcho(Options{})}} {
		n.Frame[len(n.Frame)-1]++
		if wrong := checksums(t, n.Name, n.Frame); len(wrong) != 1 {
			t.Errorf("%s: %v", n.Name, wrong)
		}
	}
}
