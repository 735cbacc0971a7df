// SPDX-License-Identifier: GPL-3.0-or-later

package packet

import (
	"fmt"
	"maps"
	"strings"
)

// What a recipe says of a declared header.

// AddProtocol asks for a declared header, with the default values of its
// fields. It fails if there is another one.
func (r *Recipe) AddProtocol(p *Protocol) error {
	if r.above != nil && r.above != p {
		return fmt.Errorf("a packet has either %s or %s, not both", r.above.Name, p.Name)
	}
	r.above = p
	return nil
}

// SetProtocolUint gives a number of a declared header that was asked for a
// value. Like any field, one that counts the bytes of others can have a wrong
// one. The error is a *ProtocolError.
func (r *Recipe) SetProtocolUint(f *ProtocolField, v uint64) error {
	switch {
	case f.Kind == Bytes:
		return f.refuse(ErrKind, "it takes bytes")
	case v > f.max():
		return f.refuse(ErrRange, "%d is not in 0 to %d", v, f.max())
	}
	r.giveAbove(f, value{n: v})
	return nil
}

// SetProtocolBytes gives a field of kind Bytes its bytes, of which it keeps a
// copy. The error is a *ProtocolError.
func (r *Recipe) SetProtocolBytes(f *ProtocolField, p []byte) error {
	if f.Kind != Bytes {
		return f.refuse(ErrKind, "it takes a number")
	}
	if len(p) > maxLen {
		return f.refuse(ErrRange, "%d bytes are %s", len(p), ErrTooLong)
	}
	r.giveAbove(f, value{bytes: append([]byte{}, p...)})
	return nil
}

// giveAbove notes a value of a declared header.
func (r *Recipe) giveAbove(f *ProtocolField, v value) {
	if r.aboveValues == nil {
		r.aboveValues = make(map[*ProtocolField]value)
	}
	r.aboveValues[f] = v
}

// lowered gives a recipe that has the declared header in its payload and says
// what leads to it.
func (r *Recipe) lowered() (*Recipe, error) {
	low := &Recipe{has: r.has, values: maps.Clone(r.values)}
	if err := low.leadTo(r.above); err != nil {
		return nil, err
	}
	header, err := r.header()
	if err != nil {
		return nil, err
	}
	low.Payload = append(header, r.Payload...)
	return low, nil
}

// header makes the declared header.
func (r *Recipe) header() ([]byte, error) {
	b := make([]byte, 0, r.above.size)
	grown := 0                                         // length of the counted fields so far
	starts := make(map[*ProtocolField]int)             // of numbers
	counted := make(map[*ProtocolField]*ProtocolField) // by the number that counts it
	for _, f := range r.above.Fields {
		v, given := r.aboveValues[f]
		if f.Kind != Bytes {
			if !given {
				v.n = f.Default
			}
			at := f.bit/8 + grown
			b = append(b, make([]byte, at+f.bytes()-len(b))...)
			f.put(b[at:at+f.bytes()], v.n)
			starts[f] = at
			continue
		}
		if !given {
			v.bytes = f.DefaultBytes
		}
		if !given && v.bytes == nil {
			v.bytes = make([]byte, f.Size)
		}
		b = append(b, v.bytes...)
		grown += len(v.bytes) - f.Size
		c := f.Count
		if _, fixed := r.aboveValues[c]; c != nil && fixed {
			continue // a count that is given is right
		}
		if err := f.checkLength(len(v.bytes)); err != nil {
			return nil, err
		}
		if c == nil {
			continue
		}
		p := b[starts[c] : starts[c]+c.bytes()]
		if other := counted[c]; other != nil && c.get(p) != uint64(len(v.bytes)) {
			return nil, f.refuse(ErrRange, "%d bytes, but %s, which %s counts as well, has %d", len(v.bytes), other.Name, c.Name, c.get(p))
		}
		counted[c] = f
		c.put(p, uint64(len(v.bytes)))
	}
	return b, nil
}

// leadTo chooses the binding by which a receiver finds p above the headers of
// the recipe, adds its header, and gives its number where the recipe gives none.
func (r *Recipe) leadTo(p *Protocol) error {
	b, ok := r.binding(p)
	if !ok {
		return r.refuseCarrier(p)
	}
	switch b.Under {
	case UDP, TCP:
		r.Add(b.Under)
		dst, src := Lookup(b.Under, "dport"), Lookup(b.Under, "sport")
		_, hasDst := r.given(dst)
		_, hasSrc := r.given(src)
		if bound := func(f *Field) bool {
			v, ok := r.given(f)
			return ok && p.isBound(Binding{b.Under, uint16(v.n)})
		}; bound(dst) || bound(src) {
			return nil
		}
		switch {
		case !hasDst:
			r.give(dst, value{n: uint64(b.Number)})
		case !hasSrc:
			r.give(src, value{n: uint64(b.Number)}) // from a server
		}
	case IP:
		if r.has>>IP6&1 == 0 {
			r.giveIfAbsent(Lookup(IP, "proto"), b.Number)
			break
		}
		if _, ok := r.given(ip6Next); !ok || r.wantsFragment() {
			r.giveIfAbsent(ip6Proto, b.Number)
		}
	case Eth:
		last := Eth
		for h := VLAN; h <= VLAN2; h++ {
			if r.has>>h&1 != 0 {
				last = h
			}
		}
		r.giveIfAbsent(Lookup(last, "type"), b.Number)
	}
	return nil
}

// giveIfAbsent gives a field a value unless it has one.
func (r *Recipe) giveIfAbsent(f *Field, n uint16) {
	if _, ok := r.given(f); !ok {
		r.give(f, value{n: uint64(n)})
	}
}

// isBound reports whether p has a binding.
func (p *Protocol) isBound(b Binding) bool {
	for _, own := range p.Bindings {
		if own == b {
			return true
		}
	}
	return false
}

// binding gives the first binding of p that the headers of the recipe allow.
func (r *Recipe) binding(p *Protocol) (Binding, bool) {
	const net, upper = 1<<ARP | 1<<IP | 1<<IP6, 1<<ICMP | 1<<ICMP6 | 1<<TCP | 1<<UDP
	for _, b := range p.Bindings {
		var ok bool
		switch b.Under {
		case UDP, TCP:
			ok = r.has&(upper|1<<ARP)&^(1<<b.Under) == 0
		case IP:
			ok = r.has&(upper|1<<ARP) == 0
		case Eth:
			ok = r.has&(upper|net) == 0
		}
		if ok {
			return b, true
		}
	}
	return Binding{}, false
}

// refuseCarrier says that p does not go over the headers of the recipe.
func (r *Recipe) refuseCarrier(p *Protocol) error {
	var over []string
	for _, b := range p.Bindings {
		over = append(over, b.String())
	}
	top := HeaderID(Eth)
	for h := range HeaderID(NumHeaders) {
		if r.has>>h&1 != 0 {
			top = h
		}
	}
	return fmt.Errorf("%s is not found above %s, for it is bound to %s", p.Name, top, strings.Join(over, ", "))
}
