// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

// touch comes before every change of a packet. The first one of the packet in
// hand keeps a copy of it, so that undo can give it back as it was received.
// Owned packets are as the script left them.
func (s *State) touch(f *frame) {
	if !f.touched {
		s.remember(f)
	}
}

// remember keeps a copy of the packet in hand. It allocates only until the
// copy's buffer has grown to the longest packet.
func (s *State) remember(f *frame) {
	f.touched = true
	s.original = append(s.original[:0], f.b...)
	s.originalFrom = f.pkt.From
}

// undo takes back what a handler that failed did to the packet in hand: it may
// have rewritten one half of what belongs together.
func (s *State) undo() {
	if f := &s.hand; f.touched {
		f.span(s.originalFrom, s.originalFrom+len(s.original))
		copy(f.b, s.original)
	}
}
