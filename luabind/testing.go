// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"

	"pvlua/packet"
)

// A TestHost is the Host of a State made by LoadTest.
type TestHost interface {
	Host
	ExitHost
	SocketHost
	// SetTime makes a time the one that Now gives. It never goes back.
	SetTime(time.Time)
	// Sent gives the frames sent since it was last called, by the port with
	// this Index, or by all if it is negative, and forgets those.
	Sent(port int) []SentFrame
	// Lines gives what the script has printed and logged since it was last
	// called.
	Lines() []string
	// Golden compares packets, which may have headers of the protocols, with a
	// file beside the tests, or writes it. The error says what differs.
	Golden(file string, packets [][]byte, protocols *packet.Protocols) error
	// Datagrams gives what was sent by sockets since it was last called.
	Datagrams() []Datagram
	// Deliver gives a datagram to the socket at a port of its own, or to the
	// first one that is open if that is 0, from an address, or from the one that
	// the socket is connected to if that is not valid. It reports false if there
	// is no socket that takes it; the error is one of the script.
	Deliver(data []byte, from netip.AddrPort, to uint16) (taken bool, err error)
	// ExitStatus gives what the script called pv.exit with, if it did.
	ExitStatus() (status int, exited bool)
}

// SentFrame is a frame that a script has sent.
type SentFrame struct {
	Port int // Index of the port
	Data []byte
}

// Datagram is what a socket of a script has sent.
type Datagram struct {
	Data     []byte
	From, To netip.AddrPort
}

// Setup is what a script under test runs with. Tests ask for one by test.ports
// and test.args.
type Setup struct {
	Ports   []Port // nil: as before
	Args    []string
	HasArgs bool // Args is meant, and not what was before
}

// Renew is the error of LoadTest and RunTest when the tests have asked for
// another setup than the State has: the test is to be run again in a new State.
type Renew struct{ Setup Setup }

// Error says what is to be done, to those who do not expect it.
func (*Renew) Error() string { return "the test needs a State with another setup" }

// Test is a function of the tests.
type Test struct {
	Name string
	Line int // where it begins
}

// testPrefix is what the names of test functions begin with.
const testPrefix = "test_"

// testState is what a State has for tests; nil in others.
type testState struct {
	host   TestHost
	file   string
	lines  []string // of file
	setups []Setup  // those asked for so far, which the State has
	asked  int      // how many of them this State has been asked for
	renew  *Renew   // it was asked for another one
	broken error    // why the script can't run in this setup
	used   bool     // the test has done something with the script
	tests  []Test
}

// LoadTest makes a State with a script as Load does, and in the same globals the
// file of its tests, which also has the global test. c.Host must be a TestHost,
// and setups what *Renew errors have asked for in the same test before, whose
// ports and arguments c has.
//
// A script that fails in this setup is no error yet: the test may go on to ask
// for another one. RunTest gives it.
func LoadTest(c Config, file string, source []byte, setups []Setup) (*State, error) {
	host, ok := c.Host.(TestHost)
	if !ok {
		return nil, errors.New("luabind: Config.Host is no TestHost")
	}
	c, text, err := c.normal()
	if err != nil {
		return nil, err
	}
	s := newState(c)
	t := &testState{host: host, file: file, lines: strings.Split(string(source), "\n"), setups: setups}
	s.testing = t
	t.broken = s.runMain(text)
	if err := s.runTests(source); err != nil {
		s.Close()
		if t.renew == nil && t.broken != nil {
			err = t.broken // which is probably the reason
		}
		return nil, err
	}
	return s, nil
}

// runTests runs the main chunk of the tests and lists them.
func (s *State) runTests(source []byte) error {
	t := s.testing
	if v := s.L.G.Global.RawGetString("test"); v != lua.LNil && t.broken == nil {
		return &ScriptError{Script: s.cfg.Script, Msg: "the global 'test' of the script has the name of the table that tests use; rename it, or make it local"}
	}
	s.openTest()
	fn, err := s.compile(t.file, source)
	if err == nil {
		err = t.checkNames(source)
	}
	if err != nil {
		return err
	}
	err = s.protectedTest(fn)
	if t.renew != nil {
		return t.renew
	}
	if err != nil {
		return err
	}
	s.settleDoubts()
	s.L.G.Global.ForEach(func(k, v lua.LValue) {
		name, isName := k.(lua.LString)
		fn, isFunction := v.(*lua.LFunction)
		if isName && isFunction && !fn.IsG && strings.HasPrefix(string(name), testPrefix) && fn.Proto.SourceName == t.file {
			t.tests = append(t.tests, Test{string(name), fn.Proto.LineDefined})
		}
	})
	slices.SortFunc(t.tests, func(a, b Test) int {
		return cmp.Or(a.Line-b.Line, strings.Compare(a.Name, b.Name))
	})
	return nil
}

// checkNames refuses tests that would silently not be run: those that are local,
// and all but the last of those that have the same name.
func (t *testState) checkNames(source []byte) error {
	chunk, err := parseChunk(t.file, source)
	if err != nil {
		return syntaxError(t.file, source, err)
	}
	lines := make(map[string]int)
	for _, st := range chunk {
		name, f, local := definition(st)
		if !strings.HasPrefix(name, testPrefix) {
			continue
		}
		if local {
			return &ScriptError{Script: t.file, Line: f.Line(), Msg: fmt.Sprintf(`%s is local, so it would not be run: leave out "local"`, name)}
		}
		if lines[name] > 0 {
			return &ScriptError{Script: t.file, Line: f.Line(), Msg: fmt.Sprintf("there is a %s already, at line %d, which would not be run: give one of them another name", name, lines[name])}
		}
		lines[name] = f.Line()
	}
	return nil
}

// definition gives the function that a statement defines under one name, nil if
// it does not.
func definition(st ast.Stmt) (name string, f *ast.FunctionExpr, local bool) {
	switch st := st.(type) {
	case *ast.FuncDefStmt:
		if id, ok := st.Name.Func.(*ast.IdentExpr); ok {
			return id.Value, st.Func, false
		}
	case *ast.LocalAssignStmt:
		if len(st.Names) == 1 && len(st.Exprs) == 1 {
			if f, ok := st.Exprs[0].(*ast.FunctionExpr); ok {
				return st.Names[0], f, true
			}
		}
	}
	return "", nil, false
}

// Tests lists the tests in the order of the file.
func (s *State) Tests() []Test { return s.testing.tests }

// RunTest runs on_start, one test, and on_stop. The error is a *ScriptError, a
// *Renew, or the *EarlyExit of a script that does not want to run. A State can
// run one test.
func (s *State) RunTest(name string) error {
	t := s.testing
	if t.broken == nil {
		t.broken = s.Start()
	}
	fn, ok := s.L.G.Global.RawGetString(name).(*lua.LFunction)
	if !ok {
		return &ScriptError{Script: t.file, Msg: fmt.Sprintf("there is no function %s", name)}
	}
	err := s.protectedTest(fn)
	switch {
	case t.renew != nil:
		return t.renew
	case t.broken != nil:
		return t.broken
	case err != nil:
		return err
	}
	return s.Stop()
}

// testQuota is how many times the quota of a callback a test may take, what the
// callbacks take not counted.
const testQuota = 20

// protectedTest calls a function of the tests.
func (s *State) protectedTest(fn *lua.LFunction) error {
	q := s.quota
	defer func(limit int) { q.what, q.limit = "", limit }(q.limit)
	q.what, q.limit = "test", testQuota*q.limit
	return s.protectedCall(fn)
}

// inTest runs f, which calls the script, within a function of the tests that
// runs. The script has the quota that it always has, and what goes wrong in it
// leaves the functions of the tests alone.
func (s *State) inTest(L *lua.LState, fn string, f func()) {
	t := s.testing
	switch {
	case t.broken != nil:
		L.Error(lua.LString(t.broken.Error()), 0)
	case L != s.L:
		L.RaiseError("%s can't be called in a coroutine", fn)
	case s.hand.pkt != nil:
		L.RaiseError("%s can't be called while on_packet runs", fn)
	}
	t.used = true
	q := *s.quota
	nested, bottom, outer, handling := s.nested, s.bottom, s.outer, *hasHandler(L)
	defer func() {
		*s.quota = q
		s.nested, s.bottom, s.outer, *hasHandler(L) = nested, bottom, outer, handling
		s.quota.spend(L, callCost)
	}()
	s.quota.what, s.quota.limit = "", s.cfg.Quota
	s.nested, s.bottom = true, registerTop(L)
	s.outer, *hasHandler(L) = openBelow(L, s.bottom), false
	f()
}

// callCost is what a call of the script costs a test, in instructions, so that
// a test that calls it for ever comes to an end.
const callCost = 1000
