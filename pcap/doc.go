// SPDX-License-Identifier: GPL-3.0-or-later

// Package pcap reads and writes capture files: classic pcap
// (draft-ietf-opsawg-pcap) and pcapng (draft-ietf-opsawg-pcapng).
//
// A [Reader] takes both, in either byte order and with any resolution of time,
// from files and from pipes. It trusts nothing that it reads: whatever the
// bytes are it neither panics nor takes more memory than the largest block
// that it accepts, and an [Error] says which packet could not be read, at
// which byte of the file, and why. Packets before that one have been returned.
//
// Writing is appending: the Append functions encode a header or a packet at
// the end of a slice, so that the data path can make records without a system
// call, and what has been made can be kept, ordered or thrown away. What they
// write depends on their arguments alone.
//
// Only Ethernet is handled. Times are in nanoseconds and in UTC.
package pcap
