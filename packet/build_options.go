// SPDX-License-Identifier: GPL-3.0-or-later

package packet

// The parts of a packet under construction whose length depends on the recipe.

// wantsFragment reports whether there is to be an IPv6 Fragment header.
func (r *Recipe) wantsFragment() bool {
	for f := range r.values {
		if f.Locate == Fragment {
			return true
		}
	}
	return false
}

// icmp6Type gives the type of the ICMPv6 message: the one given, or else one
// that has the fields given, or else echo request.
func (r *Recipe) icmp6Type() uint8 {
	if v, ok := r.given(icmp6Type); ok {
		return uint8(v.n)
	}
	typ := uint8(128)
	for f := range r.values {
		switch {
		case f.Locate == Advert, f.Locate == NDOption && f.Option == ndTarget:
			return ndNeighborAdvert
		case f.Locate == Target, f.Locate == NDOption:
			typ = ndNeighborSolicit
		}
	}
	return typ
}

// ndBody gives how many bytes a message of neighbour discovery has between the
// first 8 and the options. They are made of fields, or else part of the
// payload: a recipe with the fields and the payload that a handler reads from
// a packet makes the same packet.
func (r *Recipe) ndBody() int {
	n := ndOptions(r.icmp6Type())
	if n == 0 || len(r.Payload) > 0 && !r.hasNDFields() {
		return 0
	}
	return n - icmpLen
}

// hasNDFields reports whether a field is given that is behind the first 8
// bytes of a message of neighbour discovery.
func (r *Recipe) hasNDFields() bool {
	for f := range r.values {
		if f.Locate == Target || f.Locate == NDOption {
			return true
		}
	}
	return false
}

// upperOptions gives the options of the header above IP, without the values of
// their fields.
func (r *Recipe) upperOptions(h HeaderID) []byte {
	switch h {
	case TCP:
		if v, ok := r.given(Lookup(TCP, "options")); ok {
			return padded(v.bytes)
		}
		return r.tcpOptions()
	case ICMP6:
		if ndOptions(r.icmp6Type()) == 0 {
			return nil
		}
		var options []byte
		for _, f := range Headers[ICMP6].Fields {
			if _, ok := r.given(f); ok && f.Locate == NDOption {
				options = append(options, f.Option, 1, 0, 0, 0, 0, 0, 0)
			}
		}
		return options
	}
	return nil
}

// tcpOptions gives the TCP options that have given fields, in the order that
// Linux sends them, which keeps each aligned (net/ipv4/tcp_output.c,
// tcp_options_write).
func (r *Recipe) tcpOptions() (options []byte) {
	want := make(map[uint8]bool)
	for f, v := range r.values {
		if f.Locate == TCPOption && (f.Option != tcpSackOK || v.n != 0) {
			want[f.Option] = true
		}
	}
	if want[tcpMSS] {
		options = append(options, tcpMSS, 4, 0, 0)
	}
	if want[tcpSackOK] {
		options = append(options, tcpSackOK, 2)
	}
	if want[tcpTimestamp] {
		if !want[tcpSackOK] {
			options = append(options, tcpNop, tcpNop)
		}
		options = append(options, tcpTimestamp, 10, 0, 0, 0, 0, 0, 0, 0, 0)
	} else if want[tcpSackOK] {
		options = append(options, tcpNop, tcpNop)
	}
	if want[tcpScale] {
		options = append(options, tcpNop, tcpScale, 3, 0)
	}
	return options
}

// writeOptions writes the options of all headers into packet b.
func (p *plan) writeOptions(b []byte) {
	if v, ok := p.r.given(ipOptions); ok {
		copy(b[p.off[IP]+ipLen:], v.bytes)
	}
	if p.upper != NumHeaders {
		copy(b[p.off[p.upper]+p.size[p.upper]-len(p.options):], p.options)
	}
}

// writeGiven writes the values of the recipe into packet b, over the defaults.
// Where they go is decided by the layout that the packet has with the
// defaults, whatever they make of it.
func (p *plan) writeGiven(b []byte) error {
	for i := range Headers {
		for _, f := range Headers[i].Fields {
			v, ok := p.r.given(f)
			if !ok || f.Kind == Bytes {
				continue
			}
			if f == ip6Proto {
				p.writeProto(b, uint8(v.n))
				continue
			}
			off, ok := f.locate(b, &p.layout)
			switch {
			case f.Locate == TCPOption && f.Option == tcpSackOK:
				if ok != (v.n != 0) {
					return f.refuse(ErrAbsent, "tcp.options say otherwise")
				}
			case !ok:
				return f.absent(b, &p.layout)
			case f.Kind == IPv6:
				copy(b[off:off+16], v.bytes)
			default:
				f.put(b, off, v.n)
			}
		}
	}
	return nil
}

// writeProto writes the upper-layer protocol of an IPv6 packet.
func (p *plan) writeProto(b []byte, proto uint8) {
	if p.fragment != 0 {
		b[p.fragment] = proto
		return
	}
	b[p.off[IP6]+int(ip6Next.byteOff)] = proto
}
