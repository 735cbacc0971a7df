// SPDX-License-Identifier: GPL-3.0-or-later

package packet

// Plan says how a field of at most 48 bits is read and written, for who makes
// code that does so.
type Plan struct {
	// The field is in Size bytes (1, 2, 4 or 6; 0 for other fields) from byte
	// Off on, counted from where Locate says, read in network byte order:
	// shifted right by Shift, and then those of the bits in Mask.
	Off, Size, Shift int
	Mask             uint64
	// Except: with any of these facts the pseudo-header does not hold the field.
	Except Facts
}

// Plan gives how f is read and written.
func (f *Field) Plan() Plan {
	return Plan{Off: int(f.byteOff), Size: int(f.size), Shift: int(f.shift), Mask: f.mask, Except: f.except}
}
