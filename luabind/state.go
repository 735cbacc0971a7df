// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"

	lua "github.com/yuin/gopher-lua"

	"pvlua/packet"
	"pvlua/state"
)

// State is one Lua state with one script. It belongs to one goroutine. Two
// states share nothing but constants.
type State struct {
	cfg    Config
	L      *lua.LState
	quota  *quota
	values *values
	random *rand.Rand

	ports  []*port
	timers timers
	out    outside

	protocols packet.Protocols     // the headers that the script has declared
	names     map[string]*property // what only they have, and are

	// The packet in hand.
	hand         frame
	kept         bool     // the script keeps a view of it
	original     []byte   // what it was before the handler changed it,
	originalFrom int      // and where
	gone         frame    // what views show that were kept: no packet
	scratch      [16]byte // an address on its way into it
	needle       []byte   // what is looked for in it

	removals removals // of elements of tables

	metatables      [numKinds]*lua.LTable
	ownedMetatables [kindPacket + 1]*lua.LTable // of views of owned packets
	deadMetatable   *lua.LTable

	// Handle's work.
	handler        *lua.LFunction // on_packet
	handlerChanged bool           // it has been assigned
	front          *front         // of it, nil if it has none
	fronts         map[*lua.LFunction]*front
	pass           pass
	ipairs         lua.LValue // the function of the library
	simple         map[lua.LValue]func([]value) value
	localHandler   int // the line of a local one, 0 if there is none
	driver         *lua.LFunction
	guard          *lua.LFunction // callGuarded
	guardedFn      *lua.LFunction // what it calls
	runners        []Runner       // by port, nil without any
	batch          []Packet
	next           int // in batch

	source  []byte                     // of the script
	numbers map[*lua.FunctionProto]int // which of its functions were made of which, as Function.All counts
	program *Program                   // nil until it is asked for

	pv      *lua.LTable // the members of the module pv
	frozen  map[*lua.LTable]*lua.LTable
	modules *modules
	scripts map[string]*lua.FunctionProto // what was compiled, by its name
	lints   *lints                        // what was checked before it ran
	closed  bool

	testing *testState     // of a state for tests
	nested  bool           // a callback runs within a function of tests,
	bottom  int            // which has the registers below this one,
	outer   []*lua.Upvalue // and these captured variables in them
}

func init() {
	// gopher-lua has these as globals of the process. The first turns off
	// the arg table of Lua 5.0, which costs every vararg call. The second
	// keeps t[0x01020304] = 1 from making an array of all the elements below;
	// longer arrays work as well, but from there on by hashing.
	lua.CompatVarArg = false
	lua.MaxArrayIndex = maxArray
}

// Load makes a State: it compiles the script and runs its main chunk. An error
// of the script is a *ScriptError.
func Load(c Config) (*State, error) {
	c, source, err := c.normal()
	if err != nil {
		return nil, err
	}
	s := newState(c)
	if err := s.runMain(source); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// normal returns c with its defaults filled in, and the text of the script.
func (c Config) normal() (_ Config, source []byte, err error) {
	if c.Host == nil {
		return c, nil, errors.New("luabind: Config.Host is missing")
	}
	if c.Quota < 0 {
		return c, nil, fmt.Errorf("luabind: a quota of %d instructions: it must be positive", c.Quota)
	}
	if c.Quota == 0 {
		c.Quota = DefaultQuota
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Stdout == nil {
		c.Stdout = io.Discard
	}
	if c.Store == nil {
		c.Store = state.New()
	}
	c.Workers = max(c.Workers, 1)
	if c.Source != nil {
		return c, c.Source, nil
	}
	if source, err = c.Sources.get(c.Script, func() ([]byte, error) { return os.ReadFile(c.Script) }); err != nil {
		return c, nil, fmt.Errorf("script: %w", err)
	}
	return c, source, nil
}

// newState makes a State with all libraries and no script.
func newState(c Config) *State {
	fillSmall()
	s := &State{
		cfg:     c,
		L:       lua.NewState(lua.Options{SkipOpenLibs: true}),
		quota:   newQuota(c.Quota),
		values:  new(values),
		random:  newRandom(0),
		hand:    frame{stale: true},
		gone:    frame{stale: true},
		frozen:  make(map[*lua.LTable]*lua.LTable),
		scripts: make(map[string]*lua.FunctionProto),
		lints:   newLints(),
		names:   make(map[string]*property),
	}
	s.hand.layout.Declared = &s.protocols
	s.pass.init(s)
	s.driver = s.L.NewFunction(s.drive)
	s.guard = s.L.NewFunction(s.callGuarded)
	s.makeMetatables()
	s.openOutside()
	s.openLibraries()
	s.findSimple()
	s.makePorts()
	s.openModule()
	s.openModules()
	checkLayouts(s.L)
	s.quota.guardLoop(s.L)
	return s
}

// runMain compiles and runs the script and finds its on_packet.
func (s *State) runMain(source []byte) error {
	fn, err := s.compile(s.cfg.Script, source)
	if err != nil {
		return err
	}
	if err := s.endMain(source, s.protectedCall(fn)); err != nil {
		return err
	}
	if err := s.findHandler(); err != nil {
		return err
	}
	s.lints.loaded = true
	s.settleDoubts()
	return nil
}

// protectedCall calls a function of the script without arguments or results,
// as a callback of its own.
func (s *State) protectedCall(fn *lua.LFunction) error {
	s.quota.reset()
	defer s.removals.bury()
	if err := s.guarded(fn); err != nil {
		e := s.scriptError(err)
		s.repair()
		return e
	}
	return nil
}

// guarded calls a function without arguments or results. It gives the error,
// of gopher-lua's, if that fails. PCall itself panics in rare cases, while it
// makes the traceback of an error; recovering from that leaves call frames
// behind, of which there are 256. So it is done within another PCall, which
// removes them.
func (s *State) guarded(fn *lua.LFunction) error {
	s.guardedFn = fn
	s.L.Push(s.guard)
	err := s.L.PCall(0, 0, nil)
	if err != nil && s.nested {
		detach(s.L, s.bottom)
		attach(s.L, s.outer)
	}
	return err
}

// callGuarded is the Go function between the two.
func (s *State) callGuarded(L *lua.LState) int {
	if err := s.recoverPCall(L); err != nil {
		panic(err)
	}
	return 0
}

// recoverPCall calls guardedFn and makes an error of a panic of PCall. The
// error has a traceback, so that the outer PCall does not make one.
func (s *State) recoverPCall(L *lua.LState) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &lua.ApiError{Type: lua.ApiErrorPanic, Object: lua.LString(fmt.Sprint(r)), StackTrace: internalChunk}
		}
	}()
	L.Push(s.guardedFn)
	return L.PCall(0, 0, nil)
}

// repair puts the Lua state in order after a failed call: no function runs any
// more but those of tests, whose variables guarded has seen to; so no other one is
// in a register.
func (s *State) repair() {
	s.L.G.CurrentThread = s.L.G.MainThread
	if !s.nested {
		detach(s.L, 0)
	}
}

// internalChunk is the name of code that is no script's; tracebacks leave it out.
const internalChunk = "[pvlua]"

// Start calls on_start, if the script has it.
func (s *State) Start() error { return s.callGlobal("on_start") }

// Stop calls on_stop, if the script has it. The State can't be used after it
// but for Close.
func (s *State) Stop() error { return s.callGlobal("on_stop") }

// callGlobal calls a global function of the script, if it is there.
func (s *State) callGlobal(name string) error {
	if s.closed {
		return errors.New("luabind: the state is closed")
	}
	switch fn := s.L.G.Global.RawGetString(name).(type) {
	case *lua.LNilType:
		return nil
	case *lua.LFunction:
		return s.protectedCall(fn)
	default:
		return &ScriptError{Script: s.cfg.Script, Msg: fmt.Sprintf("%s is %s; expected a function", name, describe(fn))}
	}
}

// Close releases what the State holds. Closing it twice does no harm.
func (s *State) Close() {
	if s.closed {
		return
	}
	s.closed = true
	s.timers.clear()
	s.closeSockets()
	s.L.Close()
}
