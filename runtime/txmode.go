// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import "fmt"

// A TxMode is what a user asks for with --tx: how frames leave. The zero value
// is TxAuto.
type TxMode uint8

const (
	TxAuto   TxMode = iota // the faster way that works, by port and by how much there is to send
	TxRing                 // AF_XDP's transmit ring
	TxInject               // the injector, of however few frames; New fails where it does not work
)

var txNames = [...]string{"auto", "ring", "inject"}

// String returns the name that ParseTxMode reads.
func (m TxMode) String() string {
	if int(m) < len(txNames) {
		return txNames[m]
	}
	return fmt.Sprintf("TxMode(%d)", uint8(m))
}

// ParseTxMode reads auto, ring or inject.
func ParseTxMode(s string) (TxMode, error) {
	for i, name := range txNames {
		if s == name {
			return TxMode(i), nil
		}
	}
	return TxAuto, fmt.Errorf("unknown way out %q: use auto, ring or inject", s)
}
