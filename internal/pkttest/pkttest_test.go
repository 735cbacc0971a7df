// SPDX-License-Identifier: GPL-3.0-or-later

package pkttest

import (
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

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
		p := gopacket.NewPacket(n.Frame, layers.LayerTypeEthernet, gopacket.Default)
		if e := p.ErrorLayer(); e != nil {
			t.Errorf("%s: %v", n.Name, e.Error())
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
			t.Errorf("%s: %v", n.Name, err)
		}
		for _, w := range wrong {
			t.Errorf("%s: checksum of %v is %x, should be %x", n.Name, w.Layer.LayerType(), w.Actual, w.Correct)
		}
	}
}
