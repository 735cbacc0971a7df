// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"slices"
	"sort"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"pvlua/packet"
)

// raiseUnknown raises the error of a property that an object does not have.
func (s *State) raiseUnknown(L *lua.LState, o *object, name string) {
	switch o.kind {
	case kindDeclared:
		L.RaiseError("%s", unknownField(o.proto, name))
	case kindPacket:
		var names []string
		for _, p := range s.protocols.All() {
			names = append(names, p.Name)
			if p.Field(name) != nil {
				L.RaiseError("a packet has no property '%s'; it is a field of %s, as in pkt.%[2]s.%[1]s", name, p.Name)
			}
		}
		if near := nearest(name, names); near != "" {
			L.RaiseError("a packet has no property '%s'; did you mean '%s'?", name, near)
		}
	}
	L.RaiseError("%s", unknown(o.kind, name))
}

// unknown gives the message of the error of a property that objects of a kind
// do not have, with what may have been meant.
func unknown(k kind, name string) string {
	msg := "a " + k.String() + " has no property '" + name + "'"
	if k < packet.NumHeaders {
		msg = "the " + k.String() + " header has no field '" + name + "'"
	}
	if k == kindPacket {
		var in []string
		for _, other := range kindsWith(name) {
			if other < packet.NumHeaders {
				in = append(in, other.String())
			}
		}
		if len(in) > 0 {
			return msg + "; it is a field of " + strings.Join(in, ", ") + ", as in pkt." + in[0] + "." + name
		}
	}
	names := namesOf(k)
	for _, e := range API {
		if e.Kind == Method && e.Of == k.String() {
			names = append(names, e.Name)
		}
	}
	return suggest(msg, name, names)
}

// suggest adds to an error message about an unknown name what may have been
// meant, if there is a candidate for it.
func suggest(msg, name string, candidates []string) string {
	if near := nearest(name, candidates); near != "" {
		msg += "; did you mean '" + near + "'?"
	}
	return msg
}

// Nearest gives the candidate that name is most likely a misspelling of, by the
// rule that the errors of scripts follow; empty if there is none.
func Nearest(name string, candidates []string) string {
	return nearest(name, slices.Clone(candidates))
}

// nearest gives the candidate that name is most likely a misspelling of: the
// one with the fewest edits, of at most a third of its letters. It is empty if
// there is none.
func nearest(name string, candidates []string) string {
	sort.Strings(candidates)
	best, distance := "", 1+max(1, len(name)/3)
	for _, c := range candidates {
		if d := editDistance(strings.ToLower(name), strings.ToLower(c)); d < distance && c != name {
			best, distance = c, d
		}
	}
	return best
}

// editDistance counts the letters to insert, delete, replace or swap with
// their neighbour to make b of a (the optimal string alignment distance).
func editDistance(a, b string) int {
	var older, old []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		older, old, row = old, row, make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(old[j]+1, row[j-1]+1, old[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], older[j-2]+1)
			}
		}
	}
	return row[len(b)]
}
