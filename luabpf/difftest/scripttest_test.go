// SPDX-License-Identifier: GPL-3.0-or-later

package difftest

import (
	"path/filepath"
	"strings"
	"testing"

	"pvlua/internal/privileged"
	"pvlua/luabind"
	"pvlua/scripttest"
	"pvlua/state"
)

// The ready scripts pass their tests when they are compiled.
func TestScriptsTests(t *testing.T) {
	for _, e := range Engines(nil) {
		// What the virtual machine gets is shortened.
		if e.Name == "vm" || e.Name == "plain" && !testing.Short() {
			runScriptTests(t, e)
		}
	}
}

// And in the kernel.
func TestScriptsTestsInKernel(t *testing.T) {
	privileged.Require(t)
	if testing.Short() {
		t.Skip("takes some seconds; run without -short")
	}
	runScriptTests(t, Kernel(nil))
}

func runScriptTests(t *testing.T, e Engine) {
	files, err := filepath.Glob("../../scripts/*_test.lua")
	if err != nil || len(files) == 0 {
		t.Fatal("no tests", err)
	}
	for _, file := range files {
		script := strings.TrimSuffix(file, "_test.lua") + ".lua"
		t.Run(e.Name+"/"+filepath.Base(script), func(t *testing.T) {
			var left []bool
			var out strings.Builder
			why := ""
			r := scripttest.Run(scripttest.Config{Scripts: []string{script}, Out: &out,
				Attach: func(s *luabind.State, store *state.Store, ports []*luabind.Port) (func(), error) {
					in := make([]int, len(ports))
					for i := range ports {
						in[i] = i
					}
					detach, err := e.Attach(s, store, ports, in, &left)
					if err != nil && mistaken(err) {
						return nil, err
					} else if err != nil { // it stays in user space as a whole
						why = err.Error()
						return func() {}, nil
					}
					return detach, nil
				}})
			if r.Failed > 0 || r.Passed == 0 || len(r.Untested) > 0 {
				t.Errorf("%d tests failed %v\n%s", r.Failed, r.Untested, out.String())
			}
			n := 0
			for _, l := range left {
				if l {
					n++
				}
			}
			t.Logf("%d tests passed; %d of %d packets left for Lua %s", r.Passed, n, len(left), why)
		})
	}
}
