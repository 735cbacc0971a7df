// SPDX-License-Identifier: GPL-3.0-or-later

package handlertest_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"pvlua/internal/privileged"
	"pvlua/luabind"
	"pvlua/luabind/handlertest"
	"pvlua/luabpf/difftest"
	"pvlua/state"
)

var update = flag.Bool("update", false, "write testdata/exits.txt anew")

// exitsFile lists the cases whose packets compiled handlers leave for Lua. That
// a case is on it is no fault; that one comes to be is to be noticed.
const exitsFile = "testdata/exits.txt"

// Compiled handlers do what the table says as well, or leave the packet for Lua.
func TestCompiled(t *testing.T) {
	var left []string
	for _, e := range difftest.Engines(nil) {
		if e.Name == "shortened" {
			continue // so is what the virtual machine gets
		}
		t.Run(e.Name, func(t *testing.T) { left = runCases(t, e) })
	}
	if *update {
		if err := os.WriteFile(exitsFile, []byte(strings.Join(left, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(exitsFile)
	if err != nil {
		t.Fatal(err)
	}
	const advice = "; if it is meant to be so: go test ./luabind/handlertest -run TestCompiled -update"
	pinned := strings.Split(strings.TrimSpace(string(text)), "\n")
	for _, name := range left {
		if !slices.Contains(pinned, name) {
			t.Errorf("%s is left for Lua, which %s does not list%s", name, exitsFile, advice)
		}
	}
	for _, name := range pinned {
		if !slices.Contains(left, name) {
			t.Errorf("%s lists %s, which is compiled%s", exitsFile, name, advice)
		}
	}
	t.Logf("%d of %d cases are left for Lua", len(left), len(handlertest.Cases()))
}

// The kernel's program does too.
func TestKernel(t *testing.T) {
	privileged.Require(t)
	left := runCases(t, difftest.Kernel(nil))
	t.Logf("%d of %d cases are left for Lua", len(left), len(handlertest.Cases()))
}

// runCases runs the table in an engine, and gives the names of the cases that it
// left for Lua.
func runCases(t *testing.T, e difftest.Engine) (left []string) {
	for _, c := range handlertest.Cases() {
		if e.Name == "kernel" && strings.Contains(c.Err, "the frame has room for") {
			continue // there is another amount of it
		}
		t.Run(c.Name, func(t *testing.T) {
			gone, state := runCase(t, e, &c)
			if gone {
				left = append(left, c.Name)
			}
			if _, want := runCase(t, difftest.Engine{}, &c); state != want {
				t.Errorf("counters and maps\n%swant\n%s%s", state, want, c.Script())
			}
		})
	}
	return left
}

// runCase runs a case in an engine, and gives whether it was left for Lua, and
// the counters and maps after it.
func runCase(t *testing.T, e difftest.Engine, c *handlertest.Case) (left bool, after string) {
	t.Helper()
	store, ports := state.New(), handlertest.Ports()
	s, err := luabind.Load(luabind.Config{
		Script: handlertest.Name, Source: []byte(c.Script()), Ports: ports, Host: &handlertest.Host{}, Store: store,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var each []bool
	detach, err := e.Attach(s, store, ports, []int{c.Port}, &each)
	switch {
	case errors.Is(err, difftest.ErrNotCompiled):
		each = []bool{true}
	case err != nil:
		t.Fatalf("%v\n%s", err, c.Script())
	default:
		defer detach()
	}
	const room = 100
	buf := bytes.Repeat([]byte{0xee}, room+len(c.Packet)+room)
	copy(buf[room:], c.Packet)
	p := []luabind.Packet{{Buf: buf, From: room, To: room + len(c.Packet), Port: c.Port}}
	s.Handle(p)
	if err := c.Check(&p[0]); err != nil {
		t.Errorf("%v\n%s", err, c.Script())
	}
	if !strings.HasPrefix(c.Name, "reshape/") && (bytes.Count(buf[:room], []byte{0xee}) != room || bytes.Count(buf[room+len(c.Packet):], []byte{0xee}) != room) {
		t.Error("bytes outside of the packet were written")
	}
	return len(each) > 0 && each[0], difftest.Dump(store)
}
