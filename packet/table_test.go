// SPDX-License-Identifier: GPL-3.0-or-later

package packet

import (
	"regexp"
	"strings"
	"testing"
)

// wantFields are the names that scripts rely on.
var wantFields = map[string]string{
	"eth":   "dst src type",
	"vlan":  "pcp dei vid type",
	"vlan2": "pcp dei vid type",
	"arp":   "htype ptype hlen plen op sha spa tha tpa",
	"ip":    "version ihl tos dscp ecn len id flags df mf frag ttl proto checksum src dst options",
	"ip6":   "version tc dscp ecn flow len nexthdr hlim src dst proto frag_off frag_mf frag_id",
	"icmp":  "type code checksum id seq mtu gateway",
	"icmp6": "type code checksum id seq mtu router solicited override target slla tlla",
	"tcp": "sport dport seq ack doff flags cwr ece urg ack_flag psh rst syn fin window checksum urgent options " +
		"mss wscale sack_ok tsval tsecr",
	"udp": "sport dport len checksum",
}

func TestTable(t *testing.T) {
	source := regexp.MustCompile(`RFC \d+|IEEE 802|Ethertype|address\.$`)
	fixed := [NumHeaders]uint16{Eth: 14, VLAN: 4, VLAN2: 4, ARP: 28, IP: 20, IP6: 40, ICMP: 8, ICMP6: 24, TCP: 20, UDP: 8}
	for i, h := range Headers {
		if int(h.ID) != i || h.ID.String() != h.Name {
			t.Errorf("header %d has ID %d, name %q, string %q", i, h.ID, h.Name, h.ID)
		}
		if !strings.HasSuffix(h.Doc, ".") || !source.MatchString(h.Doc) {
			t.Errorf("%s: doc %q names no source or is no sentence", h.Name, h.Doc)
		}
		var names []string
		for _, f := range h.Fields {
			names = append(names, f.Name)
			if f.Header != h.ID || Lookup(h.ID, f.Name) != f || f.String() != h.Name+"."+f.Name {
				t.Errorf("%s: header %d, not found by its name", f, f.Header)
			}
			if !strings.HasSuffix(f.Doc, ".") || !source.MatchString(f.Doc) {
				t.Errorf("%s: doc %q names no source or is no sentence", f, f.Doc)
			}
			if want := map[Kind]uint16{Bool: 1, MAC: 48, IPv4: 32, IPv6: 128}[f.Kind]; want != 0 && f.Width != want {
				t.Errorf("%s: a %s of %d bits", f, f.Kind, f.Width)
			}
			if (f.Kind == Bytes) != (f.Width == 0) || f.Kind == Uint && f.Width > 32 {
				t.Errorf("%s: a %s of %d bits", f, f.Kind, f.Width)
			}
			if (f.Locate == NDOption || f.Locate == TCPOption) != (f.Option != 0) {
				t.Errorf("%s: located by %d in option %d", f, f.Locate, f.Option)
			}
			if f.Locate <= Target && f.BitOffset+f.Width > 8*fixed[h.ID] {
				t.Errorf("%s: ends at bit %d, the header at %d", f, f.BitOffset+f.Width, 8*fixed[h.ID])
			}
			if f.Kind != IPv6 && f.Kind != Bytes {
				checkAccess(t, f)
			}
		}
		if got := strings.Join(names, " "); got != wantFields[h.Name] {
			t.Errorf("%s has %s\nwant %s", h.Name, got, wantFields[h.Name])
		}
	}
}

// checkAccess checks that the load of f holds all its bits, that it lies in
// whole words of the checksum, and that no smaller load would do.
func checkAccess(t *testing.T, f *Field) {
	first, last := 8*f.byteOff, 8*(f.byteOff+uint16(f.size))
	switch {
	case f.BitOffset < first || f.BitOffset+f.Width > last:
		t.Errorf("%s: bits %d to %d are not in the load %d to %d", f, f.BitOffset, f.BitOffset+f.Width, first, last)
	case f.size != 1 && f.size != 2 && f.size != 4 && f.size != 6:
		t.Errorf("%s: a load of %d bytes", f, f.size)
	case f.size != 1 && f.byteOff%2 != 0:
		t.Errorf("%s: a load of %d bytes at %d", f, f.size, f.byteOff)
	case last-f.BitOffset-f.Width != uint16(f.shift):
		t.Errorf("%s: shifted by %d", f, f.shift)
	case f.max != 1<<f.Width-1 || f.mask != f.max:
		t.Errorf("%s: %d bits, mask %#x, largest %#x", f, f.Width, f.mask, f.max)
	}
}

func TestLookup(t *testing.T) {
	for _, c := range []struct {
		h    HeaderID
		name string
	}{{UDP, "seq"}, {UDP, ""}, {NumHeaders, "src"}, {255, "src"}} {
		if f := Lookup(c.h, c.name); f != nil {
			t.Errorf("Lookup(%d, %q) = %s", c.h, c.name, f)
		}
	}
	if s := HeaderID(200).String(); s != "header?" {
		t.Errorf("HeaderID(200) is %q", s)
	}
	for k := Uint; k <= Bytes; k++ {
		if k.String() == "kind?" {
			t.Errorf("kind %d has no name", k)
		}
	}
	if s := Kind(99).String(); s != "kind?" {
		t.Errorf("Kind(99) is %q", s)
	}
}
