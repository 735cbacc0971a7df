// SPDX-License-Identifier: GPL-3.0-or-later

package packet

import "strconv"

// AppendSummary appends one line, without its end, that says what packet b is:
// the names of its headers and its length.
func AppendSummary(dst, b []byte) []byte {
	var l Layout
	l.Walk(b)
	for h := range HeaderID(NumHeaders) {
		if l.Present(h) {
			dst = append(append(dst, h.String()...), ' ')
		}
	}
	return appendUint(append(dst, "length "...), uint64(len(b)))
}

// appendUint appends a decimal number.
func appendUint(dst []byte, v uint64) []byte { return strconv.AppendUint(dst, v, 10) }
