// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"

	"pvlua/luabpf/ir"
	"pvlua/packet"
)

// kind is what a value is. On a path it is known of every value.
type kind uint8

const (
	isNil      kind = iota
	isBool          // known: n is 0 or 1; otherwise reg holds 0 or 1
	isNumber        // known: n, a whole number; otherwise reg, from lo to hi
	isFraction      // a known number that is not whole, or beyond 2^53: f
	isAddress       // a string of 16 bytes: known: text; otherwise reg and reg2, as ir.Load reads them
	isText          // a known string of another length: text
	isPacket        // pkt
	isHeader        // a view of header that this path has proven to be there
	isPort          // port number n, always known
	isFunc          // a function of the script
	isTable         // a constant table
	isObject        // a value of the libraries: a function, module, counter or map
)

// value is a value on one path.
type value struct {
	kind   kind
	known  bool // a constant
	n      int64
	reg    ir.Reg
	reg2   ir.Reg
	lo, hi int64 // of a number: inclusive; lo == hi == n when known
	f      float64
	text   string
	header packet.HeaderID
	fn     *ast.FunctionExpr
	lua    lua.LValue // the constant that a table or object is, if it has one
	name   string     // of an object, as in the library: "pv.ip_str", "bit32.band", "require"
}

// result is a value and the path on which an expression has it.
type result struct {
	*path
	value
}

// maxWhole is the greatest number up to which doubles count every whole number.
const maxWhole = 1 << 53
