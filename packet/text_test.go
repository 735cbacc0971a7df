// SPDX-License-Identifier: GPL-3.0-or-later

package packet

import (
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		s    string
		want uint32
		ok   bool
	}{
		{"10.0.0.1", 10<<24 | 1, true},
		{"255.255.255.255", 1<<32 - 1, true},
		{"0.0.0.0", 0, true},
		{"10.0.0", 0, false},
		{"10.0.0.256", 0, false},
		{"10.0.0.01", 0, false},
		{"::ffff:10.0.0.1", 0, false},
		{" 10.0.0.1", 0, false},
		{"", 0, false},
	} {
		if got, err := ParseIP4(c.s); got != c.want || (err == nil) != c.ok {
			t.Errorf("ParseIP4(%q) = %#x, %v", c.s, got, err)
		}
	}
	for _, c := range []struct {
		s    string
		want uint64
		ok   bool
	}{
		{"02:00:5e:10:00:01", 0x02005e100001, true},
		{"FF-ff-FF-ff-FF-ff", 1<<48 - 1, true},
		{"00:00:00:00:00:00", 0, true},
		{"02:00-5e:10:00:01", 0, false},
		{"02:00:5e:10:00", 0, false},
		{"02:00:5e:10:00:01:02", 0, false},
		{"0200.5e10.0001", 0, false},
		{"02:00:5e:10:00:0g", 0, false},
		{"2:0:5e:10:0:1", 0, false},
		{"", 0, false},
	} {
		if got, err := ParseMAC(c.s); got != c.want && c.ok || (err == nil) != c.ok {
			t.Errorf("ParseMAC(%q) = %#x, %v", c.s, got, err)
		}
	}
	for s, ok := range map[string]bool{
		"2001:db8::1": true, "::": true, "::ffff:10.0.0.1": true, "fe80::1": true,
		"fe80::1%eth0": false, "10.0.0.1": false, "2001:db8::1::": false, "": false,
	} {
		got, err := ParseIP6(s)
		if (err == nil) != ok {
			t.Errorf("ParseIP6(%q) = %x, %v", s, got, err)
		}
		if ok && got != netip.MustParseAddr(s).As16() {
			t.Errorf("ParseIP6(%q) = %x", s, got)
		}
	}
}

// TestParseErrors checks that the messages say what was wrong and what would do.
func TestParseErrors(t *testing.T) {
	_, err4 := ParseIP4("10.0.0")
	_, err6 := ParseIP6("x")
	_, errMAC := ParseMAC("02:00")
	for err, want := range map[error]string{
		err4:   `"10.0.0" is no IPv4 address such as 10.0.0.1`,
		err6:   `"x" is no IPv6 address such as 2001:db8::1`,
		errMAC: `"02:00" is no Ethernet address such as 02:00:5e:10:00:01`,
	} {
		if err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestText(t *testing.T) {
	for got, want := range map[string]string{
		string(AppendIP4([]byte("x"), 10<<24|1)):        "x10.0.0.1",
		string(AppendIP4(nil, 1<<32-1)):                 "255.255.255.255",
		string(AppendMAC([]byte("x"), 0xaabbccddeeff)):  "xaa:bb:cc:dd:ee:ff",
		string(AppendMAC(nil, 1<<48|1)):                 "00:00:00:00:00:01",
		string(AppendIP6([]byte("x"), [16]byte{15: 1})): "x::1",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestTextRandom writes addresses, reads them back, and compares with netip.
func TestTextRandom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.Uint32().Draw(t, "ip4")
		s := string(AppendIP4(nil, a))
		if got, err := ParseIP4(s); err != nil || got != a || s != netip.AddrFrom4([4]byte{byte(a >> 24), byte(a >> 16), byte(a >> 8), byte(a)}).String() {
			t.Fatalf("%#x: %s, %#x, %v", a, s, got, err)
		}
		mac := rapid.Uint64Max(1<<48-1).Draw(t, "mac")
		s = string(AppendMAC(nil, mac))
		if got, err := ParseMAC(strings.ToUpper(s)); err != nil || got != mac {
			t.Fatalf("%#x: %s, %#x, %v", mac, s, got, err)
		}
		six := address(t, 16, "ip6")
		s = string(AppendIP6(nil, six.As16()))
		if got, err := ParseIP6(s); err != nil || got != six.As16() || s != six.String() {
			t.Fatalf("%s: %s, %x, %v", six, s, got, err)
		}
	})
}
