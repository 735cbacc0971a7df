// SPDX-License-Identifier: GPL-3.0-or-later

package packet

import "fmt"

// Protocols are the declared headers that a walk looks for. The zero value has
// none. A packet has at most one of them. Adding is for one goroutine, before
// others use it.
type Protocols struct {
	list          []*Protocol
	eth, udp, tcp map[uint16]*Protocol
	ip            [256]*Protocol
	byName        map[string]*Protocol
}

// Add adds a protocol that has been prepared. It fails if there is one of the
// same name, or a binding is one that something else has.
func (ps *Protocols) Add(p *Protocol) error {
	if ps.byName[p.Name] != nil {
		return fmt.Errorf("the protocol '%s' is declared twice", p.Name)
	}
	if len(p.Bindings) == 0 {
		return fmt.Errorf("it does not say where '%s' is found; bind it to a UDP or TCP port, an IP protocol or an ethertype, as in udp=7000", p.Name)
	}
	for i, b := range p.Bindings {
		if err := ps.check(b); err != nil {
			return err
		}
		for _, other := range p.Bindings[:i] {
			if other == b {
				return fmt.Errorf("%s is given twice", b)
			}
		}
	}
	if ps.byName == nil {
		ps.byName = make(map[string]*Protocol)
		ps.eth, ps.udp, ps.tcp = make(map[uint16]*Protocol), make(map[uint16]*Protocol), make(map[uint16]*Protocol)
	}
	for _, b := range p.Bindings {
		switch b.Under {
		case Eth:
			ps.eth[b.Number] = p
		case IP:
			ps.ip[b.Number] = p
		case TCP:
			ps.tcp[b.Number] = p
		case UDP:
			ps.udp[b.Number] = p
		}
	}
	ps.byName[p.Name] = p
	p.Number = len(ps.list)
	ps.list = append(ps.list, p)
	return nil
}

// check reports why a binding can't be had.
func (ps *Protocols) check(b Binding) error {
	switch b.Under {
	case UDP, TCP:
		if b.Number == 0 {
			return fmt.Errorf("%s: expected a port of 1 to 65535", b)
		}
	case IP:
		for _, own := range [...]struct {
			proto uint16
			name  string
		}{{protoICMP, "icmp"}, {protoTCP, "tcp"}, {protoUDP, "udp"}, {protoICMP6, "icmp6"}} {
			if own.proto == b.Number {
				return fmt.Errorf("%s is that of the %s header; choose another, such as 253, which is for experiments", b, own.name)
			}
		}
		if b.Number > 255 {
			return fmt.Errorf("%s: expected a number of 0 to 255", b)
		}
		if isExtension(uint8(b.Number)) || b.Number == noNext {
			return fmt.Errorf("%s is that of an extension header of IPv6; choose another, such as 253, which is for experiments", b)
		}
	case Eth:
		for _, own := range [...]struct {
			typ  uint16
			name string
		}{{typeIP, "ip"}, {typeARP, "arp"}, {typeIP6, "ip6"}, {typeVLAN, "vlan"}, {typeQinQ, "vlan"}} {
			if own.typ == b.Number {
				return fmt.Errorf("%s is that of the %s header; choose another, such as 0x88b5, which is for experiments", b, own.name)
			}
		}
		if b.Number < minType {
			return fmt.Errorf("%s: expected an ethertype of 0x0600 to 0xffff; below are lengths", b)
		}
	default:
		return fmt.Errorf("a protocol can't be bound to %s", b.Under)
	}
	if taken := ps.at(b); taken != nil {
		return fmt.Errorf("%s is taken by the protocol '%s'; a number can be given to one protocol", b, taken.Name)
	}
	return nil
}

// at gives the protocol that has a binding, nil if none has.
func (ps *Protocols) at(b Binding) *Protocol {
	switch b.Under {
	case Eth:
		return ps.eth[b.Number]
	case IP:
		return ps.ip[b.Number]
	case TCP:
		return ps.tcp[b.Number]
	case UDP:
		return ps.udp[b.Number]
	}
	return nil
}

// String gives "UDP port 7000", "IP protocol 253", "ethertype 0x88b5".
func (b Binding) String() string {
	switch b.Under {
	case UDP:
		return fmt.Sprintf("UDP port %d", b.Number)
	case TCP:
		return fmt.Sprintf("TCP port %d", b.Number)
	case IP:
		return fmt.Sprintf("IP protocol %d", b.Number)
	}
	return fmt.Sprintf("ethertype 0x%04x", b.Number)
}

// All lists the protocols in the order in which they were added. The list is
// not to be changed.
func (ps *Protocols) All() []*Protocol { return ps.list }

// Named finds a protocol by its name; nil if there is none. It does not
// allocate.
func (ps *Protocols) Named(name string) *Protocol { return ps.byName[name] }

// walk looks for a declared header after those of the table, which l has, in
// packet b.
func (ps *Protocols) walk(b []byte, l *Layout) {
	if l.from >= l.to || int(l.to) > len(b) {
		return
	}
	p := ps.above(b, l)
	if p == nil {
		return
	}
	n, ok := p.length(b[l.from:l.to])
	if !ok {
		l.Facts |= AboveCut
		return
	}
	l.Above, l.AboveAt, l.skip = p, l.from, uint16(n)
}

// above gives the protocol that the headers of the table say comes next, nil
// for none that is declared. There is something after them.
func (ps *Protocols) above(b []byte, l *Layout) *Protocol {
	const net = 1<<IP | 1<<IP6
	switch {
	case l.Present(UDP):
		return either(ps.udp, b, int(l.Off[UDP]))
	case l.Present(TCP):
		return either(ps.tcp, b, int(l.Off[TCP]))
	case l.Has&net != 0:
		if l.has(LaterFragment | ChainCut) {
			return nil
		}
		return ps.ip[l.Proto] // none of the numbers of headers of the table
	case l.Present(Eth) && !l.Present(ARP):
		return ps.eth[be16(b, int(l.from)-2)]
	}
	return nil
}

// either gives the protocol that is bound to the destination port of a segment
// at off or, if there is none, to its source port.
func either(bound map[uint16]*Protocol, b []byte, off int) *Protocol {
	if len(bound) == 0 {
		return nil
	}
	if p := bound[be16(b, off+2)]; p != nil {
		return p
	}
	return bound[be16(b, off)]
}
