// SPDX-License-Identifier: GPL-3.0-or-later

package packet

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
)

// ParseIP4 reads an IPv4 address in dotted form, "10.0.0.1", as a number.
func ParseIP4(s string) (uint32, error) {
	a, err := netip.ParseAddr(s)
	if err != nil || !a.Is4() {
		return 0, fmt.Errorf("%q is no IPv4 address such as 10.0.0.1", s)
	}
	b := a.As4()
	return binary.BigEndian.Uint32(b[:]), nil
}

// ParseIP6 reads an IPv6 address (RFC 4291 §2.2), "2001:db8::1", without a
// zone.
func ParseIP6(s string) ([16]byte, error) {
	a, err := netip.ParseAddr(s)
	if err != nil || !a.Is6() || a.Zone() != "" {
		return [16]byte{}, fmt.Errorf("%q is no IPv6 address such as 2001:db8::1", s)
	}
	return a.As16(), nil
}

// ParseMAC reads an Ethernet address, "02:00:5e:10:00:01", as a number. The
// separators may be hyphens instead.
func ParseMAC(s string) (uint64, error) {
	const n = len("00:00:00:00:00:00")
	var mac uint64
	ok := len(s) == n
	for i := 0; ok && i < n; i++ {
		switch d := hexDigit(s[i]); {
		case i%3 == 2:
			ok = s[i] == s[2] && (s[i] == ':' || s[i] == '-')
		case d < 0:
			ok = false
		default:
			mac = mac<<4 | uint64(d)
		}
	}
	if !ok {
		return 0, fmt.Errorf("%q is no Ethernet address such as 02:00:5e:10:00:01", s)
	}
	return mac, nil
}

// hexDigit gives the value of a hexadecimal digit, -1 if c is none.
func hexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// AppendIP4 appends the dotted form of an IPv4 address. It does not allocate
// when dst has room.
func AppendIP4(dst []byte, a uint32) []byte {
	dst = append(strconv.AppendUint(dst, uint64(a>>24), 10), '.')
	dst = append(strconv.AppendUint(dst, uint64(a>>16&255), 10), '.')
	dst = append(strconv.AppendUint(dst, uint64(a>>8&255), 10), '.')
	return strconv.AppendUint(dst, uint64(a&255), 10)
}

// AppendIP6 appends the shortest form of an IPv6 address (RFC 5952). It does
// not allocate when dst has room.
func AppendIP6(dst []byte, a [16]byte) []byte {
	return netip.AddrFrom16(a).AppendTo(dst)
}

// AppendMAC appends the low 48 bits of a as an Ethernet address. It does not
// allocate when dst has room.
func AppendMAC(dst []byte, a uint64) []byte {
	const digits = "0123456789abcdef"
	for shift := 40; shift >= 0; shift -= 8 {
		dst = append(dst, digits[a>>(shift+4)&15], digits[a>>shift&15], ':')
	}
	return dst[:len(dst)-1]
}
