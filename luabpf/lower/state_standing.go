// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"slices"

	"github.com/yuin/gopher-lua/ast"
)

// standing is what a path has changed before an operation that may turn out to
// do nothing.
type standing struct {
	changes []ast.PositionHolder
	undo    []*oldBytes
	lasting bool
}

func (p *path) standing() standing {
	return standing{slices.Clone(p.changes), p.undo, p.lasting}
}

// stand notes that the operation has done nothing.
func (p *path) stand(s standing) { p.changes, p.undo, p.lasting = s.changes, s.undo, s.lasting }
