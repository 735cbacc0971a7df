// SPDX-License-Identifier: GPL-3.0-or-later

package capture

import (
	"strings"
	"unicode/utf8"

	"pvlua/luabind"
	"pvlua/pcap"
)

// AppendReceived appends the comment of a packet that came in on a port: what
// became of it, and of one that the handler failed on, where and why.
//
//	received on veth1 -> veth3
//	received on veth1 -> error, pass: scripts/mine.lua:7: attempt to index a nil value
//
// verdict is p's, or that of --on-error; out is the name of the port that a
// Redirect names. It allocates only for errors.
func AppendReceived(dst []byte, in string, verdict luabind.Verdict, out string, err error) []byte {
	dst = append(dst, "received on "...)
	dst = append(dst, in...)
	dst = append(dst, " -> "...)
	if err != nil {
		dst = append(dst, "error, "...)
	}
	if verdict == luabind.Redirect {
		dst = append(dst, out...)
	} else {
		dst = append(dst, verdict.String()...)
	}
	if err != nil {
		dst = append(dst, ": "...)
		dst = append(dst, text(err.Error())...)
	}
	return dst
}

// text makes a comment of a message that may hold anything: a comment is UTF-8,
// and not longer than pcap.MaxComment less what stands before it.
func text(message string) string {
	const limit = pcap.MaxComment - 1024
	clean := strings.ToValidUTF8(message[:min(len(message), limit)], "\ufffd")
	clean = strings.ReplaceAll(clean, "\x00", `\0`) // which would end the comment
	if len(message) <= limit && len(clean) <= limit {
		return clean
	}
	end := min(len(clean), limit)
	for end < len(clean) && !utf8.RuneStart(clean[end]) {
		end--
	}
	return clean[:end] + "..."
}

// AppendTransmitted appends the comment of a packet that left by a port.
func AppendTransmitted(dst []byte, out string) []byte {
	dst = append(dst, "transmitted by "...)
	return append(dst, out...)
}

// AppendPassed appends the comment of a packet that the handler changed and
// passed, as the stack gets it.
func AppendPassed(dst []byte, in string) []byte {
	dst = append(dst, "passed to the stack of "...)
	dst = append(dst, in...)
	return append(dst, ", changed"...)
}
