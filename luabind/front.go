// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"unsafe"

	lua "github.com/yuin/gopher-lua"
)

// A front is a handler, or as much of it as is simple, as a tree of Go closures
// that reads and writes the packet without gopher-lua: an instruction of that
// costs as much as reading a header does. Simple are decisions about fields,
// constants, ports and look-ups in tables, assignments of fields, and calls of
// local functions that consist of such; see front_build.go.
//
// A front is an optimist. It takes the text at its word and tests, as it goes,
// all that could be otherwise: headers that are absent, values of another type,
// tables with metatables, numbers that do not fit. When a test fails it gives
// up: the packet gets back what it was, and gopher-lua runs the handler from
// its beginning, as if nothing had been. So a front has no error messages and
// no rare cases of its own, and what it does is what gopher-lua would have done
// in every other case. It may give up only because it changes nothing but the
// packet.
type front struct {
	first stage
	cost  int // instructions that gopher-lua takes for it at most, but for loops

	vain int // how much more often it gave up than not
	rest int // packets until it is tried again
}

// A front that gives up on nearly every packet only costs time: after tooVain
// of them more than others it rests for a while.
const (
	tooVain  = 1000
	restTime = 50_000 // packets
)

// stage is one step of a front. It gives the next one, nil at the end.
type stage interface {
	take(*pass) stage
}

// pass is one packet on its way through a front. A State has one.
type pass struct {
	s    *State
	f    *frame // the packet in hand
	port *port  // that it came in on
	bad  bool   // something is not as the front takes it to be: it gives up

	slots  [maxSlots]slotValue // the values of local variables
	parts  [maxFused]slotValue // those of an assignment, before it is done
	key    lua.LValue          // a number that number changes
	number *float64

	changes []change  // that it would have to take back
	pending []pending // what is done in the end
	budget  int       // instructions that are left for loops

	verdict Verdict // the outcome, 0 if it gave up
	out     int
	taken   int // packets that it did not give up on
}

// maxSlots is how many local variables can be in use on one path.
const maxSlots = 32

// slotValue is the value of a local variable. Which part holds it, the builder
// knows.
type slotValue struct {
	n uint64
	x float64
	v lua.LValue
	b [16]byte
}

// init makes the key whose number can be changed, for look-ups in tables; they
// do not keep it.
func (c *pass) init(s *State) {
	c.s, c.f = s, &s.hand
	c.number = new(float64)
	var v lua.LValue = lua.LNumber(0)
	(*[2]unsafe.Pointer)(unsafe.Pointer(&v))[1] = unsafe.Pointer(c.number)
	c.key = v
}

// run has the front decide on the packet in hand. It reports false if it gave up;
// the packet is then in hand as it came.
func (fr *front) run(s *State, p *Packet) bool {
	c := &s.pass
	if fr.rest > 0 {
		fr.rest--
		return false
	}
	if uint(p.Port) >= uint(len(s.ports)) || fr.cost > s.quota.limit {
		return false
	}
	c.budget = s.quota.limit - fr.cost
	c.port = s.ports[p.Port]
	c.f.walk()
	c.bad, c.verdict = false, 0
	c.changes, c.pending = c.changes[:0], c.pending[:0]
	for st := fr.first; st != nil; {
		st = st.take(c)
	}
	if c.verdict == 0 || len(c.pending) > 0 && !c.commit() {
		if fr.vain++; fr.vain > tooVain {
			fr.vain, fr.rest = tooVain/2, restTime
		}
		c.takeBack()
		if c.f.touched {
			s.undo()
			s.begin(p)
		}
		return false
	}
	s.quota.left -= (s.quota.limit - fr.cost - c.budget) / frontDiscount
	fr.vain = max(fr.vain-10, 0) // one that saves the work pays for several in vain
	c.taken++
	p.Verdict, p.Out = c.verdict, c.out
	return true
}

// frontDiscount is how much faster a front is than gopher-lua, at least, which
// counts for Handle's turns.
const frontDiscount = 8

// giveUp is the step that ends a front without a verdict.
type giveUp struct{}

func (giveUp) take(*pass) stage { return nil }

// decision is a return statement with a constant verdict.
type decision struct {
	verdict Verdict
	out     int
	stores  bool // there is a change of a map to be done, which may fail
}

func (d *decision) take(c *pass) stage {
	c.verdict, c.out = d.verdict, d.out
	return nil
}

// answer is a return statement with any other value.
type answer struct {
	value func(*pass) lua.LValue
}

func (a *answer) take(c *pass) stage {
	v := a.value(c)
	if c.bad {
		return nil
	}
	switch v := v.(type) {
	case *lua.LNilType:
		c.verdict, c.out = Pass, 0
	case lua.LNumber:
		switch v {
		case lua.LNumber(Drop), lua.LNumber(Pass), lua.LNumber(TX):
			c.verdict, c.out = Verdict(v), 0
		}
	case *lua.LUserData:
		if o := objectOf(v); o != nil && o.kind == kindPort {
			c.verdict, c.out = Redirect, o.port.Index
		}
	}
	return nil
}

// branch is an if statement.
type branch struct {
	cond    func(*pass) bool
	yes, no stage
}

func (b *branch) take(c *pass) stage {
	t := b.cond(c)
	switch {
	case c.bad:
		return nil
	case t:
		return b.yes
	}
	return b.no
}

// let gives a local variable its value.
type let struct {
	slot  int
	value value
	next  stage
}

func (l *let) take(c *pass) stage {
	l.value.load(c, &c.slots[l.slot])
	if c.bad {
		return nil
	}
	return l.next
}
