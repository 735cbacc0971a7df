// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

// touch comes before every change of the packet in hand. The first one keeps a
// copy of the packet, so that undo can give it back as it was received. It
// allocates only until the copy's buffer has grown to the longest packet.
func (s *State) touch() {
	if s.touched {
		return
	}
	s.touched = true
	s.original = append(s.original[:0], s.b...)
}

// undo takes back what a handler that failed did to the packet in hand: it may
// have rewritten one half of what belongs together.
func (s *State) undo() {
	if s.touched {
		copy(s.b, s.original)
	}
}
