// SPDX-License-Identifier: GPL-3.0-or-later

// Package capture records what pvlua does with packets, so that tcpdump and
// Wireshark can show it. Each packet received is recorded as it was received,
// with its verdict in a comment; each one transmitted is recorded as it left:
//
//	received on veth1 -> tx
//	transmitted by veth1
//
// A run on files writes these records itself, in order. A live run must not
// wait for a disk: its workers make their records in batches that a [Recorder]
// takes through a bounded queue; when the queue is full a batch is lost and
// counted.
package capture
