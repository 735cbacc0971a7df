// SPDX-License-Identifier: GPL-3.0-or-later

package pcap

import (
	"math/bits"
	"time"
)

// ngInterface is what an interface description block says (§4.2).
type ngInterface struct {
	link    uint32
	snaplen uint32 // 0: unlimited
	units   uint64 // of its timestamps in a second
	offset  int64  // seconds to be added to them
}

// Options of that block.
const (
	optEnd      = 0
	optTSResol  = 9
	optTSOffset = 14
)

// addInterface notes the next interface of the section.
func (r *Reader) addInterface(body []byte) error {
	if len(body) < 8 {
		return r.fail("an interface description is too short: %d bytes", len(body)+blockFrame)
	}
	in := ngInterface{link: uint32(r.order.Uint16(body)), snaplen: r.order.Uint32(body[4:]), units: 1e6}
	for options := body[8:]; len(options) >= 4; {
		code, n := r.order.Uint16(options), int(r.order.Uint16(options[2:]))
		if code == optEnd {
			break
		}
		padded := (n + 3) &^ 3
		if 4+padded > len(options) {
			return r.fail("option %d of an interface description is longer than the block", code)
		}
		value := options[4 : 4+n]
		options = options[4+padded:]
		switch {
		case code == optTSResol && n == 1:
			var ok bool
			if in.units, ok = resolution(value[0]); !ok {
				return r.fail("the time resolution %#x of an interface is too fine", value[0])
			}
		case code == optTSOffset && n == 8:
			in.offset = int64(r.order.Uint64(value))
		}
	}
	r.ng.interfaces = append(r.ng.interfaces, in)
	return nil
}

// resolution gives the units in a second for a value of if_tsresol: a negative
// power of 10, or of 2 if the highest bit is set.
func resolution(v byte) (units uint64, ok bool) {
	exponent := v & 0x7f
	if v&0x80 != 0 {
		return 1 << exponent, exponent < 64
	}
	units = 1
	for range exponent {
		if exponent > 19 { // 10^20 has no place in 64 bits
			return 0, false
		}
		units *= 10
	}
	return units, true
}

// time makes a time of a timestamp, rounded down to nanoseconds; false if it
// is not from 1970 to 2106.
func (in *ngInterface) time(stamp uint64) (time.Time, bool) {
	seconds, rest := stamp/in.units, stamp%in.units
	// rest < units, so the quotient is below 1e9 and fits.
	high, low := bits.Mul64(rest, 1e9)
	nanos, _ := bits.Div64(high, low, in.units)
	if seconds > maxSeconds || in.offset > maxSeconds || in.offset < -maxSeconds {
		return time.Time{}, false
	}
	total := int64(seconds) + in.offset
	if total < 0 || total > maxSeconds {
		return time.Time{}, false
	}
	return time.Unix(total, int64(nanos)).UTC(), true
}
