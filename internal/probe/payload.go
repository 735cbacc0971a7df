// SPDX-License-Identifier: GPL-3.0-or-later

package probe

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
)

const cookieLen = 8

// payload makes what the echoes of one run carry: a random cookie, the number of
// the probe, and bytes that depend on both, so that no altered, mixed up or foreign
// answer passes for a right one.
type payload struct {
	cookie uint64
	size   int
}

func newPayload(size int) payload { return payload{rand.Uint64(), size} }

func (p payload) append(b []byte, seq int) []byte {
	start := len(b)
	b = binary.BigEndian.AppendUint64(b, p.cookie)
	b = binary.BigEndian.AppendUint32(b, uint32(seq))
	x := p.cookie ^ uint64(seq)
	for len(b)-start < p.size {
		x = x*6364136223846793005 + 1442695040888963407
		b = append(b, byte(x>>56))
	}
	return b
}

// seq reads the number of the probe that an answer is to.
func (p payload) seq(b []byte) (seq int, fault string) {
	if len(b) < minPayload || binary.BigEndian.Uint64(b) != p.cookie {
		return 0, fmt.Sprintf("answer of %d bytes that was never asked", len(b))
	}
	return int(binary.BigEndian.Uint32(b[cookieLen:])), ""
}

// judge says how an answer differs from what was sent; empty: not at all.
func (p payload) judge(b []byte, seq int) (fault string) {
	want := p.append(make([]byte, 0, p.size), seq)
	switch {
	case len(b) != len(want):
		return fmt.Sprintf("answer with %d bytes of payload, not %d", len(b), len(want))
	case !bytes.Equal(b, want):
		return fmt.Sprintf("payload of answer %d altered", seq)
	}
	return ""
}
