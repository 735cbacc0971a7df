// SPDX-License-Identifier: GPL-3.0-or-later

package packet

// hexLine is how many bytes of a packet AppendHexDump puts on a line.
const hexLine = 16

// AppendHexDump appends the bytes of b in lines of 16: the offset, the bytes in
// hexadecimal, and those that are printable ASCII as text. Lines end with a
// newline. It is the form that text2pcap and Wireshark's import read.
func AppendHexDump(dst, b []byte) []byte {
	const digits = "0123456789abcdef"
	for off := 0; off < len(b); off += hexLine {
		line := b[off:min(off+hexLine, len(b))]
		for shift := 12; shift >= 0; shift -= 4 {
			dst = append(dst, digits[off>>shift&15])
		}
		dst = append(dst, ' ')
		for i := range hexLine {
			if i%8 == 0 {
				dst = append(dst, ' ')
			}
			if i < len(line) {
				dst = append(dst, digits[line[i]>>4], digits[line[i]&15], ' ')
			} else {
				dst = append(dst, ' ', ' ', ' ')
			}
		}
		dst = append(dst, ' ')
		for _, c := range line {
			if c < ' ' || c > '~' {
				c = '.'
			}
			dst = append(dst, c)
		}
		dst = append(dst, '\n')
	}
	return dst
}
