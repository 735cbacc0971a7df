// SPDX-License-Identifier: GPL-3.0-or-later

package packet

// ends are the pairs of fields that say where a packet comes from and where it
// goes, layer by layer.
var ends = [...][2]*Field{
	{Lookup(Eth, "dst"), Lookup(Eth, "src")},
	{Lookup(ARP, "tha"), Lookup(ARP, "sha")},
	{Lookup(ARP, "tpa"), Lookup(ARP, "spa")},
	{Lookup(IP, "dst"), Lookup(IP, "src")},
	{Lookup(IP6, "dst"), Lookup(IP6, "src")},
	{Lookup(TCP, "dport"), Lookup(TCP, "sport")},
	{Lookup(UDP, "dport"), Lookup(UDP, "sport")},
}

// SwapEnds exchanges source and destination in every header of packet b, whose
// layout is l: the addresses of eth, arp, ip and ip6, the ports of tcp and udp.
// Checksums are kept as assignments keep them. It does not allocate.
func SwapEnds(b []byte, l *Layout) {
	for i := range ends {
		dst, src := ends[i][0], ends[i][1]
		if !l.Present(dst.Header) {
			continue
		}
		// The packet has the header, so no assignment fails but for one cut
		// off since the walk, which changes nothing.
		if dst.Kind == IPv6 {
			var old [16]byte
			p, _ := dst.Bytes(b, l)
			q, _ := src.Bytes(b, l)
			copy(old[:], p)
			_ = dst.SetBytes(b, l, q)
			_ = src.SetBytes(b, l, old[:])
			continue
		}
		p, ok := dst.Uint(b, l)
		q, also := src.Uint(b, l)
		if ok && also {
			_ = dst.SetUint(b, l, q)
			_ = src.SetUint(b, l, p)
		}
	}
}
