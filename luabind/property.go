// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"pvlua/packet"
)

// access says what the value of a property is and where it comes from.
type access uint8

const (
	accessNone    access = iota // objects of this kind have no such property
	accessUint                  // a field that is a number
	accessBool                  // a field that is a boolean
	accessIPv6                  // a field that is a string of 16 bytes
	accessBytes                 // a field that is a string, read-only
	accessHeader                // a header of the packet
	accessPort                  // the port that the packet came in on
	accessPayload               // the packet's payload
	accessFact                  // a fact of a port
)

// source is where one kind of object has a property from.
type source struct {
	access access
	field  *packet.Field // for the fields
	index  uint8         // for accessHeader the HeaderID, for accessFact the place in portFacts
}

// property is a name that a script can write after a dot, with what it means
// to each kind of object.
type property struct {
	name string
	from [numKinds]source
	// header says that the name is known, from the script's source, to be that
	// of a declared header; see expectHeader.
	header bool
}

// properties are all of them by name.
var properties = makeProperties()

func makeProperties() map[string]*property {
	m := make(map[string]*property)
	set := func(k kind, name string, s source) {
		p := m[name]
		if p == nil {
			p = &property{name: name}
			m[name] = p
		}
		p.from[k] = s
	}
	for _, h := range packet.Headers {
		set(kindPacket, h.Name, source{access: accessHeader, index: uint8(h.ID)})
		for _, f := range h.Fields {
			set(kind(h.ID), f.Name, source{access: fieldAccess(f), field: f})
		}
	}
	set(kindPacket, "port", source{access: accessPort})
	set(kindPacket, "payload", source{access: accessPayload})
	for i, f := range portFacts {
		set(kindPort, f.name, source{access: accessFact, index: uint8(i)})
	}
	return m
}

// fieldAccess says how a field is accessed.
func fieldAccess(f *packet.Field) access {
	switch f.Kind {
	case packet.Bool:
		return accessBool
	case packet.IPv6:
		return accessIPv6
	case packet.Bytes:
		return accessBytes
	}
	return accessUint
}

// isHeaderName reports whether a property can give a view.
func isHeaderName(name string) bool {
	p := properties[name]
	return p != nil && p.from[kindPacket].access == accessHeader
}

// namesOf lists the properties of a kind, in no order.
func namesOf(k kind) []string {
	var names []string
	for name, p := range properties {
		if p.from[k].access != accessNone {
			names = append(names, name)
		}
	}
	return names
}

// kindsWith lists the kinds that have a property, in their order.
func kindsWith(name string) []kind {
	var kinds []kind
	if p := properties[name]; p != nil {
		for k := range numKinds {
			if p.from[k].access != accessNone {
				kinds = append(kinds, k)
			}
		}
	}
	return kinds
}
