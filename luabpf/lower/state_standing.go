// SPDX-License-Identifier: GPL-3.0-or-later

package lower

// standing gives what a path has changed before an operation that may turn out
// to do nothing.
func (p *path) standing() altered { return p.altered }

// stand notes that the operation has done nothing.
func (p *path) stand(a altered) { p.altered = a }
