// SPDX-License-Identifier: GPL-3.0-or-later

// Package pcap reads and writes capture files, classic pcap and pcapng, with
// pcapgo of gopacket, and adds what pcapgo leaves to its users: an [Error] says
// which packet could not be read, at which byte of the file, and why, and what
// a handler can't be given is refused with a remedy.
//
// A [Reader] takes either format, in either byte order and with any resolution
// of time, from files and from pipes. It trusts nothing that it reads: whatever
// the bytes are it neither panics nor takes more memory than the largest block
// that it accepts. Packets before an error have been returned.
//
// An [Encoder] appends to slices, so that what has been made can be kept,
// ordered or thrown away. What it makes depends on its arguments alone.
//
// Only Ethernet is handled. Times are in nanoseconds and in UTC.
package pcap
