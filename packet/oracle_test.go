// SPDX-License-Identifier: GPL-3.0-or-later

package packet

import (
	"encoding/binary"
	"net"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"pgregory.net/rapid"

	"pvlua/internal/pkttest"
)

// decode takes b apart with another library.
func decode(t fataler, b []byte) gopacket.Packet {
	t.Helper()
	p := gopacket.NewPacket(b, layers.LayerTypeEthernet, gopacket.Default)
	// Above TCP and UDP it guesses by the port what there might be.
	if e := p.ErrorLayer(); e != nil && p.TransportLayer() == nil {
		t.Fatalf("%v: %x", e.Error(), b)
	}
	for _, layer := range p.Layers() {
		if s, ok := layer.(interface {
			SetNetworkLayerForChecksum(gopacket.NetworkLayer) error
		}); ok {
			if err := s.SetNetworkLayerForChecksum(p.NetworkLayer()); err != nil {
				t.Fatalf("%v: %x", err, b)
			}
		}
	}
	return p
}

// values are fields of one header, as the other library reads them.
type values map[string]any

// oracle gives the fields of each header of b as the other library reads them.
func oracle(p gopacket.Packet) map[HeaderID]values {
	all := map[HeaderID]values{}
	for _, layer := range p.Layers() {
		switch v := layer.(type) {
		case *layers.Ethernet:
			all[Eth] = values{"dst": v.DstMAC, "src": v.SrcMAC, "type": int(v.EthernetType)}
		case *layers.Dot1Q:
			h := VLAN
			if all[VLAN] != nil {
				h = VLAN2
			}
			all[h] = values{"pcp": int(v.Priority), "dei": v.DropEligible, "vid": int(v.VLANIdentifier), "type": int(v.Type)}
		case *layers.ARP:
			all[ARP] = values{"htype": int(v.AddrType), "ptype": int(v.Protocol), "hlen": int(v.HwAddressSize),
				"plen": int(v.ProtAddressSize), "op": int(v.Operation), "sha": v.SourceHwAddress, "spa": v.SourceProtAddress,
				"tha": v.DstHwAddress, "tpa": v.DstProtAddress}
		case *layers.IPv4:
			all[IP] = values{"version": int(v.Version), "ihl": int(v.IHL), "tos": int(v.TOS), "len": int(v.Length),
				"id": int(v.Id), "flags": int(v.Flags), "df": v.Flags&layers.IPv4DontFragment != 0,
				"mf": v.Flags&layers.IPv4MoreFragments != 0, "frag": int(v.FragOffset), "ttl": int(v.TTL),
				"proto": int(v.Protocol), "checksum": int(v.Checksum), "src": v.SrcIP, "dst": v.DstIP}
		case *layers.IPv6:
			all[IP6] = values{"version": int(v.Version), "tc": int(v.TrafficClass), "flow": int(v.FlowLabel),
				"len": int(v.Length), "nexthdr": int(v.NextHeader), "hlim": int(v.HopLimit),
				"src": []byte(v.SrcIP), "dst": []byte(v.DstIP)}
		case *layers.IPv6Fragment:
			all[IP6]["frag_off"], all[IP6]["frag_mf"] = int(v.FragmentOffset), v.MoreFragments
			all[IP6]["frag_id"] = int(v.Identification)
		case *layers.ICMPv4:
			all[ICMP] = values{"type": int(v.TypeCode.Type()), "code": int(v.TypeCode.Code()), "checksum": int(v.Checksum),
				"id": int(v.Id), "seq": int(v.Seq)}
		case *layers.ICMPv6:
			all[ICMP6] = values{"type": int(v.TypeCode.Type()), "code": int(v.TypeCode.Code()), "checksum": int(v.Checksum)}
		case *layers.ICMPv6Echo:
			all[ICMP6]["id"], all[ICMP6]["seq"] = int(v.Identifier), int(v.SeqNumber)
		case *layers.ICMPv6NeighborSolicitation:
			all[ICMP6]["target"] = []byte(v.TargetAddress)
			oracleND(all[ICMP6], v.Options)
		case *layers.ICMPv6NeighborAdvertisement:
			all[ICMP6]["target"] = []byte(v.TargetAddress)
			all[ICMP6]["router"], all[ICMP6]["solicited"], all[ICMP6]["override"] = v.Router(), v.Solicited(), v.Override()
			oracleND(all[ICMP6], v.Options)
		case *layers.TCP:
			all[TCP] = oracleTCP(v)
		case *layers.UDP:
			all[UDP] = values{"sport": int(v.SrcPort), "dport": int(v.DstPort), "len": int(v.Length), "checksum": int(v.Checksum)}
		}
	}
	return all
}

func oracleND(m values, options layers.ICMPv6Options) {
	for _, o := range options {
		switch o.Type {
		case layers.ICMPv6OptSourceAddress:
			m["slla"] = net.HardwareAddr(o.Data)
		case layers.ICMPv6OptTargetAddress:
			m["tlla"] = net.HardwareAddr(o.Data)
		}
	}
}

func oracleTCP(v *layers.TCP) values {
	m := values{"sport": int(v.SrcPort), "dport": int(v.DstPort), "seq": int(v.Seq), "ack": int(v.Ack),
		"doff": int(v.DataOffset), "cwr": v.CWR, "ece": v.ECE, "urg": v.URG, "ack_flag": v.ACK, "psh": v.PSH,
		"rst": v.RST, "syn": v.SYN, "fin": v.FIN, "window": int(v.Window), "checksum": int(v.Checksum),
		"urgent": int(v.Urgent), "sack_ok": false}
	first := func(name string, v int) {
		if _, seen := m[name]; !seen {
			m[name] = v
		}
	}
	for _, o := range v.Options {
		switch o.OptionType {
		case layers.TCPOptionKindMSS:
			first("mss", int(binary.BigEndian.Uint16(o.OptionData)))
		case layers.TCPOptionKindWindowScale:
			first("wscale", int(o.OptionData[0]))
		case layers.TCPOptionKindSACKPermitted:
			m["sack_ok"] = true
		case layers.TCPOptionKindTimestamps:
			first("tsval", int(binary.BigEndian.Uint32(o.OptionData)))
			first("tsecr", int(binary.BigEndian.Uint32(o.OptionData[4:])))
		}
	}
	return m
}

// asNumber gives a value of the oracle as Uint would.
func asNumber(v any) uint64 {
	switch v := v.(type) {
	case int:
		return uint64(v)
	case bool:
		if v {
			return 1
		}
		return 0
	}
	var n uint64
	var b []byte
	switch v := v.(type) {
	case net.IP:
		b = v.To4()
	case net.HardwareAddr:
		b = v
	case []byte:
		b = v
	}
	for _, x := range b {
		n = n<<8 | uint64(x)
	}
	return n
}

// against compares headers, fields, payload and checksums of b with what the
// other library finds. It returns how many fields it compared.
func against(t fataler, b []byte) (n int) {
	t.Helper()
	l, p := walked(b), decode(t, b)
	all := oracle(p)
	// gopacket stops at a fragment, even at one that is the whole packet.
	fragment := l.has(Fragmented) || l.FragHeader != 0
	for h := range HeaderID(NumHeaders) {
		if fragment && h >= ICMP {
			break
		}
		if _, ok := all[h]; ok != l.Present(h) {
			t.Fatalf("%s: present %v, want %v: %x", h, l.Present(h), ok, b)
		}
		for name, want := range all[h] {
			f := Lookup(h, name)
			n++
			if f.Kind == IPv6 {
				if got, ok := f.Bytes(b, &l); !ok || string(got) != string(want.([]byte)) {
					t.Fatalf("%s = %x, %v; want %x", f, got, ok, want)
				}
				continue
			}
			if got, ok := f.Uint(b, &l); !ok || got != asNumber(want) {
				t.Fatalf("%s = %#x, %v; want %v", f, got, ok, want)
			}
		}
	}
	if fragment && l.l4() != NumHeaders {
		return n
	}
	if s := p.TransportLayer(); s != nil {
		if from, to := l.Payload(); string(b[from:to]) != string(s.LayerPayload()) {
			t.Fatalf("payload %q, want %q", b[from:to], s.LayerPayload())
		}
	}
	if l.Present(UDP) && l.Present(IP6) && be16(b, int(l.sum)) == 0 {
		return n // gopacket allows zero over IPv6 too
	}
	_, wrong := p.VerifyChecksums()
	if err := VerifyChecksums(b, &l); (err != nil) != (len(wrong) > 0) {
		t.Fatalf("%v; want %v wrong: %x", err, wrong, b)
	}
	return n
}

// TestOracle holds walk, fields and checksums against gopacket.
func TestOracle(t *testing.T) {
	n := 0
	for _, p := range pkttest.All() {
		n += against(t, p.Frame)
		if l := walked(p.Frame); l.sum != 0 {
			p.Frame[l.sum]++
			n += against(t, p.Frame)
		}
	}
	if n < 500 {
		t.Errorf("only %d fields compared", n)
	}
}

func TestOracleRandom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := genPacket(t)
		against(t, b)
		old := walked(b)
		l := old
		f := genFieldOf(t, b)
		if f.ReadOnly || f.Structural || f.Locate == Fragment {
			return
		}
		v, err := assign(t, f, b, &l)
		if err != nil {
			t.Fatalf("%s = %v: %v", f, v, err)
		}
		if f.Header == ICMP6 && f.Name == "type" || f.Header == ICMP && f.Name == "type" {
			return // gopacket decodes the bodies of other types, which these are not
		}
		against(t, b)
	})
}
